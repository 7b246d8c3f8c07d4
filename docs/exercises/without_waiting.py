"""A loop that does not wait

Chapter: gpu. 5 minutes.

`Number` is a number on a device. It counts what Python asks for: each operation is a launch, which
does not wait, and `float(x)` waits until all is done. `train` minimises (w − 3)² and waits 100
times in 100 steps. Let it wait twice at most, however many steps there are, and return the same
two numbers.
"""
# %% start
class Number:
    """A number on a device."""

    launches = waits = 0

    def __init__(self, value):
        self._value = value

    def _launch(self, value):
        Number.launches += 1
        return Number(value)

    def __add__(self, other):
        return self._launch(self._value + getattr(other, "_value", other))

    __radd__ = __add__

    def __sub__(self, other):
        return self._launch(self._value - getattr(other, "_value", other))

    def __mul__(self, other):
        return self._launch(self._value * getattr(other, "_value", other))

    def __float__(self):
        Number.waits += 1
        return float(self._value)


def train(w, steps):
    """Minimise (w - 3)², from a Number on. Returns w and the mean loss as floats."""
    total = 0.0
    for _ in range(steps):
        apart = w - 3.0
        loss = apart * apart
        total += float(loss)
        w = w - apart * 0.2
    return float(w), total / steps


# %% solution
class Number:
    """A number on a device."""

    launches = waits = 0

    def __init__(self, value):
        self._value = value

    def _launch(self, value):
        Number.launches += 1
        return Number(value)

    def __add__(self, other):
        return self._launch(self._value + getattr(other, "_value", other))

    __radd__ = __add__

    def __sub__(self, other):
        return self._launch(self._value - getattr(other, "_value", other))

    def __mul__(self, other):
        return self._launch(self._value * getattr(other, "_value", other))

    def __float__(self):
        Number.waits += 1
        return float(self._value)


def train(w, steps):
    """Minimise (w - 3)², from a Number on. Returns w and the mean loss as floats."""
    total = Number(0.0)                     # the sum stays on the device: one launch more, no wait
    for _ in range(steps):
        apart = w - 3.0
        loss = apart * apart
        total = total + loss
        w = w - apart * 0.2
    return float(w), float(total) / steps


# %% check
for steps in 1, 10, 100:
    Number.launches = Number.waits = 0
    found = train(Number(1.0), steps)
    waits, launches = Number.waits, Number.launches
    assert isinstance(found, tuple) and len(found) == 2 and all(
        isinstance(value, float) for value in found), (
        f"train returns {found!r}, and is to return two floats, w and the mean loss")
    w, losses = 1.0, []
    for _ in range(steps):
        losses.append((w - 3) ** 2)
        w -= 0.2 * (w - 3)
    for name, yours, right in ("w", found[0], w), ("the mean loss", found[1], sum(losses) / steps):
        assert abs(yours - right) < 1e-9, f"after {steps} steps {name} is {yours:g}, not {right:g}"
    assert launches >= 4 * steps, (
        f"{launches} launches in {steps} steps: the four operations of a step are to be made on "
        "the device, not around it")
    assert waits <= 2, (f"{steps} steps wait {waits} times: whatever needs a float in the loop "
                        "waits. Where can a sum be kept?")
