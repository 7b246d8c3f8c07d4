"""The branch that is not taken

Chapter: prove_jax. 5 minutes.

The logarithm where x is positive, and 0 elsewhere. The values are right; but at 0 the gradient is
NaN, for both branches are differentiated, and 0 · ∞ is NaN. It is the same in JAX, PyTorch and
minigan. Write it so that the gradient is 0 wherever x is not positive.
"""
# %% start
import minigan as mg


def log_or_zero(x):
    return mg.ops.where(x > 0, mg.ops.log(x), 0.0)


# %% solution
import minigan as mg


def log_or_zero(x):
    safe = mg.ops.where(x > 0, x, 1.0)      # what the logarithm never sees cannot harm it
    return mg.ops.where(x > 0, mg.ops.log(safe), 0.0)


# %% check
import numpy as np
import minigan as mg
from minigan.testing import check_grads

x = np.array([0.5, 2.0, -1.0, 0.0, 1e-8])
with np.errstate(all="ignore"):
    y = log_or_zero(mg.tensor(x))
    assert isinstance(y, mg.Tensor), f"log_or_zero returns {type(y).__name__}, not a Tensor"
    assert np.allclose(y.numpy(), [np.log(0.5), np.log(2), 0, 0, np.log(1e-8)]), (
        f"at {x.tolist()} it is {y.numpy().tolist()}, and should be ln ½, ln 2, 0, 0 and "
        "ln 10⁻⁸ = -18.42")
    gradient = mg.value_and_grad(lambda x: log_or_zero(x).sum())(mg.tensor(x))[1].numpy() + 0.0
assert np.isfinite(gradient).all(), (
    f"at x = {x.tolist()} the gradient is {gradient.tolist()}: the logarithm is still asked for a "
    "slope at 0, and 0 times what it answers is NaN. Ask it only where it can answer")
assert np.allclose(gradient, [2, 0.5, 0, 0, 1e8]), (
    f"at x = {x.tolist()} the gradient is {gradient.tolist()}, and should be [2, 0.5, 0, 0, 10⁸]")
check_grads(log_or_zero, x[:3])
