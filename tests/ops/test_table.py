"""Every operation, column by column, and the table in docs/op_table.md that the results make.

The inputs are those of tests.cases, the checks those of minigan.testing.
"""
from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from engine import as_tensors, assert_same, derivatives, outputs_of
from hypothesis import given, settings
from hypothesis import strategies as st

import minigan as mg
from minigan import backend
from minigan.testing import check_grads
from minigan.testing.properties import check_dtype, check_values, in_dtype
from minigan.testing.strategies import layouts
from tests.cases import CASES

PAGE = Path(__file__).parents[2] / "docs" / "op_table.md"
COLUMNS = ["values", "first order", "second order", "float32", "float64", "strided", "zero-size",
           "broadcast", "strict stand-in", "CuPy on the CPU", "GPU"]
OF_CUPY = 2  # columns that an ordinary run does not see
RIGHT, NONE, REFUSED, NOT_RUN = "✓", "–", "refused", "not run"
RESULTS: dict[tuple[str, str], str] = {}  # (case, column)

every_case = pytest.mark.parametrize("case", CASES, ids=str)
on_one_library = pytest.mark.numpy_only("test_a_strict_device_computes_the_same says the rest")


def record(case, column, result=RIGHT):
    """The last line of a test: what comes before it held. The table tells of NumPy."""
    if backend.current() is backend.get("numpy"):
        RESULTS[str(case), column] = result


def bound(case, options):
    """The case's function of Tensors alone, under the operation's name."""
    def f(*tensors):
        return case.f(*tensors, **options)

    f.__name__ = str(case)
    return f


@on_one_library
@every_case
@given(data=st.data())
def test_values_equal_the_naive_reference(case, data):
    check_values(case.f, data.draw(case.inputs), case.reference)
    record(case, "values")


@on_one_library
@every_case
@settings(max_examples=4)
@given(data=st.data())
def test_first_and_second_derivatives_are_those_of_the_values(case, data):
    call = data.draw(case.inputs)
    report = check_grads(bound(case, call.options), *call.args)
    assert list(report.checked) == ["first order", "second order"]
    record(case, "first order")
    record(case, "second order")


@on_one_library
@every_case
@settings(max_examples=3)
@given(data=st.data())
def test_float32_and_float16_stay_what_they_are_and_say_the_same(case, data):
    call = data.draw(case.inputs)
    if case.keeps_dtype:
        for dtype in (np.float32, np.float16):
            check_dtype(partial(case.f, **call.options), *in_dtype(call.args, dtype))
    record(case, "float32", RIGHT if case.keeps_dtype else NONE)


@on_one_library
@every_case
def test_float64_is_right_away_from_kinks_and_stays_float64(case):
    call = case.typical
    check_grads(bound(case, call.options), *call.args, kinks="raise")
    found = derivatives(case, as_tensors(call.args), call.options)
    assert all(x.dtype == np.float64 for order in found for x in order)
    record(case, "float64")


@every_case
@settings(max_examples=5)
@given(data=st.data())
def test_the_layout_in_memory_changes_nothing(case, data):
    call = data.draw(case.inputs)
    other = [data.draw(layouts(x)) for x in call.args]
    expected = derivatives(case, as_tensors(call.args), call.options)
    for a, e in zip(derivatives(case, as_tensors(other), call.options), expected):
        assert_same(a, e)
    record(case, "strided")


def refuses_nothing(case):
    with pytest.raises(ValueError, match="no elements"):
        outputs_of(case, as_tensors([x[:0] for x in case.typical.args]), case.typical.options)


@on_one_library
@every_case
def test_zero_sizes_work_or_are_refused_with_a_reason(case):
    if case.empty is None:
        refuses_nothing(case)
        return record(case, "zero-size", REFUSED)
    check_values(case.f, case.empty, case.reference)
    check_grads(bound(case, case.empty.options), *case.empty.args)
    record(case, "zero-size")


def stretched(arrays, core):
    """The arrays broadcast against each other, but for their last `core` axes."""
    cut = [max(x.ndim - core, 0) for x in arrays]
    lead = np.broadcast_shapes(*[x.shape[:n] for x, n in zip(arrays, cut)])
    return [np.broadcast_to(x, lead + x.shape[n:]) if x.ndim >= core else x
            for x, n in zip(arrays, cut)]


