"""All weights in one array

Chapter: fast_cpu. 5 minutes.

An optimiser wants all weights end to end in one flat array, and the layers want theirs in their own
shapes. Both can have it, if the layers' arrays are **views** of the flat one: the same memory, seen
in another way. `laid_out` makes copies, so the layers would never learn. Mend it.
"""
# %% start
import numpy as np


def laid_out(arrays):
    """A flat array with all numbers in their order, and a view of it for each of the arrays."""
    flat = np.concatenate([a.ravel() for a in arrays])
    views = [a.copy() for a in arrays]
    return flat, views


flat, (w, b) = laid_out([np.ones((2, 2)), np.zeros(2)])
flat -= 0.1
print(w, b)          # 0.9, and −0.1
# %% solution
import numpy as np


def laid_out(arrays):
    """A flat array with all numbers in their order, and a view of it for each of the arrays."""
    flat = np.concatenate([a.ravel() for a in arrays])
    views, start = [], 0
    for a in arrays:
        views.append(flat[start:start + a.size].reshape(a.shape))   # a slice is no copy
        start += a.size
    return flat, views


flat, (w, b) = laid_out([np.ones((2, 2)), np.zeros(2)])
flat -= 0.1
print(w, b)          # 0.9, and −0.1
# %% check
rng = np.random.default_rng(0)
for shapes in [(3, 2), (2,)], [(2, 2, 3, 1), (4,), (1, 5), ()]:
    arrays = [rng.normal(size=shape) for shape in shapes]
    flat, views = laid_out(arrays)
    whole = np.concatenate([a.ravel() for a in arrays])
    assert flat.shape == whole.shape and np.array_equal(flat, whole), (
        f"flat is not all numbers of {shapes} in their order: its shape is {flat.shape}")
    assert [v.shape for v in views] == [a.shape for a in arrays], (
        f"for the shapes {shapes} the views have {[v.shape for v in views]}")
    for i, (view, a) in enumerate(zip(views, arrays)):
        assert np.array_equal(view, a), f"view {i}, of shape {a.shape}, has other numbers: {view}"
        assert np.shares_memory(view, flat), (
            f"view {i}, of shape {a.shape}, is a copy: a step on flat does not reach it. Which "
            "operations of NumPy give a view of the same memory?")
    flat *= 2
    assert all(np.array_equal(v, 2 * a) for v, a in zip(views, arrays)), (
        "after flat *= 2 the views are not twice what they were: does each see its own piece?")
