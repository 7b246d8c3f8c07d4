"""The hats of Adam

Chapter: learning. 6 minutes.

`step` is Adam without the hats. `m` and `v` begin at 0, and so they are too small at first: after
one step `m` is a tenth of the gradient, `v` a thousandth of its square. Run it: the first
step is about 3 times too long. Divide each by what it is too small by, after `t` steps (`t`
is 1 at the first), into `m_hat` and `v_hat`. To find it, ask how large `m` becomes if every
gradient is 1; the correction makes that 1 from the start. `m` and `v` themselves go on as they are.
"""
# %% start
import numpy as np


def step(w, m, v, g, t, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
    """The new w, m and v."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g ** 2
    w = w - lr * m / (np.sqrt(v) + eps)
    return w, m, v


if __name__ == "__main__":
    nothing = np.zeros(3)
    print(step(nothing, nothing, nothing, np.array([1000.0, 1.0, -0.001]), t=1)[0])


# %% solution
import numpy as np


def step(w, m, v, g, t, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
    """The new w, m and v."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g ** 2
    m_hat = m / (1 - beta1 ** t)            # at t = 1 this is g: all that has been seen
    v_hat = v / (1 - beta2 ** t)            # and this is g²
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, m, v                          # the means themselves go on uncorrected


if __name__ == "__main__":
    nothing = np.zeros(3)
    print(step(nothing, nothing, nothing, np.array([1000.0, 1.0, -0.001]), t=1)[0])


# %% check
import numpy as np

import minigan as mg

zero, g = np.zeros(3), np.array([1000.0, 1.0, -0.001])
returned = step(zero, zero, zero, g, 1)
assert isinstance(returned, tuple) and len(returned) == 3, "step is to return three: w, m and v"
w, m, v = (np.asarray(part, dtype=float) for part in returned)
assert np.isfinite(w).all(), (
    f"the first step leads to {w}. What is divided by 0? t begins at 1")
lengths = np.abs(w) / 0.01
assert not np.allclose(lengths, 0.1 / np.sqrt(0.001), rtol=1e-3), (
    f"the first step is {lengths[1]:.2f} times lr: m is 0.1 g there and the root of v is 0.032 g. "
    "Divide each by what it is too small by. If all gradients were 1, how large would m be after "
    "t = 1 step, after 2, after 3?")
assert not np.allclose(lengths, 1000, rtol=1e-3), (
    "the first step is 1,000 times lr: are beta1 and beta2 swapped in the corrections? m is kept "
    "with beta1, v with beta2")
assert not np.allclose(lengths, 0.1, rtol=1e-3), (
    "the first step is lr / 10: v is corrected, m is not")
assert not np.allclose(lengths, 1 / np.sqrt(0.001), rtol=1e-3), (
    "the first step is 32 times lr: m is corrected, v is not")
assert not np.allclose(lengths[:2], 10, rtol=0.02), (
    "the first step is 10 times lr: m and v are multiplied by 1 − beta ** t. Divide by it")
assert not np.allclose(lengths, 0.1 / 0.9 / np.sqrt(0.001 / 0.999), rtol=1e-3), (
    f"the first step is {lengths[1]:.2f} times lr: beta ** t is what is left of the zero at the "
    "start, and what has come in is 1 − beta ** t")
assert np.allclose(lengths, 1, rtol=1e-3), (
    f"for the gradient {g} the first step is {lengths.round(3)} times lr: it should be lr itself "
    "for each of them. (Is the root taken of v_hat, and eps added after it?)")
assert np.allclose(m, 0.1 * g) and np.allclose(v, 0.001 * g ** 2), (
    "the first step is right, but it returns the corrected means: the next step would correct them "
    "again. m and v go on as they are, the hats are for this step only")
gradients = np.random.default_rng(0).standard_normal((20, 3)) * [0.01, 1.0, 100.0]
weights = mg.tensor(np.zeros(3), requires_grad=True)
adam = mg.optim.Adam([weights], lr=0.01, betas=(0.9, 0.999))
w = m = v = np.zeros(3)
for t, g in enumerate(gradients, 1):
    w, m, v = step(w, m, v, g, t)
    weights.grad = mg.tensor(g)
    adam.step()
    assert np.allclose(w, weights.numpy(), rtol=1e-6, atol=1e-9), (
        f"step {t} leads to {w}, minigan's Adam to {weights.numpy()}: up to there they agree. "
        "What depends on t?")
