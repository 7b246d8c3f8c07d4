"""One path is missing

Chapter: batch_norm. 6 minutes.

This is layer normalisation without its weights: the mean and the deviation are those of each
example, a row, and not of each feature. The formula is that of the chapter, along the other axis.
But its backward takes one of the three paths for closed. Run the check, find which one, and mend
it.
"""
# %% start
import minigan as mg


class NormaliseRows(mg.Function):
    """(x − mean) / deviation of each row of a table."""

    def forward(self, x):
        return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)

    def backward(self, grad):
        x = self.inputs[0]
        centred = x - x.mean(axis=1, keepdims=True)
        sigma = mg.ops.sqrt((centred * centred).mean(axis=1, keepdims=True))
        return (grad - grad.mean(axis=1, keepdims=True)) / sigma


# %% solution
import minigan as mg


class NormaliseRows(mg.Function):
    """(x − mean) / deviation of each row of a table."""

    def forward(self, x):
        return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)

    def backward(self, grad):
        x, n = self.inputs[0], self.output
        centred = x - x.mean(axis=1, keepdims=True)
        sigma = mg.ops.sqrt((centred * centred).mean(axis=1, keepdims=True))
        through_sigma = n * (grad * n).mean(axis=1, keepdims=True)      # the deviation moves too
        return (grad - grad.mean(axis=1, keepdims=True) - through_sigma) / sigma


# %% check
import numpy as np

from minigan.testing import check_grads


def normalise_rows(x):
    return NormaliseRows()(x)


rng = np.random.default_rng(0)
x, g = mg.tensor(rng.normal(size=(3, 5)), requires_grad=True), rng.normal(size=(3, 5))
y = normalise_rows(x)
try:
    got = mg.grad(y, x, mg.tensor(g))[0].numpy()
except (RuntimeError, ValueError) as error:
    raise AssertionError(f"{error}") from None
for path, direction, names in [("the mean", np.ones((3, 5)), "shifting"),
                               ("the deviation", y.numpy(), "stretching")]:
    along = np.abs((got * direction).sum(axis=1)).max()
    assert along < 1e-10, (
        f"{names} a row does not change what comes out at all, and yet the gradient along that "
        f"direction is {along:.3g}, not 0: the path through {path} is not accounted for, or along "
        "the wrong axis")
check_grads(normalise_rows, rng.normal(size=(2, 4)), skip="zero-size")
