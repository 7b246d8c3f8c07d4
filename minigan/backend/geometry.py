"""The window that a convolution or a pooling slides over an image: its geometry, what the arguments
that describe it mean, and which of them are refused.

Plain numbers: of an array only the shape is read. Height stands before width, as in the images
(N, H, W, C).
"""
from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

Pair = tuple[int, int]
Sides = Any  # a number, or a pair (height, width): `pair` says what is wrong with another
Padding = Any  # a number, a pair, two pairs or a word: so does `margins`
Shaped = Any  # a Tensor or an array


class Window(NamedTuple):
    """What is slid over an image.

    size      the kernel's (KH, KW)
    stride    how far the window moves from one output to the next
    padding   zeros around the image: ((top, bottom), (left, right))
    dilation  the distance between the pixels that the window reads; 1 for neighbours
    """

    size: Pair
    stride: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)

    @property
    def extent(self) -> Pair:
        """How many pixels the window spans, the gaps of dilation included."""
        return tuple([d * (k - 1) + 1 for k, d in zip(self.size, self.dilation)])

    def outputs(self, image: Pair) -> Pair:
        """(OH, OW): at how many places the window fits into a padded image of (H, W)."""
        return tuple([(n + sum(p) - e) // s + 1
                      for n, p, e, s in zip(image, self.padding, self.extent, self.stride)])


def pair(name: str, value: Any, least: int = 1) -> Pair:
    """(height, width), given as such or as one number for both."""
    numbers = (value, value) if isinstance(value, Integral) else value
    if (not isinstance(numbers, (tuple, list)) or len(numbers) != 2
            or any(not isinstance(n, Integral) or n < least for n in numbers)):
        raise ValueError(f"{name} is a whole number of at least {least} or a pair of them, "
                         f"(height, width), not {value!r}")
    return int(numbers[0]), int(numbers[1])


def margins(padding: Padding) -> tuple[Pair, Pair] | None:
    """((top, bottom), (left, right)) of the zeros around an image; None for "same", which
    depends on the image."""
    if padding == "same":
        return None
    sides = {"valid": (0, 0)}.get(padding) if isinstance(padding, str) else padding
    sides = (sides, sides) if isinstance(sides, Integral) else sides
    try:
        vertical, horizontal = [pair("padding", side, least=0) for side in sides]
    except (TypeError, ValueError):
        raise ValueError("padding is a number, a pair (height, width), a pair of pairs ((top, "
                         f"bottom), (left, right)), none negative, 'same' or 'valid', "
                         f"not {padding!r}") from None
    return vertical, horizontal


def conv_window(x: Shaped, w: Shaped, b: Shaped | None, stride: Any, padding: Padding,
                dilation: Any, groups: int) -> Window:
    """The window of conv2d, its arguments checked."""
    _check_kernel("conv2d", "x (N, H, W, C)", x, w, groups)
    if x.shape[3] != w.shape[2] * groups:
        raise ValueError(f"conv2d of x {x.shape} and w {w.shape} with groups={groups}: x has "
                         f"{x.shape[3]} channels, but w, (KH, KW, C / groups, O), is for "
                         f"{w.shape[2] * groups}")
    _check_bias("conv2d", b, w.shape[3])
    size, image = w.shape[:2], x.shape[1:3]
    stride, sides = pair("stride", stride), margins(padding)
    window = Window(size, stride, ((0, 0), (0, 0)), pair("dilation", dilation))
    window = window._replace(padding=_same(window, image) if sides is None else sides)
    return _fitting("conv2d", window, image)


