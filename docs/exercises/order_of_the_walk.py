"""Put back the order

Chapter: sixty_lines. 6 minutes.

Somebody found `inputs_first` too long. Their `backward` keeps a list of who is waiting: first the
result, then what it was made from, then what those were made from. The line with `+=` is as it
should be. It is right for a neuron, and wrong for `s = x * w; y = s * s + s`, where `s` waits three
times. Mend it. A value may be visited only once.
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
        waiting = [self]
        while waiting:
            value = waiting.pop(0)
            for x, slope in value.made_from:
                x.grad += value.grad * slope
                waiting.append(x)


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
        # its turn comes once: after that of everything made from it
        for value in reversed(inputs_first(self, [], set())):
            for x, slope in value.made_from:
                x.grad += value.grad * slope


def inputs_first(value, order, seen):
    if id(value) not in seen:
        seen.add(id(value))
        for x, _ in value.made_from:
            inputs_first(x, order, seen)
        order.append(value)
    return order


# %% check
class Arrows(list):
    """Those of a value, which count how often they are looked at."""

    looked = 0

    def __iter__(self):
        self.looked += 1
        assert self.looked <= 4, (
            "your walk looks at the arrows of one value again and again, once for each way that "
            "leads there. After 30 times y = y + y there are 2³⁰ ways: visit each value once")
        return super().__iter__()


def counted(value, seen=None):
    seen = {} if seen is None else seen
    if id(value) not in seen:
        seen[id(value)] = value
        for x, _ in value.made_from:
            counted(x, seen)
        value.made_from = Arrows(value.made_from)
    return value


def check(f, said, *numbers, think):
    values = [Value(number) for number in numbers]
    counted(f(*values)).backward()

    def moved(i, step):
        return f(*[Value(n + step * (i == j)) for j, n in enumerate(numbers)]).data

    engine = [round(v.grad, 5) for v in values]
    measured = [round((moved(i, 1e-5) - moved(i, -1e-5)) / 2e-5, 5) for i in range(len(numbers))]
    assert all(abs(e - m) < 1e-4 for e, m in zip(engine, measured)), (
        f"{said} at {numbers}: the engine's gradient is {engine}, measured it is {measured}. "
        f"{think}")


def shared(x, w):
    s = x * w
    return s * s + s


def uneven(x, w):
    s = x * w
    return s + s.tanh().tanh().tanh() * x


def doubled(x):
    for _ in range(12):
        x = x + x
    return x


check(lambda w, x, b: (w * x + b).tanh(), "tanh(w x + b)", 2.0, 0.5, -0.4,
      think="Here nothing is used twice: this was right before")
check(shared, "s s + s with s = x w", 0.5, 3.0,
      think="Does s hand on its gradient once, and when all three parts of it are there?")
check(uneven, "s + x tanh tanh tanh s with s = x w", 0.5, 3.0,
      think="One way to s has one arrow, the other five. s is reached by the short one first: may "
            "it hand on its gradient then?")
check(doubled, "x doubled 12 times", 1.0, think="Each sum takes the one before it twice")
