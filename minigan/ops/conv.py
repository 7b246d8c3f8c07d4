"""Convolution: the three partial derivatives of one trilinear form.

    ⟨conv(x, w), g⟩ = Σ x[n, s · p + d · i, s · q + d · j, c] · w[i, j, c, o] · g[n, p, q, o]

summed over images n, places (p, q) of the window, its pixels (i, j), and channels c and o; s is
the stride, d the dilation, x has its padding. The form is linear in x, in w and in g. Its
derivative by g is the convolution; by x it is the convolution's input gradient, which is the
transposed convolution; by w the weight gradient. To differentiate one of the three is to put
another tensor into the place that it left open: each one's backward is a call of the other two,
and there are derivatives of every order.
"""
from __future__ import annotations

from typing import Any

from ..autodiff import Function, Tensor, as_tensor
from ..backend import kernels
from ..backend.geometry import Padding, Pair, Sides, Window, conv_window, transposed_window
from .elementwise import operands
from .shape import pad


class Convolution(Function):
    """Base of the three: x (N, *image, C), w (KH, KW, C / groups, O), g (N, OH, OW, O)."""

    reads = "the other factor"

    def __init__(self, window: Window, groups: int, image: Pair):
        self.form = window, groups, image


class Conv2d(Convolution):
    """y = ∂⟨conv(x, w), g⟩/∂g = conv(x, w), plus b (O,) if it is given.

    With G = grad: ∂/∂x is the input gradient of (G, w), ∂/∂w the weight gradient of (x, G), and
    ∂/∂b the sum of G over images and places.
    """

    def forward(self, x, w, *b):
        window, groups, _ = self.form
        return kernels(x).conv2d(x, w, window, groups, *b)

    def backward(self, grad):
        x, w = self.inputs[:2]
        return (Conv2dInputGradient(*self.form)(grad, w) if self.needs[0] else None,
                Conv2dWeightGradient(*self.form)(x, grad) if self.needs[1] else None,
                grad.sum(axis=(0, 1, 2)) if True in self.needs[2:] else None)


def conv2d(x: Any, w: Any, b: Any = None, stride: Sides = 1, padding: Padding = 0,
           dilation: Sides = 1, groups: int = 1) -> Tensor:
    """The convolution of images with a kernel, as networks use it (LeCun et al. 1998): a
    cross-correlation, for the kernel is not flipped.

    x         (N, H, W, C)
    w         (KH, KW, C / groups, O)
    b         (O,), added to every pixel, or None
    stride    how far the window moves from one output pixel to the next
    padding   zeros around the image: a number, a pair (height, width), ((top, bottom), (left,
              right)), "valid" (none), or "same": ceil(H / stride) pixels come out, and an odd zero
              goes to the bottom or the right, as in TensorFlow
    dilation  the distance of the pixels that the window reads (Yu & Koltun 2016)
    groups    in how many parts the channels are taken, each part of the output from one of the
              input: groups = C is a depthwise convolution
    returns   (N, OH, OW, O) with OH = ⌊(H + padding − dilation · (KH − 1) − 1) / stride⌋ + 1

    Numbers stand for height and width alike, pairs are (height, width). Raises ValueError for
    shapes that do not fit each other, groups that do not divide C and O, and a window larger than
    the padded image.
    """
    x, w, b = factors(x, w, b)
    window = conv_window(x, w, b, stride, padding, dilation, groups)
    return Conv2d(window, groups, x.shape[1:3])(x, w, *([] if b is None else [b]))


class Conv2dInputGradient(Convolution):
    """x̄ = ∂⟨conv(x, w), g⟩/∂x, a linear map of g: the transposed convolution, if b (C,) is added.

    With G = grad, of the shape of x: ∂/∂g is the convolution of (G, w), ∂/∂w the weight gradient
    of (G, g), and ∂/∂b the sum of G over images and places.
    """

    def forward(self, g, w, *b):
        return kernels(g).conv2d_input_gradient(g, w, *self.form, *b)

    def backward(self, grad):
        g, w = self.inputs[:2]
        return (Conv2d(*self.form)(grad, w) if self.needs[0] else None,
                Conv2dWeightGradient(*self.form)(grad, g) if self.needs[1] else None,
                grad.sum(axis=(0, 1, 2)) if True in self.needs[2:] else None)


def conv_transpose2d(x: Any, w: Any, b: Any = None, stride: Sides = 1, padding: Padding = 0,
                     output_padding: Sides = 0, dilation: Sides = 1,
                     groups: int = 1) -> Tensor:
    """The transposed convolution: the adjoint of conv2d(·, w), which leads from (N, H', W', C)
    to (N, H, W, O), so that this one leads back (Dumoulin & Visin 2016, §4).

    x               (N, H, W, O)
    w               (KH, KW, C / groups, O): conv2d's, not exchanged
    b               (C,), added to every pixel, or None
    padding         conv2d's, so it is cut off here. "same": H' = H · stride, the adjoint of the
                    "same" conv2d of that image, as in TensorFlow
    output_padding  makes H' larger at its end, because conv2d leads there from several sizes;
                    smaller than the stride or the dilation
    returns         (N, H', W', C) with
                    H' = (H − 1) · stride − padding + dilation · (KH − 1) + 1 + output_padding

    The other arguments and the errors are conv2d's.
    """
    x, w, b = factors(x, w, b)
    window, image, beyond = transposed_window(x, w, b, stride, padding, output_padding, dilation,
                                              groups)
    transposed = Conv2dInputGradient(window, groups, image)
    if not any(beyond):
        return transposed(x, w, *([] if b is None else [b]))
    return finished(transposed(x, w), b, beyond)


class Conv2dWeightGradient(Convolution):
    """w̄ = ∂⟨conv(x, w), g⟩/∂w, bilinear in x and g.

    With G = grad, of the shape of w: ∂/∂x is the input gradient of (g, G), and ∂/∂g the
    convolution of (x, G).
    """

    def forward(self, x, g):
        window, groups, _ = self.form
        return kernels(x).conv2d_weight_gradient(x, g, window, groups)

    def backward(self, grad):
        x, g = self.inputs
        return (Conv2dInputGradient(*self.form)(g, grad) if self.needs[0] else None,
                Conv2d(*self.form)(x, grad) if self.needs[1] else None)


def factors(x: Any, w: Any, b: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    x, w = operands(x, w)
    if x.dtype.kind == w.dtype.kind == "b":
        raise TypeError("a convolution of booleans with booleans: it adds up products, so make one "
                        "of them numbers with .astype('float32')")
    return x, w, b if b is None else as_tensor(b, w)


def finished(y: Tensor, b: Tensor | None, beyond: tuple[int, ...]) -> Tensor:
    """With what lies beyond the image that the convolution reads to its end, and with the bias."""
    if any(beyond):
        y = pad(y, ((0, 0), *[(0, n) for n in beyond], (0, 0)))
    return y if b is None else y + b
