"""The average of the weights

Chapter: recipes. 6 minutes.

Samples are drawn from a moving average of the generator's weights. Write it for one array: at its
t-th `update` (t = 0, 1, …) the average moves towards the weights by a share of the way between
them, which is `1 - decay`, but at least `9 / (10 + t)`. Without the latter the average begins as
what nobody trained, and carries that along for thousands of steps.
"""
# %% start
import numpy as np


class Average:
    def __init__(self, weights, decay=0.999):
        self.value, self.decay, self.t = weights, decay, 0

    def update(self, weights):
        """Move towards the weights, which are an array that its optimiser changes in place."""
        self.value = weights


# %% solution
import numpy as np


class Average:
    def __init__(self, weights, decay=0.999):
        # a copy: else the average is the weights themselves, which the optimiser changes in place
        self.value, self.decay, self.t = weights.copy(), decay, 0

    def update(self, weights):
        """Move towards the weights, which are an array that its optimiser changes in place."""
        share = max(1 - self.decay, 9 / (10 + self.t))
        self.value = self.value + share * (weights - self.value)
        self.t += 1


# %% check
import numpy as np

weights = np.zeros(2)
average = Average(weights)
assert isinstance(average.value, np.ndarray), (
    f"its value is {average.value!r}, and is to be an array of the weights' shape")
weights += 5.0
assert np.array_equal(average.value, [0, 0]), (
    "the weights were changed in place, without an update, and the average with them: it is the "
    "same array. Keep a copy")
average.update(weights)
assert np.allclose(average.value, 4.5), (
    "weights 0, then 5 at the first update: the average is to move by 9/10 of the way, to 4.5, and "
    f"is {average.value[0]:g}")
assert np.array_equal(weights, [5, 5]), "update has changed the weights: they are the optimiser's"
weights += 5.0
average.update(weights)
assert np.allclose(average.value, 4.5 + 9 / 11 * 5.5), (
    f"then 10 at the second update: by 9/11 of the way, to {4.5 + 9 / 11 * 5.5:.4f}, and it is "
    f"{average.value[0]:.4f}. (At the t-th update, counted from 0, 9 / (10 + t))")
expected = average.value.copy()
for t in range(2, 400):
    weights += np.sin(t)
    expected += max(0.05, 9 / (10 + t)) * (weights - expected)
    average.decay = 0.95
    average.update(weights)
assert np.allclose(average.value, expected), (
    f"after 400 updates with decay 0.95 it is {average.value[0]:.4f}, and should be "
    f"{expected[0]:.4f}: from t = 170 on 1 - decay is the larger of the two")
