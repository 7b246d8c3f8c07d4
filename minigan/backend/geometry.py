"""The window that a convolution or a pooling slides over an image: its geometry, what the arguments
that describe it mean, and which of them are refused.

Plain numbers: of an array only the shape is read. Height stands before width, as in the images
(N, H, W, C); signals (N, L, C) have one axis in their place, solids (N, D, H, W, C) three.
"""
from __future__ import annotations

from numbers import Integral
from typing import Any, NamedTuple

Pair = tuple[int, int]
Sides = Any  # a number, or one for each axis: `per_axis` says what is wrong with another
Padding = Any  # a number, one or a pair for each axis, or a word: so does `margins`
Shaped = Any  # a Tensor or an array


class Words(NamedTuple):
    """What messages say of so many axes."""

    x: str         # their lengths
    w: str         # those of the kernel
    several: str   # as many numbers as there are axes
    named: str
    sides: str     # of padding
    lengths: str
    thing: str
    things: str


WORDS = {1: Words("L", "K", "a tuple", "(length,)", "a pair in a tuple ((start, end),)",
                  "a signal has a length", "signal", "signals"),
         2: Words("H, W", "KH, KW", "a pair", "(height, width)",
                  "a pair of pairs ((top, bottom), (left, right))",
                  "an image has a height and a width", "image", "images"),
         3: Words("D, H, W", "KD, KH, KW", "a triple", "(depth, height, width)",
                  "three pairs ((front, back), (top, bottom), (left, right))",
                  "a solid has a depth, a height and a width", "solid", "solids")}


class Window(NamedTuple):
    """What is slid over an image: pairs, or as many numbers as there are axes."""

    size: Pair               # the kernel's (KH, KW)
    stride: Pair = (1, 1)    # how far the window moves from one output to the next
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))  # zeros around it: ((top, bottom), (left, right))
    dilation: Pair = (1, 1)  # the distance between the pixels that the window reads; 1: neighbours

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
    return per_axis(name, value, 2, least)


