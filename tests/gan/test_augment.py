from __future__ import annotations

import numpy as np
import pytest
from small_games import batch

import minigan as mg
from minigan.gan import augment
from minigan.testing import adjoint_test, check_grads

RNG = np.random.default_rng
ALL = {"noise": augment.InstanceNoise(0.3), "all": augment.DiffAugment(),
       "colour": augment.DiffAugment(translation=False, cutout=False),
       "translation": augment.translated, "cut-out": augment.cut_out}


class Drawn:
    """Draws the same whole number always, as far as it may."""

    def __init__(self, number):
        self.number = number

    def integers(self, low, high, shape):
        return np.full(shape, min(max(low, self.number), high - 1))


@pytest.mark.numpy_only("differences; the indices are checked on both")
@pytest.mark.parametrize("name", ALL)
def test_gradients_pass_through(name):
    check_grads(lambda x: ALL[name](x, RNG(3)), batch(3, 8, 8, 2), order=1)


@pytest.mark.parametrize("f", [augment.translated, augment.cut_out])
def test_translation_and_cut_out_are_linear_and_their_gradients_adjoint(f):
    adjoint_test(lambda x: f(x, RNG(2)), batch(3, 8, 16, 2))


@pytest.mark.numpy_only("differences")
def test_a_penalty_can_be_differentiated_through_translation():
    check_grads(lambda x: augment.translated(x ** 3, RNG(2)), batch(2, 8, 8, 1), order=2,
                directions=2)


@pytest.mark.parametrize("name", ALL)
def test_shape_and_dtype_stay_and_the_generator_of_numbers_decides(name):
    for dtype in np.float32, np.float64:
        x = batch(3, 8, 12, 2, dtype=dtype)
        first, again, other = (ALL[name](x, RNG(seed)) for seed in (3, 3, 4))
        assert first.shape == x.shape and first.dtype == dtype
        np.testing.assert_array_equal(first.numpy(), again.numpy())
        assert np.abs(first.numpy() - other.numpy()).max() > 0


def test_instance_noise_is_normal_with_its_standard_deviation_for_vectors_too():
    x = mg.tensor(np.full((4000, 2), 5.0, np.float32))
    noisy = augment.InstanceNoise(0.3)(x, RNG(0)).numpy() - 5
    assert noisy.std() == pytest.approx(0.3, rel=0.03)
    assert noisy.mean() == pytest.approx(0, abs=0.02)
    np.testing.assert_array_equal(augment.InstanceNoise(0)(x, RNG(0)).numpy(), x.numpy())


def test_instance_noise_is_another_number_for_every_element():
    for shape in (500, 3), (500, 2, 2, 1):
        noisy = augment.InstanceNoise(1)(mg.tensor(np.zeros(shape, np.float32)), RNG(0)).numpy()
        between = np.corrcoef(noisy.reshape(500, -1).T) - np.eye(noisy[0].size)
        assert np.abs(between).max() < 0.2


def test_colour_changes_brightness_and_contrast_by_one_draw_for_each_image():
    x = batch(4, 3, 3, 2)
    rng = RNG(5)
    up, wider = (rng.random((4, 1, 1, 1), np.float32) for _ in range(2))
    brighter = x.numpy() + up - 0.5
    mean = brighter.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(ALL["colour"](x, RNG(5)).numpy(),
                               (brighter - mean) * (wider + 0.5) + mean, rtol=1e-12)


def test_all_that_is_switched_off_is_left_alone():
    x = batch(2, 8, 8, 1)
    nothing = augment.DiffAugment(colour=False, translation=False, cutout=False)
    assert nothing(x, RNG(0)) is x


def test_translation_by_nothing_is_the_identity():
    x = batch(2, 8, 16, 3)
    same = augment.translated(x[:, :, :8], Drawn(0))
    np.testing.assert_array_equal(same.numpy(), x.numpy()[:, :, :8])


def test_translation_moves_an_image_by_up_to_an_eighth_with_zeros_moving_in():
    x = batch(400, 8, 16, 1)
    moved = augment.translated(x, RNG(0)).numpy()
    shifts = set()
    for image, result in zip(x.numpy(), moved):
        around = np.pad(image, ((1, 1), (2, 2), (0, 0)))
        found = [(top, left) for top in range(3) for left in range(5)
                 if np.array_equal(around[top:top + 8, left:left + 16], result)]
        assert len(found) == 1
        shifts.update(found)
    assert len(shifts) == 15


@pytest.mark.parametrize("size", [8, 6, 7])
def test_cut_out_removes_a_quarter_at_most_from_both_ends_alike(size):
    cut = augment.cut_out(mg.tensor(np.ones((6000, size, size, 2))), RNG(0)).numpy()
    holes = cut == 0
    assert set(np.unique(cut)) == {0, 1}
    np.testing.assert_array_equal(holes[..., 0], holes[..., 1])
    areas = holes[..., 0].sum(axis=(1, 2))
    assert areas.max() == (size // 2) ** 2 <= size * size / 4
    assert areas.min() > 0
    share = holes[..., 0].mean(axis=0)
    np.testing.assert_allclose(share, share[::-1], atol=0.04)
    np.testing.assert_allclose(share, share[:, ::-1], atol=0.04)


def test_cut_out_is_of_half_the_height_and_half_the_width():
    cut = augment.cut_out(mg.tensor(np.ones((1, 8, 4, 1))), Drawn(3)).numpy()[0, :, :, 0]
    expected = np.ones((8, 4))
    expected[1:5, 2:4] = 0
    np.testing.assert_array_equal(cut, expected)
