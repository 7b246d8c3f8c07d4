"""A check that is not fooled

Chapter: checking. 9 minutes.

`right(f, vjp, x)` is to say whether a gradient is right. `f` takes a vector to a vector;
`vjp(x, cotangent)` claims to be the gradient of `(f(x) * cotangent).sum()`. The `right` below makes
three mistakes that this chapter knows. Mend it: it will be shown four right gradients and four
wrong ones.
"""
# %% start
import numpy as np


def right(f, vjp, x, h=1e-5):
    """Whether vjp is the gradient of f at x. f and vjp take arrays, no engine is needed."""
    cotangent = np.ones(f(x).shape)
    v = np.eye(len(x))[0]
    measured = ((f(x + h * v) - f(x - h * v)) * cotangent).sum() / (2 * h)
    claimed = vjp(x, cotangent) @ v
    return abs(claimed - measured) <= 1e-2 * abs(measured)


# %% solution
import numpy as np


def right(f, vjp, x, h=1e-5):
    """Whether vjp is the gradient of f at x. f and vjp take arrays, no engine is needed."""
    rng = np.random.default_rng(0)
    cotangent = rng.normal(size=f(x).shape)      # with ones, whoever ignores it is right
    for v in np.eye(len(x)):                     # each entry by itself
        measured = ((f(x + h * v) - f(x - h * v)) * cotangent).sum() / (2 * h)
        claimed = vjp(x, cotangent) @ v
        # 1 beside the measured slope: where that is 0, rounding is all that there is
        if abs(claimed - measured) > 1e-6 * (1 + abs(measured)):
            return False
    return True


# %% check
import numpy as np

from minigan.user_code import said


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def softmax_vjp(x, g):
    y = softmax(x)
    return y * (g - (g * y).sum())


def one_entry_wrong(x, g):
    gradient = 2 * x * g
    gradient[-1] *= 1.1
    return gradient


def square(x):
    return x * x


x = np.random.default_rng(7).normal(size=40)
SHOWN = [
    (True, "x²", square, lambda x, g: 2 * x * g, "a difference quotient is rounded, by 1e-10 or "
     "so with this step; allow for that"),
    (True, "softmax", softmax, softmax_vjp, "the shares add up to 1. So with a cotangent of ones "
     "nothing moves, what is measured is rounding, and a tolerance relative to that is none"),
    (True, "the running sums", np.cumsum, lambda x, g: np.cumsum(g[::-1])[::-1],
     "the largest slopes are some 10, the smallest 0.01"),
    (True, "the sum, 40 numbers to one", lambda x: x.sum(keepdims=True),
     lambda x, g: np.full(len(x), g[0]), "f(x) need not have the shape of x"),
    (False, "x² with a backward that ignores the cotangent", square, lambda x, g: 2 * x,
     "for which cotangent is it right?"),
    (False, "x² with one entry of 40 that is 10 % too big", square, one_entry_wrong,
     "which entries does your check nudge?"),
    (False, "x² with all entries 0.1 % too big", square, lambda x, g: 2.002 * x * g,
     "how good is a central difference in float64?"),
    (False, "x³ with the slope 0", lambda x: x ** 3, lambda x, g: 0 * g,
     "a claim of 0 is a claim, too"),
]
for is_right, name, f, vjp, hint in SHOWN:
    try:
        answer = right(f, vjp, x)
    except Exception as error:
        raise AssertionError(f"for {name}, right raised {said(error)}") from None
    assert isinstance(answer, (bool, np.bool_)), (
        f"right is to return True or False, and returned {answer!r} for {name}")
    assert answer == is_right, (f"{name}: your check says {bool(answer)}, and the gradient is "
                                f"{'right' if is_right else 'wrong'}: {hint}")
