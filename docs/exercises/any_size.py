"""A ruler for any size

Chapter: derivatives. 6 minutes.

The central difference below keeps ten digits where x is about 1. At other sizes it does worse:
at a thousandth its step is a big piece of x, at a million a vanishing one. Mend `slope`: for
x between 1e-6 and 1e6 the slopes of ln x and of x³ are to be right to a relative
error of 1e-8.
"""
# %% start
import math


def slope(f, x):
    h = 1e-5
    return (f(x + h) - f(x - h)) / (2 * h)


for x in 1e-4, 1.0, 1e4:
    print(f"x = {x:.0e}: relative error {abs(slope(math.log, x) * x - 1):.0e}")
# %% solution
import math


def slope(f, x):
    h = 1e-5 * abs(x)       # what counts is h as a part of x (at 0 it needs another measure)
    return (f(x + h) - f(x - h)) / (2 * h)


for x in 1e-4, 1.0, 1e4:
    print(f"x = {x:.0e}: relative error {abs(slope(math.log, x) * x - 1):.0e}")
# %% check
def cube(x):
    return x ** 3


for name, f, exact in (("ln x", math.log, lambda x: 1 / x), ("x³", cube, lambda x: 3 * x * x)):
    for x in (1e-6, 3e-3, 1.0, 2e3, 1e6):
        try:
            got = slope(f, x)
        except ValueError:
            raise AssertionError(
                f"at x = {x:.0e} ln was asked for its value at a number below 0: the step is "
                "larger than x itself") from None
        assert isinstance(got, float), f"slope is to return a number, not {got!r}"
        error = abs(got / exact(x) - 1)
        assert error < 1e-8, (
            f"at x = {x:.0e} the slope of {name} is off by {error:.0e}, relatively. How large is "
            "your step there, as a part of x? Where x is about 1, the best was 1e-5.")
