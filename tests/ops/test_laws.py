"""What the engine relies on of every operation, as properties over the table of cases.

Values, derivatives, dtypes and layouts are test_table.py's.
"""
from __future__ import annotations

import pkgutil
from importlib import import_module

import numpy as np
import pytest
from engine import (as_tensors, assert_same, calls_of, floats, noise, outputs_of,
                    recorded_calls, share_memory)
from hypothesis import given, settings
from hypothesis import strategies as st
from test_logic import WITHOUT_GRADIENT

import minigan as mg
from minigan import backend, losses, ops
from minigan.shards import Across
from minigan.testing import adjoint_test
from tests.cases import CASES

every_case = pytest.mark.parametrize("case", CASES, ids=str)
a_few_times = settings(max_examples=3)


# The table is complete

def in_library(module):
    """Not what the tests plant errors with."""
    return module.startswith("minigan.")


def functions(base=mg.Function):
    """Every Function that the package defines and that computes something."""
    for module in pkgutil.walk_packages(mg.__path__, "minigan."):
        if in_library(module.name) and not module.name.endswith(("__main__", ".cuda")):
            import_module(module.name)
    for cls in base.__subclasses__():
        yield from functions(cls)
        if in_library(cls.__module__) and cls.forward is not mg.Function.forward:
            yield cls


def test_every_public_op_has_a_case():
    public = {*ops.__all__} | {f"losses.{name}" for name, f in vars(losses).items()
                               if getattr(f, "__module__", "") == losses.__name__
                               and not name.startswith("_") and not isinstance(f, type)}
    missing = public - {case.op for case in CASES} - WITHOUT_GRADIENT
    assert not missing, f"tests/cases has no case of {', '.join(sorted(missing))}"


@pytest.mark.parametrize("flagged", [False, True], ids=["any", "linear or bilinear"])
def test_every_function_class_is_reached_by_a_case_that_says_what_it_is(flagged):
    """A linear or bilinear Function by a case that is marked so, and held to it below."""
    cases = [case for case in CASES if not flagged or case.linear or case.bilinear]
    reached = {type(f) for case in cases for f, _, _ in calls_of(case, case.typical)}
    missing = {cls for cls in functions() if not flagged or cls.reads != "everything"} - reached
    missing -= {Across}  # where shards meet: tests/gan/test_sharded.py
    assert not missing, f"no such case in tests/cases calls {missing}"


def test_there_is_a_fused_backward_to_be_held_equal_to_a_readable_one():
    assert any(cls.fused_backward is not None for cls in functions())


# What a Function promises of itself

@pytest.mark.parametrize("case", [case for case in CASES if case.linear or case.bilinear], ids=str)
@a_few_times
@given(data=st.data())
def test_a_linear_op_and_its_gradient_are_adjoint(case, data):
    """In all inputs together, or in each while the others stay."""
    call = data.draw(case.inputs)
    places = [i for i, x in enumerate(call.args) if x.dtype.kind == "f"]
    for wrt in [places] if case.linear else [[i] for i in places]:
        adjoint_test(lambda *tensors: case.f(*tensors, **call.options), *call.args, wrt=wrt)


def read_by_backward(node):
    """The tensors whose values the backward of a node may look at, by its declaration."""
    if node.reads == "the other factor":
        return [x for x, other in zip(node.inputs[:2], node.inputs[1::-1]) if other.requires_grad]
    return [] if node.reads == "nothing" else [*node.inputs, node.output]


