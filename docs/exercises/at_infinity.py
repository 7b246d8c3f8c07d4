"""What is left at infinity

Chapter: quality. 4 minutes.

A Fréchet distance of N samples is D + C/N: D is what is sought, C/N the price of few samples, and C
depends on the generator. `at_infinity(n, distance, m, other)` gets the distances at two numbers of
samples, n and m, and returns D. Then say which of two generators is the better one:

| | 1,000 samples | 4,000 samples |
|---|---|---|
| generator A | 5.2 | 3.7 |
| generator B | 4.9 | 4.0 |
"""
# %% start
def at_infinity(n, distance, m, other):
    return ...


better = ...                           # "A" or "B"
# %% solution
def at_infinity(n, distance, m, other):
    # n · distance = n D + C and m · other = m D + C: the difference knows no C
    return (n * distance - m * other) / (n - m)


better = "A"                           # 3.2 and 3.7: at 1,000 samples B was ahead
# %% check
found = at_infinity(100, 3.0, 200, 2.0)
assert isinstance(found, (int, float)), f"at_infinity returns {found!r}: it is to be one number"
for d, c, n, m in (1.0, 200.0, 100, 200), (0.0, 57.0, 112, 898), (3.2, 2000.0, 4000, 1000):
    found = at_infinity(n, d + c / n, m, d + c / m)
    assert abs(found - d) < 1e-9, (
        f"{d + c / n:g} at {n} and {d + c / m:g} at {m} is {d:g} + {c:g}/N, so it goes to {d:g}; "
        f"at_infinity says {found:g}. Two unknowns, D and C, and two equations")
assert better in ("A", "B"), f"better is {better!r}: it is to be \"A\" or \"B\""
assert better == "A", (f"A goes to {at_infinity(1000, 5.2, 4000, 3.7):g} and B to "
                       f"{at_infinity(1000, 4.9, 4000, 4.0):g}: less is better, whatever it was at "
                       "1,000")
