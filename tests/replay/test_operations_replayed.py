"""Every operation, recorded on the CPU and replayed on other inputs: values, gradients and second
gradients are those of the operation itself, bit by bit."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan.testing.call import Call
from tests.cases import CASES

REFUSED = {"getitem by a mask": "how many elements a mask chooses"}


def step_of(case, options):
    """A step of the inputs and the cotangents of what is computed from them."""
    def step(inputs, cotangents):
        tensors = [mg.Tensor(t.data, requires_grad=t.dtype.kind == "f") for t in inputs]
        floats = [t for t in tensors if t.requires_grad]
        result = case.f(*tensors, **options)
        outputs = list(result) if isinstance(result, (list, tuple)) else [result]
        if not floats or not any(y.requires_grad for y in outputs):
            return outputs
        outputs = [y for y in outputs if y.requires_grad]
        cotangents = iter(cotangents)
        first = mg.grad(outputs, floats, [next(cotangents, None) for _ in outputs],
                        create_graph=True, allow_unused=True)
        fused = mg.grad(outputs, floats, allow_unused=True, grad_outputs=[
            y.detach() * 0.5 for y in outputs])
        second = [] if not any(g.requires_grad for g in first) else mg.grad(
            [g for g in first if g.requires_grad], floats, allow_unused=True,
            grad_outputs=[g.detach() for g in first if g.requires_grad])
        return [*outputs, *first, *fused, *second]
    return step


def inputs_of(call: Call, k: int):
    """The k-th call's inputs: within the domain of the typical ones, but others."""
    return [mg.tensor(x * (1 - 0.03 * k) if x.dtype.kind == "f" else x) for x in call.args]


@pytest.mark.filterwarnings("error:the step is not captured")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_operation_replayed_is_the_operation(case, dtype):
    call = Call(tuple([x.astype(dtype) if x.dtype.kind == "f" else x for x in case.typical.args]),
                case.typical.options)
    result = case.f(*inputs_of(call, 0), **call.options)
    outputs = list(result) if isinstance(result, (list, tuple)) else [result]
    rng = np.random.default_rng(0)
    cotangents = [mg.tensor(rng.normal(size=y.shape).astype(y.dtype)) for y in outputs]
    step = step_of(case, call.options)
    captured = mg.capture(step)
    if str(case) in REFUSED:
        with pytest.raises(mg.CaptureError, match=REFUSED[str(case)]):
            for k in range(3):
                captured(inputs_of(call, k), cotangents)
        return
    for k in range(6):
        xs = inputs_of(call, k)
        for got, expected in zip(captured(xs, cotangents), step(xs, cotangents), strict=True):
            assert got.dtype == expected.dtype and got.shape == expected.shape
            assert got.numpy().tobytes() == expected.numpy().tobytes()
    assert captured.replay is not None
