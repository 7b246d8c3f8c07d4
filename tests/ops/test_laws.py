"""The laws that every op obeys, as properties over the table in cases.py."""
from __future__ import annotations

import pkgutil
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import pytest
from cases import CASES, Case, Example
from hypothesis import given, settings
from hypothesis import strategies as st

import minigan as mg
from minigan import backend, losses, ops
from minigan.testing import check_grads

every_case = pytest.mark.parametrize("case", CASES, ids=str)
a_few_times = settings(max_examples=6)
EPS = {np.float16: 1e-3, np.float32: 1.2e-7, np.float64: 2.2e-16}


def as_tensors(arrays, dtype=None, to="numpy"):
    """New Tensors of the arrays: floats require a gradient, integers and booleans are constants."""
    def convert(x):
        floating = x.dtype.kind == "f"
        x = x.astype(dtype) if floating and dtype else x
        return mg.Tensor(backend.get(to).from_numpy(x), requires_grad=floating)

    return [convert(x) for x in arrays]


def call(case: Case, tensors, options):
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


def derivatives(case: Case, tensors, options):
    """Values, gradients and the gradients of those, as NumPy arrays."""
    inputs, outputs = floats(tensors), call(case, tensors, options)
    first = mg.grad(outputs, inputs, noise(outputs, 1), create_graph=True)
    second = mg.grad(first, inputs, noise(first, 2))
    return [[t.numpy() for t in ts] for ts in (outputs, first, second)]


def assert_same(actual, expected, rtol=1e-12):
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


# The table is complete

def functions(base=mg.Function):
    """Every Function that the package defines and that computes something."""
    for module in pkgutil.walk_packages(mg.__path__, "minigan."):
        if not module.name.endswith(("__main__", ".cuda")):  # neither is to be imported by a test
            import_module(module.name)
    for cls in base.__subclasses__():
        yield from functions(cls)
        if cls.__module__.startswith("minigan.") and cls.forward is not mg.Function.forward:
            yield cls


def test_every_public_op_has_a_case():
    public = {*ops.__all__} | {f"losses.{name}" for name, f in vars(losses).items()
                               if getattr(f, "__module__", "") == losses.__name__
                               and not name.startswith("_") and not isinstance(f, type)}
    missing = public - {case.op for case in CASES}
    assert not missing, f"tests/ops/cases.py has no case of {', '.join(sorted(missing))}"


def test_every_function_class_is_reached_by_a_case():
    with recorded_calls() as calls:
        for case in CASES:
            derivatives(case, as_tensors(case.typical.arrays), case.typical.options)
    missing = {cls.__name__ for cls in functions()} - {type(f).__name__ for f, _, _ in calls}
    assert not missing, f"no case in tests/ops/cases.py calls {', '.join(sorted(missing))}"


def test_there_is_a_fused_backward_to_be_held_equal_to_a_readable_one():
    assert any(cls.fused_backward is not None for cls in functions())


def test_every_linear_or_bilinear_function_stands_in_a_case_that_says_so():
    with recorded_calls() as calls:
        for case in CASES:
            if case.linear or case.bilinear:
                derivatives(case, as_tensors(case.typical.arrays), case.typical.options)
    said = {type(f).__name__ for f, _, _ in calls}
    missing = {cls.__name__ for cls in functions() if cls.linear or cls.bilinear} - said
    assert not missing, f"no case marked linear or bilinear calls {', '.join(sorted(missing))}"


# Values and gradients

@every_case
@given(data=st.data())
def test_forward_equals_the_naive_reference(case, data):
    example = data.draw(case.inputs)
    expected = case.reference(*example.arrays, **example.options)
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    outputs = call(case, as_tensors(example.arrays), example.options)
    assert_same([y.numpy() for y in outputs], [np.asarray(e) for e in expected])


@every_case
@settings(max_examples=8)
@given(data=st.data())
def test_first_and_second_derivatives_are_those_of_the_values(case, data):
    example = data.draw(case.inputs)
    check_grads(lambda *tensors: case.f(*tensors, **example.options), *example.arrays)


@every_case
def test_the_typical_example_is_away_from_kinks_and_right_in_float32_too(case):
    f, typical = (lambda *tensors: case.f(*tensors, **case.typical.options)), case.typical
    check_grads(f, *typical.arrays, kinks="raise")
    if case.keeps_dtype:
        check_grads(f, *[x.astype(np.float32) if x.dtype.kind == "f" else x
                         for x in typical.arrays], order=1)