def per_axis(name: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """A number for each axis, given as such or as one for all."""
    numbers = (value,) * axes if isinstance(value, Integral) else value
    if (not isinstance(numbers, (tuple, list)) or len(numbers) != axes
            or any(not isinstance(n, Integral) or n < least for n in numbers)):
        raise ValueError(f"{name} is a whole number of at least {least} or {WORDS[axes].several} "
                         f"of them, {WORDS[axes].named}, not {value!r}")
    return tuple([int(n) for n in numbers])


def margins(padding: Padding, axes: int = 2) -> tuple[Pair, ...] | None:
    """((top, bottom), (left, right)) of the zeros around an image; None for "same", which
    depends on the image."""
    if padding == "same":
        return None
    sides = {"valid": 0}.get(padding) if isinstance(padding, str) else padding
    sides = (sides,) * axes if isinstance(sides, Integral) else sides
    try:
        if len(sides) != axes:
            raise ValueError
        return tuple([pair("padding", side, least=0) for side in sides])
    except (TypeError, ValueError):
        words = WORDS[axes]
        raise ValueError(f"padding is a number, {words.several} {words.named}, {words.sides}, "
                         f"none negative, 'same' or 'valid', not {padding!r}") from None


def conv_window(x: Shaped, w: Shaped, b: Shaped | None, stride: Any, padding: Padding,
                dilation: Any, groups: int, axes: int = 2) -> Window:
    """The window of conv2d, or that along so many axes, its arguments checked."""
    name = f"conv{axes}d"
    _check_kernel(name, "C", x, w, groups, axes)
    if x.shape[-1] != w.shape[-2] * groups:
        raise ValueError(f"{name} of x {x.shape} and w {w.shape} with groups={groups}: x has "
                         f"{x.shape[-1]} channels, but w, ({WORDS[axes].w}, C / groups, O), is "
                         f"for {w.shape[-2] * groups}")
    _check_bias(name, b, w.shape[-1])
    window = Window(w.shape[:-2], per_axis("stride", stride, axes), ((0, 0),) * axes,
                    per_axis("dilation", dilation, axes))
    return _fitting(name, window, padding, x.shape[1:-1])


def transposed_window(x: Shaped, w: Shaped, b: Shaped | None, stride: Any, padding: Padding,
                      output_padding: Any, dilation: Any, groups: int, axes: int = 2
                      ) -> tuple[Window, tuple[int, ...], tuple[int, ...]]:
    """The window of the conv2d that conv_transpose2d is the adjoint of, the image that this
    conv2d reads to its last pixel, and how far the result goes on beyond it, (down, right);
    likewise along so many axes."""
    name = f"conv_transpose{axes}d"
    _check_kernel(name, "O", x, w, groups, axes)
    if x.shape[-1] != w.shape[-1]:
        raise ValueError(f"{name} of x {x.shape} and w {w.shape}: x has {x.shape[-1]} channels, "
                         f"but w, conv{axes}d's ({WORDS[axes].w}, C / groups, O), is for "
                         f"{w.shape[-1]}")
    if 0 in x.shape[1:-1]:
        raise ValueError(f"{name} of x {x.shape}: {WORDS[axes].lengths} of at least 1")
    _check_bias(name, b, w.shape[-2] * groups)
    stride, dilation = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    sides = margins(padding, axes)
    extra = per_axis("output_padding", output_padding, axes, least=0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(f"output_padding {output_padding!r} is too large: it must be smaller "
                         f"than the stride {stride} or the dilation {dilation}")
    window = Window(w.shape[:-2], stride, ((0, 0),) * axes, dilation)
    if sides is None:
        if any(extra):
            raise ValueError(f"output_padding {output_padding!r} beside padding='same', which "
                             "decides the size of the output alone: input x stride")
        sides = _same(window, tuple([n * s for n, s in zip(x.shape[1:-1], stride)]))
        extra = tuple([max(s - e, 0) for s, e in zip(stride, window.extent)])
    # what output_padding adds at the end was cut off there by the padding, as far as that goes
    window = window._replace(
        padding=tuple([(p, max(q - e, 0)) for (p, q), e in zip(sides, extra)]))
    beyond = tuple([max(e - q, 0) for (_, q), e in zip(sides, extra)])
    image = tuple([(n - 1) * s + e - sum(p) for n, s, e, p in zip(
        x.shape[1:-1], stride, window.extent, window.padding)])
    if min(image) < 1:
        raise ValueError(f"{name} of x {x.shape} and w {w.shape}: padding {padding!r} "
                         "cuts off all that the kernel makes")
    return window, image, beyond


def pool_window(name: str, x: Shaped, size: Any, stride: Any, padding: Padding = 0) -> Window:
    """The window of a pooling, its arguments checked; a stride of None is the size."""
    check_images(name, x)
    size = pair("size", size)
    window = Window(size, size if stride is None else pair("stride", stride))
    window = _fitting(name, window, padding, x.shape[1:3])
    if any(2 * max(p) > k for p, k in zip(window.padding, size)):
        raise ValueError(f"{name}: padding {padding!r} is more than half of the size {size}, so "
                         "that a window would see nothing else")
    return window


def check_images(name: str, x: Shaped) -> None:
    """Raise if x is not a batch of images."""
    if x.ndim != 4:
        raise ValueError(f"{name} needs images x (N, H, W, C), got shape {x.shape}")


def check_groups(groups: Any, channels: dict[str, int]) -> None:
    """Raise if groups does not divide the numbers of channels."""
    if not isinstance(groups, Integral) or groups < 1 or any(c % groups for c in channels.values()):
        named = " and ".join(f"{name} {n}" for name, n in channels.items())
        raise ValueError(f"groups is a whole number that divides {named}, not {groups!r}")


def _check_kernel(name: str, channels: str, x: Shaped, w: Shaped, groups: Any, axes: int) -> None:
    if x.ndim != axes + 2 or w.ndim != axes + 2 or 0 in w.shape[:-2]:
        raise ValueError(f"{name} needs x (N, {WORDS[axes].x}, {channels}) and w "
                         f"({WORDS[axes].w}, C / groups, O), got x of shape {x.shape} and w of "
                         f"shape {w.shape}")
    check_groups(groups, {f"the last axis of w {w.shape},": w.shape[-1]})


def _check_bias(name: str, b: Shaped | None, channels: int) -> None:
    if b is not None and b.shape != (channels,):
        raise ValueError(f"{name} has {channels} output channels, so b must have the shape "
                         f"({channels},), not {b.shape}")


def _fitting(name: str, window: Window, padding: Padding, image: tuple[int, ...]) -> Window:
    """The window with its padding, if it fits into the image at least once."""
    sides = margins(padding, len(image))
    window = window._replace(padding=_same(window, image) if sides is None else sides)
    if min(window.outputs(image)) < 1:
        padded = tuple([n + sum(p) for n, p in zip(image, window.padding)])
        thing = WORDS[len(image)].thing
        raise ValueError(f"{name}: a window of {window.extent} (size {window.size}, dilation "
                         f"{window.dilation}) is larger than the padded {thing} of "
                         f"{padded} ({thing} {image}, padding {window.padding})")
    return window


def _same(window: Window, image: tuple[int, ...]) -> tuple[Pair, ...]:
    """The padding with which ceil(image / stride) windows just fit; an odd pixel at the end."""
    total = [max((-(-n // s) - 1) * s + e - n, 0)
             for n, s, e in zip(image, window.stride, window.extent)]
    return tuple([(t // 2, t - t // 2) for t in total])
