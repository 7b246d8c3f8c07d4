"""The bodies of the fused kernels, in CUDA C++, as CuPy's ElementwiseKernel and ReductionKernel
take them.

A body computes one element; CuPy writes the loop round it and types the parameters: `T` is the
arrays' dtype, the same for all that are marked so, `raw` arrays are indexed by hand, and `i` is
the element's place in C order. Nothing here is atomic and every sum has its order, so the same
arrays give the same bits.

`+x` is x itself, but a float where x is of half precision: the sums are then of floats, and the
two arms of a `?:` have one type, which they would not have (CuPy's float16 converts both ways).
"""
from __future__ import annotations

# name: (parameters in, parameters out, body)
ELEMENTWISE = {
    "sigmoid": ("T x", "T y", """
        const auto e = exp(-fabs(+x));
        y = (x >= 0 ? 1 : e) / (1 + e);
    """),
    "sigmoid_gradient": ("T grad, T y", "T by_x", """
        by_x = grad * (y * (1 - +y));
    """),
    "tanh_gradient": ("T grad, T y", "T by_x", """
        by_x = grad * (1 - y * y);
    """),
    "softplus": ("T x", "T y", """
        y = (x > 0 ? +x : 0) + log1p(exp(-fabs(+x)));
    """),
    "softplus_gradient": ("T grad, T x", "T by_x", """
        const auto e = exp(-fabs(+x));
        by_x = grad * ((x >= 0 ? 1 : e) / (1 + e));
    """),
    "leaky_relu": ("T x, T slope", "T y", """
        y = x > 0 ? +x : slope * x;
    """),
    "leaky_relu_gradient": ("T grad, U x, T slope", "T y", """
        y = x > 0 ? +grad : +slope != 0 ? slope * grad : 0;  // no 0 times infinity
    """),
    "keep": ("T x, U mask", "T y", """
        y = mask ? +x : 0;
    """),
    # (max(x, 0) - t x) first: for t = 1 and a large x that is exactly 0, and the rest is kept
    "bce_with_logits": ("T x, T t", "T y", """
        y = ((x > 0 ? +x : 0) - t * x) + log1p(exp(-fabs(+x)));
    """),
    "batch_norm": ("T x, T weight, T bias, T mean, T var, T eps", "T y", """
        y = (x - mean) * (weight / sqrt(var + eps)) + bias;
    """),
    "batch_norm_gradient": (
        "T grad, T x, T weight, T mean, T var, T by_weight, T by_bias, T eps, int64 count",
        "T by_x", """
        const auto inv_std = 1 / sqrt(var + eps);
        const auto normal = (x - mean) * inv_std;
        by_x = (grad - +by_bias / count - normal * (+by_weight / count)) * (weight * inv_std);
    """),
    "move_statistics": ("T mean, T var, T momentum, T unbiased",
                        "T running_mean, T running_var", """
        const auto keep = 1 - +momentum;
        running_mean = keep * running_mean + momentum * mean;
        running_var = keep * running_var + momentum * (var * unbiased);
    """),
    "adam_rates": ("float64 lr, float64 steps, float64 beta1, float64 beta2, float64 eps, "
                   "float64 shrinking", "T keep, T rate, T floor", """
        const double to_mean = (1 - beta1) / (1 - pow(beta1, steps));
        const double to_root = sqrt((1 - beta2) / (1 - pow(beta2, steps)));
        keep = T(1 - lr * shrinking);
        rate = T(lr * to_mean / to_root);
        floor = T(eps / to_root);
    """),
    "adam": ("T g, T beta1, T beta2, T decay, T keep, T rate, T floor", "T p, T m, T v", """
        const auto slope = +decay != 0 ? g + decay * p : +g;
        m = beta1 * m + slope;
        v = beta2 * v + slope * slope;
        p = keep * p - m / (sqrt(+v) + floor) * rate;
    """),
    "ema": ("T x, T least, float64 updates", "T average", """
        const auto rate = 9 / (10 + decltype(+x)(updates));  // float64 is slow on many GPUs
        average += (rate > least ? rate : +least) * (x - average);
    """),
    # What add_at adds: `position` is sorted, and `order` says which element of x each belongs to
    "sum_of_runs": ("raw int64 position, raw int64 order, raw T x, int64 length", "T y", """
        long long low = 0, high = length;
        while (low < high) {  // to the first position that is not below i
            const long long middle = (low + high) / 2;
            if (position[middle] < i) low = middle + 1; else high = middle;
        }
        auto total = +T(0);
        for (; low < length && position[low] == i; ++low) total += x[order[low]];
        y = total;
    """),
}

# Convolution. Two maps between pixels serve all of it: the pixel (p, q) of one image and the tap
# (u, v) of the kernel meet at the pixel of another image whose place along each axis is
#     (p * scale + start + u * step) / divisor,
# if that divides and lies inside. Forwards this is p * stride - padding + u * dilation; backwards,
# from what was read to the outputs that read it, (p + padding - u * dilation) / stride.
_PLACES = ("int32 lines, int32 columns, int32 channels, int32 height, int32 width, "
           "int32 taps_y, int32 taps_x, "
           "int32 scale_y, int32 start_y, int32 step_y, int32 divisor_y, "
           "int32 scale_x, int32 start_x, int32 step_x, int32 divisor_x")