@pytest.mark.parametrize("case", [case for case in CASES if case.linear or case.bilinear], ids=str)
@given(data=st.data())
def test_a_linear_op_and_its_gradient_are_adjoint(case, data):
    """⟨A x, g⟩ = ⟨x, Aᵀ g⟩: in all inputs together, or in each while the others stay."""
    example = data.draw(case.inputs)
    count = sum(x.dtype.kind == "f" for x in example.arrays)
    for moving in [range(count)] if case.linear else [[i] for i in range(count)]:
        tensors = as_tensors(example.arrays)
        inputs = [floats(tensors)[i] for i in moving]
        outputs = call(case, tensors, example.options)
        g = noise(outputs, 0)
        pulled = mg.grad(outputs, inputs, g)
        origin = call(case, [mg.Tensor(t.data * 0) if any(t is x for x in inputs) else t
                             for t in tensors], example.options)  # not 0 for an affine op
        left = [(y.data - o.data) * u.data for y, o, u in zip(outputs, origin, g)]
        right = [x.data * p.data for x, p in zip(inputs, pulled)]
        scale = sum(abs(a).sum() for a in left) + sum(abs(a).sum() for a in right)
        assert abs(sum(a.sum() for a in left) - sum(a.sum() for a in right)) <= 1e-12 * scale


@pytest.mark.parametrize("to", [np.float32, np.float64, np.float16])
def test_astypes_gradient_comes_back_in_the_inputs_type(to):
    x = mg.tensor(np.array([1.0, -2.0], np.float32), requires_grad=True)
    y = ops.astype(x, to)
    (g,) = mg.grad(y, x, mg.Tensor(np.array([3.0, 4.0], to)))
    assert y.dtype == to and g.dtype == np.float32 and g.data.tolist() == [3, 4]


# What a Function promises of itself

def read_by_backward(node):
    """The tensors whose values the backward of a node may look at, by its flags."""
    if node.bilinear:
        return [x for x, other in zip(node.inputs[:2], node.inputs[1::-1]) if other.requires_grad]
    return [] if node.linear else [*node.inputs, node.output]


@every_case
@a_few_times
@given(data=st.data())
def test_backward_reads_no_more_than_its_flags_say(case, data):
    """All that no node's flags allow it to read is NaN before the reverse pass."""
    example = data.draw(case.inputs)
    count = sum(x.dtype.kind == "f" for x in example.arrays)
    for wanted in [*range(count), None]:
        def gradients(poison, wanted=wanted):
            tensors = as_tensors(example.arrays)
            inputs = [x for i, x in enumerate(floats(tensors)) if wanted in (i, None)]
            for x in floats(tensors):
                x.requires_grad = any(x is i for i in inputs)
            with recorded_calls() as calls:
                outputs = call(case, tensors, example.options)
            cotangents = noise(outputs, 0)
            nodes = [f for f, _, _ in calls if f.inputs]
            read = {id(x) for node in nodes for x in read_by_backward(node)}
            involved = [x for node in nodes for x in (*node.inputs, node.output)]
            for x in floats(involved) if poison else ():
                if id(x) not in read:
                    x._data = np.full(x.shape, np.nan, x.dtype)  # not through .data: unannounced
            return [g.numpy() for g in mg.grad(outputs, inputs, cotangents)]

        for clean, poisoned in zip(gradients(False), gradients(True), strict=True):
            np.testing.assert_array_equal(poisoned, clean)


@every_case
@a_few_times
@given(data=st.data())
def test_what_shares_memory_with_its_input_is_declared_a_view(case, data):
    example = data.draw(case.inputs)
    with recorded_calls() as calls:
        derivatives(case, as_tensors(example.arrays), example.options)
    for function, inputs, output in calls:
        shared = [i for i, x in enumerate(inputs) if np.shares_memory(x.data, output.data)]
        assert shared == [] or (shared == [0] and function.view), type(function).__name__


@every_case
@a_few_times
@given(data=st.data())
def test_the_gradients_of_a_fresh_function_share_memory_with_nothing(case, data):
    """The engine adds to them in place."""
    example = data.draw(case.inputs)
    with recorded_calls() as calls:
        call(case, as_tensors(example.arrays), example.options)
    for function, _, output in calls:
        if not function.fresh or output.creator is None:
            continue
        function.needs = tuple(x.requires_grad for x in function.inputs)
        (cotangent,) = noise([output], 1)
        with mg.no_grad():
            grads = [g for g in function.gradients(cotangent) if g is not None]
        others = [cotangent, output, *function.inputs]
        for i, g in enumerate(grads):
            assert not any(np.shares_memory(g.data, x.data) for x in others + grads[:i])


