"""Where a loss falls silent

Chapter: stable. 5 minutes.

Three programs for the same loss, −ln(1 − σ(a)), that a discriminator pays for a generated sample of
logit a. Its slope is σ(a), so where D is wrong, at a large a, it should be nearly 1. Measure: for
each loss give a logit between 0 and 60 at which its slope, in float32, is off by more than 0.1, or
`None` for one that has no such place.
"""
# %% start
import numpy as np

import minigan as mg


def by_formula(a):
    return -mg.ops.log(1 - mg.ops.sigmoid(a))


def with_a_floor(a):
    return -mg.ops.log(1 - mg.ops.sigmoid(a) + 1e-3)


def on_the_logit(a):
    return mg.ops.maximum(a, 0.0) + mg.ops.log(1 + mg.ops.exp(-abs(a)))


def slope(loss, at):
    with np.errstate(all="ignore"):
        return mg.value_and_grad(loss)(mg.tensor(float(at)))[1].item()


print(slope(by_formula, 1.0), slope(with_a_floor, 1.0), slope(on_the_logit, 1.0))
fails_at = {by_formula: ..., with_a_floor: ..., on_the_logit: ...}
# %% solution
import numpy as np

import minigan as mg


def by_formula(a):
    return -mg.ops.log(1 - mg.ops.sigmoid(a))


def with_a_floor(a):
    return -mg.ops.log(1 - mg.ops.sigmoid(a) + 1e-3)


def on_the_logit(a):
    return mg.ops.maximum(a, 0.0) + mg.ops.log(1 + mg.ops.exp(-abs(a)))


def slope(loss, at):
    with np.errstate(all="ignore"):
        return mg.value_and_grad(loss)(mg.tensor(float(at)))[1].item()


for loss in by_formula, with_a_floor, on_the_logit:
    print(loss.__name__, [round(slope(loss, at), 3) for at in range(0, 60, 2)])
# The floor was to help, and makes it worse: it falls silent from a = 5 on, the formula at 17 only.
fails_at = {by_formula: 20, with_a_floor: 8, on_the_logit: None}
# %% check
import math


def off(loss, at):
    value = slope(loss, at)
    return abs(value - 1 / (1 + math.exp(-at))) if math.isfinite(value) else math.inf


for loss in by_formula, with_a_floor, on_the_logit:
    name, at = loss.__name__, fails_at.get(loss, ...)
    assert at is not ..., f"fails_at[{name}] is still ...: print its slope at 0, 2, 4, ..., 60"
    if at is None:
        assert all(off(loss, a) < 0.1 for a in range(0, 61, 3)), (
            f"{name}: it does have such a place. Print its slope at 0, 2, 4, ..., 60.")
        continue
    assert isinstance(at, (int, float)) and 0 <= at <= 60, (
        f"{name}: a logit between 0 and 60, or None, is wanted, not {at!r}")
    assert off(loss, at) > 0.1, (
        f"{name}: at {at} its slope is {slope(loss, at):.4f}, and {1 / (1 + math.exp(-at)):.4f} "
        "is right: it does not fail there")
