"""One order for all

Chapter: many_hands. 5 minutes.

`total(parts)` adds the parts of a batch, one after another. Two ranks, each with half of the parts,
would add their halves and then both sums, and get other last digits. Write it so that this gives
the same bits: `total(parts) == total(parts[:n // 2]) + total(parts[n // 2:])` for n = 2, 4, 8, …
parts, and so on in each half. A single part is its own sum.
"""
# %% start
def total(parts):
    result = parts[0]
    for part in parts[1:]:
        result = result + part
    return result
# %% solution
def total(parts):
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return total(parts[:middle]) + total(parts[middle:])
# %% check
import numpy as np

draws = np.random.default_rng(7)
assert total([2.5]) == 2.5, f"a single part, 2.5, is its own sum, not {total([2.5])}"
for n in (2, 4, 8, 16, 64):
    for _ in range(20):
        parts = list(draws.normal(size=n).astype(np.float32))
        whole, halves = total(parts), [total(parts[:n // 2]), total(parts[n // 2:])]
        assert whole is not None and whole is not ..., "total returns nothing yet"
        assert abs(whole - sum(map(float, parts))) < 1e-4, (
            f"the sum of {n} parts is {sum(map(float, parts)):.5f}, and total says {whole:.5f}")
        assert whole == halves[0] + halves[1], (
            f"of {n} parts total is {whole:.9g}, and the sum of its halves' totals is "
            f"{halves[0] + halves[1]:.9g}: two ranks would not get the bits of one. Add the two "
            "halves' totals, not one part after another")
