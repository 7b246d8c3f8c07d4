"""`mg.anomaly()` names the operation, the layer and the input where numbers stop being finite."""
from __future__ import annotations

import threading

import numpy as np
import pytest

import minigan as mg
from minigan import backend, nn, ops
from minigan.gan import models

pytestmark = [pytest.mark.parametrize("array_library", ["numpy", "strict"], indirect=True),
              pytest.mark.filterwarnings("ignore::RuntimeWarning")]


class Apply(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


def tensor(values, requires_grad=True):
    return mg.tensor(np.asarray(values, np.float32), requires_grad)


def caught(compute, **networks):
    with pytest.raises(mg.AnomalyError) as error, mg.anomaly(**networks):
        compute()
    return error.value


def pair():
    rng = np.random.default_rng(0)
    return models.digits(width=8, latent=4, rng=rng)


@pytest.mark.parametrize("operation, compute, hint", [
    ("Log", lambda x: ops.log(x), "log of 0 or less"),
    ("Sqrt", lambda x: ops.sqrt(x - 1), "root of a negative number"),
    ("Divide", lambda x: 1 / x, "a division by 0"),
    ("Divide", lambda x: 1e30 / (x + 1e-30), "a division by numbers that small"),
    ("Exp", lambda x: ops.exp(x * 50), "e to more than 88.72 is too large for float32"),
    ("Power", lambda x: x ** -1, "0 to a negative power"),
    ("Power", lambda x: (x - 1) ** 0.5, "a power that is no integer"),
    ("Power", lambda x: (x * 1e30) ** 2, "too large for float32 (more than 3.4e+38)"),
    ("MatMul", lambda x: (x * 1e30) @ (x * 1e30), "lower the learning rate"),
    ("Multiply", lambda x: x * 1e30 * 1e30, "lower the learning rate"),
    ("Sum", lambda x: (x * 5e37 + 1e38).sum(), "lower the learning rate"),
])
def test_a_result_that_is_not_finite_is_told_with_its_operation_and_reason(operation, compute,
                                                                            hint):
    error = caught(lambda: compute(tensor([0.0, 2.0, 3.0])))
    assert (error.operation, error.phase, error.layer) == (operation, "forward", None)
    assert str(error).startswith(f"{operation}, forward, outside of all layers at "
                                 "tests/test_anomaly.py:")
    assert hint in str(error)


@pytest.mark.parametrize("operation, compute, hint", [
    ("Sqrt", lambda x: ops.sqrt(x), "slope of a root is infinite at 0"),
    ("Power", lambda x: x ** 0.5, "slope of x ** 0.5 is infinite at 0"),
    ("Log", lambda x: ops.log(x + 1e-40), "slope of the log, 1 / x, is too large"),
    ("Divide", lambda x: 1 / (x + 1e-30), "the slope is divided by these numbers again"),
    ("Multiply", lambda x: (x * 1e30) * 1e-30 * 1e30, "lower the learning rate"),
])
def test_a_gradient_that_is_not_finite_is_told_with_its_operation_and_reason(operation, compute,
                                                                              hint):
    grad = tensor([1e20, 1e20], False)
    error = caught(lambda: compute(tensor([0.0, 1e-30])).backward(grad))
    assert (error.operation, error.phase) == (operation, "backward")
    assert hint in str(error)


def test_the_layer_is_named_by_its_path_and_class_and_the_input_by_its_range():
    _, discriminator = pair()
    discriminator.body.layers[2] = Apply(ops.log)
    x = np.full((3, 8, 8, 1), 0.5, np.float32)
    error = caught(lambda: discriminator(mg.tensor(x)))
    assert error.layer == "discriminator.body.layers.2"
    assert "in discriminator.body.layers.2 (Apply) at " in str(error)
    assert "its input (3, 8) is finite, from -" in str(error)
    assert "the result (3, 8) has " in str(error) and " NaN" in str(error)


def test_a_gradient_names_the_layer_that_made_the_operation_in_the_forward_pass():
    discriminator = nn.Sequential(nn.Dense(2, 2, rng=np.random.default_rng(0)), nn.ReLU(),
                                  Apply(ops.sqrt))
    with mg.anomaly(discriminator=discriminator):
        y = discriminator(tensor([[1.0, 1.0], [-1.0, -1.0]], False))
        with pytest.raises(mg.AnomalyError) as error:
            y.sum().backward()
    assert error.value.phase == "backward"
    assert error.value.layer == "discriminator.layers.2"
    assert "the gradient of its result (2, 2) is finite, from 1 to 1" in str(error.value)


def test_a_gradient_by_a_parameter_gives_the_parameters_name():
    layer = nn.Dense(1, 1, rng=np.random.default_rng(0))
    x, grad = tensor([[1e30]], False), tensor([[1e30]], False)
    layer.weight.data[...] = 1e-10
    error = caught(lambda: layer(x).backward(grad), critic=layer)
    assert (error.operation, error.layer) == ("Affine", "critic")
    assert "the gradient of its input 2 of 3, critic.weight, (1, 1) has 1 inf" in str(error)


def test_a_parameter_that_was_wrong_already_is_named():
    generator, discriminator = pair()
    generator.body.layers[3].weight.data[0, 0] = np.nan
    z = mg.tensor(np.ones((2, 4), np.float32))
    error = caught(lambda: generator(z))
    assert error.operation == "Affine" and error.layer == "generator.body.layers.3"
    assert "its input 2 of 3 (8, 8) has 1 NaN already: it is generator.body.layers.3.weight" in str(
        error)
    assert "lower the learning rate" in str(error)


def test_data_that_was_wrong_already_is_called_the_input():
    generator, _ = pair()
    z = np.ones((2, 4), np.float32)
    z[0, 1], z[1, 2] = np.nan, -np.inf
    error = caught(lambda: generator(mg.tensor(z)))
    assert "its input 1 of 3 (2, 4) has 1 NaN and 1 -inf already: it is the input" in str(error)


def test_what_was_computed_before_is_said_to_be():
    y = ops.log(tensor([0.0]))
    assert "it was computed before anomaly() began" in str(caught(lambda: y * 2))
    y = ops.sqrt(tensor([0.0]))
    error = caught(lambda: y.sum().backward())
    assert error.layer is None and "Sqrt, backward, called before anomaly() began" in str(error)


def test_a_gradient_that_starts_wrong_blames_no_operation():
    x = tensor([1.0])
    error = caught(lambda: (x * 1).backward(tensor([np.nan], False)))
    assert "the gradient of its result (1,) has 1 NaN; that is what the backward" in str(error)


def test_a_second_derivative_says_whose_gradient_it_was_in_and_which_layer_made_that():
    layer = Apply(lambda x: x ** 1.5)
    x = tensor([0.0, 2.0])

    def twice():
        slope, = mg.grad(layer(x).sum(), x, create_graph=True)
        slope.sum().backward()

    error = caught(twice, power=layer)
    assert (error.operation, error.phase, error.layer) == ("Power", "backward", "power")
    assert str(error).startswith("Power (within the gradient of Power), backward, in power (Apply)")


def test_numbers_made_and_dropped_within_a_backward_are_nobodys_business():
    class Masked(mg.Function):
        def forward(self, x):
            return x * 1

        def backward(self, grad):
            x = self.inputs[0]
            return ops.where(x.data > 0, grad / x, 0)

    x = tensor([0.0, 2.0])
    with mg.anomaly():
        Masked()(x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 0.5])


