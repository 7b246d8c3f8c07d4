"""Ten times the weights

Chapter: batch_norm. 4 minutes.

A layer and batch normalisation: y = BN(x @ W + c). All weights W are multiplied by 10. By which
factor does each of these change, with the same gradient arriving at y? And how large is the
gradient by the bias c, before and after? (Leave ϵ out of account.)
"""
# %% start
factors = {"y": ..., "the gradient by W": ..., "the gradient by x": ...}
gradient_by_c = ...
# %% solution
# BN takes the size away: y stays. 1/σ is a tenth, so what comes back at x @ W is a tenth, and with
# it the gradient by W. On the way to x it meets the weights, which are ten times as large.
factors = {"y": 1, "the gradient by W": 0.1, "the gradient by x": 1}
gradient_by_c = 0       # the mean takes c away again, so it moves nothing
# %% check
import numpy as np

import minigan as mg


def measured(scale):
    rng = np.random.default_rng(0)
    x, W, c = (mg.tensor(a, requires_grad=True) for a in
               (rng.normal(size=(8, 3)), scale * rng.normal(size=(3, 2)), rng.normal(size=2)))
    y, _, _ = mg.ops.batch_norm(x @ W + c, np.ones(2), np.zeros(2), eps=0)
    by_x, by_W, by_c = mg.grad(y, [x, W, c], mg.tensor(rng.normal(size=y.shape)))
    return {"y": y.numpy(), "the gradient by W": by_W.numpy(), "the gradient by x": by_x.numpy(),
            "c": by_c.numpy()}


ASK = {"y": "what becomes of the mean and of the deviation of x @ W, and what is done with them?",
       "the gradient by W": "it goes through the division by σ, which is ten times as large",
       "the gradient by x": "what comes back at x @ W, and what is it multiplied with on its way?"}
before, after = measured(1), measured(10)
for what, question in ASK.items():
    said = factors.get(what, ...)
    assert said is not ..., f"{what} is still ...: {question}"
    assert isinstance(said, (int, float)), f"{what}: a number is wanted, not {said!r}"
    assert np.allclose(after[what], said * before[what]), (
        f"{what} does not become {said:g} times what it was: {question}")
assert gradient_by_c is not ..., "gradient_by_c is still ...: if c moves, by how much does y move?"
assert np.size(gradient_by_c) == 1 and np.allclose(before["c"], gradient_by_c, atol=1e-9), (
    f"the gradient by c is not {gradient_by_c}: if c moves, by how much does y move?")
