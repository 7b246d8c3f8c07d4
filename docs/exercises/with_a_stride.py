"""Three derivatives with a stride

Chapter: convolution. 6 minutes.

In one dimension the sum of the chapter is Σ x[p + i] · w[i] · g[p], and this function returns its
three derivatives: the two gradients and the convolution itself. With a stride s the window stands
at 0, s, 2s, ... Give the function a stride. (There is very little to change; but where?)
"""
# %% start
import numpy as np


def derivatives(x, w, g, stride):
    """By x, by w and by g; g has one number for each place of the window."""
    by_x, by_w, by_g = np.zeros_like(x), np.zeros_like(w), np.zeros_like(g)
    for p in range(len(g)):
        for i in range(len(w)):
            by_x[p + i] += w[i] * g[p]
            by_w[i] += x[p + i] * g[p]
            by_g[p] += x[p + i] * w[i]
    return by_x, by_w, by_g


# %% solution
import numpy as np


def derivatives(x, w, g, stride):
    """By x, by w and by g; g has one number for each place of the window."""
    by_x, by_w, by_g = np.zeros_like(x), np.zeros_like(w), np.zeros_like(g)
    for p in range(len(g)):
        for i in range(len(w)):
            read = p * stride + i           # the pixel that tap i reads at place p: nothing else
            by_x[read] += w[i] * g[p]
            by_w[i] += x[read] * g[p]
            by_g[p] += x[read] * w[i]
    return by_x, by_w, by_g


# %% check
import minigan as mg

rng = np.random.default_rng(0)
for size, taps, stride in (6, 3, 1), (7, 3, 2), (9, 2, 3), (8, 5, 2):
    places = (size - taps) // stride + 1
    x, w, g = rng.normal(size=size), rng.normal(size=taps), rng.normal(size=places)
    where = f"{size} pixels, {taps} taps, stride {stride}, {places} places"
    try:
        three = derivatives(x, w, g, stride)
    except (IndexError, ValueError) as error:
        raise AssertionError(f"{where}: {error}. Which pixels does the window read at its last "
                             f"place, {places - 1}?") from None
    assert isinstance(three, tuple) and len(three) == 3, "derivatives is to return three arrays"
    by_x, by_w, by_g = three
    X, W = (mg.tensor(a, requires_grad=True) for a in (x, w))
    Y = mg.ops.conv2d(X.reshape((1, 1, size, 1)), W.reshape((1, taps, 1, 1)), stride=stride)
    right_g = Y.numpy().ravel()
    Y.backward(mg.tensor(g.reshape(Y.shape)))
    right = {"by g, the convolution itself": (by_g, right_g), "by x": (by_x, X.grad.numpy()),
             "by w": (by_w, W.grad.numpy())}
    for name, (got, true) in right.items():
        assert np.allclose(got, true), (
            f"{where}: the derivative {name} is {np.round(got, 3)}, and {np.round(true, 3)} is "
            "right. Which pixel does tap i read at place p? All three lines ask that")
