"""What the strict stand-in accepts, CuPy accepts, with the same values, dtypes, shapes and order
in memory. (The stand-in may refuse more: it is strict.)"""
# ruff: noqa: B023 (a lambda of a loop is called in the same turn)
from __future__ import annotations

import itertools
import operator
import warnings

import numpy as np
import pytest

from minigan import backend
from tests.strict import STRICT
from tests.strict.signatures import METHODS, UFUNCS

DTYPES = ["?", "u1", "i4", "i8", "f2", "f4", "f8"]
SHAPES = [((2, 3), (2, 3)), ((2, 3), (3,)), ((), (2, 3)), ((2, 1), (1, 3)), ((0, 3), (1, 3))]
NUMBERS = [True, 2, -3, 0.5, np.float32(0.5), np.float64(0.5), np.int64(2), np.bool_(True)]
OPERATORS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq",
             "ne", "and_", "or_", "xor"]
IN_PLACE = ["iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "iand", "ior", "ixor"]


def numbers(shape, dtype, seed=0):
    """Small ones, positive and negative where there are such, and no zeros but False."""
    x = np.random.default_rng(seed).integers(1, 6, shape)
    if dtype == "?":
        return np.asarray(x > 3)
    signs = np.random.default_rng(seed + 1).choice([-1, 1], shape)
    return np.asarray(x * (1 if dtype == "u1" else signs) / (2 if dtype[0] == "f" else 1), dtype)


def outcome(call, library, hosts):
    """What a call gives, as (array, order of the axes in memory), or the error."""
    arrays = [library.from_numpy(h) for h in hosts]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = call(library.xp, *arrays)
        except Exception as error:  # the libraries' errors share no class
            return error
    if isinstance(result, library.array_type):
        # an axis of length 1 or 0 lies anywhere
        lies = [s for n, s in zip(result.shape, result.strides) if n > 1] if result.size else []
        return library.to_numpy(result), np.argsort(lies).tolist(), [s > 0 for s in lies]
    return np.asarray(result), [], []


def difference(name, call, hosts):
    """What CuPy does otherwise, "" for nothing: also where the stand-in refuses."""
    expected = outcome(call, STRICT, hosts)
    if isinstance(expected, Exception):
        return ""
    found = outcome(call, backend.get("cupy"), hosts)
    what = f"{name} of {', '.join(f'{h.dtype}{list(h.shape)}' for h in hosts)}: "
    if isinstance(found, Exception):
        return f"{what}the stand-in accepts it, CuPy says {found!r}"
    (e, *e_order), (f, *f_order) = expected, found
    if (f.dtype, f.shape) != (e.dtype, e.shape):
        return f"{what}{e.dtype}{list(e.shape)} on the stand-in, {f.dtype}{list(f.shape)} on CuPy"
    if f_order != e_order:
        return f"{what}its axes lie as {e_order} on the stand-in, as {f_order} on CuPy"
    near = 0 if e.dtype.kind != "f" else 8 * np.finfo(e.dtype).eps
    same = np.allclose(f, e, near, near, equal_nan=True) if e.dtype.kind in "biuf" else e == f
    return "" if np.all(same) else f"{what}{e.tolist()} on the stand-in, {f.tolist()} on CuPy"


@pytest.fixture
def assert_agree(restored_backends):
    """Takes note of differences; the test fails at its end if there were any."""
    found = []

    def note(name, call, *hosts):
        if different := difference(name, call, hosts):
            found.append(different)

    yield note
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:20])


gpu = pytest.mark.gpu


@gpu
@pytest.mark.parametrize("name", UFUNCS)
def test_elementwise_functions(name, assert_agree):
    count = getattr(np, name).nin
    for dtypes in itertools.product(DTYPES, repeat=count):
        for shapes in SHAPES if len(set(dtypes)) == 1 else SHAPES[1:2]:
            hosts = [numbers(s, d, k) for k, (s, d) in enumerate(zip(shapes, dtypes))]
            assert_agree(name, lambda xp, *x: getattr(xp, name)(*x), *hosts)
            assert_agree(f"{name} of .T", lambda xp, *x: getattr(xp, name)(*[y.T for y in x][:1],
                                                                          *x[:count - 1]), *hosts)
    for dtype, number in itertools.product(DTYPES, NUMBERS):
        if count == 2:
            x = numbers((2, 3), dtype)
            assert_agree(f"{name} with {number!r}", lambda xp, x: getattr(xp, name)(x, number), x)
            assert_agree(f"{name}, first {number!r}", lambda xp, x: getattr(xp, name)(number, x), x)


