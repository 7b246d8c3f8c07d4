"""What arrives in the tub

Chapter: accumulation. 4 minutes.

Four small programs, each with x = 2. What does `x.grad` hold at the end of each? Work it out on
paper first. (`x.grad` of the first is 2x = 4.)
"""
# %% start
import minigan as mg


def square(x):
    (x * x).backward()


def cube(x):
    (x * x * x).backward()


def half_constant(x):
    (x.detach() * x).backward()


def twice_back(x):
    y = x * x
    y.backward()
    y.backward()


def two_losses(x):
    (3 * x).backward()
    (x * x).backward()


grads = {square: 4, cube: ..., half_constant: ..., twice_back: ..., two_losses: ...}
# %% solution
import minigan as mg


def square(x):
    (x * x).backward()


def cube(x):
    (x * x * x).backward()


def half_constant(x):
    (x.detach() * x).backward()


def twice_back(x):
    y = x * x
    y.backward()
    y.backward()


def two_losses(x):
    (3 * x).backward()
    (x * x).backward()


# cube: three pipes of x² = 4 each. half_constant: one of the two pipes is shut, 2 remains.
# twice_back: 4, and the same added once more. two_losses: 3 of the one loss, and 4 of the other.
grads = {square: 4, cube: 12, half_constant: 2, twice_back: 8, two_losses: 7}
# %% check
ASK = {cube: "through how many factors does a nudge of x act, and how strongly through each?",
       half_constant: "detach() makes a constant: which pipes are left?",
       twice_back: "what does backward() do with what is in x.grad already?",
       two_losses: "what does the second backward() do with what the first has left in x.grad?"}

for program, question in ASK.items():
    said = grads.get(program, ...)
    assert said is not ..., f"{program.__name__} is still ...: {question}"
    x = mg.tensor(2.0, requires_grad=True)
    program(x)
    assert said == x.grad.item(), (
        f"{program.__name__}: not {said}. Think again: {question} Or run it and look.")
