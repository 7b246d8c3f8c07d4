"""Two operations more

Chapter: sixty_lines. 5 minutes.

Give the engine `x.exp()` and `x / y`. An operation says what comes out, and for each input how much
that moves per nudge of it; `backward` does the rest. The slope of eˣ is eˣ itself. The quotient
is x · y⁻¹, whose slope by y is −x · y⁻².
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

    def exp(self):
        return ...

    def __truediv__(self, other):
        return ...

    def backward(self):
        self.grad = 1.0
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

    def exp(self):
        y = math.exp(self.data)
        return Value(y, [(self, y)])            # the slope of eˣ is eˣ, which is there already

    def __truediv__(self, other):
        y = self.data / other.data              # x / y moves by 1 / y per nudge of x, and the other
        return Value(y, [(self, 1 / other.data), (other, -y / other.data)])    # way for one of y

    def backward(self):
        self.grad = 1.0
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
def are_pairs(made_from):
    return isinstance(made_from, (list, tuple)) and all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], Value)
        and isinstance(pair[1], (int, float)) for pair in made_from)


def check(f, said, *numbers, expected):
    values = [Value(number) for number in numbers]
    try:
        y = f(*values)
    except TypeError as error:
        assert "real number" not in str(error), f"{said}: math takes numbers: self.data"
        assert "operand" not in str(error), (
            f"{said}: {error}. The engine knows no such step: use the numbers in .data")
        raise
    assert y is not ..., f"{said} is still ...: return a Value, made from its inputs"
    assert isinstance(y, Value), (
        f"{said} is a {type(y).__name__}: return a Value, which remembers what it was made from")
    assert not isinstance(y.data, Value), (
        f"{said}.data is a Value, not a number: compute with numbers, wrap once")
    assert isinstance(y.data, float) and abs(y.data - expected) < 1e-9, (
        f"{said} at {numbers} should be {expected}, and is {y.data}")
    assert are_pairs(y.made_from), (
        f"{said} is not made from pairs: give a list of them, as [(self, 1.0), (other, 1.0)] is "
        "for a sum. Each is an input, which is a Value, and the slope by it, which is a number")
    y.backward()

    def moved(i, step):
        return f(*[Value(n + step * (i == j)) for j, n in enumerate(numbers)]).data

    for i, v in enumerate(values):
        measured = (moved(i, 1e-5) - moved(i, -1e-5)) / 2e-5
        reached = any(x is v for x in inputs_first(y, [], set()))
        hint = ("no arrow leads to it" if not reached else
                "which way does it move?" if abs(v.grad + measured) < 1e-5 else
                "that is what goes in; how steep is it there?" if v.grad == v.data else
                "look at the slope of its arrow")
        assert abs(v.grad - measured) < 1e-5, (
            f"{said} at {numbers}: per nudge of its {['first', 'second'][i]} argument it moves by "
            f"{measured:.6f}, and the engine says {v.grad:.6f}: {hint}")


for x in 0.5, 1.0, -0.7:
    check(lambda x: x.exp(), "x.exp()", x, expected=math.exp(x))
for x, y in (1.0, 2.0), (3.0, -0.5), (-0.4, 0.3):
    check(lambda x, y: x / y, "x / y", x, y, expected=x / y)
check(lambda x: x.exp() / (x.exp() + Value(1.0)), "eˣ / (eˣ + 1)", 0.3,
      expected=1 / (1 + math.exp(-0.3)))