@gpu
@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name, assert_agree):
    f = getattr(operator, name)
    for a, b in itertools.product(DTYPES, DTYPES):
        assert_agree(name, lambda xp, x, y: f(x, y), numbers((2, 3), a), numbers((3,), b, 2))
        assert_agree(name, lambda xp, x, y: f(x, y), numbers((2, 3), a), numbers((), b, 2))
    for dtype, number in itertools.product(DTYPES, NUMBERS):
        x = numbers((2, 3), dtype)
        assert_agree(f"{name} with {number!r}", lambda xp, x: f(x, number), x)
        assert_agree(f"{name}, first {number!r}", lambda xp, x: f(number, x), x)


@gpu
@pytest.mark.parametrize("name", IN_PLACE)
def test_operators_in_place(name, assert_agree):
    f = getattr(operator, name)
    for a, b in itertools.product(DTYPES, DTYPES):
        assert_agree(name, lambda xp, x, y: f(x, y), numbers((2, 3), a), numbers((3,), b, 2))
    for dtype, number in itertools.product(DTYPES, NUMBERS):
        assert_agree(f"{name} with {number!r}", lambda xp, x: f(x, number), numbers((4,), dtype))


@gpu
@pytest.mark.parametrize("name", ["all", "any", "argmax", "argmin", "max", "mean", "min", "prod",
                                  "std", "sum", "var", "cumsum"])
def test_reductions(name, assert_agree):
    for dtype in DTYPES:
        for shape in [(2, 3), (4,), (), (2, 3, 2), (3, 1), (0, 2)]:
            for axis in [None, 0, -1, (0, 1), (), (1, 2)]:
                x = numbers(shape, dtype)
                assert_agree(f"{name}(axis={axis})", lambda xp, x: getattr(x, name)(axis=axis), x)
                assert_agree(f"{name}(axis={axis}) of .T",
                             lambda xp, x: getattr(x.T, name)(axis=axis), x)
                if "keepdims" in METHODS[name]:
                    assert_agree(f"{name}(axis={axis}, keepdims)",
                                 lambda xp, x: getattr(x, name)(axis=axis, keepdims=True), x)
                if "dtype" in METHODS[name]:
                    assert_agree(f"{name}(axis={axis}, dtype=f8)",
                                 lambda xp, x: getattr(x, name)(axis=axis, dtype="f8"), x)