def test_a_gradient_that_nobody_asks_for_is_not_judged():
    x, y = tensor([0.0], False), tensor([2.0])
    with mg.anomaly():
        (ops.sqrt(x) * y).sum().backward()
    assert y.grad.item() == 0


def test_networks_without_a_name_go_by_their_class_and_are_numbered():
    first, second = (nn.Sequential(Apply(f)) for f in (ops.relu, ops.log))
    error = caught(lambda: second(first(tensor([-1.0]))))
    assert error.layer == "sequential2.layers.0"


def test_a_module_that_is_in_no_attribute_is_placed_within_the_one_that_called_it():
    outer = Apply(lambda x: nn.Sequential(Apply(ops.log))(x))
    error = caught(lambda: outer(tensor([0.0])), critic=outer)
    assert error.layer == "critic" and "in critic (Apply)" in str(error)


def test_nested_use_keeps_names_and_layers_and_ends_where_it_ends():
    def inner(x):
        with mg.anomaly():
            return ops.log(x)

    layer = Apply(inner)
    assert caught(lambda: layer(tensor([0.0])), critic=layer).layer == "critic"
    with mg.anomaly():
        with mg.anomaly():
            pass
        with pytest.raises(mg.AnomalyError):
            ops.log(tensor([0.0]))
    assert not np.isfinite(ops.log(tensor([0.0])).numpy()).all()


def test_it_is_off_again_after_an_error():
    caught(lambda: ops.log(tensor([0.0])))
    assert np.isinf(ops.log(tensor([0.0])).item())


def test_it_holds_for_its_thread_alone():
    results = []
    with mg.anomaly():
        thread = threading.Thread(target=lambda: results.append(ops.log(tensor([0.0])).item()))
        thread.start()
        thread.join()
    assert results == [-np.inf]


def test_a_healthy_step_gives_the_same_bits_with_and_without():
    def step():
        generator, discriminator = pair()
        z = mg.tensor(np.random.default_rng(1).standard_normal((6, 4)).astype(np.float32))
        ops.softplus(-discriminator(generator(z))).mean().backward()
        return [p.grad.numpy() for p in generator.parameters()]

    plain = step()
    with mg.anomaly():
        watched = step()
    for a, b in zip(plain, watched):
        np.testing.assert_array_equal(a, b)


def test_integers_and_nothing_at_all_are_finite():
    with mg.anomaly():
        mg.tensor([1, 2]) + mg.tensor([3, 4])
        ops.log(tensor(np.zeros((0, 3)))).sum()


def test_an_anomaly_is_an_arithmetic_error():
    assert issubclass(mg.AnomalyError, ArithmeticError)


def test_named_modules_are_the_modules_with_their_paths():
    generator, _ = pair()
    named = dict(generator.named_modules("generator"))
    assert list(named.values()) == list(generator.modules())
    assert named["generator"] is generator
    assert named["generator.body.layers.1"] is generator.body[1]
    assert "body.layers.1" in dict(generator.named_modules())


def test_on_a_device_each_operation_waits_once_and_none_without(array_library):
    if array_library == "numpy":
        pytest.skip("NumPy never waits")
    from tests.strict import counted

    x = mg.tensor(backend.asarray([1.0, 2.0]))
    with counted() as counts:
        ops.exp(x)
    assert counts.synchronisations == 0
    with counted() as counts, mg.anomaly():
        ops.exp(ops.exp(x))
    assert counts.synchronisations == 2
