// CuPy's partition in place of its own: that one counts on the 32 threads of a warp going in step
// without waiting for each other, which a GPU's do and those here do not. Its first thread does
// the work of a warp.
#include <algorithm>
#include <vector>

// The k smallest of a[z:m], in order, come first.
extern "C" __global__ void partition_kernel(CArray<ELEMENT, 1, true> a, int k, ptrdiff_t n, int,
                                            ptrdiff_t parts) {
    const ptrdiff_t i = ptrdiff_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i % 32) return;
    const ptrdiff_t z = i / 32 * n / parts, m = (i / 32 + 1) * n / parts;
    std::partial_sort(&a[z], &a[z] + k, &a[z] + (m - z));
}

// Of two parts' k smallest the k smallest of both.
extern "C" __global__ void partition_merge_kernel(CArray<ELEMENT, 1, true> a, int k, ptrdiff_t n,
                                                  int parts, int s) {
    const ptrdiff_t i = ptrdiff_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i % 32) return;
    ELEMENT *first = &a[i / 32 * 2 * s * n / parts], *second = &a[(i / 32 * 2 + 1) * s * n / parts];
    std::vector<ELEMENT> both(first, first + k);
    both.insert(both.end(), second, second + k);
    std::sort(both.begin(), both.end());
    std::copy_n(both.begin(), k, first);
    std::copy_n(both.begin() + k, k, second);
}