@every_case
@a_few_times
@given(data=st.data())
def test_backward_reads_no_more_than_it_says(case, data):
    """All that no node says it reads is NaN before the reverse pass."""
    call = data.draw(case.inputs)
    count = sum(x.dtype.kind == "f" for x in call.args)
    for wanted in [*range(count), None]:
        def gradients(poison, wanted=wanted):
            tensors = as_tensors(call.args)
            inputs = [x for i, x in enumerate(floats(tensors)) if wanted in (i, None)]
            for x in floats(tensors):
                x.requires_grad = any(x is i for i in inputs)
            with recorded_calls() as calls:
                outputs = outputs_of(case, tensors, call.options)
            cotangents = noise(outputs, 0)
            nodes = [f for f, _, _ in calls if f.inputs]
            read = {id(x) for node in nodes for x in read_by_backward(node)}
            involved = [x for node in nodes for x in (*node.inputs, node.output)]
            for x in floats(involved) if poison else ():
                if id(x) not in read:
                    x._data = x.data * np.nan  # not through .data: unannounced
            return [g.numpy() for g in mg.grad(outputs, inputs, cotangents)]

        for clean, poisoned in zip(gradients(False), gradients(True), strict=True):
            np.testing.assert_array_equal(poisoned, clean)


def check_that_fused_backward_equals_the_readable_one(calls):
    """Whichever inputs are asked for."""
    for node in [f for f, _, _ in calls if f.fused_backward is not None and f.inputs]:
        (cotangent,) = noise([node.output], 1)
        count = len(node.inputs)
        for wanted in [*range(count), None]:
            node.needs = tuple(wanted in (i, None) for i in range(count))
            readable = node.gradients(cotangent)
            with mg.no_grad():
                fused = node.gradients(cotangent)
            asked = [(f, r) for f, r, needed in zip(fused, readable, node.needs) if needed]
            assert_same(*[[g.numpy() for g in grads] for grads in zip(*asked)], rtol=1e-10)


def held_floats(value):
    """The floating point arrays and Tensors within a value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [found for v in value for found in held_floats(v)]
    is_array = isinstance(value, mg.Tensor) or backend.is_array(value)
    return [value] if is_array and value.dtype.kind == "f" else []


@every_case
@a_few_times
@given(data=st.data())
def test_every_call_declares_its_views_keeps_no_floats_leaves_inputs_alone_and_fuses_rightly(
        case, data):
    """To second order. Every Function is reached by a case, so all of them are."""
    call = data.draw(case.inputs)
    tensors = as_tensors([x.copy() for x in call.args])
    calls = calls_of(case, call, tensors)
    for x, t in zip(call.args, tensors):
        assert x.tobytes() == t.numpy().tobytes()
    for function, inputs, output in calls:
        name = type(function).__name__
        shared = [i for i, x in enumerate(inputs) if share_memory(x, output)]
        assert shared == [] or (shared == [0] and function.view), name
        kept = {k: v for k, v in vars(function).items() if k not in ("inputs", "tracked")}
        # it would be a constant to the second derivative
        assert not held_floats(kept), f"{name} keeps {kept}"
    check_that_fused_backward_equals_the_readable_one(calls)


@every_case
@a_few_times
@given(data=st.data())
def test_gradients_have_memory_of_their_own(case, data):
    """Not the cotangents', the inputs' or each other's: whoever changes one changes that one."""
    call = data.draw(case.inputs)
    for graph, kept in ((False, False), (True, False), (True, True)):
        tensors = as_tensors([x.copy() for x in call.args])
        inputs, outputs = floats(tensors), outputs_of(case, tensors, call.options)
        cotangents = noise(outputs, 0)
        for c in cotangents:
            c.requires_grad = kept  # then the gradients are nodes of a graph
        taken = [*tensors, *outputs, *cotangents]
        grads = list(mg.grad(outputs, inputs, cotangents, create_graph=graph))
        if not graph:
            mg.ops.add(sum((y * c).sum() for y, c in zip(outputs, cotangents)), 0).backward()
            grads += [x.grad for x in inputs if x.grad is not None]
        for i, g in enumerate(grads):
            if not g.requires_grad:
                assert not any(share_memory(g, x) for x in (*taken, *grads[:i]))
            places = np.arange(g.size, dtype=g.dtype).reshape(g.shape)
            g.data[...] = backend.of(g.data).from_numpy(places)  # no element is another one, too
            np.testing.assert_array_equal(g.numpy(), places)


