"""Pairs in the right order

Chapter: diagnostics. 4 minutes.

`order(real, fake)` is the share of all pairs, one real and one generated example, of which D gives
the real one the larger logit; where both are equal it counts half. Of n and m logits that is n · m
pairs. It needs no boundary, so it means the same for every objective.
"""
# %% start
import numpy as np


def order(real, fake):
    return (real > fake).mean()


# %% solution
import numpy as np


def order(real, fake):
    real, fake = real[:, None], fake[None, :]          # (n, 1) and (1, m): a table of all pairs
    return (real > fake).mean() + (real == fake).mean() / 2


# %% check
import numpy as np

from minigan.user_code import said

for real, fake, expected, hint in [
        ([3, 1], [2, 0], 0.75, "3 is above both and 1 above one: 3 of 4 pairs, not of 2"),
        ([1, 2, 3], [0], 1.0, "numbers of real and of generated examples may differ"),
        ([1, 1], [1, 1, 1], 0.5, "a D that always says the same is guessing: a tie is half"),
        ([5, 4], [7, 6, 9], 0.0, "no pair is in order"),
        ([105, 104], [103, 102, 9], 1.0, "no logit is 0 in the middle: only the order counts"),
        ([0, 2], [0, 1], 0.625, "one tie of four pairs, and two in order")]:
    try:
        found = order(np.array(real, float), np.array(fake, float))
    except Exception as error:
        raise AssertionError(f"order({real}, {fake}) raised {said(error)}: {hint}") from None
    assert isinstance(found, (float, np.floating)), (
        f"order returns {found!r}, and is to return one number")
    assert abs(found - expected) < 1e-9, (f"order({real}, {fake}) is {found:g} and should be "
                                          f"{expected:g}: {hint}")
