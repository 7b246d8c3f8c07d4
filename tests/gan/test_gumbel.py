"""Gumbel-softmax: what it draws, what flows through it, and that it is captured."""
from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import minigan as mg
from minigan import backend, nn, ops
from minigan.data import Loader
from minigan.gan import GAN, Trainer, sample
from minigan.gan.noise import gumbel_softmax
from minigan.replay import Draws
from minigan.replay.capture import CapturedStep
from minigan.testing import check_grads

RNG = np.random.default_rng
LOGITS = RNG(0).normal(size=(5, 4))


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("temperature", [0.3, 3])
def test_a_category_is_the_largest_as_often_as_softmax_says(temperature, hard):
    logits, n = np.array([0.0, 1.0, -1.0, 2.0]), 20000
    y = gumbel_softmax(np.tile(logits, (n, 1)), temperature, RNG(0), hard).numpy()
    p = np.exp(logits) / np.exp(logits).sum()
    shares = np.bincount(y.argmax(axis=1), minlength=4) / n
    assert (abs(shares - p) < 4 * np.sqrt(p * (1 - p) / n)).all()


def test_it_is_the_softmax_of_the_logits_and_gumbel_noise_over_the_temperature():
    y = gumbel_softmax(LOGITS, 0.7, RNG(1)).numpy()
    e = np.exp((LOGITS + RNG(1).gumbel(size=(5, 4))) / 0.7)
    np.testing.assert_allclose(y, e / e.sum(axis=1, keepdims=True), rtol=1e-12)


def test_it_is_sharp_at_a_low_temperature_and_even_at_a_high_one():
    assert gumbel_softmax(LOGITS, 1e-3, RNG(0)).numpy().max(axis=1).min() > 0.999
    assert np.ptp(gumbel_softmax(LOGITS, 1e3, RNG(0)).numpy()) < 0.01


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_hard_choice_is_a_unit_vector_to_the_bit_with_the_soft_ones_gradient(dtype):
    def made(hard):
        x = mg.tensor(np.zeros((2000, 3), dtype), requires_grad=True)
        y = gumbel_softmax(x, 2, RNG(0), hard)
        y.backward(mg.tensor(RNG(1).normal(size=(2000, 3)).astype(dtype)))
        assert y.dtype == x.grad.dtype == dtype
        return y.numpy(), x.grad.numpy()

    (soft, gradient), (hard, same) = made(False), made(True)
    np.testing.assert_array_equal(hard, np.eye(3)[soft.argmax(axis=1)])
    np.testing.assert_array_equal(same, gradient)
    assert abs(gradient).min() > 0


def test_a_tie_is_one_choice():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minigan.gan.noise.drawn", lambda draw, rng: mg.tensor([0.0, 0.0]))
        assert gumbel_softmax(mg.tensor([1.0, 1.0]), 1, RNG(0), True).numpy().tolist() == [1, 0]


def test_its_gradients_by_logits_and_temperature_are_right_to_second_order():
    assert check_grads(lambda x, t: gumbel_softmax(x, t, RNG(0)), LOGITS, np.array(0.8)).ok


@pytest.mark.numpy_only("it compares with the stand-in itself")
def test_a_device_sees_the_same_choices(strict):
    expected = gumbel_softmax(LOGITS, 1, RNG(0), True).numpy()
    mg.use("strict")
    y = gumbel_softmax(mg.tensor(LOGITS), 1, RNG(0), True)
    assert backend.of(y.data).name == "strict"
    np.testing.assert_array_equal(y.numpy(), expected)


