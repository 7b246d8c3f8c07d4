"""Ten thousand links

Chapter: sixty_lines. 9 minutes.

`inputs_first` calls itself for each input, and Python allows a thousand calls within each other.
Write it without recursion, as step 2 of the chapter does for the engine on arrays; try to do it
without looking. What comes out must be the same kind of list: each value once, after everything
that it was made from.
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
        for value in reversed(inputs_first(self)):
            for x, slope in value.made_from:
                x.grad += value.grad * slope


def inputs_first(result):
    """A list of all that result was made from, each once and after its inputs; result is last."""
    order, seen = [], set()

    def visit(value):
        if id(value) not in seen:
            seen.add(id(value))
            for x, _ in value.made_from:
                visit(x)
            order.append(value)

    visit(result)
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
        for value in reversed(inputs_first(self)):
            for x, slope in value.made_from:
                x.grad += value.grad * slope


def inputs_first(result):
    """A list of all that result was made from, each once and after its inputs; result is last."""
    order, seen, stack = [], set(), [(result, False)]
    while stack:
        value, inputs_done = stack.pop()
        if inputs_done:
            order.append(value)
        elif id(value) not in seen:
            seen.add(id(value))
            stack.append((value, True))         # its second turn lies below its inputs' turns
            stack.extend([(x, False) for x, _ in value.made_from])
    return order


# %% check
import inspect
import sys


def order_of(result, what):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 60)       # a raised limit does not help
    order = deep = None
    try:
        order = inputs_first(result)
    except RecursionError:
        deep = True
    finally:
        sys.setrecursionlimit(before)
    assert not deep, (
        f"{what}: the calls within each other were too many. Keep what is still to be done in a "
        "list of your own, and take from its end")
    assert isinstance(order, list) and all(isinstance(v, Value) for v in order), (
        f"{what}: inputs_first gave {type(order).__name__}, not a list of Values: does it return "
        "the order?")
    return order


def check(result, count, what):
    order = order_of(result, what)
    place = {id(v): i for i, v in enumerate(order)}
    assert len(place) == len(order), (
        f"{what}: {len(order)} entries for {len(place)} values: one is listed twice")
    assert len(order) == count, (
        f"{what} has {count} values, the list has {len(order)}; is a value marked as seen before "
        "its own turn?")
    for v in order:
        for x, _ in v.made_from:
            assert place[id(x)] < place[id(v)], (
                f"{what}: a value stands at place {place[id(v)]}, one that it was made from at "
                f"{place[id(x)]}, after it. When is a value to be entered: when you first see it, "
                "or when its inputs are in?")


x, w = Value(0.5), Value(3.0)
check(x * w, 3, "x w")
s = x * w
check(s * s + s, 5, "s s + s with s = x w")
check(s + s.tanh().tanh() * x, 7, "s + x tanh tanh s with s = x w")
check(s.tanh().tanh() * x + s, 7, "x tanh tanh s + s with s = x w")

y = x
for _ in range(20):
    y = y + y
check(y, 21, "20 times y = y + y")

one, y = Value(1.0), x
for _ in range(10_000):
    y = y + one
check(y, 10_002, "a chain of 10,000 additions")
y.backward()
assert (x.grad, one.grad) == (1.0, 10_000.0), (
    f"after 10,000 additions of one value the gradients are {x.grad} and {one.grad}, not 1 and "
    "10,000")
