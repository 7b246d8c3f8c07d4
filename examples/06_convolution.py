"""What a convolution computes, and its three derivatives, on an image of 5 x 5 pixels.

You learn: a convolution is a product with a matrix of patches; its three derivatives are one sum
with another hole in it; and the one by the image is the transposed convolution of generators.

    python examples/06_convolution.py --out convolution.png
"""
from __future__ import annotations

import argparse

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import minigan as mg

IMAGE = np.array([[0, 0, 3, 0, 0],       # a one
                  [0, 3, 3, 0, 0],
                  [0, 0, 3, 0, 0],
                  [0, 0, 3, 0, 0],
                  [0, 3, 3, 3, 0]])
KERNEL = np.array([[-1, 0, 1],           # finds where dark turns to light, from left to right
                   [-2, 0, 2],
                   [-1, 0, 1]])
PLACES = (3, 3)                          # the window of 3 x 3 fits at 3 x 3 places


def derivatives(x: np.ndarray, w: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, ...]:
    """The derivatives of ⟨conv(x, w), g⟩ = Σ x[p+i, q+j] · w[i, j] · g[p, q] by x, w and g: of the
    three factors of each term, leave one out. The last of them is the convolution itself."""
    by_x, by_w, by_g = np.zeros_like(x), np.zeros_like(w), np.zeros_like(g)
    for p, q in np.ndindex(g.shape):               # the places of the window
        for i, j in np.ndindex(w.shape):           # the pixels in it
            by_x[p + i, q + j] += w[i, j] * g[p, q]
            by_w[i, j] += x[p + i, q + j] * g[p, q]
            by_g[p, q] += x[p + i, q + j] * w[i, j]
    return by_x, by_w, by_g


def patch_matrix(x: np.ndarray, size: tuple[int, int] = (3, 3)) -> np.ndarray:
    """A row for each place of the window: the pixels that it sees there."""
    kh, kw = size
    places = np.ndindex(x.shape[0] - kh + 1, x.shape[1] - kw + 1)
    return np.stack([x[p:p + kh, q:q + kw].reshape(-1) for p, q in places])


def draw() -> Figure:
    """Image, patch matrix, kernel and result, with all that belongs to one place framed."""
    place = 4
    figure = Figure(figsize=(10.5, 4.1), dpi=130, layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(-0.2, 27.6)
    axes.set_ylim(11.4, -1.2)

    patches, w = patch_matrix(IMAGE), KERNEL.reshape(-1, 1)
    y = patches @ w
    p, q = divmod(place, PLACES[1])
    cells(axes, 0, 3.0, IMAGE, "image", (p, q, 3, 3))
    cells(axes, 7, 1.0, patches, "patch matrix", (place, 0, 1, 9))
    cells(axes, 17.3, 1.0, w, "kernel", (0, 0, 9, 1))
    cells(axes, 20, 1.0, y, "result", (place, 0, 1, 1))
    cells(axes, 24.3, 4.0, y.reshape(PLACES), "as an image", (p, q, 1, 1))
    for left, sign in [(5.9, "→"), (16.65, "·"), (19.15, "="), (22.6, "→")]:
        axes.text(left, 5.5, sign, ha="center", va="center", fontsize=17)
    axes.text(11.5, 10.9, "a row for each place of the window", ha="center", color="0.4")
    axes.text(2.5, 10.9, "the window at its\nfifth place", ha="center", color="0.4")
    return figure


def cells(axes, left: float, top: float, values: np.ndarray, title: str,
          frame: tuple[int, int, int, int]) -> None:
    """A matrix as coloured cells with its numbers, and a frame (row, column, rows, columns)."""
    for (row, column), value in np.ndenumerate(values):
        colour = ("#2a6fbb" if value > 0 else "#d9730d", 0.6 * abs(value) / abs(values).max())
        axes.add_patch(Rectangle((left + column, top + row), 1, 1, facecolor=colour,
                                 edgecolor="0.82", linewidth=0.8))
        axes.text(left + column + 0.5, top + row + 0.52, value, ha="center", va="center",
                  fontsize=9, color="0.15" if value else "0.65")
    row, column, rows, columns = frame
    axes.add_patch(Rectangle((left + column, top + row), columns, rows, fill=False,
                             edgecolor="#2e8b57", linewidth=2.5, zorder=3))
    axes.text(left + values.shape[1] / 2, top - 0.4, title, ha="center", va="bottom", fontsize=12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="convolution.png", help="where the picture goes")
    arguments = parser.parse_args()

    g = np.array([[2, 0, 0], [1, 0, 0], [1, 0, -1]])  # any numbers, one for each place
    by_x, by_w, y = derivatives(IMAGE, KERNEL, g)
    print("image x\n", IMAGE, "\nkernel w\n", KERNEL, "\ny = conv(x, w): its derivative by g\n", y,
          "\ng, what arrives at y\n", g, "\nthe derivative by w\n", by_w,
          "\nthe derivative by x\n", by_x, sep="")

    # One number, written in three ways: the form is linear in each of its three arguments.
    print(f"\n<conv(x, w), g> = {np.vdot(y, g)}")
    print(f"<x, by x>       = {np.vdot(IMAGE, by_x)}")
    print(f"<w, by w>       = {np.vdot(KERNEL, by_w)}")
    assert np.vdot(y, g) == np.vdot(IMAGE, by_x) == np.vdot(KERNEL, by_w)

    # The same by matrices: the patches times the kernel, and for the kernel their transpose.
    patches = patch_matrix(IMAGE)
    assert (patches @ KERNEL.reshape(-1) == y.reshape(-1)).all()
    assert (patches.T @ g.reshape(-1) == by_w.reshape(-1)).all()
    # By the image it is a convolution again: of g with a rim of zeros and the kernel turned round.
    turned = patch_matrix(np.pad(g, 2)) @ KERNEL[::-1, ::-1].reshape(-1)
    assert (turned == by_x.reshape(-1)).all()
    print("the patch matrix and its transpose, and the kernel turned round, give the same")

    # The engine. Images are (N, H, W, C), kernels (KH, KW, C, O).
    x = mg.tensor(IMAGE[None, :, :, None].astype(float), requires_grad=True)
    w = mg.tensor(KERNEL[:, :, None, None].astype(float), requires_grad=True)
    cotangent = mg.tensor(g[None, :, :, None].astype(float))
    output = mg.ops.conv2d(x, w)
    x_grad, w_grad = mg.grad(output, (x, w), cotangent)
    transposed = mg.ops.conv_transpose2d(cotangent, w)
    differences = [output.numpy()[0, :, :, 0] - y, x_grad.numpy()[0, :, :, 0] - by_x,
                   w_grad.numpy()[:, :, 0, 0] - by_w, transposed.numpy()[0, :, :, 0] - by_x]
    print("largest difference from conv2d, its two gradients and conv_transpose2d: "
          f"{max(abs(d).max() for d in differences)}")

    draw().savefig(arguments.out)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
