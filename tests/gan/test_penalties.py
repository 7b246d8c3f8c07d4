from __future__ import annotations

import numpy as np
import pytest
from small_games import Linear, Quadratic, batch, by_weights, networks

import minigan as mg
from minigan import nn
from minigan.backend import asarray
from minigan.gan import penalties
from minigan.gan.auxiliary import TwoHeads
from minigan.gan.game import GAN, GameError
from minigan.testing import check_grads

RNG = np.random.default_rng
AT_REAL_AND_FAKE = ["gradient", "one-sided", "r1", "r2", "r1r2", "zero-centred"]
STEEP = [[1.2, -0.8, 2.0]]


def value(penalty, critic, real, fake=None, seed=0):
    real = real if isinstance(real, tuple) else (real,)
    fake = real if fake is None else fake if isinstance(fake, tuple) else (fake,)
    return penalty(critic, real, fake, RNG(seed))


@pytest.mark.parametrize("shape", [(3,), (3, 1, 1)])
def test_two_sided_penalty_of_a_unit_slope_linear_critic_is_zero(shape):
    critic = Linear([2 / 3, -1 / 3, 2 / 3])
    for penalty in penalties.gradient_penalty(), penalties.dragan():
        loss = value(penalty, critic, batch(5, *shape), batch(5, *shape, seed=1))
        assert loss.item() == pytest.approx(0, abs=1e-30)


@pytest.mark.parametrize("length", [0.4, 1.0, 1.5, 30.0])
def test_penalties_of_a_linear_critic_and_their_gradients_are_in_closed_form(length):
    direction = np.array([2 / 3, -1 / 3, 2 / 3])
    over = max(length - 1, 0)
    closed = {"gradient": ((length - 1) ** 2, 2 * (length - 1)), "one-sided": (over ** 2, 2 * over),
              "dragan": ((length - 1) ** 2, 2 * (length - 1)),
              "zero-centred": (length ** 2, 2 * length), "r1": (length ** 2 / 2, length),
              "r2": (length ** 2 / 2, length), "r1r2": (length ** 2, 2 * length)}
    for name, (height, slope) in closed.items():
        critic = Linear(length * direction)
        loss = value(penalties.PENALTIES[name](7), critic, batch(4), batch(4, seed=1))
        assert loss.item() == pytest.approx(7 * height, abs=1e-12)
        gradient = mg.grad(loss, critic.weight)[0].numpy()[:, 0]
        np.testing.assert_allclose(gradient, 7 * slope * direction, atol=1e-12)


def test_the_default_weights_are_the_papers():
    defaults = {"gradient": 10, "one-sided": 10, "dragan": 10, "zero-centred": 10, "r1": 0.5,
                "r2": 0.5, "r1r2": 1, "l1": 1e-4, "l2": 1e-4}
    assert {name: make().weight for name, make in penalties.PENALTIES.items()} == defaults


def test_at_zero_slope_penalties_and_their_gradients_are_finite():
    for critic in Linear(np.zeros(3)), nn.Dense(3, 1, weight_init=nn.init.zeros):
        critic.astype(np.float64)
        for name, expected in {"gradient": 10, "one-sided": 0, "dragan": 10, "r1": 0}.items():
            loss = value(penalties.PENALTIES[name](), critic, batch(4), batch(4, seed=1))
            assert loss.item() == (expected if name != "r1" else 0)
            gradient = mg.grad(loss, critic.weight)[0].numpy()
            np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


def quadratic():
    matrix = np.array([[1.0, 0.3, -0.5], [0.3, -0.7, 0.2], [-0.5, 0.2, 0.4]])
    bias = np.array([0.2, -0.4, 0.1])
    return Quadratic(matrix, bias), lambda x: np.sqrt(((x @ matrix + bias) ** 2).sum(axis=1))


def test_penalties_of_a_quadratic_critic_equal_their_formulas():
    critic, slope = quadratic()
    real, fake = batch(6), batch(6, seed=1)
    x, y = real.numpy(), fake.numpy()
    share = RNG(3).random((6, 1), np.float32)
    middle, near = x + share * (y - x), x + 0.5 * x.std() * RNG(3).standard_normal(
        (6, 3), np.float32)
    expected = {
        "gradient": ((slope(middle) - 1) ** 2).mean(),
        "one-sided": (np.maximum(slope(middle) - 1, 0) ** 2).mean(),
        "zero-centred": (slope(middle) ** 2).mean(),
        "dragan": ((slope(near) - 1) ** 2).mean(),
        "r1": (slope(x) ** 2).mean() / 2, "r2": (slope(y) ** 2).mean() / 2,
        "r1r2": (slope(x) ** 2).mean() / 2 + (slope(y) ** 2).mean() / 2,
    }
    for name, number in expected.items():
        got = value(penalties.PENALTIES[name](1), critic, real, fake, seed=3).item()
        assert got == pytest.approx(number, rel=1e-12), name


