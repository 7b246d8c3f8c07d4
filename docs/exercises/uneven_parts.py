"""A batch in uneven parts

Chapter: accumulation. 5 minutes.

A batch that does not fit into memory goes through in parts, and their gradients add up. The losses
are means, and the chapter divided each by the number of parts. With 10 examples in parts of 4, 4
and 2 that is wrong. Mend it: what adds up is to be the gradient of the mean over all examples,
however the parts are cut.
"""
# %% start
import numpy as np

import minigan as mg


def gradient(w, x, t, size):
    """The gradient by w of mse(x @ w, t), taken in parts of `size` examples."""
    w = mg.tensor(w, requires_grad=True)
    starts = range(0, len(x), size)
    for start in starts:
        xs, ts = x[start:start + size], t[start:start + size]
        loss = mg.losses.mse(xs @ w, ts)
        (loss / len(starts)).backward()
    return w.grad.numpy()


rng = np.random.default_rng(0)
w, x, t = rng.normal(size=(3, 1)), rng.normal(size=(10, 3)), rng.normal(size=(10, 1))
print(gradient(w, x, t, 10).ravel(), gradient(w, x, t, 4).ravel())
# %% solution
import numpy as np

import minigan as mg


def gradient(w, x, t, size):
    """The gradient by w of mse(x @ w, t), taken in parts of `size` examples."""
    w = mg.tensor(w, requires_grad=True)
    starts = range(0, len(x), size)
    for start in starts:
        xs, ts = x[start:start + size], t[start:start + size]
        loss = mg.losses.mse(xs @ w, ts)
        (loss * len(xs) / len(x)).backward()     # every example counts 1 / len(x)
    return w.grad.numpy()


rng = np.random.default_rng(0)
w, x, t = rng.normal(size=(3, 1)), rng.normal(size=(10, 3)), rng.normal(size=(10, 1))
print(gradient(w, x, t, 10).ravel(), gradient(w, x, t, 4).ravel())
# %% check
rng = np.random.default_rng(1)
for n in 6, 7:
    w, x, t = rng.normal(size=(3, 1)), rng.normal(size=(n, 3)), rng.normal(size=(n, 1))
    for size in 1, 2, 3, 4, 7:
        right = 2 * x.T @ (x @ w - t) / n
        got = gradient(w, x, t, size)
        assert np.shape(got) == (3, 1), f"the gradient has the shape of w, not {np.shape(got)}"
        ratio = got.ravel() @ right.ravel() / (right.ravel() @ right.ravel())
        assert np.allclose(got, right * ratio), (
            f"{n} examples in parts of {size}: the gradient points elsewhere than that of the "
            f"whole batch. The last part has {n % size or size}: how much of the mean over all is "
            "one example, and how much of the mean over its part?")
        assert np.isclose(ratio, 1), (
            f"{n} examples in parts of {size}: the gradient is {ratio:.3g} times that of the whole "
            "batch. What is the mean of all, in terms of the means of its parts?")
