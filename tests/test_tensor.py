"""Tensors: dtypes, copies, conversions, and what they refuse."""
from __future__ import annotations

import copy
import operator

import numpy as np
import pytest

import minigan as mg
from minigan import Tensor, nn


def leaf(data, dtype=np.float64):
    return mg.tensor(np.array(data, dtype), requires_grad=True)


def test_float32_stays_float32_in_results_and_gradients():
    x = leaf([1.0, 2.0], np.float32)
    y = (2 * x + 1.5 - x / 3) ** 2
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32


def test_a_gradient_has_its_tensors_dtype_where_dtypes_are_mixed():
    x, y = leaf([1.0], np.float32), leaf([2.0], np.float64)
    (x * y).backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_python_and_tensor_scalars_never_promote(dtype):
    x = mg.tensor(np.ones(3, dtype))
    for y in (x + 1, 1 - x, x * 2.5, 1 / x, x ** 2, x ** 0.5, mg.ops.maximum(x, 0.5)):
        assert y.dtype == dtype


def test_a_float_beside_integers_makes_floats():
    y = mg.tensor([1, 2]) * 0.5
    assert y.dtype.kind == "f"
    assert y.numpy().tolist() == [0.5, 1.0]
    assert (mg.tensor([1, 2]) * 2).dtype == np.int64


@pytest.mark.numpy_only("an array of NumPy's beside a device's tensor is refused")
@pytest.mark.parametrize("op", ["__add__", "__sub__", "__mul__", "__truediv__", "__matmul__"])
def test_an_ndarray_on_the_left_hands_over_to_the_tensor(op):
    a, x = np.array([[2.0, 3.0], [4.0, 5.0]]), leaf([[1.0, 2.0], [3.0, 4.0]])
    y = getattr(operator, op)(a, x)
    assert isinstance(y, Tensor) and y.requires_grad
    np.testing.assert_array_equal(y.numpy(), getattr(operator, op)(a, x.numpy()))


def test_comparisons_give_boolean_tensors_without_a_gradient():
    x = leaf([1.0, 2.0, 3.0])
    for name, y in {"lt": x < 2, "le": x <= 2, "gt": x > 2, "ge": x >= 2, "eq": x == 2,
                    "ne": x != 2}.items():
        assert y.dtype == bool and not y.requires_grad
        assert y.numpy().tolist() == getattr(x.numpy(), f"__{name}__")(2).tolist()


def test_tensors_are_hashed_by_identity():
    x, y = mg.tensor(1.0), mg.tensor(1.0)
    assert len({x, y}) == 2 and {x: 1}[x] == 1


def test_numpy_does_not_take_a_tensor_whose_gradient_would_be_lost():
    x = leaf([1.0, 2.0])
    for attempt in (lambda: np.asarray(x), lambda: np.mean(np.array(x)), lambda: np.arctan(x)):
        with pytest.raises(TypeError):
            attempt()
    with pytest.raises(TypeError, match="use mg.ops, or take the values alone with .numpy()"):
        np.asarray(x)


def test_numpy_takes_a_copy_of_a_constant():
    x = mg.tensor(np.array([1.0, 2.0]))
    a = np.asarray(x)
    a[0] = 9
    assert x.numpy().tolist() == [1, 2]
    assert np.asarray(x, np.float32).dtype == np.float32


def test_numpy_method_gives_a_copy():
    x = leaf([1.0, 2.0])
    x.numpy()[0] = 9
    assert x.numpy().tolist() == [1, 2]


def test_tensor_copies_its_data_and_as_tensor_too_where_backward_may_read_it():
    a = np.array([1.0, 2.0])
    copied, constant = mg.tensor(a), mg.as_tensor(a)
    with mg.no_grad():
        shared = mg.as_tensor(a)
    a[0] = 9
    assert copied.data[0] == constant.data[0] == 1 and shared.data[0] == 9
    assert mg.as_tensor(copied) is copied
    assert mg.tensor(copied).data is not copied.data


@pytest.mark.parametrize("data, dtype", [(1.5, np.float32), ([1.5, 2], np.float32), (1, np.int64),
                                         (True, np.bool_), (np.float64(1), np.float64),
                                         (np.ones(2, np.float16), np.float16)])
def test_arrays_keep_their_dtype_and_python_floats_are_float32(data, dtype):
    assert mg.tensor(data).dtype == dtype


def test_the_class_takes_only_arrays():
    with pytest.raises(TypeError, match=r"expected an array of numpy.*, got list.*mg.tensor"):
        Tensor([1.0])
    with pytest.raises(TypeError, match="expected numbers, got list"):
        mg.tensor(["a"])


def test_item_and_the_conversions_take_one_element():
    assert leaf([[2.5]]).item() == 2.5 and float(leaf(2.5)) == 2.5
    assert bool(mg.tensor(1.0) > 0)
    with pytest.raises(ValueError, match=r"one element, this one has shape \(2,\)"):
        leaf([1.0, 2.0]).item()
    with pytest.raises(ValueError, match=r"\(2,\)"):
        bool(leaf([1.0, 2.0]) > 0)


def test_length_and_iteration_go_along_the_first_axis():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2 and [row.numpy().tolist() for row in x] == [[1, 2], [3, 4]]
    with pytest.raises(TypeError, match="0-d tensor has no length"):
        len(leaf(1.0))
    for walk in (iter, list, sum):  # which would find it empty
        with pytest.raises(TypeError, match="0-d tensor has no length"):
            walk(leaf(1.0))


def test_elements_cannot_be_assigned():
    with pytest.raises(TypeError, match="cannot be assigned.*where or concatenate"):
        leaf([1.0, 2.0])[0] = 3


def test_numpy_gives_a_copy_in_c_order():
    for x in (mg.tensor(np.arange(6.0).reshape(2, 3)).T, mg.tensor(np.ones((2, 3)))[:, ::-1],
              mg.tensor(np.asfortranarray(np.ones((2, 3))))):
        assert x.numpy().flags.c_contiguous and x.numpy().flags.owndata


def test_repr_shows_values_dtype_and_whether_a_gradient_is_wanted():
    assert repr(mg.tensor([1.0, 2.0])) == "tensor([1., 2.], dtype=float32)"
    assert repr(leaf([1.0])) == "tensor([1.], requires_grad=True)"
    assert repr(leaf(np.eye(2))) == "tensor([[1., 0.],\n        [0., 1.]], requires_grad=True)"


def test_a_leaf_is_copied_deeply_without_its_gradient_and_with_its_class():
    p = nn.Parameter(np.ones(2, np.float32))
    (p * 2).sum().backward()
    q, again = copy.deepcopy([p, p])
    assert type(q) is nn.Parameter and q is again and q.requires_grad and q.grad is None
    q.data[0] = 5
    assert p.data[0] == 1


def test_what_was_computed_cannot_be_copied_deeply():
    with pytest.raises(ValueError, match="only leaves can be copied"):
        copy.deepcopy(leaf(1.0) * 2)


def test_a_leaf_moves_to_a_device_and_what_was_computed_does_not(strict):
    x = mg.Tensor(mg.tensor([1.0, 2.0]).data, requires_grad=True)
    there = x.to("strict")
    assert type(there.data).__name__ == "StrictArray" and there.requires_grad
    assert there.to("cpu").numpy().tolist() == [1, 2]
    with pytest.raises(ValueError, match="only leaves can be moved"):
        (x * 2).to("cpu")
