"""A rate that falls at the end

Chapter: recipes. 4 minutes.

`rate(step, steps, lr, share)` is the learning rate when `step` of `steps` steps are made: `lr`,
and in the last `share` of the steps it falls in a straight line to 0. With a share of 1 it falls
from the beginning. (It is what `--lr-decay` does.) No `if` is needed.
"""
# %% start
def rate(step, steps, lr, share):
    return lr


# %% solution
def rate(step, steps, lr, share):
    left = 1 - step / steps                  # 1 at the start, 0 at the end
    return lr * min(1, left / share)         # the line through 0 at the end, cut off at 1


# %% check
for steps, lr, share, expected in [(100, 0.2, 0.5, {0: 0.2, 25: 0.2, 50: 0.2, 75: 0.1, 100: 0.0}),
                                   (10, 1.0, 1.0, {0: 1.0, 3: 0.7, 5: 0.5, 10: 0.0}),
                                   (1000, 0.01, 0.1, {0: 0.01, 899: 0.01, 950: 0.005, 990: 0.001})]:
    for step, value in expected.items():
        found = rate(step, steps, lr, share)
        assert isinstance(found, (int, float)), f"rate returns {found!r}: it is to be a number"
        assert abs(found - value) < 1e-9, (
            f"after {step} of {steps} steps, lr = {lr}, share = {share}, the rate is {found:g} and "
            f"should be {value:g}: it falls from step {steps - share * steps:g} to step {steps}")
