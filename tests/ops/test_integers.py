"""Integers and booleans: one rule for all operations, which is NumPy's.

What NumPy has a function for gives its dtype, and so does what is made of exp (float16 for booleans
and 8 bits, float32 for 16, float64 for more). What averages, normalises or compares distributions
computes in float64, as NumPy's mean does. What moves or chooses elements keeps their dtype.
"""
from __future__ import annotations

import numpy as np
import pytest
from engine import as_tensors, outputs_of

import minigan as mg
from minigan import losses, ops
from tests.cases import CASES

OF_EXP = {"sigmoid", "softplus", "elu"}
IN_FLOAT64 = {"mean", "var", "std", "logsumexp", "softmax", "log_softmax", "batch_norm",
              "layer_norm", "instance_norm", "group_norm", "avg_pool2d", "adaptive_avg_pool2d",
              "losses.bce", "losses.bce_with_logits", "losses.mse", "losses.mae", "losses.huber",
              "losses.cross_entropy"}
# their references make arrays of floats
CONVOLUTIONS = {"conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
                "conv_transpose3d"}
KEEPS = {*CONVOLUTIONS, "max_pool2d", "upsample_nearest", "pixel_shuffle"}
REFUSED = {"upsample_bilinear": "interpolates floats"}
REFUSED_BOOLEANS = dict.fromkeys(CONVOLUTIONS, "of booleans")


def integers(x, dtype):
    if x.dtype.kind != "f":
        return x
    low = -3 if np.dtype(dtype).kind == "i" else 0
    return np.random.default_rng(0).integers(low, 4, x.shape).astype(dtype)


def expected(case, args):
    """NumPy's answer, or None where it refuses, too."""
    def reference(args):
        y = case.reference(*args, **case.typical.options)
        return [np.asarray(a) for a in (y if isinstance(y, list) else [y])]

    floats = [x if case.op == "losses.cross_entropy" and i else x.astype(np.float64)
              for i, x in enumerate(args)]
    with np.errstate(all="ignore"):
        if case.op in OF_EXP:
            return [y.astype(np.exp(args[0]).dtype) for y in reference(floats)]
        if case.op in IN_FLOAT64:
            return reference(floats)
        if case.op in KEEPS:
            return [y.astype(args[0].dtype) for y in reference(floats)]
        try:
            return reference(args)
        except TypeError:
            return None


NONE_OF_INTEGERS = {"'s weight gradient", "of probabilities"}


@pytest.mark.parametrize("case", [c for c in CASES if c.variant not in NONE_OF_INTEGERS], ids=str)
def test_an_operation_on_integers_or_booleans_does_what_numpy_does(case):
    for dtype in (np.int64, np.int32, np.int16, np.int8, np.uint8, np.bool_):
        does_what_numpy_does(case, dtype)


def does_what_numpy_does(case, dtype):
    args = [integers(x, dtype) for x in case.typical.args]
    if case.op == "losses.bce":  # probabilities
        args = [(x > 0).astype(dtype) for x in args]
        args[1] = args[0]
    refused = REFUSED.get(case.op) or dtype is np.bool_ and REFUSED_BOOLEANS.get(case.op)
    numpys = None if refused else expected(case, args)
    with np.errstate(all="ignore"):
        if numpys is None:
            with pytest.raises(TypeError, match=refused or "boolean"):
                outputs_of(case, as_tensors(args), case.typical.options)
            return
        found = outputs_of(case, as_tensors(args), case.typical.options)
    for y, e in zip(found, numpys, strict=True):
        assert y.dtype == e.dtype, dtype
        rtol = 1e-12 if e.dtype.kind != "f" else 4 * np.finfo(e.dtype).eps
        if case.op == "losses.bce":
            e = np.zeros(())  # where the reference takes 0 · ln 0
        np.testing.assert_allclose(y.numpy(), e, rtol=max(rtol, 1e-12), err_msg=str(dtype))


@pytest.mark.parametrize("count", [3, 7, 49, 1000, 12345])
def test_the_mean_of_all_true_is_one(count):
    a = mg.tensor(np.arange(count))
    assert (a == a).mean().item() == ops.mean(a == a, keepdims=True).item() == 1
    assert ops.mean(mg.tensor(np.full(count, 7))).item() == 7
    assert ops.var(mg.tensor(np.full(count, 7))).item() == 0


def test_unsigned_integers_do_not_wrap():
    x = mg.tensor(np.array([0, 200, 5], np.uint8))
    assert ops.min(x).item() == 0 and ops.minimum(x, np.uint8(3)).numpy().tolist() == [0, 3, 3]
    wide = losses.mse(x, mg.tensor(np.array([200, 0, 5], np.uint8)))
    np.testing.assert_allclose(wide.item(), 80000 / 3, rtol=1e-15)
    np.testing.assert_allclose(ops.softmax(x).numpy(), [0, 1, 0], atol=1e-80)


def test_integers_are_compared_with_numbers_that_they_cannot_be():
    x = mg.tensor(np.array([0, 200], np.uint8))
    assert (x != -1).tolist() == (300 > x).tolist() == [True, True]
    assert (x == -1).tolist() == (x >= np.int64(256)).tolist() == [False, False]


@pytest.mark.parametrize("loss", [losses.bce, losses.bce_with_logits, losses.mse, losses.mae,
                                  losses.huber])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_targets_of_integers_and_booleans_take_the_dtype_of_what_they_are_compared_with(loss,
                                                                                       dtype):
    x = mg.tensor(np.array([0.25, 0.75], dtype), requires_grad=True)
    for targets in ([True, False], [1, 0], [1.0, 0.0]):
        y = loss(x, mg.tensor(targets))
        assert y.dtype == (dtype if not isinstance(targets[0], float) else np.float32)
        np.testing.assert_allclose(y.item(), loss(x, mg.tensor(np.array([1, 0], dtype))).item(),
                                   rtol=1e-3)
        assert mg.grad(y, x)[0].dtype == dtype


def test_the_mean_of_squares_of_integers_is_a_float64():
    y = losses.mse(mg.tensor([3, 1, 4]), mg.tensor([1, 4, 2]))
    assert y.dtype == np.float64
    np.testing.assert_allclose(y.item(), 17 / 3, rtol=1e-15)
