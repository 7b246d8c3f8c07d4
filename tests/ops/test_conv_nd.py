"""Convolution along one axis and three: what the plane one, its adjoint and PyTorch say."""
from __future__ import annotations

import re

import numpy as np
import pytest

import minigan as mg
from minigan import ops

TORCH_OPTIONS = [{}, {"stride": 2, "padding": 1, "groups": 2},
                 {"dilation": 2, "padding": 2, "stride": 2}]


def drawn(*shape, seed=0):
    return mg.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def operations(axes):
    return getattr(ops, f"conv{axes}d"), getattr(ops, f"conv_transpose{axes}d")


@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("padding", ["same", "valid", 1])
def test_the_transposed_convolution_is_the_adjoint(axes, padding):
    conv, transposed = operations(axes)
    x, w = drawn(2, *(5, 7, 3)[:axes], 4), drawn(*(3, 1, 2)[:axes], 2, 6, seed=1)
    options = {"stride": 1 if padding == "same" else 2, "padding": padding, "groups": 2}
    y = conv(x, w, **options)
    g = drawn(*y.shape, seed=2)
    (expected,) = mg.grad(y, [x], [g])
    if padding != "same":
        options["output_padding"] = tuple(
            (n + 2 * (padding == 1) - k) % 2 for n, k in zip(x.shape[1:-1], w.shape))
    np.testing.assert_allclose(transposed(g, w, **options).numpy(), expected.numpy(), atol=1e-12)


def test_a_solid_of_depth_1_is_an_image_and_an_image_of_height_1_a_signal():
    x, w = drawn(2, 6, 5, 2), drawn(3, 2, 2, 3, seed=1)
    solid = ops.conv3d(x.reshape(2, 1, 6, 5, 2), w.reshape(1, 3, 2, 2, 3), stride=(1, 2, 1))
    np.testing.assert_array_equal(solid.numpy()[:, 0], ops.conv2d(x, w, stride=(2, 1)).numpy())
    line, taps = x[:, 0], w[0]
    np.testing.assert_array_equal(ops.conv1d(line, taps, padding=((1, 0),)).numpy(), ops.conv2d(
        line.reshape(2, 1, 5, 2), taps.reshape(1, 2, 2, 3), padding=((0, 0), (1, 0))).numpy()[:, 0])


@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("options", TORCH_OPTIONS, ids=str)
def test_they_and_their_gradients_equal_pytorchs(axes, options):
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    window, groups = (3, 2, 2)[:axes], options.get("groups", 1)
    there, back = (0, axes + 1, *range(1, axes + 1)), (0, *range(2, axes + 2), 1)
    kernel = (axes + 1, axes, *range(axes))
    for name, channels in (("conv", (4, 6)), ("conv_transpose", (6, 4))):
        name += f"{axes}d"
        x = drawn(2, *(5, 4, 6)[:axes], channels[0])
        w, b = drawn(*window, 4 // groups, 6, seed=1), drawn(channels[1], seed=2)
        theirs = [torch.tensor(a, requires_grad=True) for a in (
            x.numpy().transpose(there).copy(), w.numpy().transpose(kernel).copy(), b.numpy())]
        y, z = getattr(ops, name)(x, w, b, **options), getattr(torch.nn.functional, name)(
            *theirs, **options)
        np.testing.assert_allclose(y.numpy(), z.detach().numpy().transpose(back), atol=1e-10)
        found = mg.grad((y ** 3).sum(), [x, w, b])
        expected = torch.autograd.grad((z ** 3).sum(), theirs)
        for a, e, order in zip(found, expected, (there, kernel, (0,))):
            e = e.numpy()
            np.testing.assert_allclose(a.numpy().transpose(order), e, atol=1e-10 * abs(e).max())


@pytest.mark.parametrize("call, message", [
    (lambda: ops.conv1d(drawn(2, 3), drawn(3, 3, 3)),
     "conv1d needs x (N, L, C) and w (K, C / groups, O), got x of shape (2, 3) and w of shape "
     "(3, 3, 3)"),
    (lambda: ops.conv3d(drawn(1, 4, 4, 4, 2), drawn(2, 2, 2, 3, 1)),
     "conv3d of x (1, 4, 4, 4, 2) and w (2, 2, 2, 3, 1) with groups=1: x has 2 channels, but w, "
     "(KD, KH, KW, C / groups, O), is for 3"),
    (lambda: ops.conv3d(drawn(1, 4, 2, 4, 2), drawn(2, 3, 2, 2, 1)),
     "conv3d: a window of (2, 3, 2) (size (2, 3, 2), dilation (1, 1, 1)) is larger than the padded "
     "solid of (4, 2, 4) (solid (4, 2, 4), padding ((0, 0), (0, 0), (0, 0)))"),
    (lambda: ops.conv1d(drawn(1, 2, 2), drawn(3, 2, 1)),
     "conv1d: a window of (3,) (size (3,), dilation (1,)) is larger than the padded signal of (2,) "
     "(signal (2,), padding ((0, 0),))"),
    (lambda: ops.conv1d(drawn(1, 4, 2), drawn(2, 2, 1), padding=(1, 2)),
     "padding is a number, a tuple (length,), a pair in a tuple ((start, end),), none negative"),
    (lambda: ops.conv3d(drawn(1, 4, 4, 4, 2), drawn(2, 2, 2, 2, 1), stride=(1, 2)),
     "stride is a whole number of at least 1 or a triple of them, (depth, height, width), not "
     "(1, 2)"),
    (lambda: ops.conv_transpose3d(drawn(1, 2, 0, 2, 1), drawn(2, 2, 2, 2, 1)),
     "conv_transpose3d of x (1, 2, 0, 2, 1): a solid has a depth, a height and a width of at "
     "least 1"),
    (lambda: ops.conv_transpose1d(drawn(1, 2, 3), drawn(2, 2, 1)),
     "conv_transpose1d of x (1, 2, 3) and w (2, 2, 1): x has 3 channels, but w, conv1d's (K, "
     "C / groups, O), is for 1")])
def test_what_does_not_fit_is_refused_by_its_own_name_and_axes(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