def transposed_window(x: Shaped, w: Shaped, b: Shaped | None, stride: Any, padding: Padding,
                      output_padding: Any, dilation: Any, groups: int
                      ) -> tuple[Window, Pair, Pair]:
    """The window of the conv2d that conv_transpose2d is the adjoint of, the image that this
    conv2d reads to its last pixel, and how far the result goes on beyond it, (down, right)."""
    _check_kernel("conv_transpose2d", "x (N, H, W, O)", x, w, groups)
    if x.shape[3] != w.shape[3]:
        raise ValueError(f"conv_transpose2d of x {x.shape} and w {w.shape}: x has {x.shape[3]} "
                         f"channels, but w, conv2d's (KH, KW, C / groups, O), is for "
                         f"{w.shape[3]}")
    if 0 in x.shape[1:3]:
        raise ValueError(f"conv_transpose2d of x {x.shape}: an image has a height and a width "
                         "of at least 1")
    _check_bias("conv_transpose2d", b, w.shape[2] * groups)
    stride, sides, dilation = pair("stride", stride), margins(padding), pair("dilation", dilation)
    extra = pair("output_padding", output_padding, least=0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(f"output_padding {output_padding!r} is too large: it must be smaller "
                         f"than the stride {stride} or the dilation {dilation}")
    window = Window(w.shape[:2], stride, ((0, 0), (0, 0)), dilation)
    if sides is None:
        if any(extra):
            raise ValueError(f"output_padding {output_padding!r} beside padding='same', which "
                             "decides the size of the output alone: input x stride")
        sides = _same(window, tuple([n * s for n, s in zip(x.shape[1:3], stride)]))
        extra = tuple([max(s - e, 0) for s, e in zip(stride, window.extent)])
    # what output_padding adds at the end was cut off there by the padding, as far as that goes
    window = window._replace(
        padding=tuple([(p, max(q - e, 0)) for (p, q), e in zip(sides, extra)]))
    beyond = tuple([max(e - q, 0) for (_, q), e in zip(sides, extra)])
    image = tuple([(n - 1) * s + e - sum(p) for n, s, e, p in zip(
        x.shape[1:3], stride, window.extent, window.padding)])
    if min(image) < 1:
        raise ValueError(f"conv_transpose2d of x {x.shape} and w {w.shape}: padding {padding!r} "
                         "cuts off all that the kernel makes")
    return window, image, beyond


def pool_window(name: str, x: Shaped, size: Any, stride: Any, padding: Padding = 0) -> Window:
    """The window of a pooling, its arguments checked; a stride of None is the size."""
    check_images(name, x)
    size, sides = pair("size", size), margins(padding)
    window = Window(size, size if stride is None else pair("stride", stride))
    window = window._replace(padding=_same(window, x.shape[1:3]) if sides is None else sides)
    if any(2 * max(p) > k for p, k in zip(window.padding, size)):
        raise ValueError(f"{name}: padding {padding!r} is more than half of the size {size}, so "
                         "that a window would see nothing else")
    return _fitting(name, window, x.shape[1:3])


def check_images(name: str, x: Shaped) -> None:
    """Raise if x is not a batch of images."""
    if x.ndim != 4:
        raise ValueError(f"{name} needs images x (N, H, W, C), got shape {x.shape}")


def check_groups(groups: Any, channels: dict[str, int]) -> None:
    """Raise if groups does not divide the numbers of channels."""
    if not isinstance(groups, Integral) or groups < 1 or any(c % groups for c in channels.values()):
        named = " and ".join(f"{name} {n}" for name, n in channels.items())
        raise ValueError(f"groups is a whole number that divides {named}, not {groups!r}")


def _check_kernel(name: str, images: str, x: Shaped, w: Shaped, groups: Any) -> None:
    if x.ndim != 4 or w.ndim != 4 or 0 in w.shape[:2]:
        raise ValueError(f"{name} needs {images} and w (KH, KW, C / groups, O), got x of shape "
                         f"{x.shape} and w of shape {w.shape}")
    check_groups(groups, {f"the last axis of w {w.shape},": w.shape[3]})


def _check_bias(name: str, b: Shaped | None, channels: int) -> None:
    if b is not None and b.shape != (channels,):
        raise ValueError(f"{name} has {channels} output channels, so b must have the shape "
                         f"({channels},), not {b.shape}")


def _fitting(name: str, window: Window, image: Pair) -> Window:
    """The window, if it fits into the image at least once."""
    if min(window.outputs(image)) < 1:
        padded = tuple([n + sum(p) for n, p in zip(image, window.padding)])
        raise ValueError(f"{name}: a window of {window.extent} (size {window.size}, dilation "
                         f"{window.dilation}) is larger than the padded image of {padded} "
                         f"(image {image}, padding {window.padding})")
    return window


def _same(window: Window, image: Pair) -> tuple[Pair, Pair]:
    """The padding with which ceil(image / stride) windows just fit; an odd pixel at the end."""
    total = [max((-(-n // s) - 1) * s + e - n, 0)
             for n, s, e in zip(image, window.stride, window.extent)]
    return tuple([(t // 2, t - t // 2) for t in total])
