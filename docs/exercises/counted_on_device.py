"""What a replay repeats

Chapter: gpu. 7 minutes.

`Tape` is a captured step in small: it notes every launch with the arrays that it reads and writes,
and `replay()` makes them all again, without running any Python. The step below keeps the mean of
all that it was given: with the n-th x, mean += (x − mean) / n. Launched by Python it is right;
replayed it is wrong. Mend it: whatever changes from step to step has to lie in an array, and be
changed by a launch.
"""
# %% start
import numpy as np


class Tape:
    def __init__(self):
        self.launches = []

    def launch(self, function, *inputs, out):
        """out[...] = function(*inputs), now and in every replay."""
        self.launches.append((function, inputs, out))
        out[...] = function(*inputs)

    def replay(self):
        for function, inputs, out in self.launches:
            out[...] = function(*inputs)


class Mean:
    def __init__(self):
        self.value, self.n = np.zeros(1), 0

    def step(self, tape, x):
        self.n += 1
        n = self.n
        tape.launch(lambda x, mean: mean + (x - mean) / n, x, self.value, out=self.value)


# %% solution
import numpy as np


class Tape:
    def __init__(self):
        self.launches = []

    def launch(self, function, *inputs, out):
        """out[...] = function(*inputs), now and in every replay."""
        self.launches.append((function, inputs, out))
        out[...] = function(*inputs)

    def replay(self):
        for function, inputs, out in self.launches:
            out[...] = function(*inputs)


class Mean:
    def __init__(self):
        self.value, self.n = np.zeros(1), np.zeros(1)

    def step(self, tape, x):
        # as a number of Python, n was handed over once and for all; as an array it is looked up
        tape.launch(lambda n: n + 1, self.n, out=self.n)
        tape.launch(lambda x, mean, n: mean + (x - mean) / n, x, self.value, self.n, out=self.value)


# %% check
import numpy as np

for given in [4.0, 8.0, 6.0, 2.0], [1.0, 1.0, 4.0], [5.0]:
    mean, tape, x = Mean(), Tape(), np.array(given[:1])
    mean.step(tape, x)
    assert np.allclose(mean.value, given[0]), (
        f"already at the step that is recorded: after {given[0]:g} the mean is {mean.value}")
    calls = len(tape.launches)
    assert calls, "nothing was launched: what is done without tape.launch no replay repeats"
    for i, value in enumerate(given[1:], 2):
        x[...] = value                       # the input of a replay is copied to where x lay
        tape.replay()
        right = np.mean(given[:i])
        assert np.allclose(mean.value, right), (
            f"the first step recorded, then replayed: after {given[:i]} the mean is "
            f"{mean.value.item():g}, and should be {right:g}. Which number of the formula did not "
            "change between the replays?")
    assert len(tape.launches) == calls
