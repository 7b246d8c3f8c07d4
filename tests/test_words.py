"""What a tensor answers to Python, to NumPy, and to names from elsewhere."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import habits, losses, nn, ops, optim
from minigan.testing import check_grads

MODULES = {"minigan": mg, "minigan.nn": nn, "minigan.losses": losses, "minigan.optim": optim,
           "minigan.ops": ops, "Tensor": mg.tensor(1.0)}


def leaf(*numbers):
    return mg.tensor(np.array(numbers), requires_grad=True)


# Python

def test_a_tensor_of_one_element_is_a_number_to_python():
    loss = leaf(2.46913).sum()
    assert f"{loss:.3f} {loss:>8.1f}" == "2.469      2.5"
    assert (int(loss), round(loss), round(loss, 2), float(loss)) == (2, 2, 2.47, 2.46913)
    assert f"{loss}" == str(loss) == repr(loss)
    assert [10, 20, 30][mg.tensor([2, 1])[1]] == 20
    with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
        range(loss)
    with pytest.raises(ValueError, match=r"one element, this one has shape \(2,\)"):
        f"{leaf(1.0, 2.0):.4f}"


def test_nothing_and_words_equal_no_tensor():
    x = leaf(1.0)
    assert (x == None) is (None == x) is (x == "a") is False  # noqa: E711
    assert (x != None) is (x != "a") is True  # noqa: E711
    with pytest.raises(TypeError, match="not supported between instances of 'Tensor' and 'None"):
        assert x < None


# NumPy

@pytest.mark.parametrize("call", [
    lambda x: np.exp(x), lambda x: np.sum(x), lambda x: np.abs(x), lambda x: np.negative(x),
    lambda x: np.mean(x, axis=0),
    lambda x: np.maximum(x, 0.5), lambda x: np.multiply(np.array([2.0, 3.0]), x),
    lambda x: np.array([2.0, 3.0]) * x, lambda x: np.concatenate([x, x * 2]),
    lambda x: np.stack([x, x]), lambda x: np.where(np.array([True, False]), x, 0.0),
    lambda x: np.float64(2) ** x, lambda x: np.array([1.0, 2.0]) @ x])
def test_numpys_functions_pass_the_gradient_on_where_minigan_has_them(call):
    check_grads(call, np.array([0.7, -1.3]))
    values = call(np.array([0.7, -1.3]))
    np.testing.assert_allclose(call(leaf(0.7, -1.3)).numpy(), values)


def test_numpys_other_functions_take_the_values_of_what_needs_no_gradient():
    x = mg.tensor(np.array([0.5, 1.0]))
    np.testing.assert_array_equal(np.arctan(x), np.arctan(x.numpy()))
    assert np.median(x) == 0.75 and np.allclose([x, x], 0.75, atol=0.25)
    assert np.linalg.norm(x) == np.linalg.norm(x.numpy())


def test_numpys_other_functions_say_that_they_would_lose_a_gradient():
    x = leaf(0.5, 1.0)
    for call in (np.arctan, np.median, np.linalg.norm, lambda x: np.add(x, 1, out=np.zeros(2)),
                 np.add.reduce, np.asarray):
        with pytest.raises(TypeError, match=r"\.numpy\(\)"):
            call(x)
    array = np.zeros(2)
    with pytest.raises(TypeError, match="write x = x"):
        array += x
    assert not np.isnan(x).any() and np.shape(x) == (2,) and np.argmax(x) == 1


def test_comparisons_with_arrays_ask_the_tensor():
    x, array = leaf(1.0, 2.0), np.array([1.0, 3.0])
    assert (array == x).numpy().tolist() == [True, False]
    assert (array > x).numpy().tolist() == [False, True]


# Names

@pytest.mark.parametrize("where", MODULES)
def test_a_name_from_elsewhere_is_answered_by_the_one_here(where):
    for name, here in habits.USUAL[where].items():
        assert not hasattr(MODULES[where], name)
        with pytest.raises(AttributeError) as caught:
            getattr(MODULES[where], name)
        assert str(caught.value).endswith(f"has no {name!r}: it is called {here} here")


def test_what_the_table_of_names_points_to_exists():
    places = {"mg": mg, "nn": nn, "ops": ops, "losses": losses, "optim": optim}
    for table in habits.USUAL.values():
        for here in table.values():
            word = here.split(",")[0].split(" ")[0].split("(")[0]
            first, *names = word.split(".")
            value = places.get(first)
            for name in names if value is not None else ():
                value = getattr(value, name)


def test_arguments_from_elsewhere_are_answered_by_the_ones_here():
    x = leaf(1.0, 2.0)
    for call, name, here in ((lambda: ops.sum(x, dim=0), "dim", "axis"),
                             (lambda: x.sum(dim=0), "dim", "axis"),
                             (lambda: x.mean(keepdim=True), "keepdim", "keepdims"),
                             (lambda: nn.Dense(in_features=2, outputs=3), "in_features", "inputs"),
                             (lambda: optim.Adam([x], learning_rate=1), "learning_rate", "lr")):
        with pytest.raises(TypeError, match=f"has no argument '{name}': it is called {here} here"):
            call()
    with pytest.raises(TypeError, match="sum has no argument 'axes': did you mean axis?"):
        ops.sum(x, axes=0)


def test_a_name_of_another_module_is_answered_by_that_module():
    for module, name, here in ((mg, "relu", "mg.ops.relu"), (nn, "relu", "mg.ops.relu"),
                               (mg, "Dense", "mg.nn.Dense"), (nn, "Adam", "mg.optim.Adam"),
                               (ops, "Conv2d", "mg.nn.Conv2d")):
        with pytest.raises(AttributeError, match=f"has no '{name}': it is {here}$"):
            getattr(module, name)
    with pytest.raises(AttributeError, match="minigan.optim has no 'adam': did you mean Adam?"):
        assert optim.adam
    with pytest.raises(AttributeError, match="^Tensor has no 'nothing'$"):
        assert leaf(1.0).nothing
