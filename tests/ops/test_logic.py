"""What has no gradient: logic, whole quotients, places. All of it does what NumPy does, which is
asked of every operation, type, layout and axis in turn."""
from __future__ import annotations

import operator

import numpy as np
import pytest

import minigan as mg
from minigan import backend, ops
from minigan.ops import logic

DTYPES = [np.bool_, np.int8, np.uint8, np.int64, np.float16, np.float32, np.float64]
BINARY = {"bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
          "floor_divide": operator.floordiv}
REDUCING = ["any", "all", "argmax", "argmin"]
WITHOUT_GRADIENT = {*BINARY, *REDUCING, "invert"}


def arrays(dtype):
    """With ties and zeros, in several layouts."""
    x = np.random.default_rng(0).integers(0 if np.dtype(dtype).kind in "ub" else -2, 3, (3, 4))
    x[:2] = 0
    x = (x / (2 if np.dtype(dtype).kind == "f" else 1)).astype(dtype)
    return [x, x.T, np.repeat(x, 2, axis=1)[:, ::2], x[::-1], x[1], x[:, :1], np.array(x[2, 1])]


def on_device(array):
    return mg.Tensor(backend.current().from_numpy(array))


def assert_equal(found, expected):
    assert not found.requires_grad and found.dtype == expected.dtype
    np.testing.assert_array_equal(found.numpy(), expected)


def test_whatever_the_module_offers_is_tested_here_or_has_a_case():
    public = {name for name in ops.__all__
              if getattr(ops, name).__wrapped__.__module__ == logic.__name__}
    assert public == WITHOUT_GRADIENT | {"remainder"}


def test_the_operators_of_two_are_numpys_of_every_type_and_of_numbers_from_either_side():
    for name, op in BINARY.items():
        for dtype in DTYPES:
            if name != "floor_divide" and np.dtype(dtype).kind == "f":
                continue
            for x in arrays(dtype):
                for y in (x[..., :1] if x.ndim else x, dtype(1)):
                    with np.errstate(all="ignore"):
                        expected = np.asarray(op(x, y))
                        other = on_device(y) if isinstance(y, np.ndarray) else y
                        assert_equal(op(on_device(x), other), expected)
                        assert_equal(getattr(ops, name)(on_device(x), other), expected)
                        assert_equal(op(other, on_device(x)), np.asarray(op(y, x)))
    mask = on_device(np.array([True, False]))
    assert (mask & True).numpy().tolist() == (True & mask).numpy().tolist() == [True, False]


def test_reductions_are_numpys_of_every_type_along_every_axis():
    for name in REDUCING:
        for dtype in DTYPES:
            for x in arrays(dtype):
                axes = [None, *range(-x.ndim, x.ndim)] + [(0, 1)] * (x.ndim == 2 and name in (
                    "any", "all"))
                for axis in axes:
                    for keepdims in (False, True):
                        expected = np.asarray(getattr(np, name)(x, axis=axis, keepdims=keepdims))
                        for f in (getattr(ops, name), getattr(mg.Tensor, name)):
                            assert_equal(f(on_device(x), axis, keepdims), expected)


def test_not_and_plus():
    for dtype in DTYPES[:4]:
        for x in arrays(dtype):
            assert_equal(~on_device(x), np.asarray(~x))
    x = on_device(np.ones(2))
    assert +x is x


def test_of_no_elements_any_is_false_all_true_and_there_is_no_largest():
    empty = on_device(np.zeros((0, 3)))
    assert not ops.any(empty).item() and ops.all(empty).item()
    assert ops.all(empty, axis=0).numpy().tolist() == [True] * 3
    assert ops.argmax(empty, axis=1).shape == (0,)
    for name in ("argmax", "argmin"):
        with pytest.raises(ValueError, match=rf"{name}: no elements.*\(0, 3\)"):
            getattr(ops, name)(empty)


@pytest.mark.parametrize("op", [operator.and_, operator.or_, operator.xor])
def test_logic_of_floats_is_refused_by_a_sentence_that_says_what_was_meant(op):
    x, sign = on_device(np.ones(3)), {"and_": "&", "or_": "|", "xor": "^"}[op.__name__]
    for y in (x, x > 0, 2.0):
        with pytest.raises(TypeError) as error:
            op(x, y)
        assert f"(x > 0) {sign} (y > 0)" in str(error.value)
    with pytest.raises(TypeError, match=r"~\(x > 0\)"):
        operator.invert(x)


def test_a_whole_quotient_is_a_constant_and_what_is_made_of_it_is_the_remainder():
    x = mg.tensor(np.array([-2.5, 0.5, 3.75]), requires_grad=True)
    y = mg.tensor(np.array([2.0, 2.0, -1.5]), requires_grad=True)
    z = x - y * (x // y)
    np.testing.assert_array_equal(z.numpy(), (x % y).numpy())
    for made, e in zip(mg.grad(z.sum(), (x, y)), mg.grad((x % y).sum(), (x, y)), strict=True):
        np.testing.assert_array_equal(made.numpy(), e.numpy())
    assert mg.grad((5 % y).sum(), y)[0].numpy().tolist() == [-2, -2, 4]
    with pytest.raises(ValueError, match="no graph"):
        mg.grad((x // 2).sum(), x)


def test_lists_and_flat_tensors():
    x = on_device(np.arange(6).reshape(2, 3))
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and x[0, 0].tolist() == 0
    assert x.flatten().tolist() == [0, 1, 2, 3, 4, 5] and x[0, 0].flatten().shape == (1,)