# Made from an array x (4, 3) and another y (4, 3)
CALLS = {
    "astype": lambda xp, x, y: x.T.astype(np.float32),
    "copy": lambda xp, x, y: x.T.copy(),
    "copy K": lambda xp, x, y: x.T.copy("K"),
    "astype same": lambda xp, x, y: x.T.astype(x.dtype),
    "array": lambda xp, x, y: xp.array(x.T),
    "asarray": lambda xp, x, y: xp.asarray(x.T),
    "ascontiguousarray": lambda xp, x, y: xp.ascontiguousarray(x.T),
    "clip": lambda xp, x, y: xp.clip(x, 0, 2),
    "clip method": lambda xp, x, y: x.clip(1, None),
    "clip arrays": lambda xp, x, y: xp.clip(x, y, y),
    "clip float": lambda xp, x, y: xp.clip(x, .5, 2),
    "concatenate": lambda xp, x, y: xp.concatenate([x, y], 1),
    "concatenate types": lambda xp, x, y: xp.concatenate([x, y.astype("f4")]),
    "concatenate .T": lambda xp, x, y: xp.concatenate([x.T, y.T]),
    "dot": lambda xp, x, y: xp.dot(x.T, y),
    "dot 1": lambda xp, x, y: xp.dot(x[0], y[0]),
    "matmul": lambda xp, x, y: x.T @ y,
    "matmul 1": lambda xp, x, y: x @ y[0],
    "matmul 3": lambda xp, x, y: x[None] @ y.T[None].swapaxes(0, 0),
    "matmul mixed": lambda xp, x, y: x @ y.T.astype("f8"),
    "tensordot": lambda xp, x, y: xp.tensordot(x, y, 2),
    "tensordot axes": lambda xp, x, y: xp.tensordot(x, y, ((0,), (0,))),
    "empty_like": lambda xp, x, y: xp.empty_like(x.T).fill(1) or xp.empty_like(x.T).shape,
    "ones_like": lambda xp, x, y: xp.ones_like(x.T),
    "full_like": lambda xp, x, y: xp.full_like(x.T, 2),
    "zeros_like": lambda xp, x, y: xp.zeros_like(x, "f4"),
    "full": lambda xp, x, y: xp.full((2, 2), 3),
    "full float": lambda xp, x, y: xp.full((2, 2), 3.5),
    "arange": lambda xp, x, y: xp.arange(3),
    "arange step": lambda xp, x, y: xp.arange(0, 1, 0.25),
    "arange typed": lambda xp, x, y: xp.arange(1, 4, dtype=x.dtype),
    "eye": lambda xp, x, y: xp.eye(3, 4, 1),
    "zeros": lambda xp, x, y: xp.zeros((2, 3)),
    "ones": lambda xp, x, y: xp.ones(3, x.dtype),
    "moveaxis": lambda xp, x, y: xp.moveaxis(x, 0, 1),
    "pad": lambda xp, x, y: xp.pad(x, ((1, 0), (0, 2))),
    "pad value": lambda xp, x, y: xp.pad(x, 1, constant_values=1),
    "where": lambda xp, x, y: xp.where(x > 0, x, y),
    "where number": lambda xp, x, y: xp.where(x > 0, x, 0.5),
    "where numbers": lambda xp, x, y: xp.where(x > 0, 1, 0),
    "where types": lambda xp, x, y: xp.where(x > 0, x, y.astype("f4")),
    "take": lambda xp, x, y: xp.take(x, xp.asarray([3, -1, 7]), 0),
    "sort": lambda xp, x, y: xp.sort(x, 0),
    "argsort": lambda xp, x, y: xp.argsort(x, 0, kind="stable"),
    "sort last": lambda xp, x, y: xp.sort(x),
    "sort flat": lambda xp, x, y: xp.sort(x, None),
    "partition": lambda xp, x, y: xp.partition(x, 1, 0)[:2].max(0),
    "broadcast_to": lambda xp, x, y: xp.broadcast_to(x, (2, 4, 3)),
    "reshape": lambda xp, x, y: x.reshape(2, -1),
    "reshape .T": lambda xp, x, y: x.T.reshape(2, 6),
    "reshape F": lambda xp, x, y: x.reshape(6, 2, order="F"),
    "ravel": lambda xp, x, y: x.T.ravel(),
    "ravel K": lambda xp, x, y: x.T.ravel("K"),
    "squeeze": lambda xp, x, y: x[:1].squeeze(0),
    "transpose": lambda xp, x, y: x.transpose(1, 0),
    "swapaxes": lambda xp, x, y: x.swapaxes(0, 1),
    "fill": lambda xp, x, y: x.fill(2) or x,
    "fill float": lambda xp, x, y: x.fill(2.5) or x,
    "len": lambda xp, x, y: len(x),
    "float": lambda xp, x, y: float(x[0, 0]),
    "int": lambda xp, x, y: int(x[0, 0]),
    "bool": lambda xp, x, y: bool(x[0, 0]),
    "item": lambda xp, x, y: x[0, 0].item(),
    "tolist": lambda xp, x, y: x.tolist(),
    "result_type": lambda xp, x, y: xp.result_type(x, y.astype("f4")).num,
    "result_type number": lambda xp, x, y: xp.result_type(x, 0.5).num,
    "copyto": lambda xp, x, y: xp.copyto(x, y) or x,
    "copyto where": lambda xp, x, y: xp.copyto(x, y, where=y > 0) or x,
    "copyto number": lambda xp, x, y: xp.copyto(x, 1) or x,
    "add.at": lambda xp, x, y: xp.add.at(x, xp.asarray([0, 0, 2]), y[:3]) or x,
    "add.at number": lambda xp, x, y: xp.add.at(x, xp.asarray([0, 0, 2]), 1) or x,
    "out": lambda xp, x, y: xp.add(x, y, out=xp.empty((4, 3), "f8")),
    "out smaller": lambda xp, x, y: xp.add(x, y, out=xp.empty((4, 3), "f4")),
    "sum out": lambda xp, x, y: xp.sum(x, 0, out=xp.empty(3, "f8")),
    "matmul out": lambda xp, x, y: xp.matmul(x, y.T, out=xp.empty((4, 4), x.dtype)),
    "dtype": lambda xp, x, y: xp.multiply(x, y, dtype="f4"),
    "max out": lambda xp, x, y: xp.max(x, 1, keepdims=True),
    "format": lambda xp, x, y: f"{x[1, 1]:.2f}",
    "shares": lambda xp, x, y: xp.shares_memory(x, x.T[1:]),
    "may share": lambda xp, x, y: xp.may_share_memory(x, y),
    "flags": lambda xp, x, y: x.T.flags.f_contiguous,
    "base": lambda xp, x, y: x.T.base is None,
    "base of base": lambda xp, x, y: x[1:].T.base.shape,
    "own": lambda xp, x, y: (x + y).base is None,
    "iter": lambda xp, x, y: [r.shape for r in x],
    "nbytes": lambda xp, x, y: (x.nbytes, x.itemsize, x.size, x.ndim),
    "view": lambda xp, x, y: x.view(),
    "abs": lambda xp, x, y: abs(x),
    "neg": lambda xp, x, y: -x,
    "invert": lambda xp, x, y: ~x,
}


