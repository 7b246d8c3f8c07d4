// What CUDA C++ knows without a header, for a C++ compiler: every kernel is compiled with this
// before it (compiler.py). A name that is not here does not compile, which says which it is.
#pragma once

#include <cassert>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <type_traits>
#include <utility>

#define __CUDACC__ 1
#define __CUDACC_RTC__ 1
#define __CUDACC_VER_MAJOR__ 12
#define __CUDACC_VER_MINOR__ 9
#define __CUDA_ARCH__ 900

#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
// One block runs at a time, so shared memory is a static variable. It has a section of its own,
// which is filled with NaN before each block.
#define __shared__ static __attribute__((section("on_cpu_shared")))

// Threads

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x = 1, y = 1, z = 1; };
static uint3 threadIdx, blockIdx;
static dim3 blockDim, gridDim;
static const int warpSize = 32;

extern "C" {
void* on_cpu_dynamic_shared(size_t* size);
void on_cpu_run_block(dim3 block, uint3* place, void (*thread)(void*), void* context);
void on_cpu_barrier();
void on_cpu_warp_barrier();
unsigned long long on_cpu_exchange(unsigned long long value, int from);
unsigned on_cpu_ballot(bool value);
}

inline void __syncthreads() { on_cpu_barrier(); }
inline void __syncwarp(unsigned = 0xffffffffu) { on_cpu_warp_barrier(); }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline int __syncthreads_count(int value) {
    __shared__ int count;
    count = 0;
    on_cpu_barrier();
    count += value != 0;
    on_cpu_barrier();
    const int all = count;
    on_cpu_barrier();
    return all;
}
inline int __syncthreads_or(int value) { return __syncthreads_count(value) != 0; }
inline int __syncthreads_and(int value) { return __syncthreads_count(!value) == 0; }