@every_case
@settings(max_examples=5)
@given(data=st.data())
def test_broadcasting_is_stretching_and_its_gradient_the_sum_over_it(case, data):
    if case.broadcasts is None:
        return record(case, "broadcast", NONE)
    call = data.draw(case.inputs)
    (y,), given_grads, _ = derivatives(case, as_tensors(call.args), call.options)
    full = stretched(call.args, case.broadcasts)
    (z,), full_grads, _ = derivatives(case, as_tensors(full), call.options)
    assert_same([y], [z])
    given_floats = [x for x in call.args if x.dtype.kind == "f"]
    for x, g, wide in zip(given_floats, given_grads, full_grads, strict=True):
        added = wide.sum(axis=tuple(range(wide.ndim - x.ndim)))
        short = tuple(i for i, (n, m) in enumerate(zip(x.shape, added.shape)) if n != m)
        assert_same([g], [added.sum(axis=short, keepdims=True)])
    record(case, "broadcast")


def computes_the_same(case, args, options, device, rtol):
    expected = derivatives(case, as_tensors(args), options)
    mg.use(device)
    try:
        actual = derivatives(case, as_tensors(args), options)
    finally:
        mg.use("numpy")
    for a, e in zip(actual, expected):
        assert_same(a, e, rtol)
        assert [x.dtype for x in a] == [x.dtype for x in e]


def computes_the_same_in_every_dtype(case, call):
    computes_the_same(case, call.args, call.options, "strict", 1e-12)
    for dtype in (np.float32, np.float16):
        computes_the_same(case, in_dtype(call.args, dtype), call.options, "strict",
                          16 * np.finfo(dtype).eps)


@pytest.mark.numpy_only("it compares the two")
@every_case
@settings(max_examples=4)
@given(data=st.data())
def test_a_strict_device_computes_the_same(case, data, strict):
    computes_the_same_in_every_dtype(case, data.draw(case.inputs))
    record(case, "strict stand-in")


@pytest.mark.numpy_only("it compares the two")
@every_case
def test_a_strict_device_computes_the_same_of_nothing(case, strict):
    if case.empty is not None:
        computes_the_same_in_every_dtype(case, case.empty)
    else:
        mg.use("strict")
        refuses_nothing(case)


@pytest.mark.gpu
@every_case
@settings(max_examples=6)
@given(data=st.data())
def test_a_gpu_computes_the_same(case, data, restored_backends):
    call = data.draw(case.inputs)
    computes_the_same(case, call.args, call.options, "cupy", 1e-10)
    import cupy

    name = cupy.cuda.runtime.getDeviceProperties(0)["name"]
    record(case, "CuPy on the CPU" if name.startswith(b"CPU") else "GPU")


# The table

def cell(op, column):
    """What the op's cases have in common; right wins over what does not apply to a variant."""
    results = {RESULTS.get((str(case), column), NOT_RUN) for case in CASES if case.op == op}
    return next(r for r in (NOT_RUN, REFUSED, RIGHT, NONE) if r in results)


def table():
    ops = list(dict.fromkeys(case.op for case in CASES))
    return {op: [cell(op, column) for column in COLUMNS] for op in ops}


def read(page):
    lines = [line.strip("| \n").split(" | ") for line in page.splitlines()
             if line.startswith("| `")]
    return {name.strip("`"): cells for name, *cells in lines}


def written(page, rows):
    """The page with these rows in its table."""
    head = [f"| operation | {' | '.join(COLUMNS)} |", f"|---|{':-:|' * len(COLUMNS)}"]
    body = [f"| `{op}` | {' | '.join(cells)} |" for op, cells in rows.items()]
    before = page.split("\n| operation |")[0].rstrip("\n")
    return "\n".join([before, "", *head, *body, ""])


@pytest.mark.numpy_only("it reads what the others found")
def test_the_table_in_docs_is_what_the_tests_found(request):
    found, page = table(), PAGE.read_text(encoding="utf-8")
    if any(NOT_RUN in cells[:-OF_CUPY] for cells in found.values()):
        pytest.skip("not all columns were run, or not all of them passed")
    here = read(page)
    for op, cells in found.items():
        for k in range(-OF_CUPY, 0):
            if cells[k] == NOT_RUN:  # without -m: what was found by CuPy stays
                cells[k] = here[op][k] if op in here else NOT_RUN
    if request.config.getoption("--write-op-table", default=False):
        PAGE.write_text(written(page, found), encoding="utf-8")
    else:
        assert here == found, ("docs/op_table.md is out of date: run "
                               "pytest tests/ops/test_table.py --write-op-table")
