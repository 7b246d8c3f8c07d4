"""Convolution: what the documentation promises, what is refused and how, and the kernels."""
from __future__ import annotations

import re

import numpy as np
import pytest

import minigan as mg
from minigan import backend, ops
from minigan.backend.geometry import Window


def tensors(*arrays):
    return [mg.tensor(a) for a in arrays]


def ones(*shape):
    return mg.tensor(np.ones(shape))


def test_conv2d_does_not_flip_the_kernel():
    x, w = np.zeros((1, 3, 3, 1)), np.arange(9.0).reshape(3, 3, 1, 1)
    x[0, 0, 1, 0] = 1
    assert ops.conv2d(*tensors(x, w)).item() == w[0, 1, 0, 0]


def test_sames_odd_pixel_of_padding_goes_to_the_end():
    x, w = np.arange(1.0, 5).reshape(1, 1, 4, 1), np.array([1.0, 10]).reshape(1, 2, 1, 1)
    assert ops.conv2d(*tensors(x, w), padding="same").numpy().ravel().tolist() == [21, 32, 43, 4]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_makes_ceil_of_input_by_stride_and_transposed_input_times_stride(size, stride):
    w = ones(size, size, 1, 1)
    for n in range(1, 8):
        x = ones(1, n, n + 1, 1)
        assert ops.conv2d(x, w, stride=stride, padding="same").shape[1:3] == (
            -(-n // stride), -(-(n + 1) // stride))
        assert ops.conv_transpose2d(x, w, stride=stride, padding="same").shape[1:3] == (
            n * stride, (n + 1) * stride)


def test_pixels_that_no_window_reaches_hold_the_bias_alone():
    x, w, b = ones(1, 2, 2, 1), ones(1, 1, 1, 1), mg.tensor(np.array([5.0]))
    y = ops.conv_transpose2d(x, w, b, stride=2, padding="same").numpy()
    assert y[0, ..., 0].tolist() == [[6, 5, 6, 5], [5, 5, 5, 5], [6, 5, 6, 5], [5, 5, 5, 5]]


def test_only_the_gradients_that_are_asked_for_are_computed(monkeypatch):
    calls, kernels = [], backend.current().kernels
    for name in ("conv2d_input_gradient", "conv2d_weight_gradient"):
        kernel = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *a, name=name, kernel=kernel:
                            calls.append(name) or kernel(*a))
    x, w = ones(1, 3, 3, 2), ones(2, 2, 2, 1)
    w.requires_grad = True
    ops.conv2d(x, w).sum().backward()
    assert calls == ["conv2d_weight_gradient"]
    calls.clear()
    x.requires_grad, w.requires_grad = True, False
    ops.conv2d(x, w).sum().backward()
    assert calls == ["conv2d_input_gradient"]


@pytest.mark.parametrize("dtypes", [(np.float32, np.float64), (np.float64, np.float32)])
def test_mixed_precisions_promote_and_gradients_come_back_in_their_inputs(dtypes):
    x = mg.tensor(np.ones((1, 3, 3, 2), dtypes[0]), requires_grad=True)
    w = mg.tensor(np.ones((2, 2, 2, 2), dtypes[1]), requires_grad=True)
    for y in (ops.conv2d(x, w), ops.conv_transpose2d(x, w)):
        assert y.dtype == np.float64
        assert [g.dtype for g in mg.grad(y.sum(), (x, w))] == list(dtypes)


@pytest.mark.parametrize("call, message", [
    (lambda x, w: ops.conv2d(x[0], w),
     "conv2d needs x (N, H, W, C) and w (KH, KW, C / groups, O), got x of shape (5, 6, 4) and w "
     "of shape (3, 3, 4, 8)"),
    (lambda x, w: ops.conv2d(x, w[0]), "got x of shape (2, 5, 6, 4) and w of shape (3, 4, 8)"),
    (lambda x, w: ops.conv2d(x, w[:0]), "w of shape (0, 3, 4, 8)"),
    (lambda x, w: ops.conv2d(x[..., :3], w),
     "conv2d of x (2, 5, 6, 3) and w (3, 3, 4, 8) with groups=1: x has 3 channels, but w, "
     "(KH, KW, C / groups, O), is for 4"),
    (lambda x, w: ops.conv2d(x, w, groups=2), "with groups=2: x has 4 channels, but w, "
     "(KH, KW, C / groups, O), is for 8"),
    (lambda x, w: ops.conv2d(x, w[:, :, :1], groups=3),
     "groups is a whole number that divides the last axis of w (3, 3, 1, 8), 8, not 3"),
    (lambda x, w: ops.conv2d(x, w, groups=0), "groups is a whole number that divides"),
    (lambda x, w: ops.conv2d(x, w, ones(4)),
     "conv2d has 8 output channels, so b must have the shape (8,), not (4,)"),
    (lambda x, w: ops.conv2d(x, w, stride=0),
     "stride is a whole number of at least 1 or a pair of them, (height, width), not 0"),
    (lambda x, w: ops.conv2d(x, w, stride=(1, 2, 3)), "stride is a whole number"),
    (lambda x, w: ops.conv2d(x, w, stride=1.5), "stride is a whole number"),
    (lambda x, w: ops.conv2d(x, w, dilation=(1, 0)), "dilation is a whole number of at least 1"),
    (lambda x, w: ops.conv2d(x, w, padding=-1),
     "padding is a number, a pair (height, width), a pair of pairs ((top, bottom), (left, right)), "
     "none negative, 'same' or 'valid', not -1"),
    (lambda x, w: ops.conv2d(x, w, padding=((1, -1), (0, 0))), "none negative"),
    (lambda x, w: ops.conv2d(x, w, padding="full"), "'same' or 'valid', not 'full'"),
    (lambda x, w: ops.conv2d(x, w, padding=(1, 1, 1, 1)), "a pair of pairs"),
    (lambda x, w: ops.conv2d(x, w, padding=(1, 0), dilation=4),
     "conv2d: a window of (9, 9) (size (3, 3), dilation (4, 4)) is larger than the padded image "
     "of (7, 6) (image (5, 6), padding ((1, 1), (0, 0)))"),
    (lambda x, w: ops.conv_transpose2d(x, w),
     "conv_transpose2d of x (2, 5, 6, 4) and w (3, 3, 4, 8): x has 4 channels, but w, conv2d's "
     "(KH, KW, C / groups, O), is for 8"),
    (lambda x, w: ops.conv_transpose2d(x[0], w), "conv_transpose2d needs x (N, H, W, O) and w"),
    (lambda x, w: ops.conv_transpose2d(ones(2, 0, 6, 8), w),
     "conv_transpose2d of x (2, 0, 6, 8): an image has a height and a width of at least 1"),
    (lambda x, w: ops.conv_transpose2d(ones(2, 5, 6, 8), w, ones(8)),
     "conv_transpose2d has 4 output channels, so b must have the shape (4,), not (8,)"),
    (lambda x, w: ops.conv_transpose2d(ones(2, 5, 6, 8), w, stride=2, output_padding=(1, 2)),
     "output_padding (1, 2) is too large: it must be smaller than the stride (2, 2) or the "
     "dilation (1, 1)"),
    (lambda x, w: ops.conv_transpose2d(ones(2, 5, 6, 8), w, stride=2, padding="same",
                                       output_padding=1),
     "output_padding 1 beside padding='same', which decides the size of the output alone"),
    (lambda x, w: ops.conv_transpose2d(ones(2, 1, 1, 8), w, padding=2),
     "conv_transpose2d of x (2, 1, 1, 8) and w (3, 3, 4, 8): padding 2 cuts off all that "
     "the kernel makes"),
])
def test_what_does_not_fit_is_refused_by_name_shapes_and_rule(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        call(ones(2, 5, 6, 4), ones(3, 3, 4, 8))
    assert "\n" not in str(error.value)


# The kernels

@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_kernels_keep_the_dtype_and_leave_their_inputs_alone(dtype):
    window, rng = Window((3, 2), (2, 1), ((1, 0), (0, 1)), (1, 2)), np.random.default_rng(0)
    for batch in (0, 2):
        x, w = rng.normal(size=(batch, 4, 3, 4)).astype(dtype), np.ones((3, 2, 2, 6), dtype)
        g = rng.normal(size=(batch, *window.outputs((4, 3)), 6)).astype(dtype)
        before = x, w, g
        x, w, g = [backend.asarray(a.copy()) for a in before]
        for kernels in (backend.current().kernels, backend.reference):
            for y, shape in [(kernels.conv2d(x, w, window, 2), g.shape),
                             (kernels.conv2d_input_gradient(g, w, window, 2, (4, 3)), x.shape),
                             (kernels.conv2d_weight_gradient(x, g, window, 2), w.shape)]:
                assert y.dtype == dtype and y.shape == shape
        for a, e in zip((x, w, g), before):
            np.testing.assert_array_equal(backend.to_numpy(a), e)
