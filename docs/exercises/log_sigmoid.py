"""The logarithm of a probability

Chapter: stable. 4 minutes.

A generator may minimise −ln σ(a), where a is the logit that D gives to a sample. `log_sigmoid` is
ln σ(x), written by its formula. At x = −200 its value is minus infinity, where it should be −200,
and its gradient not a number; at 20 it is exactly 0. Mend it, from −10,000 to 10,000, with the
operations of `mg.ops`. They have no log1p; which of them has one inside?
"""
# %% start
import minigan as mg


def log_sigmoid(x):
    """ln σ(x) of a Tensor, number by number."""
    return mg.ops.log(1 / (1 + mg.ops.exp(-x)))


print(log_sigmoid(mg.tensor([-20.0, 0.0, 20.0])).numpy())
# %% solution
import minigan as mg


def log_sigmoid(x):
    """ln σ(x) of a Tensor, number by number."""
    return -mg.ops.softplus(-x)     # ln(1 / (1 + e⁻ˣ)) = −ln(1 + e⁻ˣ), a softplus turned round


print(log_sigmoid(mg.tensor([-20.0, 0.0, 20.0])).numpy())
# %% check
import numpy as np

for at in (0.0, 1.5, -20.0, 20.0, -200.0, 200.0, -1e4, 1e4):
    x = mg.tensor([at], requires_grad=True)
    with np.errstate(all="ignore"):
        y = log_sigmoid(x)
    assert isinstance(y, mg.Tensor) and y.shape == (1,), (
        "log_sigmoid is to return a Tensor of the same shape")
    assert y.requires_grad, ("the result has no graph: write it with the operations of mg.ops, or "
                             "no gradient gets through")
    with np.errstate(all="ignore"):
        slope, = mg.grad(y.sum(), x)
    right = -np.logaddexp(0, -at), np.exp(-np.logaddexp(0, at))     # and σ(−x)
    for what, got, true in ("value", y.item(), right[0]), ("gradient", slope.item(), right[1]):
        assert np.isclose(got, true, rtol=1e-4, atol=1e-30), (
            f"in float32 at x = {at:g}: the {what} is {got:.4g}, where {true:.4g} is right. "
            + ("Which exponential overflows there?" if abs(at) > 80 else
               "What is lost where something small is added to 1?" if abs(at) > 15 else
               "Is it still the logarithm of the sigmoid?"))
