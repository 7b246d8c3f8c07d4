"""What people give in good faith is taken, and what goes wrong in their own code is theirs."""
from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

import minigan as mg
from minigan import data, gan, metrics, nn, ops, optim, viz

T = mg.tensor([1.0, 2.0, 3.0])


def params():
    return nn.Dense(2, 2).parameters()


@pytest.mark.parametrize("take", [
    lambda: optim.Adam(params(), lr=np.float32(0.1)), lambda: optim.Adam(params(), np.array(0.1)),
    lambda: optim.SGD(params(), 0.1, momentum=np.float16(0.5), nesterov=1),
    lambda: optim.Adam(params(), betas=np.array([0.5, 0.9])), lambda: nn.Dense(3, 2, bias=0),
    lambda: nn.Dense(np.int64(3), np.array(2)), lambda: ops.sum(T, keepdims=1),
    lambda: data.Loader(np.ones((8, 2)), batch_size=2, shuffle=0, seed=np.uint64(2 ** 63)),
    lambda: data.Loader([1, 2, 3], batch_size=1), lambda: ops.clip(T, np.zeros(3), 9),
    lambda: viz.image_grid(mg.tensor(np.zeros((2, 8, 8, 1), np.float32)), np.array([0, 1])),
    lambda: metrics.total_variation(T / 6, T / 6),
    lambda: gan.sample(gan.models.digits(latent=3)[0], np.zeros((2, 3), np.float32)),
    lambda: gan.GAN(*gan.models.digits(latent=3), penalties=iter([gan.penalties.r1()]))])
def test_numpys_numbers_and_arrays_and_flags_are_taken(take):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        take()


def test_a_limit_may_be_infinite():
    p = nn.Parameter(np.ones(4))
    p.grad = mg.tensor(np.ones(4))
    assert optim.clip_grad_norm([p], np.inf).item() == 2 and (p.grad.numpy() == 1).all()


@pytest.mark.parametrize("f", [mg.tensor, mg.grad, mg.Tensor.sum, ops.relu, mg.losses.mse])
def test_public_functions_are_pickled_by_their_names(f):
    assert pickle.loads(pickle.dumps(f)) is f


def test_errors_of_ones_own_code_stay_what_they_are():
    class Solves(nn.Module):
        def forward(self, x):
            return np.linalg.solve(np.zeros((2, 2)), np.ones(2))

    class Misses(nn.Module):
        def forward(self, x):
            return {}["key"]

    for module, error in ((Solves(), np.linalg.LinAlgError), (Misses(), KeyError)):
        for network in (module, nn.Sequential(module)):
            with pytest.raises(error) as caught:
                network(T)
            assert type(caught.value) is error

    class Own(nn.Parameter):
        @property
        def broken(self):
            return self.data.nothing

    with pytest.raises(AttributeError, match="'numpy.ndarray' object has no attribute 'nothing'"):
        assert Own(np.ones(2)).broken


@pytest.mark.parametrize("call", [
    lambda x: np.where(x > 2), lambda x: np.clip(x, a_min=1, a_max=2),
    lambda x: np.sum(x, 0, float),
    lambda x: np.pad(x, 1, mode="edge"), lambda x: np.std(x, 0, None, None, 1),
    lambda x: np.reshape(x, (3, 1), order="C"), lambda x: np.concatenate([x, x], axis=None)])
def test_numpys_own_arguments_are_for_its_functions_of_the_values(call):
    np.testing.assert_array_equal(np.asarray(call(T)), np.asarray(call(T.numpy())))


def test_numpys_functions_of_a_gradient_say_what_the_operation_takes():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="sum: keepdims is True or False"):
        np.sum(x, 0, float)
    with pytest.raises(TypeError, match="clip has no argument 'a_min'"):
        np.clip(x, a_min=1, a_max=2)


def test_wrong_states_rates_and_dtypes_are_refused_at_once():
    loader = data.Loader(np.ones((8, 2)), batch_size=2)
    for state in ({"epoch": 1.5, "position": 0}, {}, {"epoch": 0, "position": 4}):
        with pytest.raises(ValueError, match="is no place in a sequence"):
            loader.load_state_dict(state)
    group = optim.SGD(params(), 0.1).param_groups[0]
    for rate in (-1, float("nan"), True, "x"):
        with pytest.raises(ValueError, match="lr is a number of at least 0"):
            group["lr"] = rate
    net = nn.Dense(3, 2)
    with pytest.raises(TypeError, match="computes with floats"):
        net.astype(int)
    assert net.weight.dtype == np.float32


def test_a_product_of_far_numbers_is_numpys_and_axes_may_be_a_list():
    far = np.array([1e30, 1e-30, 1e30, 1e-30], np.float32)
    assert ops.prod(mg.tensor(far)).item() == far.prod()
    assert ops.expand_dims(mg.tensor(np.ones(1)), [0, 1]).shape == (1, 1, 1)


def test_an_array_of_a_device_asks_the_tensor_as_cupys_does(strict):
    assert mg.Tensor.__array_ufunc__ is not None and T.__array_ufunc__ is None
    mg.use("strict")
    x = mg.tensor(np.array([1.0, 2.0]), requires_grad=True)
    assert isinstance(x.data * x, mg.Tensor)


def test_what_numpy_asks_for_without_a_copy_is_refused():
    with pytest.raises(ValueError, match="leave copy=False out"):
        np.asarray(T, copy=False)
    with pytest.raises(TypeError, match="multiple values for argument 'x'"):
        ops.sum(T, x=T)


def test_a_picture_that_claims_more_than_its_file_holds_is_skipped(tmp_path):
    header = b"GIF89a" + (8000).to_bytes(2, "little") * 2 + bytes(3)
    (tmp_path / "huge.gif").write_bytes(header + b"," + bytes(4) + header[6:10] + b"\0\2\1\0\0;")
    with pytest.raises(data.DataError, match="8000 x 8000 pixels in 28 bytes"):
        data.image_folder(tmp_path, (8, 8))


def test_a_fingerprint_in_settings_is_short():
    config = gan.Config("digits", "digits", (8, 8, 1), 10, 5, 0, 5, fingerprint="a" * 60)
    with pytest.raises(ValueError, match="fingerprint is a short text"):
        gan.Config.of(config.as_json())