@gpu
@pytest.mark.parametrize("name", CALLS)
def test_functions_and_methods(name, assert_agree):
    for dtype in DTYPES:
        assert_agree(name, CALLS[name], numbers((4, 3), dtype), numbers((4, 3), dtype, 2))


INDICES = {
    "integer": lambda xp: 1,
    "negative": lambda xp: -1,
    "NumPy's integer": lambda xp: np.int64(1),
    "both": lambda xp: (1, 2),
    "slice": lambda xp: slice(1, 3),
    "reversed": lambda xp: slice(None, None, -1),
    "step": lambda xp: (slice(None, None, 2), slice(2, 0, -1)),
    "none": lambda xp: None,
    "ellipsis": lambda xp: (..., 0),
    "empty": lambda xp: slice(2, 2),
    "beyond": lambda xp: slice(2, 99),
    "array": lambda xp: xp.asarray([3, 0, -1]),
    "wrapped": lambda xp: xp.asarray([4, -5]),
    "list": lambda xp: [0, 2],
    "array and slice": lambda xp: (xp.asarray([2, 1]), slice(1, None)),
    "arrays": lambda xp: (xp.asarray([0, 1]), xp.asarray([2, 0])),
    "slice and array": lambda xp: (slice(None), xp.asarray([2, 0])),
    "mask": lambda xp: xp.asarray([True, False, True, True]),
    "full mask": lambda xp: xp.asarray(np.eye(4, 3) > 0),
    "nothing": lambda xp: xp.asarray(np.zeros(0, np.int64)),
    "table": lambda xp: xp.asarray([[0, 1], [3, 3]]),
    "0-d array": lambda xp: xp.asarray(2),
    "true": lambda xp: True,
    "whole": lambda xp: (),
    "int32": lambda xp: xp.asarray(np.array([1, 3], np.int32)),
    "outside": lambda xp: 4,
    "with none": lambda xp: (xp.asarray([0, 2]), None),
    "uint8": lambda xp: xp.asarray(np.array([1, 3], np.uint8)),
}


def assigned(xp, x, index, value):
    x[index] = value
    return x


@gpu
@pytest.mark.parametrize("name", INDICES)
def test_indexing(name, assert_agree):
    index = INDICES[name]
    for dtype in DTYPES:
        x = numbers((4, 3), dtype)
        assert_agree(f"x[{name}]", lambda xp, x: x[index(xp)], x)
        assert_agree(f"x.T[::-1].T[{name}]", lambda xp, x: x.T[::-1].T[index(xp)], x)
        if name == "table":  # of two values for one place either may stay
            continue
        assert_agree(f"x[{name}] = 2", lambda xp, x: assigned(xp, x, index(xp), 2), x)
        assert_agree(f"x[{name}] = 2.5", lambda xp, x: assigned(xp, x, index(xp), 2.5), x)
        assert_agree(f"x[{name}] = array",
                     lambda xp, x: assigned(xp, x, index(xp), x[index(xp)] * 2), x)
        assert_agree(f"x[{name}] = float32",
                     lambda xp, x: assigned(xp, x, index(xp), xp.ones((), "f4")), x)