@every_case
@a_few_times
@given(data=st.data())
def test_a_fused_backward_equals_the_readable_one(case, data):
    """Whichever inputs are asked for. Every Function is reached by a case, so all of them are."""
    example = data.draw(case.inputs)
    with recorded_calls() as calls:
        derivatives(case, as_tensors(example.arrays), example.options)
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
    is_float = isinstance(value, (mg.Tensor, np.ndarray)) and value.dtype.kind == "f"
    return [value] if is_float else []


@every_case
@a_few_times
@given(data=st.data())
def test_no_node_keeps_a_floating_point_array(case, data):
    """It would be a constant to the second derivative."""
    example = data.draw(case.inputs)
    with recorded_calls() as calls:
        derivatives(case, as_tensors(example.arrays), example.options)
    for node, _, _ in calls:
        kept = {k: v for k, v in vars(node).items() if k not in ("inputs", "tracked")}
        assert not held_floats(kept), f"{type(node).__name__} keeps {kept}"


# Types, memory, layouts

@pytest.mark.parametrize("case", [case for case in CASES if case.keeps_dtype], ids=str)
@settings(max_examples=8)
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float16]))
def test_values_and_gradients_stay_in_the_inputs_dtype(case, data, dtype):
    example = data.draw(case.inputs)
    expected = derivatives(case, as_tensors(example.arrays), example.options)
    actual = derivatives(case, as_tensors(example.arrays, dtype), example.options)
    assert all(a.dtype == dtype for order in actual for a in order)
    assert_same(actual[0], expected[0], rtol=40 * EPS[dtype])


@pytest.mark.parametrize("number", [2, 2.5])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "divide", "maximum", "minimum",
                                "where"])
def test_a_python_number_never_promotes(op, dtype, number):
    f = getattr(ops, op) if op != "where" else lambda x, y: ops.where(np.array([True, False]), x, y)
    x = mg.tensor(np.array([1.5, 3.0], dtype), requires_grad=True)
    for y in (f(x, number), f(number, x)):
        (g,) = mg.grad(y.sum(), x, create_graph=True)
        assert y.dtype == g.dtype == dtype
    np.testing.assert_array_equal(f(x, number).data, f(x, np.full(2, number, dtype)).data)


@every_case
@a_few_times
@given(data=st.data())
def test_inputs_are_left_alone(case, data):
    example = data.draw(case.inputs)
    tensors = as_tensors([x.copy() for x in example.arrays])
    derivatives(case, tensors, example.options)
    for x, t in zip(example.arrays, tensors):
        assert x.tobytes() == t.data.tobytes()


LAYOUTS = {"strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
           "transposed": lambda x: x.T.copy().T,
           "reversed": lambda x: np.flip(np.flip(x).copy())}


@every_case
@settings(max_examples=8)
@given(data=st.data(), layout=st.sampled_from(list(LAYOUTS)))
def test_the_layout_in_memory_changes_nothing(case, data, layout):
    example = data.draw(case.inputs)
    other = [LAYOUTS[layout](x) for x in example.arrays]
    expected = derivatives(case, as_tensors(example.arrays), example.options)
    for a, e in zip(derivatives(case, as_tensors(other), example.options), expected):
        assert_same(a, e)


@every_case
def test_zero_sizes_work_or_are_refused_with_a_reason(case):
    if case.empty is None:
        with pytest.raises(ValueError, match="no elements"):
            call(case, as_tensors([x[:0] for x in case.typical.arrays]), case.typical.options)
        return
    arrays, options = case.empty.arrays, case.empty.options
    expected = case.reference(*arrays, **options)
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    values, first, second = derivatives(case, as_tensors(arrays), options)
    assert_same(values, [np.asarray(e) for e in expected])
    for gradients in (first, second):
        assert [g.shape for g in gradients] == [x.shape for x in arrays if x.dtype.kind == "f"]
    check_grads(lambda *tensors: case.f(*tensors, **options), *arrays)


@every_case
@a_few_times
@given(data=st.data())
def test_a_strict_device_computes_the_same(case, data, strict):
    example: Example = data.draw(case.inputs)
    expected = derivatives(case, as_tensors(example.arrays), example.options)
    mg.use("strict")
    try:
        actual = derivatives(case, as_tensors(example.arrays, to="strict"), example.options)
    finally:
        mg.use("numpy")
    for a, e in zip(actual, expected):
        assert_same(a, e)
