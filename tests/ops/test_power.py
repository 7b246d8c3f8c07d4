"""Powers where ln x has no answer: NumPy's values, and PyTorch's gradients, written out."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import ops

INF, NAN = np.inf, np.nan


def value_and_gradients(x, p, dtype=np.float64):
    x, p = (mg.tensor(np.array(v, dtype), requires_grad=True) for v in (x, p))
    with np.errstate(all="ignore"):
        y = x ** p
        return y.item(), *[g.item() for g in mg.grad(y, (x, p))]


# x, p, xᵖ and its gradients by x and by p, as torch.pow gives them
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("x, p, expected", [
    (0, 0, (1, 0, 0)), (0, 1, (0, 1, 0)), (0, 2, (0, 0, 0)), (0, 0.5, (0, INF, 0)),
    (0, -1, (INF, -INF, -INF)), (2, 0, (1, 0, np.log(2))), (2, 3, (8, 12, 8 * np.log(2))),
    (-2, 0, (1, 0, NAN)), (-2, 1, (-2, 1, NAN)), (-2, 2, (4, -4, NAN)), (-2, 3, (-8, 12, NAN)),
    (-2, -1, (-0.5, -0.25, NAN)), (-2, 0.5, (NAN, NAN, NAN)), (1, 5, (1, 5, 0)),
])
def test_a_power_of_tensors_is_numpys_and_its_gradients_are_pytorchs(x, p, expected, dtype):
    np.testing.assert_allclose(value_and_gradients(x, p, dtype), expected, rtol=2e-3)


@pytest.mark.parametrize("x", [0.0, -2.0, 1.5])
@pytest.mark.parametrize("p", [0, 1, 2, 3, 2.0])
def test_the_exponents_kind_changes_no_value_and_no_derivative(x, p):
    def derivatives(p):
        t = mg.tensor(np.array([x]), requires_grad=True)
        first = mg.grad(t ** p, t, create_graph=True)[0]
        second = mg.grad(first, t, allow_unused=True)[0]
        return [(t ** p).item(), first.item(), second.item()]

    expected = derivatives(p)
    mine = mg.tensor(np.array([p]))
    for same in (mine, mine.data, np.float64(p), np.array(p), mg.tensor(np.array(float(p)))):
        np.testing.assert_allclose(derivatives(same), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype, x", [(np.float16, 1e-3), (np.float32, 1e-30),
                                      (np.float64, 1e-200)])
def test_the_second_derivatives_of_x_to_the_zero_are_right_where_x_to_the_minus_two_overflows(
        dtype, x):
    x, p = (mg.tensor(np.array(v, dtype), requires_grad=True) for v in (x, 0))
    with np.errstate(all="ignore"):
        first = mg.grad(x ** p, (x, p), create_graph=True)
        (by_xx, by_xp), (by_px, _) = (mg.grad(g, (x, p)) for g in first)
    assert by_xx.item() == 0
    for mixed in (by_xp, by_px):
        np.testing.assert_allclose(mixed.item(), 1 / x.numpy(), rtol=2e-3)


def test_a_number_to_a_tensor_and_an_infinite_gradient_where_nothing_depends_on_the_exponent():
    p = mg.tensor(np.array([0.0, 2.0]), requires_grad=True)
    np.testing.assert_allclose(mg.grad((2 ** p).sum(), p)[0].numpy(), [np.log(2), 4 * np.log(2)])
    with np.errstate(invalid="ignore"):
        (g,) = mg.grad(0 ** p, p, mg.tensor(np.full(2, INF)))
    assert g.numpy().tolist() == [0, 0]


def test_integers_to_integers_in_a_tensor_are_integers():
    y = ops.power(mg.tensor([2, -3]), mg.tensor([3, 2]))
    assert y.dtype == np.int64 and y.numpy().tolist() == [8, 9]
