"""Every public function of minigan.testing takes tensors of the device."""
from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given

import minigan as mg
from minigan import ops, testing
from minigan.testing import discovery, strategies

A, V = np.array([[0.3, -1.2], [0.8, 2.0]]), np.array([[1.0, 0.5], [-0.25, 2.0]])
W = np.array([[1.0, 2.0], [3.0, 4.0]])


def gradients_are_checked():
    w = mg.tensor(W)
    report = testing.check_grads(lambda x: ops.exp(x @ w), mg.tensor(A))
    assert report.ok and list(report.checked) == ["first order", "second order"]


def wrong_gradients_are_found():
    class Wrong(mg.Function):
        def forward(self, x):
            return x * x

        def backward(self, grad):
            return grad * self.inputs[0] * 1.9

    with pytest.raises(testing.GradientError):
        testing.check_grads(lambda x: Wrong()(x), mg.tensor(A))


def adjoints_are_tested():
    w = mg.tensor(W)
    testing.adjoint_test(lambda x: x @ w, mg.tensor(A))


def directional_derivatives_are_measured():
    found = testing.numerical_jvp(ops.sin, mg.tensor(A), mg.tensor(V))
    np.testing.assert_allclose(found, np.cos(A) * V, rtol=1e-7)


def jacobians_are_measured():
    found = testing.numerical_jacobian(ops.sin, mg.tensor(A))
    np.testing.assert_allclose(np.diag(found.reshape(4, 4)), np.cos(A).reshape(-1), rtol=1e-7)


def operations_are_tested_on_drawn_inputs():
    arrays, shapes = strategies.arrays, strategies.shapes

    @testing.gradtest(ops.tanh, args=(arrays(shapes()),), reference=np.tanh, max_examples=3)
    def test_tanh(x):
        assert np.all(abs(np.tanh(x)) <= 1)

    test_tanh()


def inputs_are_drawn():
    @given(strategies.arrays(strategies.shapes()))
    def f(x):
        np.testing.assert_allclose((mg.tensor(x) * 2).numpy(), x * 2)

    f()


def numpys_functions_take_the_values():
    f = testing.from_numpy(np.sin, lambda x, grad: grad * np.cos(x))
    assert testing.check_grads(f, mg.tensor(A)).ok


def torchs_functions_take_the_values():
    torch = pytest.importorskip("torch")
    assert testing.check_grads(testing.from_torch(torch.sin), mg.tensor(A)).ok


def jaxs_functions_take_the_values():
    jax = pytest.importorskip("jax")
    assert testing.check_grads(testing.from_jax(jax.numpy.sin), mg.tensor(A)).ok


def modules_and_layers_are_checked():
    net = mg.nn.Dense(2, 3, rng=np.random.default_rng(0))
    assert testing.check_grads(testing.from_module(net), mg.tensor(A)).ok
    layer = testing.from_layer(lambda x: (np.sin(x), x), lambda grad, x: grad * np.cos(x))
    assert testing.check_grads(layer, mg.tensor(A)).ok


def samples_are_registered():
    testing.sample(ops.activation.Tanh, mg.tensor(A))
    function, call = discovery.SAMPLES.pop()
    assert discovery.Found(function, "Tanh", "minigan").check(call, seed=0).ok


USES = {
    "sample": samples_are_registered, "from_module": modules_and_layers_are_checked,
    "from_layer": modules_and_layers_are_checked,
    "check_grads": gradients_are_checked, "Report": gradients_are_checked,
    "GradientError": wrong_gradients_are_found, "adjoint_test": adjoints_are_tested,
    "numerical_jvp": directional_derivatives_are_measured,
    "numerical_jacobian": jacobians_are_measured,
    "gradtest": operations_are_tested_on_drawn_inputs, "strategies": inputs_are_drawn,
    "from_numpy": numpys_functions_take_the_values, "Differentiable":
    numpys_functions_take_the_values, "from_torch": torchs_functions_take_the_values,
    "from_jax": jaxs_functions_take_the_values,
}


@pytest.mark.parametrize("name", testing.__all__)
def test_it_takes_tensors_of_the_device(name, device):
    device.use()
    USES[name]()


def test_a_check_on_the_device_says_what_it_says_on_numpy(device):
    def broken(x):
        return ops.where(x > 0, x * x, x.detach())

    def message():
        with pytest.raises(testing.GradientError) as error:
            testing.check_grads(broken, mg.tensor(A))
        return re.sub(r"[-+]?\d\S*", "#", str(error.value))  # rounding may differ

    expected = message()
    device.use()
    assert message() == expected
