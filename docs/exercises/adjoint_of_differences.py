"""The adjoint of the differences

Chapter: checking. 5 minutes.

`differences` takes n numbers to the n − 1 steps from each to the next. It is linear, so its
gradient is its adjoint, which can be proven to the last digit, without a difference quotient. Write
it:
`adjoint(g)` takes n − 1 numbers to n, such that
`(differences(x) * g).sum() == (x * adjoint(g)).sum()` for all x and g.
"""
# %% start
import numpy as np


def differences(x):
    return x[1:] - x[:-1]


def adjoint(g):
    return ...


# %% solution
import numpy as np


def differences(x):
    return x[1:] - x[:-1]


def adjoint(g):
    # x[i] ends step i − 1, with a plus, and begins step i, with a minus
    gradient = np.zeros(len(g) + 1)
    gradient[1:] += g
    gradient[:-1] -= g
    return gradient


# %% check
import numpy as np

for n in 2, 3, 7:
    g = np.random.default_rng(n).integers(-9, 10, size=n - 1).astype(float)
    answer = adjoint(g.copy())
    assert answer is not ..., "adjoint still returns ...: which steps does x[i] take part in?"
    assert isinstance(answer, np.ndarray), f"adjoint returns {answer!r}, and is to return an array"
    assert answer.shape == (n,), (f"of {n - 1} numbers it makes an array of shape "
                                      f"{answer.shape}, and x has the shape ({n},)")
    for i, x in enumerate(np.eye(n)):                  # x is 1 at i alone
        left, right = (differences(x) * g).sum(), (x * answer).sum()
        where = {0: "the first", n - 1: "the last"}.get(i, "one in the middle")
        assert np.isclose(left, right, rtol=0, atol=1e-12), (
            f"for g = {g.tolist()} adjoint(g)[{i}] is {right:g} and should be {left:g}: x[{i}], "
            f"{where}, is in {'one step' if i in (0, n - 1) else 'two steps'}; with which sign?")
