"""How curved it is along a direction

Chapter: second_order. 5 minutes.

Write `curvature(f, x, v)`: the second derivative of f along the direction v, the number vᵀ H v,
without ever making the matrix H. Two reverse passes do; `mg.hvp` may not be used, since this is
what is in it.
"""
# %% start
import numpy as np

import minigan as mg


def curvature(f, x, v):
    """vᵀ H v as a Python number, for a function f of one Tensor; x and v are arrays."""
    x = mg.tensor(x, requires_grad=True)
    return ...


print(curvature(lambda x: (x ** 3).sum(), np.array([1.0, 2.0]), np.array([0.6, 0.8])))   # 9.84
# %% solution
import numpy as np

import minigan as mg


def curvature(f, x, v):
    """vᵀ H v as a Python number, for a function f of one Tensor; x and v are arrays."""
    x = mg.tensor(x, requires_grad=True)
    gradient, = mg.grad(f(x), x, create_graph=True)
    along, = mg.grad((gradient * v).sum(), x)        # the gradient of ⟨∇f, v⟩ is H v
    return float(np.sum(along.numpy() * v))


print(curvature(lambda x: (x ** 3).sum(), np.array([1.0, 2.0]), np.array([0.6, 0.8])))   # 9.84
# %% check
rng = np.random.default_rng(0)


def f(x):
    return (mg.ops.sin(x) * x[::-1]).sum() + x.sum() ** 3


for n in 2, 6:
    x, v = rng.normal(size=(2, n))
    try:
        got = curvature(f, x, v)
    except ValueError as error:         # no graph
        raise AssertionError(f"{error}") from None
    assert got is not None and got is not ..., "curvature returns nothing yet: begin with ∇f"
    assert np.size(got) == 1, (
        f"curvature returned {np.size(got)} numbers for {n} inputs; along one direction there is "
        "one: H v is a vector, and vᵀ (H v) a number")
    H = mg.hessian(f, x).numpy()
    right, got = v @ H @ v, float(got.item() if hasattr(got, "item") else got)
    assert not np.isclose(got, (H @ v).sum()), "the sum of H v is not vᵀ H v: weight it with v"
    assert not np.isclose(got, H.sum()), (
        "this is the sum over all of H: where does v enter, and how often?")
    assert np.isclose(got, right), f"vᵀ H v is {right:.6f}, and this gives {got:.6f}"
