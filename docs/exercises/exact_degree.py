"""Where a ruler is exact

Chapter: derivatives. 4 minutes.

The forward difference of x is exactly 1, whatever the step; that of x² is not exactly 2x. So
it is exact for the powers up to 1, apart from rounding. Up to which power is the central
difference, and up to which is Richardson's extrapolation? Read it off the formulas for their
errors. Each number is tried out.
"""
# %% start
exact_up_to = {"forward": 1, "central": ..., "richardson": ...}
# %% solution
# What is left over begins with f''' for the central difference, and f''' of x² is 0. (The next
# leftovers are f''''', and so on: only the odd ones.) Richardson takes out the h² term; what is
# left over begins with h⁴ f'''''. The fifth derivative of x⁴ is 0.
exact_up_to = {"forward": 1, "central": 2, "richardson": 4}
# %% check
def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


RULERS = {"forward": lambda f, x, h: (f(x + h) - f(x)) / h,
          "central": central,
          "richardson": lambda f, x, h: (4 * central(f, x, h / 2) - central(f, x, h)) / 3}


def off(ruler, power):
    """How far it is off for the slope of that power of x, at 1 with a step of 0.1."""
    return abs(RULERS[ruler](lambda x: x ** power, 1.0, 0.1) - power)


for ruler in RULERS:
    power = exact_up_to.get(ruler, ...)
    assert power is not ..., f"exact_up_to[{ruler!r}] is still ...: up to which power?"
    assert isinstance(power, int), f"exact_up_to[{ruler!r}] is {power!r}: a whole number is wanted"
    assert 0 < power < 20, f"{ruler}: a power between 1 and 20 is wanted, not {power}"
    assert off(ruler, power) < 1e-12, (
        f"{ruler}: too high. With x**{power}, at 1 and with h = 0.1, it is off by "
        f"{off(ruler, power):.1g}. Which derivative of f does its leftover begin with?")
    assert off(ruler, power + 1) > 1e-12, (
        f"{ruler}: too low. With x**{power + 1} it is exact as well (off by "
        f"{off(ruler, power + 1):.0e}): which derivative does its leftover begin with, and for "
        "which powers is that derivative zero?")
