"""Pooling, upsampling and pixel shuffle: what the laws do not say."""
from __future__ import annotations

import re

import numpy as np
import pytest

import minigan as mg
from minigan import ops


def gradient(f, x):
    leaf = mg.tensor(x, requires_grad=True)
    return mg.grad(f(leaf).sum(), leaf)[0].numpy()


def image(rows):
    """(1, H, W, 1) of a list of rows."""
    return np.array(rows, np.float64)[None, ..., None]


def value(f, x):
    return f(mg.tensor(x)).numpy()


def test_elements_of_a_window_that_tie_share_the_gradient_evenly():
    x = image([[1, 1, 0, 2], [0, 1, 2, 2]])
    assert gradient(lambda x: 6 * ops.max_pool2d(x, 2), x)[0, ..., 0].tolist() == [
        [2, 2, 0, 2], [0, 2, 2, 2]]


def test_an_element_that_is_the_largest_of_several_windows_gets_all_their_gradients():
    x = image([[0, 1, 0], [1, 9, 1], [0, 1, 0]])
    assert gradient(lambda x: ops.max_pool2d(x, 2, 1), x)[0, 1, 1, 0] == 4


def test_windows_stand_side_by_side_and_the_rest_of_the_image_is_not_read():
    x = np.arange(25.0).reshape(1, 5, 5, 1)
    assert value(lambda x: ops.max_pool2d(x, 2), x)[0, ..., 0].tolist() == [[6, 8], [16, 18]]
    assert value(lambda x: ops.avg_pool2d(x, 2), x)[0, ..., 0].tolist() == [[3, 5], [13, 15]]
    assert (gradient(lambda x: ops.avg_pool2d(x, 2), x)[0, 4] == 0).all()


def test_padding_is_never_the_largest_and_shares_no_gradient():
    x = image([[-np.inf, -np.inf], [-2, -2]])
    y = value(lambda x: ops.max_pool2d(x, 2, padding=1), x)
    assert y[0, ..., 0].tolist() == [[-np.inf, -np.inf], [-2, -2]]
    np.testing.assert_array_equal(gradient(lambda x: ops.max_pool2d(x, 3, padding=1), x[:, 1:]),
                                  image([[0.5, 0.5]]))
    for dtype in (np.int8, np.uint8, np.bool_, np.float16):
        y = ops.max_pool2d(mg.tensor(np.zeros((1, 2, 2, 1), dtype)), 2, padding=1)
        assert y.dtype == dtype and not y.numpy().any()
    low = mg.tensor(np.full((1, 2, 2, 1), -5))
    assert ops.max_pool2d(low, 3, 1, 1).numpy().tolist() == low.tolist()


def test_a_padded_maximum_is_no_anomaly():
    with mg.anomaly():
        x = mg.tensor(np.ones((1, 2, 2, 1)), requires_grad=True)
        ops.max_pool2d(x, 3, 1, 1).sum().backward()
    assert x.grad.numpy().sum() == 4


def test_padding_of_an_average_counts_as_zeros():
    x = image([[4, 8]])
    assert value(lambda x: ops.avg_pool2d(x, 2, padding=1), x)[0, ..., 0].tolist() == [[1, 2]]


def test_adaptive_pooling_to_one_is_the_mean_and_to_more_repeats():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 2))
    np.testing.assert_allclose(value(lambda x: ops.adaptive_avg_pool2d(x, 1), x),
                               x.mean((1, 2), keepdims=True))
    np.testing.assert_allclose(value(lambda x: ops.adaptive_avg_pool2d(x, (3, 5)), x), x)
    np.testing.assert_allclose(value(lambda x: ops.adaptive_avg_pool2d(x, (6, 5)), x),
                               value(lambda x: ops.upsample_nearest(x, (2, 1)), x))


@pytest.mark.parametrize("mode", [ops.upsample_nearest, ops.upsample_bilinear])
def test_a_size_that_is_a_multiple_is_the_factor(mode):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2))
    np.testing.assert_array_equal(value(lambda x: mode(x, (2, 3)), x),
                                  value(lambda x: mode(x, size=(6, 12)), x))
    np.testing.assert_array_equal(value(lambda x: mode(x, size=(3, 4)), x), x)


