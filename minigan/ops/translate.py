"""Images moved, each by whole pixels of its own."""
from __future__ import annotations

from typing import Any

from ..autodiff import Function, Tensor, as_tensor
from ..backend import Array, array_module


class Translate(Function):
    """y[n, i, j] = x[n, i − down[n], j − right[n]], and 0 where that is outside: (N, H, W, C).
    Gradient: grad, moved back."""

    reads = "nothing"

    def __init__(self, down: Array, right: Array):
        self.down, self.right = down, right

    def forward(self, x):
        xp, (n, height, width, _) = array_module(x), x.shape
        if x.size == 0:
            return xp.zeros_like(x)
        lines = (xp.arange(height) - self.down[:, None])[:, :, None]
        columns = (xp.arange(width) - self.right[:, None])[:, None, :]
        inside = (lines >= 0) & (lines < height) & (columns >= 0) & (columns < width)
        lines, columns = xp.clip(lines, 0, height - 1), xp.clip(columns, 0, width - 1)
        moved = x[xp.arange(n)[:, None, None], lines, columns]
        return xp.where(inside[..., None], moved, x.dtype.type(0))

    def backward(self, grad):
        return Translate(-self.down, -self.right)(grad)


def translate(x: Any, down: Any, right: Any) -> Tensor:
    """Each image of x (N, H, W, C) moved down and to the right by so many pixels, integers (N,),
    negative for up and left; 0 moves in. Raises ValueError for other shapes or dtypes."""
    x, down, right = as_tensor(x), as_tensor(down), as_tensor(right)
    if x.ndim != 4 or not down.shape == right.shape == x.shape[:1]:
        raise ValueError(f"translate needs images (N, H, W, C) and two shifts (N,), got {x.shape}, "
                         f"{down.shape} and {right.shape}")
    if down.dtype.kind not in "iu" or right.dtype.kind not in "iu":
        raise ValueError(f"translate moves by whole pixels: the shifts are integers, not "
                         f"{down.dtype} and {right.dtype}")
    return Translate(down.data.astype("int64"), right.data.astype("int64"))(x)