inline int on_cpu_lane() {
    return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32;
}
template <class T> T on_cpu_from(T value, int lane) {
    static_assert(sizeof(T) <= 8, "a shuffle takes 4 or 8 bytes");
    unsigned long long bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bits = on_cpu_exchange(bits, lane);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
template <class T> T __shfl_sync(unsigned, T value, int from, int width = 32) {
    const int lane = on_cpu_lane();
    return on_cpu_from(value, lane / width * width + (from % width + width) % width);
}
template <class T> T __shfl_down_sync(unsigned, T value, unsigned by, int width = 32) {
    const int lane = on_cpu_lane();
    return on_cpu_from(value, lane % width + int(by) < width ? lane + int(by) : lane);
}
template <class T> T __shfl_up_sync(unsigned, T value, unsigned by, int width = 32) {
    const int lane = on_cpu_lane();
    return on_cpu_from(value, lane % width >= int(by) ? lane - int(by) : lane);
}
template <class T> T __shfl_xor_sync(unsigned, T value, int mask, int width = 32) {
    const int lane = on_cpu_lane(), from = lane ^ mask;
    return on_cpu_from(value, from / width <= lane / width ? from : lane);
}
inline unsigned __ballot_sync(unsigned mask, int value) { return on_cpu_ballot(value) & mask; }
inline int __any_sync(unsigned mask, int value) { return __ballot_sync(mask, value) != 0; }
inline int __all_sync(unsigned mask, int value) { return __ballot_sync(mask, !value) == 0; }

// Atomic: nothing else runs meanwhile

typedef unsigned long long on_cpu_ulong;
template <class T> T on_cpu_swap(T* at, T value) { T old = *at; *at = value; return old; }
#define ON_CPU_ATOMIC(T)                                                                           \
    inline T atomicAdd(T* at, T x) { return on_cpu_swap(at, T(*at + x)); }                         \
    inline T atomicExch(T* at, T x) { return on_cpu_swap(at, x); }
#define ON_CPU_ATOMIC_INTEGER(T)                                                                   \
    ON_CPU_ATOMIC(T)                                                                               \
    inline T atomicSub(T* at, T x) { return on_cpu_swap(at, T(*at - x)); }                         \
    inline T atomicAnd(T* at, T x) { return on_cpu_swap(at, T(*at & x)); }                         \
    inline T atomicOr(T* at, T x) { return on_cpu_swap(at, T(*at | x)); }                          \
    inline T atomicXor(T* at, T x) { return on_cpu_swap(at, T(*at ^ x)); }                         \
    inline T atomicMin(T* at, T x) { return on_cpu_swap(at, x < *at ? x : *at); }                  \
    inline T atomicMax(T* at, T x) { return on_cpu_swap(at, x > *at ? x : *at); }                  \
    inline T atomicCAS(T* at, T compare, T x) { return on_cpu_swap(at, *at == compare ? x : *at); }
ON_CPU_ATOMIC(float)
ON_CPU_ATOMIC(double)
ON_CPU_ATOMIC_INTEGER(int)
ON_CPU_ATOMIC_INTEGER(unsigned)
ON_CPU_ATOMIC_INTEGER(on_cpu_ulong)

// Bits

template <class To, class From> To on_cpu_bits(From x) {
    static_assert(sizeof(To) == sizeof(From), "the same bits");
    To y;
    std::memcpy(&y, &x, sizeof y);
    return y;
}
inline float __int_as_float(int x) { return on_cpu_bits<float>(x); }
inline int __float_as_int(float x) { return on_cpu_bits<int>(x); }
inline float __uint_as_float(unsigned x) { return on_cpu_bits<float>(x); }
inline unsigned __float_as_uint(float x) { return on_cpu_bits<unsigned>(x); }
inline double __longlong_as_double(long long x) { return on_cpu_bits<double>(x); }
inline long long __double_as_longlong(double x) { return on_cpu_bits<long long>(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
template <class T> T __ldg(const T* at) { return *at; }

// Functions: those of C++, for float and double under one name

using std::abs; using std::acos; using std::acosh; using std::asin; using std::asinh; using std::atan;
using std::atan2; using std::atanh; using std::cbrt; using std::ceil; using std::copysign; using std::cos;
using std::cosh; using std::erf; using std::erfc; using std::exp; using std::exp2; using std::expm1;
using std::fabs; using std::floor; using std::fma; using std::fmax; using std::fmin; using std::fmod;
using std::frexp; using std::hypot; using std::ilogb; using std::isfinite; using std::isinf; using std::isnan;
using std::ldexp; using std::lgamma; using std::llrint; using std::log; using std::log10; using std::log1p;
using std::log2; using std::logb; using std::lrint; using std::modf; using std::nearbyint;
using std::nextafter; using std::pow; using std::remainder; using std::rint; using std::round;
using std::signbit; using std::sin; using std::sinh; using std::sqrt; using std::tan; using std::tanh;
using std::tgamma; using std::trunc;
inline float rsqrt(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float rsqrtf(float x) { return rsqrt(x); }
template <class T, class U> auto min(T x, U y) -> typename std::enable_if<
    std::is_arithmetic<T>::value && std::is_arithmetic<U>::value, decltype(x + y)>::type {
    if constexpr (std::is_floating_point<decltype(x + y)>::value) return std::fmin(x, y);
    else { decltype(x + y) a = x, b = y; return b < a ? b : a; }
}
template <class T, class U> auto max(T x, U y) -> typename std::enable_if<
    std::is_arithmetic<T>::value && std::is_arithmetic<U>::value, decltype(x + y)>::type {
    if constexpr (std::is_floating_point<decltype(x + y)>::value) return std::fmax(x, y);
    else { decltype(x + y) a = x, b = y; return a < b ? b : a; }
}

// A kernel, as threads.h describes it

namespace on_cpu {

extern "C" char __start_on_cpu_shared[] __attribute__((weak, visibility("hidden")));
extern "C" char __stop_on_cpu_shared[] __attribute__((weak, visibility("hidden")));

struct Kernel {
    void (*run)(dim3 grid, dim3 block, void** params);
    size_t count;
    const size_t* sizes;
    size_t shared;
};

// `meet`: whether the threads of a block do, at barriers or in shared memory
template <auto f, bool meet> struct Launch;
template <class... A, void (*f)(A...), bool meet> struct Launch<f, meet> {
    static constexpr size_t sizes[] = {sizeof(A)..., 0};
    static_assert((sizeof(A) + ... + 0) <= 4096, "a kernel's parameters may take 4096 bytes");

    template <size_t... k> static void one(void** params, std::index_sequence<k...>) {
        f(*static_cast<A*>(params[k])...);
    }
    static void thread(void* params) {
        one(static_cast<void**>(params), std::index_sequence_for<A...>());
    }
    static void run(dim3 grid, dim3 block, void** params) {
        gridDim = grid;
        blockDim = block;
        for (unsigned z = 0; z < grid.z; ++z)
            for (unsigned y = 0; y < grid.y; ++y)
                for (unsigned x = 0; x < grid.x; ++x) {
                    blockIdx = {x, y, z};
                    run_block(block, params);
                }
    }
    static void run_block(dim3 block, void** params) {
        if constexpr (meet) {
            if (__start_on_cpu_shared)
                std::memset(__start_on_cpu_shared, 0xFF,
                            __stop_on_cpu_shared - __start_on_cpu_shared);
            on_cpu_run_block(block, &threadIdx, thread, params);
        } else {
            for (unsigned z = 0; z < block.z; ++z)
                for (unsigned y = 0; y < block.y; ++y)
                    for (unsigned x = 0; x < block.x; ++x) {
                        threadIdx = {x, y, z};
                        thread(params);
                    }
        }
    }
};

template <auto f, bool meet> Kernel described() {
    using L = Launch<f, meet>;
    return {L::run, sizeof L::sizes / sizeof(size_t) - 1, L::sizes,
            size_t(__stop_on_cpu_shared - __start_on_cpu_shared)};
}

#define ON_CPU_KERNEL extern "C" __attribute__((used, externally_visible)) const on_cpu::Kernel

}  // namespace on_cpu