def test_an_infinite_pixel_or_gradient_reaches_only_those_that_it_has_weight_in():
    x = np.array([0, np.inf, 0, 0]).reshape(1, 1, 4, 1)
    y = value(lambda x: ops.upsample_bilinear(x, (1, 3)), x).ravel()
    assert y.tolist() == [0, 0, *[np.inf] * 5, 0, 0, 0, 0, 0]
    leaf = mg.tensor(np.ones((1, 3, 3, 1)), requires_grad=True)
    spike = np.zeros((1, 9, 9, 1))
    spike[0, 4, 1] = np.inf  # in the middle of old pixel (1, 0)
    (g,) = mg.grad(ops.upsample_bilinear(leaf, 3), leaf, mg.tensor(spike))
    assert g.numpy()[0, ..., 0].tolist() == [[0, 0, 0], [np.inf, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("old, new", [(4, 3), (3, 4), (5, 2), (2, 5), (7, 3)])
def test_an_infinite_gradient_reaches_all_that_it_has_weight_in(old, new):
    leaf = mg.tensor(np.ones((1, 1, old, 1)), requires_grad=True)
    y = ops.upsample_bilinear(leaf, size=(1, new))
    for i in range(new):
        spike = (np.arange(new) == i).reshape(y.shape)
        one, infinite = [mg.grad(y, leaf, mg.tensor(np.where(spike, size, 0.0)))[0].numpy()
                         for size in (1, np.inf)]
        np.testing.assert_array_equal(infinite, np.where(one != 0, np.inf, 0))


def test_bilinear_upsampling_is_constant_beyond_the_outer_centres():
    wide = value(lambda x: ops.upsample_bilinear(x, (1, 2)), image([[0, 4]]))
    assert wide.ravel().tolist() == [0, 1, 3, 4]
    flat = value(lambda x: ops.upsample_bilinear(x, 3), image([[7]]))
    assert flat.ravel().tolist() == [7] * 9


def test_upsampling_leaves_the_mean_as_it_is():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2))
    larger = ops.upsample_nearest(mg.tensor(x), (2, 3))
    np.testing.assert_allclose(larger.numpy().mean(axis=(1, 2)), x.mean(axis=(1, 2)))
    np.testing.assert_allclose(ops.avg_pool2d(larger, (2, 3)).numpy(), x)


def test_pixel_shuffle_puts_the_channels_of_a_pixel_row_by_row():
    x = np.arange(8.0).reshape(1, 1, 1, 8)  # 2 x 2 pixels of two channels
    shuffled = value(lambda x: ops.pixel_shuffle(x, 2), x)
    assert shuffled.tolist() == [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]


