"""Calls of operations on any backend, with their derivatives, and a look into the engine."""
from __future__ import annotations

from contextlib import contextmanager

import numpy as np

import minigan as mg
from minigan import backend


def as_tensors(arrays):
    """New Tensors on the default backend: floats require a gradient, integers and booleans are
    constants."""
    return [mg.Tensor(backend.current().from_numpy(x), requires_grad=x.dtype.kind == "f")
            for x in arrays]


def outputs_of(case, tensors, options):
    """The case's outputs, always as a list."""
    result = case.f(*tensors, **options)
    return list(result) if isinstance(result, (list, tuple)) else [result]


def noise(tensors, seed):
    """A cotangent for each tensor, the same on every backend and in every dtype."""
    rng = np.random.default_rng(seed)
    return [mg.Tensor(backend.of(t.data).from_numpy(rng.normal(size=t.shape).astype(t.dtype)))
            for t in tensors]


def floats(tensors):
    return [t for t in tensors if t.dtype.kind == "f"]


def derivatives(case, tensors, options):
    """Values, gradients and the gradients of those, as NumPy arrays."""
    inputs, outputs = floats(tensors), outputs_of(case, tensors, options)
    first = mg.grad(outputs, inputs, noise(outputs, 1), create_graph=True)
    second = mg.grad(first, inputs, noise(first, 2), allow_unused=True)
    return [[t.numpy() for t in ts] for ts in (outputs, first, second)]


def share_memory(x, y):
    # of an array without axes CuPy's shares_memory answers what it likes
    x, y = [t.data if t.ndim else t.data.reshape(1) for t in (x, y)]
    return backend.array_module(x).shares_memory(x, y)


def assert_same(actual, expected, rtol=1e-12):
    """Lists of arrays are equal, measured in the largest element of each."""
    for a, e in zip(actual, expected, strict=True):
        assert a.shape == e.shape
        np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol * np.max(abs(e), initial=1))


@contextmanager
def recorded_calls():
    """Collects (function, inputs, output) of every Function that is called, in a graph or not."""
    calls, original = [], mg.Function.__call__

    def record(self, *inputs):
        output = original(self, *inputs)
        calls.append((self, [mg.as_tensor(x) for x in inputs], output))
        return output

    mg.Function.__call__ = record
    try:
        yield calls
    finally:
        mg.Function.__call__ = original


def calls_of(case, call, tensors=None):
    """All Functions that the case, its gradients and theirs call."""
    with recorded_calls() as calls:
        derivatives(case, as_tensors(call.args) if tensors is None else tensors, call.options)
    return calls
