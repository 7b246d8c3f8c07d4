// Half precision: what CuPy's float16 takes of CUDA's header of this name.
#pragma once

struct __half_raw { unsigned short x; };

struct __half {
    _Float16 value;
    __half() = default;
    __half(float v) : value(v) {}
    explicit __half(double v) : value(v) {}
    explicit __half(int v) : value(v) {}
    explicit __half(unsigned v) : value(v) {}
    explicit __half(long long v) : value(v) {}
    explicit __half(unsigned long long v) : value(v) {}
    __half(const __half_raw& v) { std::memcpy(&value, &v, sizeof value); }
    operator float() const { return value; }
    operator __half_raw() const { __half_raw raw; std::memcpy(&raw, &value, sizeof raw); return raw; }
};
typedef __half half;

inline unsigned short __half_as_ushort(__half x) { return __half_raw(x).x; }
inline __half __ushort_as_half(unsigned short x) { return __half(__half_raw{x}); }
inline __half __float2half_rn(float x) { return x; }
inline float __half2float(__half x) { return x; }
