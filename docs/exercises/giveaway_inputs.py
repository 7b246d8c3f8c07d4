"""Inputs that give it away

Chapter: mismatch. 5 minutes.

Three operations with a wrong gradient, and all three pass a check at `x`: a check proves a gradient
at the inputs that it is given. Find for each an input at which it fails. Leave the operations as
they are.
"""
# %% start
import numpy as np
import minigan as mg

x = np.array([0.5, -1.0, 2.0])


class Clip(mg.Function):
    """Cut off at -5 and 5."""

    def forward(self, x):
        return np.clip(x, -5, 5)

    def backward(self, grad):
        return grad * 1.0


class Reverse(mg.Function):
    """In the opposite order along the last axis."""

    def forward(self, x):
        return x[..., ::-1].copy()

    def backward(self, grad):
        return grad[::-1]


class Largest(mg.Function):
    """The largest element, a vector to (1,)."""

    def forward(self, x):
        return x.max(keepdims=True)

    def backward(self, grad):
        return grad * (self.inputs[0].numpy() == self.output.numpy())


inputs = {Clip: x, Reverse: x, Largest: x}
# %% solution
import numpy as np
import minigan as mg

x = np.array([0.5, -1.0, 2.0])


class Clip(mg.Function):
    """Cut off at -5 and 5."""

    def forward(self, x):
        return np.clip(x, -5, 5)

    def backward(self, grad):
        return grad * 1.0


class Reverse(mg.Function):
    """In the opposite order along the last axis."""

    def forward(self, x):
        return x[..., ::-1].copy()

    def backward(self, grad):
        return grad[::-1]


class Largest(mg.Function):
    """The largest element, a vector to (1,)."""

    def forward(self, x):
        return x.max(keepdims=True)

    def backward(self, grad):
        return grad * (self.inputs[0].numpy() == self.output.numpy())


inputs = {Clip: np.array([7.0]),                # beyond the cut
          Reverse: np.ones((2, 3)),             # a second axis: the first is not the last
          Largest: np.array([2.0, 2.0])}        # a tie: both cannot have the whole gradient
# %% check
import numpy as np

from minigan.testing import GradientError, check_grads

HINTS = {Clip: "between which numbers is it right?",
         Reverse: "along which axis does forward reverse, and along which backward? They are the "
                  "same in a vector",
         Largest: "what does it do where more than one element is the largest?"}
for operation, hint in HINTS.items():
    def f(x, operation=operation):
        return operation()(x)

    check_grads(f, np.array([0.5, -1.0, 2.0]), order=1)     # it is as it was: right there
    name = operation.__name__
    try:
        found = np.asarray(inputs.get(operation, ...))
    except ValueError:
        raise AssertionError(f"{name}: that is no array: are all rows of one length?") from None
    assert found.dtype.kind in "if" and found.size and np.isfinite(found).all(), (
        f"{name}: its input is to be an array of one finite number or more; {hint}")
    assert operation is not Reverse or found.ndim, (
        "Reverse has no axis to reverse in a single number: give it an array")
    assert operation is not Largest or found.ndim == 1, (
        f"Largest takes a vector, and got an array of shape {found.shape}")
    try:
        check_grads(f, found.astype(float), order=1)
    except GradientError:
        continue
    raise AssertionError(f"{name} passes at {found.tolist()}: {hint}")