def training(captured, hard, draws):
    """What eight steps that draw a choice make of weights, the temperature falling."""
    w = nn.Parameter(mg.tensor(np.array([[0.5, -0.5, 0.1]], np.float32)).data)
    rule, worth = mg.optim.SGD([w], 0.1), mg.tensor(np.array([[1, 2, 4]], np.float32))

    def step(x, temperature):
        rule.zero_grad()
        y = gumbel_softmax(ops.matmul(x, w), temperature, draws, hard)
        (y * worth).mean().backward()
        rule.step()
        return y

    make = mg.capture(step, draws) if captured else step
    x = mg.tensor(np.ones((6, 1), np.float32))
    made = [make(x, mg.tensor(np.float32(1 / k))).numpy() for k in range(1, 9)]
    assert not captured or make.replay is not None
    return [*made, w.numpy()]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("hard", [False, True])
def test_a_captured_choice_is_the_eager_one_bit_for_bit(hard):
    eager = training(False, hard, Draws(RNG(0)))
    for mine, theirs in zip(training(True, hard, Draws(RNG(0))), eager, strict=True):
        np.testing.assert_array_equal(mine, theirs)


class Chooser(nn.Module):
    """A generator whose output is a choice, with a source of chance of its own."""

    def __init__(self, rng):
        self.latent, self.rng, self.logits = 2, rng, nn.Dense(2, 3, rng=RNG(0))

    def forward(self, z):
        return gumbel_softmax(self.logits(z), 0.7, self.rng, hard=True)


@pytest.mark.numpy_only("the trainer's step is told of in tests/replay")
def test_a_generator_that_draws_from_the_trainers_draws_is_captured():
    def captured(own):
        game = GAN(Chooser(RNG(1)), nn.Dense(3, 1, rng=RNG(2)))
        trainer = Trainer(game, Loader(np.eye(3, dtype=np.float32).repeat(4, 0), batch_size=4))
        game.generator.rng = game.generator.rng if own else trainer.draws
        trainer.run(6)
        assert sample(trainer.average.module, mg.tensor(np.zeros((5, 2), np.float32))).sum() == 5
        return isinstance(trainer.captured, CapturedStep)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert captured(own=False)
    with pytest.warns(UserWarning, match="not captured: .* same in all replays .*test_gumbel"):
        assert not captured(own=True)


@pytest.mark.numpy_only("it asks for the stand-in itself")
def test_numbers_past_the_draws_of_a_captured_step_are_refused(strict):
    mg.use("strict")
    captured = mg.capture(lambda x: gumbel_softmax(x, 1, RNG(0)))
    with pytest.raises(mg.CaptureError, match="upload .*gan/noise.py"):
        for _ in range(3):
            captured(mg.tensor(np.zeros((1, 2), np.float32)))


@pytest.mark.parametrize("shape", [(), (3, 0)])
def test_logits_without_a_category_are_refused(shape):
    with pytest.raises(ValueError, match=r"needs logits \(…, categories\), got shape"):
        gumbel_softmax(np.zeros(shape), 1, RNG(0))


def test_a_temperature_is_positive():
    with pytest.raises(ValueError, match="temperature is a positive number or a Tensor, not 0"):
        gumbel_softmax(LOGITS, 0, RNG(0))


@pytest.mark.parametrize("temperature", [np.ones(2), mg.tensor(np.ones((5, 1))), np.ones(0)])
def test_a_temperature_of_several_elements_is_refused_by_its_name(temperature):
    shape = re.escape(str(temperature.shape))
    with pytest.raises(ValueError, match=f"temperature is .* a Tensor of one element, .* {shape}$"):
        gumbel_softmax(LOGITS, temperature, RNG(0))


def test_a_temperature_of_one_element_is_one_of_any_shape():
    logits = mg.tensor(LOGITS)
    expected, y = (gumbel_softmax(logits, t, RNG(0)) for t in (0.5, mg.tensor([[[0.5]]])))
    np.testing.assert_array_equal(y.numpy(), expected.numpy())


@pytest.mark.parametrize("temperature", [np.array(0.5), mg.tensor(np.array(0.5))])
def test_a_temperature_in_double_precision_leaves_the_logits_dtype(temperature):
    assert gumbel_softmax(LOGITS.astype(np.float32), temperature, RNG(0)).dtype == np.float32
