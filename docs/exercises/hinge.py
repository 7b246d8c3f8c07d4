"""The hinge

Chapter: objectives. 4 minutes.

D is to give real examples logits of 1 at least and generated ones −1 at most, and pays for each
what is missing to that; a logit beyond it is worth nothing more. G pays minus the logit. Write the
three losses, each of a tensor of logits; what they return has its shape. `mg.ops.relu` is
max(0, x).
"""
# %% start
import minigan as mg


def on_real(logits):
    return ...


def on_fake(logits):
    return ...


def on_generated(logits):
    return ...


# %% solution
import minigan as mg


def on_real(logits):
    return mg.ops.relu(1 - logits)


def on_fake(logits):
    return mg.ops.relu(1 + logits)


def on_generated(logits):
    return -logits                     # no relu: G is to be pulled wherever D puts it


# %% check
import numpy as np

at = np.array([-3.0, -0.5, 0.25, 2.0])
for loss, wanted, slopes, why in [
        (on_real, [4, 1.5, 0.75, 0], [-1, -1, -1, 0], "a real example pays what it has below 1"),
        (on_fake, [0, 0.5, 1.25, 3], [0, 1, 1, 1], "a generated one pays what it has above −1"),
        (on_generated, [3, 0.5, -0.25, -2], [-1, -1, -1, -1], "G pays minus the logit, always")]:
    x, name = mg.tensor(at, requires_grad=True), loss.__name__
    value = loss(x)
    assert value is not ..., f"{name} still returns ...: {why}"
    assert isinstance(value, mg.Tensor) and value.shape == (4,), (
        f"{name} returns {value!r}, but of 4 logits it is to make a tensor of 4 losses, no mean")
    assert np.allclose(value.numpy(), wanted), (
        f"{name} at the logits {at} is {value.numpy()}, but {wanted} is wanted: {why}")
    slope, = mg.grad(value.sum(), x, allow_unused=True)
    assert np.allclose(slope.numpy(), slopes), (
        f"{name} has the slopes {slope.numpy()} at {at}, but {slopes} are wanted: is it made of "
        "operations of minigan?")
