"""Any broadcast undone

Chapter: broadcasting. 7 minutes.

Write `undo` with NumPy alone: an array of `shape` was broadcast to the shape of `grad`; sum `grad`
back. Axes may have been added in front, and axes of length 1 may have been stretched.
"""
# %% start
import numpy as np


def undo(grad, shape):
    """The sum of grad over the axes that broadcasting repeated; the result has that shape."""
    return grad


print(undo(np.ones((2, 3, 4)), (3, 1)))      # eight ones in each of three sums
# %% solution
import numpy as np


def undo(grad, shape):
    """The sum of grad over the axes that broadcasting repeated; the result has that shape."""
    added = grad.ndim - len(shape)                     # missing axes are in front
    grad = grad.sum(axis=tuple(range(added)))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1)
    return grad.sum(axis=stretched, keepdims=True)     # the length 1 stays


print(undo(np.ones((2, 3, 4)), (3, 1)))      # eight ones in each of three sums
# %% check
rng = np.random.default_rng(0)
for big, shape in [((4, 3), (3,)), ((4, 3), (4, 1)), ((4, 3), (4, 3)), ((2, 4, 3), (1, 3)),
                   ((2, 4, 3), ()), ((3, 3), (1, 3)), ((1, 3), (3,)), ((2, 1, 3), (2, 1, 1)),
                   ((5, 2, 4, 3), (2, 1, 3))]:
    g, x = rng.normal(size=big), rng.normal(size=shape)
    before = g.copy()
    try:
        got = undo(g, shape)
    except (ValueError, IndexError, TypeError) as error:   # AxisError is one of them
        raise AssertionError(
            f"from {big} to {shape}: {type(error).__name__}: {error}. Which axes are in front, "
            "and which numbers do the others have once those are gone?") from None
    assert np.shape(got) == shape, (
        f"from {big} to {shape}: the result has shape {np.shape(got)}. "
        + ("An axis in front was repeated as well." if np.ndim(got) > len(shape) else
           "An axis of length 1 is summed over, but it stays." if np.ndim(got) < len(shape) else
           "A stretched axis is summed over."))
    left, right = np.sum(np.broadcast_to(x, big) * g), np.sum(x * got)
    assert abs(left - right) < 1e-10, (
        f"from {big} to {shape}: the law of the adjoint does not hold, ⟨Bx, g⟩ = {left:.4f} and "
        f"⟨x, undo(g)⟩ = {right:.4f}. A sum over the repeated axes, not a mean or a choice?")
    assert np.array_equal(g, before), "undo has changed the gradient that it was given"
