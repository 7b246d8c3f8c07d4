"""Every operation gives on the device what it gives on NumPy: values, gradients, and the
gradients of those."""
from __future__ import annotations

import numpy as np
import pytest
from engine import as_tensors, assert_same, derivatives

import minigan as mg
from tests.cases import CASES

# How far two right answers may be apart, in roundings of the largest element. A device adds in
# another order, and CUDA's exp, tanh, pow and their kin are off by up to four units in the last
# place; for comparison, inputs moved by one unit move NumPy's own answers by up to 7. TF32, which
# rounds a product's factors to 11 bits, would be off by thousands.
ROUNDINGS = 100


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_op_equals_numpys_forward_backward_and_twice_backward(case, dtype, device):
    args = [x.astype(dtype) if x.dtype.kind == "f" else x for x in case.typical.args]
    expected = derivatives(case, as_tensors(args), case.typical.options)
    device.use()
    actual = derivatives(case, as_tensors(args), case.typical.options)
    for a, e in zip(actual, expected, strict=True):
        assert [x.dtype for x in a] == [x.dtype for x in e]
        assert_same(a, e, ROUNDINGS * np.finfo(dtype).eps)


@pytest.mark.parametrize("case", [case for case in CASES if case.empty], ids=str)
def test_an_op_on_nothing_equals_numpys(case, device):
    expected = derivatives(case, as_tensors(case.empty.args), case.empty.options)
    device.use()
    actual = derivatives(case, as_tensors(case.empty.args), case.empty.options)
    for a, e in zip(actual, expected, strict=True):
        assert_same(a, e)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1, 1), (37, 129, 65), (512, 300, 200)])
def test_a_product_of_matrices_of_any_size_is_rounded_no_worse_than_its_length_explains(
        shape, dtype, device):
    n, k, m = shape
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(n, k)).astype(dtype), rng.normal(size=(k, m)).astype(dtype)
    device.use()
    exact = x.astype(np.float64) @ w.astype(np.float64)
    for a, b in [(mg.tensor(x), mg.tensor(w)), (mg.tensor(np.asfortranarray(x)), mg.tensor(w)),
                 (mg.tensor(x), mg.tensor(np.ascontiguousarray(w.T)).T)]:
        y = (a @ b).numpy()
        np.testing.assert_allclose(y, exact, rtol=0, atol=4 * k * np.finfo(dtype).eps)


@pytest.mark.parametrize("stride, padding, size", [(1, 0, 3), (2, 2, 5), (3, 1, 4)])
@pytest.mark.parametrize("channels", [(1, 16), (16, 1), (24, 32)])
def test_a_convolution_of_a_layers_size_and_its_gradients_equal_numpys(
        channels, stride, padding, size, device):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(np.float32)
              for shape in ((6, 14, 13, channels[0]), (size, size, *channels))]

    def run():
        x, w = (mg.tensor(a, requires_grad=True) for a in arrays)
        y = mg.ops.conv2d(x, w, stride=stride, padding=padding)
        (y * y).sum().backward()
        return [t.numpy() for t in (y, x.grad, w.grad)]

    expected = run()
    device.use()
    # three times as far, for a weight's gradient adds up some thousand products
    assert_same(run(), expected, 3 * ROUNDINGS * np.finfo(np.float32).eps)
