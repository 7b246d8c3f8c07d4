"""A step that knows the curve

Chapter: second_order. 4 minutes.

Gradient descent goes by the slope alone, and needs a learning rate. Newton's step divides the slope
by its own slope, x − f′(x) / f″(x), and needs none. Complete `newton` with two calls of `mg.grad`.
"""
# %% start
import numpy as np

import minigan as mg


def newton(f, x):
    """The next x, a Python number, on the way to a point where f′ is 0."""
    x = mg.tensor(np.float64(x), requires_grad=True)
    slope, = mg.grad(f(x), x)
    ...
    return x.item()


x = 2.0
for _ in range(5):
    x = newton(lambda x: x ** 4 + x ** 2 - x, x)
    print(x)
# %% solution
import numpy as np

import minigan as mg


def newton(f, x):
    """The next x, a Python number, on the way to a point where f′ is 0."""
    x = mg.tensor(np.float64(x), requires_grad=True)
    slope, = mg.grad(f(x), x, create_graph=True)     # with the trace of how it was made
    curvature, = mg.grad(slope, x)
    return x.item() - slope.item() / curvature.item()


x = 2.0
for _ in range(5):
    x = newton(lambda x: x ** 4 + x ** 2 - x, x)
    print(x)
# %% check
def attempt(f, x):
    try:
        return newton(f, x)
    except ValueError as error:
        raise AssertionError(f"{error}") from None


got = attempt(lambda x: 3 * x ** 2 - 6 * x, 5.0)
assert isinstance(got, float), f"newton is to return a Python number, not {type(got).__name__}"
assert got != 5.0, "newton returns the x that it was given: by how much does it move?"
assert abs(got - 1) < 1e-9, (
    f"for 3x² − 6x, whose slope is a straight line, one step from 5 leads to the minimum at 1; "
    f"this one leads to {got:.6g}. The slope there is 24, its own slope 6.")
for start in 0.5, 3.0:
    x = start
    for _ in range(12):
        x = attempt(lambda x: x ** 4 + x ** 2 / 4 - x, x)
    slope = 4 * x ** 3 + x / 2 - 1
    assert abs(slope) < 1e-9, (
        f"for x⁴ + x²/4 − x, twelve steps from {start} lead to {x:.6g}, where the slope is still "
        f"{slope:.2g}")
