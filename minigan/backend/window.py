"""The window that a convolution or a pooling slides over an image: plain geometry, no arrays."""
from __future__ import annotations

from typing import NamedTuple

Pair = tuple[int, int]


class Window(NamedTuple):
    """Height before width everywhere, as in the images (N, H, W, C).

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
