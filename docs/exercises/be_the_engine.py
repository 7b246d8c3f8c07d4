"""Be the engine

Chapter: stepper. 6 minutes.

Walk back through `y` by hand, and write down what the engine would: `order`, the operations in the
order in which they are asked; `arrives`, the gradient that comes to each; `gradients`, what a and b
have in the end. Then run the file, open steps.html, and compare before you have it graded.
"""
# %% start
import minigan as mg

a = mg.tensor(2.0, requires_grad=True)
b = mg.tensor(3.0, requires_grad=True)
product = a * b
total = product + b
y = total * total

order = [...]                                              # of "product", "total", "y"
arrives = {"y": ..., "total": ..., "product": ...}
gradients = {"a": ..., "b": ...}

mg.viz.steps(y, "steps.html")
# %% solution
import minigan as mg

a = mg.tensor(2.0, requires_grad=True)
b = mg.tensor(3.0, requires_grad=True)
product = a * b
total = product + b
y = total * total

order = ["y", "total", "product"]
arrives = {"y": 1, "total": 18, "product": 18}             # total went in twice: 9 + 9
gradients = {"a": 54, "b": 54}                             # b: 36 through the product, 18 beside it

mg.viz.steps(y, "steps.html")
# %% check
assert ... not in [*order, *arrives.values(), *gradients.values()], (
    "something is still ...: begin with arrives['y'], which is 1 in every walk")
assert list(order) == ["y", "total", "product"], (
    f"the order is not {list(order)}: nobody is asked before all that it gets has arrived, so the "
    "walk begins at y")
for name, right, hint in [
        ("y", 1, "by how much does y move, if y is nudged?"),
        ("total", 2 * total.item(), "it goes into y twice, as both factors: two parts add up"),
        ("product", 2 * total.item(), "a sum hands on what it gets")]:
    assert arrives[name] == right, f"at {name} something else arrives than {arrives[name]}: {hint}"
for name, x, hint in [("a", a, "what arrives at the product, times the other factor"),
                      ("b", b, "it has two arrows: one into the product and one past it")]:
    right = mg.grad(y, x)[0].item()
    assert gradients[name] == right, (
        f"the gradient of {name} is not {gradients[name]}: {hint}")
