"""Add where they meet

Chapter: sixty_lines. 3 minutes.

This engine trains a chain of neurons and fails at everything else: as long as each value is used
once, all is right. Try `y = x * x`, find the line, and mend it.
"""
# %% start
import math


class Value:
    def __init__(self, data, made_from=()):
        self.data = data
        self.made_from = made_from              # pairs: a Value, and the slope by it
        self.grad = 0.0

    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        y = math.tanh(self.data)
        return Value(y, [(self, 1 - y * y)])

    def backward(self):
        self.grad = 1.0
        for value in reversed(inputs_first(self, [], set())):
            for x, slope in value.made_from:
                x.grad = value.grad * slope


def inputs_first(value, order, seen):
    if id(value) not in seen:
        seen.add(id(value))
        for x, _ in value.made_from:
            inputs_first(x, order, seen)
        order.append(value)
    return order


# %% solution
import math


class Value:
    def __init__(self, data, made_from=()):
        self.data = data
        self.made_from = made_from              # pairs: a Value, and the slope by it
        self.grad = 0.0

    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        y = math.tanh(self.data)
        return Value(y, [(self, 1 - y * y)])

    def backward(self):
        self.grad = 1.0
        for value in reversed(inputs_first(self, [], set())):
            for x, slope in value.made_from:
                x.grad += value.grad * slope   # two arrows bring two parts


def inputs_first(value, order, seen):
    if id(value) not in seen:
        seen.add(id(value))
        for x, _ in value.made_from:
            inputs_first(x, order, seen)
        order.append(value)
    return order


# %% check
def slopes(f, *numbers):
    """The engine's gradient of f and the measured one, by each of its arguments."""
    values = [Value(number) for number in numbers]
    f(*values).backward()

    def moved(i, step):
        return f(*[Value(n + step * (i == j)) for j, n in enumerate(numbers)]).data

    measured = [(moved(i, 1e-5) - moved(i, -1e-5)) / 2e-5 for i in range(len(numbers))]
    return [round(v.grad, 6) for v in values], [round(m, 6) for m in measured]


def check(f, said, *numbers, think):
    engine, measured = slopes(f, *numbers)
    assert all(abs(e - m) < 1e-5 for e, m in zip(engine, measured)), (
        f"{said} at {numbers}: the engine's gradient is {engine}, measured it is {measured}. "
        f"{think}")


check(lambda w, x, b: (w * x + b).tanh(), "tanh(w x + b)", 2.0, 0.5, -0.4,
      think="Here each value is used once. This was right before: what have you changed?")
check(lambda x: x * x, "x · x", 3.0,
      think="Two arrows go from x to the product. What does the second one do to what the first "
            "one brought?")
check(lambda x, w: (x * w).tanh() * x + x + w, "x tanh(x w) + x + w", 0.3, 0.7,
      think="x is used three times, w twice: how many parts does each gradient have?")


def within(x, w):
    s = x * w
    return s * s + s * s.tanh()


check(within, "s s + s tanh s with s = x w", 0.8, -0.6,
      think="Here the value that is used several times is no leaf: it must not hand on its "
            "gradient before all parts of it are there.")
