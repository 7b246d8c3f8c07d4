"""How many hands?

Chapter: many_hands. 5 minutes.

A step is 0.4 s of work that ranks can share and 0.02 s that all do alike; its gradients are 24 MB,
and all exchanges together take 0.001 s · log₂(ranks) beside the time of the bytes, of which each
rank receives 2 · (ranks − 1) / ranks · 24 MB, at 1.25 GB a second. Write `seconds(ranks)`. Then
say how many times as fast the step can get at all, however many ranks there are: with N ranks, N
very large, and log₂ N left out, `limit` times one rank's speed, to a tenth.
"""
# %% start
def seconds(ranks):
    ...


limit = ...
# %% solution
import math


def seconds(ranks):
    numbers = 2 * (ranks - 1) / ranks * 24e6 / 1.25e9
    return 0.4 / ranks + 0.02 + 0.001 * math.log2(ranks) + numbers


# what stays: 0.02 s that all do alike, and 2 · 24 MB at 1.25 GB a second, 0.0384 s
limit = 7.2             # 0.42 / 0.0584
# %% check
for ranks, right in {1: 0.42, 2: 0.2402, 8: 0.1066, 64: 0.07005}.items():
    yours = seconds(ranks)
    assert yours is not None and yours is not ..., "seconds returns nothing yet"
    assert abs(yours - right) < 1e-4, (
        f"with {ranks} rank{'s' * (ranks > 1)} a step takes {right} s, and you say {yours:.5g}. "
        "A MB is 10⁶ bytes, a GB 10⁹; one rank has nobody to talk to")
assert limit is not ..., "limit is a number: one rank's time over that which never gets shorter"
assert abs(limit - 7.2) < 0.06, (
    f"limit is 7.2, not {limit}: one rank takes 0.42 s; of N ranks' time the shared part vanishes, "
    "and what all do alike and twice the bytes stay")