@pytest.mark.parametrize("call, message", [
    (lambda x: ops.max_pool2d(x[0], 2),
     "max_pool2d needs images x (N, H, W, C), got shape (3, 4, 5)"),
    (lambda x: ops.avg_pool2d(x, (4, 1)), "avg_pool2d: a window of (4, 1) (size (4, 1), dilation "
     "(1, 1)) is larger than the padded image of (3, 4)"),
    (lambda x: ops.max_pool2d(x, 0), "size is a whole number of at least 1 or a pair of them"),
    (lambda x: ops.max_pool2d(x, 2, (1, 0)), "stride is a whole number of at least 1 or a pair"),
    (lambda x: ops.upsample_nearest(x, 0.5), "factor is a whole number of at least 1 or a pair of "
     "them, (height, width), not 0.5"),
    (lambda x: ops.upsample_nearest(x[0], 2), "upsample_nearest needs images x (N, H, W, C)"),
    (lambda x: ops.upsample_bilinear(x[0], 2), "upsample_bilinear needs images x (N, H, W, C)"),
    (lambda x: ops.upsample_nearest(x), "upsample_nearest needs either a factor or a size, got "
     "factor None and size None"),
    (lambda x: ops.upsample_bilinear(x, 2, 3), "upsample_bilinear needs either a factor or a size"),
    (lambda x: ops.upsample_nearest(x[:, :0], 2), "upsample_nearest of x (2, 0, 4, 5): an image "
     "has a height and a width of at least 1"),
    (lambda x: ops.adaptive_avg_pool2d(x, (0, 1)), "size is a whole number of at least 1 or a"),
    (lambda x: ops.max_pool2d(x, 2, padding=(0, 2)), "max_pool2d: padding (0, 2) is more than half "
     "of the size (2, 2)"),
    (lambda x: ops.avg_pool2d(x, 1, padding=1), "avg_pool2d: padding 1 is more than half of"),
    (lambda x: ops.pixel_shuffle(x[0], 2), "pixel_shuffle needs images x (N, H, W, C)"),
    (lambda x: ops.pixel_shuffle(x, (3, 2)), "pixel_shuffle of x (2, 3, 4, 5): its 5 channels "
     "cannot become 3 x 2 pixels, factor (3, 2)"),
])
def test_what_does_not_fit_is_refused_by_name_shapes_and_rule(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(mg.tensor(np.ones((2, 3, 4, 5))))


def test_integers_are_not_interpolated():
    with pytest.raises(TypeError, match="upsample_bilinear interpolates floats, not int64"):
        ops.upsample_bilinear(mg.tensor(np.ones((1, 2, 2, 1), np.int64)), 2)


# PyTorch

def random_resizings(torch, rng):
    """(ours, PyTorch's, x): one of each kind, with random sizes."""
    F = torch.nn.functional

    def enlarge(x, mode, **options):
        return F.interpolate(x, scale_factor=tuple(map(float, factor)), mode=mode, **options)

    size, stride, factor = [tuple(rng.integers(1, 4, 2).tolist()) for _ in range(3)]
    to, padding = tuple(rng.integers(1, 9, 2).tolist()), tuple(k // 2 for k in size)
    n, height, width, channels = rng.integers(1, [3, 4, 4, 4]).tolist()
    shape = (n, height + size[0], width + size[1], channels)
    f = factor[0]
    shuffled = (n, height, width, channels, f * f)  # PyTorch's order of channels
    return [
        (lambda x: ops.max_pool2d(x, size, stride), lambda x: F.max_pool2d(x, size, stride), shape),
        (lambda x: ops.max_pool2d(x, size), lambda x: F.max_pool2d(x, size), shape),
        (lambda x: ops.avg_pool2d(x, size, stride), lambda x: F.avg_pool2d(x, size, stride), shape),
        (lambda x: ops.upsample_nearest(x, factor), lambda x: enlarge(x, "nearest"), shape),
        (lambda x: ops.upsample_bilinear(x, factor),
         lambda x: enlarge(x, "bilinear", align_corners=False), shape),
        (lambda x: ops.max_pool2d(x, size, stride, padding),
         lambda x: F.max_pool2d(x, size, stride, padding), shape),
        (lambda x: ops.avg_pool2d(x, size, stride, padding),
         lambda x: F.avg_pool2d(x, size, stride, padding), shape),
        (lambda x: ops.adaptive_avg_pool2d(x, to), lambda x: F.adaptive_avg_pool2d(x, to), shape),
        (lambda x: ops.upsample_bilinear(x, size=to), lambda x: F.interpolate(
            x, to, mode="bilinear", align_corners=False), shape),
        (lambda x: ops.pixel_shuffle(x.reshape(shuffled).swapaxes(3, 4).reshape(x.shape), f),
         lambda x: F.pixel_shuffle(x, f), (*shuffled[:3], channels * f * f)),
    ]


def test_values_gradients_and_second_gradients_equal_pytorchs(array_library):
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    rng = np.random.default_rng(0)

    def there(a):
        return torch.from_numpy(a.transpose(0, 3, 1, 2).copy())

    for _ in range(40 if array_library == "numpy" else 4):
        for ours, theirs, shape in random_resizings(torch, rng):
            x, probe = rng.normal(size=(2, *shape))
            leaf, other = mg.tensor(x, requires_grad=True), there(x).requires_grad_()
            y, z = ours(leaf), theirs(other)
            g = rng.normal(size=y.shape)
            # squared, so that there is a second derivative
            first = mg.grad(y * y, leaf, mg.tensor(g), create_graph=True)
            second = mg.grad(first, leaf, mg.tensor(probe))
            first_t = torch.autograd.grad(z * z, other, there(g), create_graph=True)
            second_t = torch.autograd.grad(first_t, other, there(probe))
            for a, e in zip((y, *first, *second), (z, *first_t, *second_t), strict=True):
                np.testing.assert_allclose(a.numpy(), e.detach().numpy().transpose(0, 2, 3, 1),
                                           rtol=1e-10, atol=1e-10)
