"""Catch a wrong gradient

Chapter: derivatives. 5 minutes.

Somebody claims that the gradient of `f` at `x` is `claimed`. Write `off`: how far the claim is from
the slope of `f` along the direction `v`, measured by a central difference with the step `h`. It may
call `f` twice, not more, however many inputs there are.
"""
# %% start
import numpy as np


def off(f, x, claimed, v, h=1e-5):
    """|measured slope along v − what the claimed gradient says of it|"""
    return ...


x = np.array([1.0, 2.0, 3.0])
for claimed in 2 * x, 2 * x + [0, 0.01, 0]:                # the gradient of Σ x² is 2x
    print(off(lambda x: np.sum(x ** 2), x, claimed, np.array([0.48, 0.6, 0.64])))
# %% solution
import numpy as np


def off(f, x, claimed, v, h=1e-5):
    """|measured slope along v − what the claimed gradient says of it|"""
    measured = (f(x + h * v) - f(x - h * v)) / (2 * h)
    return abs(measured - claimed @ v)      # a gradient says of a direction: their product


x = np.array([1.0, 2.0, 3.0])
for claimed in 2 * x, 2 * x + [0, 0.01, 0]:                # the gradient of Σ x² is 2x
    print(off(lambda x: np.sum(x ** 2), x, claimed, np.array([0.48, 0.6, 0.64])))
# %% check
rng = np.random.default_rng(0)
x, v, wrong = rng.normal(size=(3, 50))
v /= np.linalg.norm(v)
calls = []


def f(x):
    calls.append(x.copy())
    return np.sum(np.sin(x))


got = off(f, x, np.cos(x), v)
assert got is not None and got is not ..., "off returns nothing yet: measure, then compare"
assert np.ndim(got) == 0, (
    f"off returned an array of shape {np.shape(got)}: along one direction the slope is one number, "
    "and so is what a gradient says of it")
assert len(calls) == 2, f"off called f {len(calls)} times: two are enough, with all inputs moved"
assert not np.array_equal(calls[0], calls[1]), "both calls of f were at the same point"
assert got >= 0, "off is a distance, so it is not negative"
assert got < 1e-8, (
    f"the gradient is right here, and off is {got:.2g} where it should be about 1e-11. Is the "
    "difference divided by the whole distance between the two points?")
got = off(f, x, np.cos(x) + wrong, v)
assert abs(got - abs(wrong @ v)) < 1e-8, (
    f"a gradient that is wrong by {abs(wrong @ v):.6f} along v: off is {got:.6f}")