# Types

@pytest.mark.parametrize("to", [np.float32, np.float64, np.float16])
def test_astypes_gradient_comes_back_in_the_inputs_type(to):
    x = mg.tensor(np.array([1.0, -2.0], np.float32), requires_grad=True)
    y = ops.astype(x, to)
    (g,) = mg.grad(y, x, mg.tensor(np.array([3.0, 4.0], to)))
    assert y.dtype == to and g.dtype == np.float32 and g.numpy().tolist() == [3, 4]


SCALARS = [2, 2.5, True, np.int64(2), np.uint8(3), np.prod((2, 3)), np.float64(2.5),
           np.float32(0.1), np.float16(2.5), np.bool_(True)]
TWO_SIDED = [case.op for case in CASES if case.broadcasts == 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("op", sorted({*TWO_SIDED}))
def test_a_number_never_promotes_pythons_or_numpys(op, dtype):
    for number in SCALARS:
        never_promotes(op, dtype, number)


def never_promotes(op, dtype, number):
    first = mg.tensor(np.array([True, False]))
    f = getattr(ops, op) if op != "where" else lambda x, y: ops.where(first, x, y)
    array = np.array([1.5, 3.0], dtype)
    x = mg.tensor(array, requires_grad=True)
    for y in (f(x, number), f(number, x)):
        (g,) = mg.grad(y.sum(), x, create_graph=True)
        assert y.dtype == g.dtype == dtype
    same = mg.tensor(np.full(2, number, dtype))
    rtol = 8 * np.finfo(dtype).eps if op == "power" else 0  # x ** 2 is x * x
    np.testing.assert_allclose(f(x, number).numpy(), f(x, same).numpy(), rtol=rtol)
    if backend.current() is backend.get("numpy"):
        assert f(array, number).dtype == f(number, array).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.array(2.5), np.array(2.5, np.float32), np.array(2)])
def test_an_array_without_axes_beside_floats_takes_their_dtype_as_in_pytorch(value, dtype):
    x = mg.tensor(np.array([1.5, 3.0], dtype))
    value = backend.asarray(value)
    for y in (x * value, value * x, x - value, ops.maximum(value, x), x / value):
        assert y.dtype == dtype
    assert (x * np.array(2.5)).dtype == dtype  # the host's beside a device's array, too
    assert (mg.tensor(np.array([1, 2])) * backend.asarray(np.array(2.5))).dtype == np.float64


@every_case
def test_numpys_numbers_as_options_do_what_pythons_do(case):
    """In float32, which a strong float64 would promote."""
    args = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in case.typical.args]
    options = {**case.typical.options, **({"eps": 1e-5} if case.op.endswith("_norm") else {})}
    strong = {k: np.asarray(v)[()] if isinstance(v, (int, float)) else v
              for k, v in options.items()}
    zero_d = {k: np.asarray(v) if isinstance(v, float) else v for k, v in options.items()}
    expected = outputs_of(case, as_tensors(args), options)
    for changed in (strong, zero_d):
        for a, e in zip(outputs_of(case, as_tensors(args), changed), expected, strict=True):
            assert a.dtype == e.dtype
            np.testing.assert_array_equal(a.numpy(), e.numpy())


def test_numbers_among_tensors_are_stacked_in_their_dtype():
    x = mg.tensor(np.float16(1.5))
    assert ops.stack([x, 2.0, np.float64(3), np.int64(4)]).dtype == np.float16


def test_a_number_that_an_integer_type_cannot_hold_is_refused():
    """It would wrap."""
    for number in (300, np.int64(300)):
        with pytest.raises(OverflowError):
            mg.tensor(np.array([1, 2], np.int8)) + number
    assert (mg.tensor(np.array([1, 2], np.int8)) + np.int64(3)).dtype == np.int8
    np.testing.assert_array_equal((mg.tensor([3]) * 0.1).numpy(), np.array([3]) * 0.1)
