"""What `backward` and `grad` give, with values worked out by hand."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import Function


def leaf(data, dtype=np.float64):
    return mg.tensor(np.array(data, dtype), requires_grad=True)


def same(tensor, expected, rtol=1e-12):
    assert tensor.shape == np.shape(expected)
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=rtol, atol=1e-14)


# What gradients are

def test_backward_gives_each_leaf_the_derivative_by_it():
    x, y = leaf(3.0), leaf(2.0)
    (x * x * y + y).backward()
    same(x.grad, 2 * 3 * 2)
    same(y.grad, 3 * 3 + 1)


def test_backward_to_asked_leaves_gives_them_the_same_and_the_others_none():
    def graph():
        x, y, z = leaf([3.0, 1.0]), leaf([2.0, 5.0]), leaf(4.0)
        return (x * x * y + mg.ops.exp(y) * z).sum(), x, y, z

    total, *everyone = graph()
    total.backward()
    total, x, y, z = graph()
    total.backward(inputs=[x, z])
    same(x.grad, everyone[0].grad.numpy())
    same(z.grad, everyone[2].grad.numpy())
    assert y.grad is None


def test_backward_to_asked_leaves_adds_to_what_they_have_and_passes_what_is_unreached():
    x, y, elsewhere = leaf(3.0), leaf(2.0), leaf(1.0)
    for _ in range(2):
        (x * y).backward(inputs=iter([y, elsewhere]))
    same(y.grad, 6.0)
    assert x.grad is None and elsewhere.grad is None


def test_two_backward_calls_add_up():
    x = leaf([1.0, 2.0])
    (3 * x).sum().backward()
    (x * x).sum().backward()
    same(x.grad, [3 + 2, 3 + 4])


def test_a_gradient_that_was_put_aside_is_not_changed_by_the_next():
    x = leaf([1.0, 2.0])
    (3 * x).sum().backward()
    kept = x.grad
    (3 * x).sum().backward()
    same(kept, [3, 3])
    same(x.grad, [6, 6])


def test_backward_through_the_same_graph_twice_adds_the_same_again():
    x = leaf([1.0, 2.0])
    y = (x.exp() * x).sum()
    y.backward()
    once = x.grad.numpy()
    y.backward()
    same(x.grad, 2 * once)


def test_a_shared_subexpression_collects_the_gradient_of_all_its_uses():
    x = leaf(2.0)
    shared = x * x
    (shared * shared + 3 * shared).backward()
    same(x.grad, 4 * 2 ** 3 + 6 * 2)


def test_a_tensor_used_twice_by_one_op_gets_both_gradients():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    (x @ x).sum().backward()
    rows, columns = np.array([3.0, 7.0]), np.array([4.0, 6.0])
    same(x.grad, rows[None, :] + columns[:, None])  # 1ᵀ xᵀ and xᵀ 1, added


def test_the_given_cotangent_weights_the_elements():
    x = leaf([1.0, 2.0])
    (x * x).backward(mg.tensor(np.array([10.0, 100.0])))
    same(x.grad, [2 * 10, 4 * 100])


def test_the_cotangent_of_a_single_element_is_one_whatever_its_shape():
    x = leaf([[5.0]])
    (3 * x).backward()
    same(x.grad, [[3.0]])


def test_only_leaves_receive_a_grad():
    x = leaf(2.0)
    y = x * x
    (y * 3).backward()
    assert y.grad is None and x.grad is not None


def test_a_leaf_is_its_own_gradient_path():
    x = leaf(2.0)
    x.backward()
    x.backward()
    same(x.grad, 2.0)


def test_constants_are_not_given_a_gradient():
    x, c = leaf(2.0), mg.tensor(np.float64(5.0))
    (x * c).backward()
    assert c.grad is None and not c.requires_grad


def test_grad_leaves_every_grad_alone():
    x, w = leaf(2.0), leaf(3.0)
    (by_x,) = mg.grad(x * w, x)
    same(by_x, 3.0)
    assert x.grad is None and w.grad is None


def test_grad_by_what_has_no_path_is_zeros_if_they_are_asked_for():
    x, other, constant = leaf([1.0, 2.0]), leaf([[1.0]]), mg.tensor(np.ones(3, np.float32))
    by_x, by_other, by_constant = mg.grad((x * x).sum(), [x, other, constant], allow_unused=True)
    same(by_x, [2, 4])
    same(by_other, [[0.0]])
    same(by_constant, [0, 0, 0])
    assert by_constant.dtype == np.float32


def test_grad_of_a_constant_is_zeros_if_they_are_asked_for():
    x = leaf([1.0, 2.0])
    (by_x,) = mg.grad(mg.tensor(np.float64(7.0)), x, allow_unused=True)
    same(by_x, [0, 0])


def test_grad_by_what_has_no_path_is_refused_by_its_place():
    x, other, constant = leaf([1.0, 2.0]), leaf([[1.0]]), mg.tensor(np.ones(2))
    with pytest.raises(ValueError, match=r"input 1, of shape \(1, 1\): no path leads from it to "
                                         r"the outputs; say allow_unused=True"):
        mg.grad((x * x).sum(), [x, other])
    with pytest.raises(ValueError, match=r"input 0, .*\(and it does not require a gradient\)"):
        mg.grad((x * constant).sum(), constant)


def test_the_gradient_of_what_has_no_graph_is_refused():
    x = leaf(2.0)
    with mg.no_grad():
        unrecorded = x * x
    (let_go,) = mg.grad(x ** 3, x)
    (x ** 3).backward()
    for y in (mg.tensor(np.float64(7.0)), unrecorded, let_go, let_go * 2, x.grad):
        with pytest.raises(ValueError, match="no graph: .*no_grad.*create_graph=True"):
            mg.grad(y, x)
        with pytest.raises(ValueError, match="no graph"):
            mg.grad([y, x * x], x)  # the sum would lack a part
        with pytest.raises(ValueError, match="no graph: .*create_graph=True"):
            y.backward()
    (kept,) = mg.grad(x ** 3, x, create_graph=True)
    same(mg.grad(kept, x)[0], 12)


def test_grad_by_intermediates_and_by_the_output_itself():
    x = leaf(3.0)
    y = x * x
    z = y * y
    by_x, by_y, by_z = mg.grad(z, [x, y, z])
    same(by_x, 4 * 3 ** 3)
    same(by_y, 2 * 9)
    same(by_z, 1)


def test_grad_adds_up_several_outputs_each_with_its_cotangent():
    x = leaf(3.0)
    (by_x,) = mg.grad([x * x, 5 * x], x, [None, mg.tensor(np.float64(10.0))])
    same(by_x, 2 * 3 + 10 * 5)
    (twice,) = mg.grad([x * x, x * x], x)
    same(twice, 2 * 6)


def test_an_output_that_another_output_depends_on_gets_both_gradients():
    x = leaf(3.0)
    y = x * x
    (by_x,) = mg.grad([y, y * y], x)
    same(by_x, 2 * 3 + 4 * 3 ** 3)
    same(mg.grad([y, y], y)[0], 2)


def test_a_detached_tensor_is_a_constant_with_the_same_data():
    x = leaf(3.0)
    y = x * x
    cut = y.detach()
    assert cut.data is y.data and cut.creator is None and not cut.requires_grad
    (x * cut).backward()
    same(x.grad, 9)


def test_nothing_computed_under_no_grad_can_be_differentiated():
    x = leaf(3.0)
    with mg.no_grad():
        y = x * x
    assert not y.requires_grad and y.creator is None
    (x * y).backward()
    same(x.grad, 9)


def test_grad_mode_comes_back_when_no_grad_is_nested_or_left_by_an_error():
    x = leaf(3.0)
    with mg.no_grad():
        with mg.no_grad():
            pass
        assert not (x * x).requires_grad
    with pytest.raises(KeyError), mg.no_grad():
        raise KeyError
    assert (x * x).requires_grad


def test_gradients_are_constants_unless_a_graph_is_asked_for():
    x = leaf(3.0)
    y = x * x * x
    assert not mg.grad(y, x)[0].requires_grad
    assert mg.grad(y, x, create_graph=True)[0].requires_grad
    y.backward()
    assert not x.grad.requires_grad


# Higher derivatives

def test_derivatives_to_the_third_order():
    x = leaf(0.7)
    (first,) = mg.grad(x.exp() * x ** 4, x, create_graph=True)
    (second,) = mg.grad(first, x, create_graph=True)
    (third,) = mg.grad(second, x, create_graph=True)
    (fourth,) = mg.grad(third, x)
    t, e = 0.7, np.exp(0.7)
    same(first, e * (t ** 4 + 4 * t ** 3))
    same(second, e * (t ** 4 + 8 * t ** 3 + 12 * t ** 2))
    same(third, e * (t ** 4 + 12 * t ** 3 + 36 * t ** 2 + 24 * t))
    same(fourth, e * (t ** 4 + 16 * t ** 3 + 72 * t ** 2 + 96 * t + 24))


def test_a_gradient_can_be_part_of_a_loss():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (by_x,) = mg.grad((w * x * x).sum(), x, create_graph=True)  # 2 w x
    (by_x * by_x).sum().backward()                                # of Σ 4 w² x²
    same(w.grad, 8 * np.array([3 * 1, 4 * 4]))
    same(x.grad, 8 * np.array([9 * 1, 16 * 2]))


def test_backward_with_create_graph_leaves_a_differentiable_grad():
    x = leaf(2.0)
    for times in (1, 2):
        (x ** 3).backward(create_graph=True)
        same(mg.grad(x.grad, x)[0], times * 6 * 2)


# What is refused

def test_backward_from_several_elements_names_the_shape_and_the_ways_out():
    with pytest.raises(ValueError, match=r"shape \(2, 3\): reduce it with \.sum\(\).*grad="):
        (leaf(np.ones((2, 3))) * 2).backward()


def test_backward_by_what_is_no_leaf_is_refused():
    x = leaf(2.0)
    y = x * x
    with pytest.raises(ValueError, match=r"computed from others: \.grad is of leaves; mg\.grad"):
        (y * y).backward(inputs=[x, y])


def test_a_cotangent_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"gradient has shape \(3,\), the tensor \(2,\)"):
        (leaf([1.0, 2.0]) * 2).backward(mg.tensor(np.ones(3)))


def test_backward_from_a_constant_says_what_to_do():
    with pytest.raises(ValueError, match="requires_grad=True"):
        mg.tensor(1.0).backward()


def test_the_number_of_cotangents_must_be_that_of_the_outputs():
    x = leaf(1.0)
    with pytest.raises(ValueError, match="2 outputs need as many grad_outputs, got 1"):
        mg.grad([x * 1, x * 2], x, [None])


@pytest.mark.parametrize("data", [[1, 2], [True]])
def test_only_floats_can_require_a_gradient(data):
    with pytest.raises(TypeError, match="only floating point tensors have gradients"):
        mg.tensor(data, requires_grad=True)


@pytest.mark.parametrize("data", [[1, 2], [True]])
def test_nor_later(data):
    x = mg.tensor(data)
    with pytest.raises(TypeError, match="only floating point tensors have gradients"):
        x.requires_grad = True
    x.requires_grad = False
    y = leaf([1.0])
    with pytest.raises(TypeError, match="only floating point tensors have gradients"):
        y.data = x.data
    same(y, [1.0])


def test_a_function_is_one_node_and_cannot_be_called_twice():
    class Double(Function):
        def forward(self, x):
            return 2 * x

    node = Double()
    node(leaf(1.0))
    with pytest.raises(RuntimeError, match="this Double is a node of a graph already"):
        node(leaf(1.0))


class Bad(Function):
    def __init__(self, answer):
        self.answer = answer

    def forward(self, x):
        return 2 * x

    def backward(self, grad):
        return self.answer


@pytest.mark.parametrize("answer, got", [(np.ones(3), r"shape \(3,\)"), (None, "nothing")])
def test_a_backward_that_answers_wrongly_is_named(answer, got):
    answer = answer if answer is None else mg.tensor(answer)
    message = rf"Bad.backward returned {got} for its input of shape \(2,\)"
    with pytest.raises(RuntimeError, match=message):
        Bad(answer)(leaf([1.0, 2.0])).sum().backward()


def test_a_function_without_forward_or_backward_says_so():
    class Empty(Function):
        pass

    class Half(Function):
        def forward(self, x):
            return x / 2

    with pytest.raises(NotImplementedError, match="Empty has no forward"):
        Empty()(leaf(1.0))
    with pytest.raises(NotImplementedError, match="Half has no backward"):
        Half()(leaf(1.0)).backward()
