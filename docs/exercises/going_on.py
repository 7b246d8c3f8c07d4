"""Stop and go on

Chapter: notebook. 5 minutes.

`train(steps)` is to go on until there are `steps` steps *in all*, so that a cell can be run again
without harm. The stop button raises KeyboardInterrupt in the middle: then `train` saves what is
done and returns, as if that had been all. Any other error is passed on, but saved before, too.
"""
# %% start
class Training:
    def __init__(self, one_step):
        self.one_step, self.step, self.saved = one_step, 0, 0

    def save(self):
        self.saved = self.step

    def train(self, steps):
        for _ in range(steps):
            self.one_step()
            self.step += 1
        self.save()


# %% solution
class Training:
    def __init__(self, one_step):
        self.one_step, self.step, self.saved = one_step, 0, 0

    def save(self):
        self.saved = self.step

    def train(self, steps):
        try:
            while self.step < steps:
                self.one_step()
                self.step += 1
        except KeyboardInterrupt:
            pass                       # somebody pressed stop: that is no failure
        finally:
            self.save()                # however it ended


# %% check
class Fails:
    """A step that raises `error` at its n-th call."""

    def __init__(self, n=0, error=None):
        self.calls, self.n, self.error = 0, n, error

    def __call__(self):
        self.calls += 1
        if self.calls == self.n:
            raise self.error


fine = Fails()
training = Training(fine)
for asked, expected in (5, 5), (5, 5), (8, 8), (3, 8):
    training.train(asked)
    assert (fine.calls, training.step) == (expected, expected), (
        f"train(5), train(5), train(8), train(3): after train({asked}) there are {fine.calls} "
        f"steps made and {training.step} counted, and {expected} are asked for in all")
    assert training.saved == expected, f"saved at step {training.saved}, not {expected}"
training = Training(Fails(3, KeyboardInterrupt()))
try:
    training.train(10)
except KeyboardInterrupt:
    raise AssertionError("stopped in the third step: train is to return, and raised "
                         "KeyboardInterrupt") from None
assert training.step == 2, f"stopped in the third step: 2 are done, and it counts {training.step}"
assert training.saved == 2, f"stopped in the third step: 2 are done, and {training.saved} are saved"
training.train(10)
assert training.saved == 10, f"train(10) again goes on to 10, and ended at {training.saved}"
training = Training(Fails(3, ZeroDivisionError("a mistake in the step")))
try:
    training.train(10)
except ZeroDivisionError:
    assert training.saved == 2, f"after an error in step 3, 2 are to be saved, not {training.saved}"
else:
    raise AssertionError("an error in the step is kept silent: only the stop button is no failure")
