"""A list that keeps everything

Chapter: graph. 4 minutes.

This training keeps its losses for a plot. They are twenty numbers, and yet the memory in use grows
with every step: the list keeps twenty graphs alive, with every array in them. Mend it.
"""
# %% start
import minigan as mg


def train(steps):
    """The losses of some steps down the slope of Σ (w − 3)²."""
    w = mg.tensor([0.0, 1.0], requires_grad=True)
    history = []
    for _ in range(steps):
        loss = ((w - 3) ** 2).sum()
        slope, = mg.grad(loss, w)
        w.data = w.data - 0.1 * slope.data
        history.append(loss)
    return history


# %% solution
import minigan as mg


def train(steps):
    """The losses of some steps down the slope of Σ (w − 3)²."""
    w = mg.tensor([0.0, 1.0], requires_grad=True)
    history = []
    for _ in range(steps):
        loss = ((w - 3) ** 2).sum()
        slope, = mg.grad(loss, w)
        w.data = w.data - 0.1 * slope.data
        history.append(loss.item())     # a number has no creator: the graph is freed
    return history


# %% check
import numpy as np

losses = train(20)
assert isinstance(losses, list) and len(losses) == 20, (
    "train(20) is to return the losses of its 20 steps, in a list")
kept = [loss for loss in losses if getattr(loss, "creator", None) is not None]
assert not kept, (
    f"{len(kept)} of the 20 losses are Tensors with a creator ({type(kept[0].creator).__name__}). "
    "It holds its inputs, those hold their creators, and so on: the graph of each step lives as "
    "long as the list. What does a plot need?")
numbers = [loss.item() if getattr(loss, "size", 0) == 1 else loss for loss in losses]
right = [13 * 0.64 ** step for step in range(20)]
assert np.size(numbers[0]) == 1 and np.allclose(numbers, right, rtol=1e-4), (
    f"the losses are no longer those of the steps: they begin with {numbers[:2]}, and should with "
    f"{right[:2]}")