ELEMENTWISE |= {
    # x (N, lines, columns, channels) -> y (N * height * width, taps_y * taps_x * channels)
    "gather": (f"raw T x, {_PLACES}", "T y", """
        int rest = i;  // divisions of 32 bits take a fraction of the time of 64
        const int channel = rest % channels; rest /= channels;
        const int v = rest % taps_x; rest /= taps_x;
        const int u = rest % taps_y; rest /= taps_y;
        const int q = rest % width; rest /= width;
        const int p = rest % height;
        const ptrdiff_t image = rest / height;
        const int line = p * scale_y + start_y + u * step_y;
        const int column = q * scale_x + start_x + v * step_x;
        const bool meets = line >= 0 && line % divisor_y == 0 && line / divisor_y < lines
            && column >= 0 && column % divisor_x == 0 && column / divisor_x < columns;
        y = meets ? x[((image * lines + line / divisor_y) * columns + column / divisor_x)
                      * channels + channel] : T(0);
    """),
    # x (N, lines, columns, taps_y, taps_x, channels) -> y (N, height, width, channels)
    "gather_and_add": (f"raw T x, T bias, {_PLACES}", "T y", """
        int rest = i;
        const int channel = rest % channels; rest /= channels;
        const int q = rest % width; rest /= width;
        const int p = rest % height;
        const ptrdiff_t image = rest / height;
        auto total = +bias;
        for (int u = 0; u < taps_y; ++u) {
            const int line = p * scale_y + start_y + u * step_y;
            if (line < 0 || line % divisor_y || line / divisor_y >= lines) continue;
            for (int v = 0; v < taps_x; ++v) {
                const int column = q * scale_x + start_x + v * step_x;
                if (column < 0 || column % divisor_x || column / divisor_x >= columns) continue;
                const ptrdiff_t pixel = (image * lines + line / divisor_y) * columns
                    + column / divisor_x;
                total += x[((pixel * taps_y + u) * taps_x + v) * channels + channel];
            }
        }
        y = total;
    """),
}

_WIDE = "typedef decltype(+T()) wide;\n"
_PAIR = _WIDE + """
struct Pair {
    wide first, second;
    __device__ Pair(wide x, wide y) : first(x), second(y) {}
};
"""

# Of two sets of numbers the mean and the sum of squares about it follow from those of each (Chan,
# Golub & LeVeque 1979): one pass over x, and nothing cancels where |mean| is far above std.
_MOMENTS = _WIDE + """
struct Moments {
    wide count, mean, squares;
    __device__ Moments(wide n, wide m, wide s) : count(n), mean(m), squares(s) {}
};
__device__ inline Moments united(const Moments& x, const Moments& y) {
    const wide count = x.count + y.count;
    if (count == 0) return x;  // a thread that was given nothing
    const wide apart = y.mean - x.mean, share = y.count / count;
    return Moments(count, x.mean + apart * share,
                   x.squares + y.squares + apart * apart * x.count * share);
}
"""

# name: (in, out, map, reduce, what becomes of the result `a`, identity, its type, preamble). All
# have two outputs, and so none goes the way by CUB that CuPy has for reductions with one input
# and one output, on which it replaces the parameters' names in the text of the expressions.
REDUCTION = {
    "moments": ("T x, int64 count", "T mean, T var", "Moments(1, x, 0)", "united(a, b)",
                "mean = a.mean, var = a.squares / count", "0, 0, 0", "Moments", _MOMENTS),
    "moments_of_parts": (
        "T part_mean, T part_var, int64 each, int64 count", "T mean, T var",
        "Moments(each, part_mean, part_var * each)", "united(a, b)",
        "mean = a.mean, var = a.squares / count", "0, 0, 0", "Moments", _MOMENTS),
    "batch_norm_sums": (
        "T grad, T x, T mean, T var, T eps", "T by_weight, T by_bias",
        "Pair(grad * ((x - mean) / sqrt(var + eps)), grad)",
        "Pair(a.first + b.first, a.second + b.second)",
        "by_weight = a.first, by_bias = a.second", "0, 0", "Pair", _PAIR),
    "sum_of_pairs": (
        "T x, T y", "T sum_x, T sum_y", "Pair(x, y)",
        "Pair(a.first + b.first, a.second + b.second)",
        "sum_x = a.first, sum_y = a.second", "0, 0", "Pair", _PAIR),
}

# Arrays at once: a kernel's parameters may take 4 KB. An array takes 16 bytes and 16 for each axis
JOINED = 32


def join(count: int) -> tuple[str, str, str]:
    """The kernel that lays `count` flat arrays end to end; end0, ... are the places after each."""
    inputs = [f"raw T x{k}" for k in range(count)] + [f"int64 end{k}" for k in range(count)]
    choice = "".join(f"i < end{k} ? x{k}[i - {f'end{k - 1}' if k else 0}] : "
                     for k in range(count - 1))
    return ", ".join(inputs), "T y", f"y = {choice}x{count - 1}[i - end{count - 2}];"
