"""From which end to multiply

Chapter: matmul. 6 minutes.

The slopes of a layer, of each output by each input, are a matrix, its Jacobian. By the chain rule
that of a network is the product of its layers', and it may be computed from either end. Take layers
of `sizes` = [n₀, n₁, ..., nₖ] numbers: J₁ has the shape (n₁, n₀), J₂ has (n₂, n₁), and so on;
wanted is Jₖ ⋯ J₂ J₁. Write the number of multiplications from the **input's** end (J₂ J₁ first) and
from the **output's** end (Jₖ Jₖ₋₁ first). The product of an (a, b) and a (b, c) matrix takes
a · b · c.
"""
# %% start
def from_the_input(sizes):
    return ...


def from_the_output(sizes):
    return ...


print(from_the_input([784, 100, 100, 1]), from_the_output([784, 100, 100, 1]))
# %% solution
def from_the_input(sizes):
    """Every partial product has n₀ columns: the size of the input is paid in each layer."""
    return sum(sizes[0] * a * b for a, b in zip(sizes[1:], sizes[2:]))


def from_the_output(sizes):
    """Every partial product has nₖ rows, and a loss is one number: nₖ = 1. That is why
    backpropagation goes backwards."""
    return sum(sizes[-1] * a * b for a, b in zip(sizes[:-2], sizes[1:]))


print(from_the_input([784, 100, 100, 1]), from_the_output([784, 100, 100, 1]))
# %% check
def counted(sizes, order):
    """The multiplications, by multiplying shapes."""
    shapes = [(b, a) for a, b in zip(sizes, sizes[1:])]         # J₁, J₂, ...
    count = 0
    while len(shapes) > 1:
        i = 0 if order == "input" else len(shapes) - 2
        (b, c), (a, _) = shapes[i:i + 2]
        count += a * b * c
        shapes[i:i + 2] = [(a, c)]
    return count


for sizes in [2, 3, 5], [784, 100, 100, 1], [1, 7, 7, 7, 9], [4, 3, 2, 5, 6, 1]:
    for f, order in (from_the_input, "input"), (from_the_output, "output"):
        got, right = f(sizes), counted(sizes, order)
        assert got is not None and got is not ..., (
            f"{f.__name__} returns nothing yet: which shape has the partial product after each "
            "step, and what does the next one cost?")
        if got != right:
            first = (f"J₂ J₁: ({sizes[2]}, {sizes[1]}) by ({sizes[1]}, {sizes[0]})"
                     if order == "input" else
                     f"the last two: ({sizes[-1]}, {sizes[-2]}) by ({sizes[-2]}, {sizes[-3]})")
            raise AssertionError(
                f"{f.__name__}({sizes}) is {got}, and {right} is right. With {len(sizes) - 1} "
                f"matrices the first product is {first}. Which of its "
                "lengths does the result keep to the end?")
