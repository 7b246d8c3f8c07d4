// What CuPy's thrust module calls for sorting: the functions of its cupy_thrust.cu, whose own
// machine code is a GPU's. load.py sends the calls here. Not a number sorts last.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <type_traits>
#include <vector>

#include "core.h"

namespace {

template <class F> bool less(F x, F y) {
    if constexpr (std::is_arithmetic_v<F>) return x == x && (y != y || x < y);
    else return less(float(x), float(y));  // of half precision
}

template <class F> struct Tag { using type = F; };

// Calls f with the type that a number of CuPy's means.
template <class Call> void with_type(int id, Call f) {
    switch (id) {
        case 0: return f(Tag<int8_t>{});
        case 1: return f(Tag<uint8_t>{});
        case 2: return f(Tag<int16_t>{});
        case 3: return f(Tag<uint16_t>{});
        case 4: return f(Tag<int32_t>{});
        case 5: return f(Tag<uint32_t>{});
        case 6: return f(Tag<int64_t>{});
        case 7: return f(Tag<uint64_t>{});
        case 8: return f(Tag<_Float16>{});
        case 9: return f(Tag<float>{});
        case 10: return f(Tag<double>{});
        case 13: return f(Tag<bool>{});
    }
    on_cpu::missing("thrust's sorting of complex numbers");
    throw std::bad_alloc();  // which CuPy's module turns into an error
}

size_t last_axis(const std::vector<ptrdiff_t>& shape, size_t* rows) {
    size_t size = 1;
    for (ptrdiff_t n : shape) size *= n;
    *rows = shape.empty() || !shape.back() ? 0 : size / shape.back();
    return shape.empty() ? 1 : shape.back();
}

}  // namespace

void thrust_sort(int id, void* data, size_t*, const std::vector<ptrdiff_t>& shape, intptr_t stream,
                 void*) {
    size_t rows, n = last_axis(shape, &rows);
    with_type(id, [=](auto tag) {
        using F = typename decltype(tag)::type;
        on_cpu::submit(reinterpret_cast<void*>(stream), [=] {
            F* x = static_cast<F*>(data);
            for (size_t r = 0; r < rows; ++r, x += n) std::stable_sort(x, x + n, less<F>);
        });
    });
}

void thrust_argsort(int id, size_t* order, void* data, void*, const std::vector<ptrdiff_t>& shape,
                    intptr_t stream, void*) {
    size_t rows, n = last_axis(shape, &rows);
    with_type(id, [=](auto tag) {
        using F = typename decltype(tag)::type;
        on_cpu::submit(reinterpret_cast<void*>(stream), [=] {
            F* x = static_cast<F*>(data);
            size_t* to = order;
            for (size_t r = 0; r < rows; ++r, x += n, to += n) {
                std::iota(to, to + n, 0);
                std::stable_sort(to, to + n, [=](size_t i, size_t j) { return less(x[i], x[j]); });
                const std::vector<F> old(x, x + n);  // the data come out sorted too
                for (size_t i = 0; i < n; ++i) x[i] = old[to[i]];
            }
        });
    });
}

void thrust_lexsort(int id, size_t* order, void* keys, size_t k, size_t n, intptr_t stream, void*) {
    with_type(id, [=](auto tag) {
        using F = typename decltype(tag)::type;
        on_cpu::submit(reinterpret_cast<void*>(stream), [=] {
            const F* x = static_cast<const F*>(keys);
            std::iota(order, order + n, 0);
            for (size_t row = 0; row < k; ++row)
                std::stable_sort(order, order + n, [=](size_t i, size_t j) {
                    return less(x[row * n + i], x[row * n + j]);
                });
        });
    });
}