@pytest.mark.parametrize("name", AT_REAL_AND_FAKE)
def test_penalties_do_not_depend_on_the_batch_size(name):
    critic, _ = quadratic()
    x = batch(5).numpy()
    few, many = mg.tensor(x), mg.tensor(np.tile(x, (3, 1)))  # between x and x there is only x
    penalty = penalties.PENALTIES[name]()
    assert value(penalty, critic, many).item() == pytest.approx(value(penalty, critic, few).item())


def test_the_place_between_is_mixed_by_one_number_for_each_image():
    real, fake = batch(5, 4, 4, 2), batch(5, 4, 4, 2, seed=1)
    place, = penalties.between((real,), (fake,), RNG(0))
    share = (place.numpy() - real.numpy()) / (fake.numpy() - real.numpy())
    one = share[:, 0, 0, 0]
    np.testing.assert_allclose(share, np.broadcast_to(one[:, None, None, None], share.shape),
                               rtol=1e-9)
    assert len(set(one.round(6))) == 5 and (0 <= one).all() and (one < 1).all()
    assert place.dtype == real.dtype


def test_the_place_between_reaches_from_the_real_example_to_the_generated_one():
    place, = penalties.between((mg.tensor(np.zeros((2000, 1))),), (mg.tensor(np.ones((2000, 1))),),
                               RNG(0))
    assert place.numpy().mean() == pytest.approx(0.5, abs=0.02)
    assert place.numpy().std() == pytest.approx(12 ** -0.5, abs=0.02)


def test_slopes_are_measured_for_each_example_and_not_over_the_batch():
    critic, slope = quadratic()
    x = batch(6)
    np.testing.assert_allclose(penalties.squared_slopes(critic, (x,)).numpy(),
                               slope(x.numpy()) ** 2)
    images = Linear(np.arange(8.0))
    np.testing.assert_allclose(penalties.squared_slopes(images, (batch(3, 2, 2, 2),)).numpy(),
                               [(np.arange(8.0) ** 2).sum()] * 3)


def test_the_noise_around_real_examples_is_half_as_wide_as_they_are_spread():
    x = 3 * batch(500, 2, 2, 1) + 5
    moved, = penalties.around_real((x,), (x,), RNG(0))
    noise = (moved - x).numpy()
    assert moved.shape == x.shape and moved.dtype == x.dtype
    assert noise.std() == pytest.approx(1.5, rel=0.1)
    assert noise.mean() == pytest.approx(0, abs=0.1)


@pytest.mark.numpy_only("differences of many weights; the formulas above are checked on both")
@pytest.mark.parametrize("name", ["gradient", "one-sided", "dragan", "r1r2"])
def test_the_gradient_by_the_weights_of_a_network_is_right(name):
    _, discriminator = networks()
    discriminator.body[2].weight.data = discriminator.body[2].weight.data * 3  # slopes beyond 1
    f, weights = by_weights(discriminator, lambda: value(
        penalties.PENALTIES[name](), discriminator, batch(4), batch(4, seed=1)))
    assert f(*[mg.tensor(w) for w in weights]).item() > 1e-3
    check_grads(f, *weights, order=1)


@pytest.mark.numpy_only("differences of many weights")
def test_the_gradient_by_the_weights_of_a_convolution_is_right():
    rng = RNG(2)
    critic = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding="same", rng=rng), nn.Softplus(),
                           nn.Flatten(), nn.Dense(8, 1, rng=rng)).astype(np.float64)
    f, weights = by_weights(critic, lambda: value(
        penalties.gradient_penalty(), critic, batch(3, 4, 4, 1), batch(3, 4, 4, 1, seed=1)))
    check_grads(f, *weights, order=1)


def test_a_place_needs_as_many_generated_examples_as_real_ones():
    for name in "gradient", "r1r2":
        with pytest.raises(ValueError, match=r"as many of each.*\(4, 3\) and \(5, 3\)"):
            value(penalties.PENALTIES[name](), Linear(np.ones(3)), batch(4), batch(5))


class Weighed(nn.Module):
    """The critic Σ c · x of a condition c, whose slope is c."""

    def forward(self, x, c):
        return (x * c).sum(axis=1, keepdims=True), c


def test_the_discriminator_sees_the_conditions_of_the_examples_that_it_is_measured_at():
    c, d = np.arange(12.0).reshape(4, 3) / 5, np.ones((4, 3))
    real, fake = (batch(4), mg.tensor(c)), (batch(4, seed=1), mg.tensor(d))
    of_c, of_d = (c * c).sum(axis=1), np.full(4, 3.0)
    expected = {"r1": of_c.mean() / 2, "r2": of_d.mean() / 2, "zero-centred": of_c.mean(),
                "r1r2": (of_c.mean() + of_d.mean()) / 2,
                "gradient": ((np.sqrt(of_c) - 1) ** 2).mean(),
                "dragan": ((np.sqrt(of_c) - 1) ** 2).mean()}
    for name, number in expected.items():
        got = value(penalties.PENALTIES[name](1), Weighed(), real, fake).item()
        assert got == pytest.approx(number)


def with_batch_norm(kind=nn.BatchNorm):
    return nn.Sequential(nn.Dense(3, 4), kind(4), nn.Dense(4, 1))


@pytest.mark.parametrize("make", [*penalties.PENALTIES.values(),
                                  lambda weight: penalties.Consistency(weight, lambda x, rng: x)])
@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf")])
def test_a_weight_that_penalises_nothing_is_refused(make, weight):
    with pytest.raises(ValueError, match="weight of a penalty is a number of at least 0"):
        make(weight)


def test_a_gradient_penalty_refuses_batch_norm_with_the_reason():
    generator, _ = networks()
    for critic in with_batch_norm(), TwoHeads(with_batch_norm(), nn.Dense(1, 1), nn.Dense(1, 2)):
        with pytest.raises(GameError, match=r"how steep.*BatchNorm\(4\).*use LayerNorm"):
            GAN(generator, critic, penalties=[penalties.l2(), penalties.r1()])
        GAN(generator, critic, penalties=[penalties.l2()])
    GAN(generator, with_batch_norm(nn.LayerNorm), penalties=[penalties.gradient_penalty()])


def test_l1_and_l2_are_of_all_weights():
    _, discriminator = networks()
    flat = np.concatenate([p.numpy().ravel() for p in discriminator.parameters()])
    assert value(penalties.l1(0.3), discriminator, batch()).item() == pytest.approx(
        0.3 * np.abs(flat).sum())
    assert value(penalties.l2(0.3), discriminator, batch()).item() == pytest.approx(
        0.3 * (flat ** 2).sum())


def test_consistency_is_the_mean_square_of_what_a_transform_changes():
    critic, _ = quadratic()
    real, fake = batch(4), batch(5, seed=1)

    def transform(x, rng):
        return x * 2 + float(rng.random())

    def change(x, draw):
        a, b = critic(mg.tensor(x)).numpy(), critic(mg.tensor(2 * x + draw)).numpy()
        return ((a - b) ** 2).mean()

    rng = RNG(0)
    expected = change(real.numpy(), rng.random()) + change(fake.numpy(), rng.random())
    got = value(penalties.Consistency(3, transform), critic, real, fake).item()
    assert got == pytest.approx(3 * expected)


def test_consistency_passes_conditions_on_and_keeps_the_discriminators_gradient():
    c = mg.tensor(np.full((4, 3), 2.0))
    penalty = penalties.Consistency(1, lambda x, rng: x + 1)
    assert value(penalty, Weighed(), (batch(4), c)).item() == pytest.approx(2 * 36)
    critic = Linear([1.0, 2.0, -0.5])
    loss = value(penalty, critic, batch(4))
    np.testing.assert_allclose(mg.grad(loss, critic.weight)[0].numpy(), 2 * 2 * 2.5 * np.ones(
        (3, 1)))


def test_clipping_cuts_every_weight_and_says_that_it_changed():
    critic = nn.Sequential(nn.Dense(3, 4), nn.Dense(4, 1))
    for p in critic.parameters():
        p.data = asarray(np.linspace(-1, 1, p.size).astype(np.float32).reshape(p.shape))
    before = [p.numpy() for p in critic.parameters()]
    stale = critic(batch(2, dtype=np.float32)).sum()
    penalties.clip_weights(0.3)(critic)
    for p, old in zip(critic.parameters(), before):
        np.testing.assert_array_equal(p.numpy(), np.clip(old, -0.3, 0.3).astype(np.float32))
    with pytest.raises(RuntimeError, match="changed since"):
        stale.backward()


def test_a_penalty_sees_the_weight_that_spectral_normalisation_computes_with():
    critic = nn.Sequential(nn.SpectralNorm(nn.Dense(3, 1, rng=RNG(0)), rng=RNG(1)))
    weight = next(critic.parameters())
    weight.data = asarray(np.array(STEEP, np.float32).T)
    for _ in range(3):  # the first pass still looks for the new weight's singular vectors
        loss = value(penalties.gradient_penalty(), critic, batch(4, dtype=np.float32))
    assert loss.item() == pytest.approx(0, abs=1e-10)
    loss = value(penalties.zero_centred(), critic, batch(4, dtype=np.float32))
    np.testing.assert_allclose(mg.grad(loss, weight)[0].numpy(), 0, atol=1e-5)  # for any length
