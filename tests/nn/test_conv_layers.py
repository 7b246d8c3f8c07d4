"""The layers of convolutional networks."""
from __future__ import annotations

import re

import numpy as np
import pytest

import minigan as mg
from minigan import nn, ops
from minigan.backend import asarray
from minigan.nn import init

RNG = np.random.default_rng(0)


def filled(layer):
    """The layer in float64, with a bias that is not 0."""
    layer.astype(np.float64)
    if layer.bias is not None:
        layer.bias.data = asarray(RNG.normal(size=layer.bias.shape))
    return layer


OPTIONS = [{}, {"stride": 2, "padding": "same"}, {"stride": (2, 1), "padding": (1, 0)},
           {"padding": ((1, 0), (0, 2)), "dilation": (2, 1)}, {"groups": 2, "bias": False}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_conv2d_is_the_op_with_its_weight_and_bias(options):
    layer, x = filled(nn.Conv2d(4, 6, (3, 2), **options)), mg.tensor(RNG.normal(size=(2, 5, 6, 4)))
    assert layer.weight.shape == (3, 2, 4 // options.get("groups", 1), 6)
    rest = {k: v for k, v in options.items() if k != "bias"}
    expected = ops.conv2d(x, layer.weight, layer.bias, **rest)
    np.testing.assert_array_equal(layer(x).numpy(), expected.numpy())


@pytest.mark.parametrize("options", OPTIONS + [{"stride": 2, "output_padding": 1}], ids=str)
def test_conv_transpose2d_is_the_op_with_its_weight_and_bias(options):
    layer = filled(nn.ConvTranspose2d(4, 6, (3, 2), **options))
    x = mg.tensor(RNG.normal(size=(2, 3, 4, 4)))
    assert layer.weight.shape == (3, 2, 6 // options.get("groups", 1), 4)
    rest = {k: v for k, v in options.items() if k != "bias"}
    expected = ops.conv_transpose2d(x, layer.weight, layer.bias, **rest)
    np.testing.assert_array_equal(layer(x).numpy(), expected.numpy())
    assert expected.shape[3] == 6


@pytest.mark.parametrize("axes", [1, 3])
@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_the_layers_of_one_axis_and_three_are_their_ops(kind, axes):
    options = {"stride": 2, "padding": (1,) * axes, "groups": 2}
    layer = filled(getattr(nn, f"{kind}{axes}d")(4, 6, (3, 2, 1)[:axes], **options))
    assert layer.weight.shape == (*(3, 2, 1)[:axes], *((2, 6) if kind == "Conv" else (3, 4)))
    op = getattr(ops, {"Conv": "conv", "ConvTranspose": "conv_transpose"}[kind] + f"{axes}d")
    x = mg.tensor(RNG.normal(size=(2, *(5, 4, 3)[:axes], 4)))
    expected = op(x, layer.weight, layer.bias, **options)
    np.testing.assert_array_equal(layer(x).numpy(), expected.numpy())
    assert expected.shape[-1] == 6


@pytest.mark.parametrize("layer", [nn.Conv2d, nn.ConvTranspose2d, nn.Conv1d, nn.ConvTranspose3d])
def test_without_bias_there_is_none_in_the_state(layer):
    assert list(layer(2, 3, 3).state_dict()) == ["weight", "bias"]
    assert list(layer(2, 3, 3, bias=False).state_dict()) == ["weight"]


def test_conv2d_starts_glorot_uniform_with_no_bias_or_as_it_is_told():
    rng = np.random.default_rng
    layer = nn.Conv2d(4, 6, 3, groups=2, rng=rng(3))
    np.testing.assert_array_equal(layer.weight.numpy(), init.glorot_uniform((3, 3, 2, 6), rng(3)))
    assert layer.bias.numpy().tolist() == [0] * 6
    layer = nn.Conv2d(4, 6, 3, weight_init=init.normal_002, rng=rng(3))
    np.testing.assert_array_equal(layer.weight.numpy(), init.normal_002((3, 3, 4, 6), rng(3)))


@pytest.mark.parametrize("groups", [1, 4])
def test_conv_transpose2ds_fans_are_those_of_the_transposed_map(groups):
    asked = []

    def spy(shape, rng):
        asked.append(init.fans(shape))
        return init.he_normal(shape, rng)

    layer = nn.ConvTranspose2d(64, 8, (5, 3), groups=groups, weight_init=spy,
                               rng=np.random.default_rng(0))
    assert asked == [(15 * 64 // groups, 15 * 8)]
    variance = 2 / (15 * 64 // groups)  # He's: the weight's own shape would say 2 / (15 · 8)
    assert layer.weight.numpy().var() == pytest.approx(variance, rel=0.1)


def test_conv_transpose2ds_kernel_of_stride_1_keeps_the_variance_as_conv2ds_does():
    x = mg.tensor(np.random.default_rng(0).normal(size=(4, 24, 24, 32)))
    for layer in (nn.Conv2d, nn.ConvTranspose2d):
        rng = np.random.default_rng(1)
        y = layer(32, 8, 3, weight_init=init.lecun_normal, rng=rng).astype(np.float64)(x)
        inside = y.numpy()[:, 3:-3, 3:-3]  # where every tap meets a pixel
        assert inside.var() == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize("groups", [1, 2])
def test_conv_transpose2d_draws_what_conv2d_draws_and_turns_it_round(groups):
    rng = np.random.default_rng
    there = nn.Conv2d(4, 6, (3, 2), groups=groups, rng=rng(0)).weight.numpy()
    back = nn.ConvTranspose2d(4, 6, (3, 2), groups=groups, rng=rng(0)).weight.numpy()
    for g in range(groups):
        inputs, outputs = 4 // groups, 6 // groups
        np.testing.assert_array_equal(
            back[..., g * inputs:(g + 1) * inputs],
            there[..., g * outputs:(g + 1) * outputs].swapaxes(-1, -2))


def test_the_layers_train_and_go_to_another_precision():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding="same"), nn.MaxPool2d(2), nn.LeakyReLU(),
                        nn.ConvTranspose2d(2, 4, 3, stride=2, padding="same"), nn.PixelShuffle(2),
                        nn.AvgPool2d(2), nn.Upsample(2, "bilinear"))
    x = mg.tensor(np.ones((2, 4, 4, 1), np.float32))
    y = net(x)
    assert y.shape == (2, 8, 8, 1) and y.dtype == np.float32
    (y * y).sum().backward()
    assert all(p.grad.shape == p.shape and p.grad.dtype == np.float32 for p in net.parameters())
    assert net.astype(np.float64)(x.astype(np.float64)).dtype == np.float64


def test_the_other_layers_are_their_ops():
    x = mg.tensor(RNG.normal(size=(2, 4, 6, 4)))
    for layer, expected in [
            (nn.MaxPool2d(2), ops.max_pool2d(x, 2)),
            (nn.MaxPool2d((2, 3), 1), ops.max_pool2d(x, (2, 3), 1)),
            (nn.AvgPool2d(3, (1, 2)), ops.avg_pool2d(x, 3, (1, 2))),
            (nn.Upsample(2), ops.upsample_nearest(x, 2)),
            (nn.Upsample((1, 3), mode="bilinear"), ops.upsample_bilinear(x, (1, 3))),
            (nn.MaxPool2d(3, 2, padding=1), ops.max_pool2d(x, 3, 2, 1)),
            (nn.AvgPool2d(2, padding="same"), ops.avg_pool2d(x, 2, padding="same")),
            (nn.AdaptiveAvgPool2d((3, 2)), ops.adaptive_avg_pool2d(x, (3, 2))),
            (nn.Upsample(size=(5, 7)), ops.upsample_nearest(x, size=(5, 7))),
            (nn.Upsample(size=5, mode="bilinear"), ops.upsample_bilinear(x, size=5)),
            (nn.PixelShuffle(2), ops.pixel_shuffle(x, 2))]:
        np.testing.assert_array_equal(layer(x).numpy(), expected.numpy())


@pytest.mark.parametrize("layer, text", [
    (nn.Conv2d(3, 8, 5), "Conv2d(3, 8, 5)"),
    (nn.Conv2d(3, 8, (5, 3), stride=2, padding="same", bias=False),
     "Conv2d(3, 8, (5, 3), stride=2, padding='same', bias=False)"),
    (nn.Conv2d(4, 8, 3, padding=(1, 2), dilation=2, groups=4),
     "Conv2d(4, 8, 3, padding=(1, 2), dilation=2, groups=4)"),
    (nn.ConvTranspose2d(4, 8, 3, stride=(2, 1), padding=1, output_padding=(1, 0)),
     "ConvTranspose2d(4, 8, 3, stride=(2, 1), padding=1, output_padding=(1, 0))"),
    (nn.Conv2d(1, 1, 3, padding=((1, 2), (1, 2))),
     "Conv2d(1, 1, 3, padding=((1, 2), (1, 2)))"),  # which is not padding=(1, 2)
    (nn.Conv1d(2, 4, 9, stride=4, padding=((1, 2),)),
     "Conv1d(2, 4, 9, stride=4, padding=((1, 2),))"),
    (nn.ConvTranspose3d(2, 4, 4, stride=2, padding="same"),
     "ConvTranspose3d(2, 4, 4, stride=2, padding='same')"),
    (nn.MaxPool2d(2), "MaxPool2d(2)"), (nn.AvgPool2d(3, 2), "AvgPool2d(3, stride=2)"),
    (nn.MaxPool2d(3, 2, (1, 1)), "MaxPool2d(3, stride=2, padding=1)"),
    (nn.AvgPool2d(2, padding="same"), "AvgPool2d(2, padding='same')"),
    (nn.AdaptiveAvgPool2d((1, 2)), "AdaptiveAvgPool2d((1, 2))"),
    (nn.Upsample(size=28), "Upsample(size=28, mode='nearest')"),
    (nn.Upsample(2), "Upsample(2, mode='nearest')"), (nn.PixelShuffle((1, 2)),
                                                      "PixelShuffle((1, 2))")], ids=str)
def test_the_repr_names_the_arguments_that_are_not_the_usual(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize("layer, shape, hint", [
    (nn.Conv2d(3, 8, 5), (2, 8, 8, 4), ""), (nn.Conv2d(3, 8, 5), (8, 8, 3), ""),
    (nn.Conv2d(3, 8, 5), (2, 192), ": put Reshape(H, W, C) before it"),
    (nn.ConvTranspose2d(3, 8, 5), (2, 3, 8, 8), ": channels come last here")])
def test_an_x_that_does_not_fit_is_refused_by_the_layers_name(layer, shape, hint):
    message = f"{layer!r} got x of shape {shape}, but it needs images (N, H, W, 3){hint}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        layer(mg.tensor(np.ones(shape, np.float32)))


@pytest.mark.parametrize("layer, shape, message", [
    (nn.Conv1d(3, 8, 5), (2, 8, 4), "needs signals (N, L, 3)"),
    (nn.ConvTranspose3d(3, 8, 5), (2, 192),
     "needs solids (N, D, H, W, 3): put Reshape(D, H, W, C) before it")])
def test_signals_and_solids_are_called_so(layer, shape, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        layer(mg.tensor(np.ones(shape, np.float32)))


def test_a_message_says_the_name_of_the_layer_that_was_asked_for():
    for layer in (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose3d):
        with pytest.raises(ValueError, match=f"^{layer.__name__}: in_channels is"):
            layer(0, 2, 3)


@pytest.mark.parametrize("make, message", [
    (lambda: nn.Conv2d(3, 8, 0), "kernel_size is a whole number of at least 1"),
    (lambda: nn.Conv2d(3, 8, 3, stride=0), "stride is a whole number of at least 1"),
    (lambda: nn.Conv2d(3, 8, 3, padding="full"), "'same' or 'valid', not 'full'"),
    (lambda: nn.ConvTranspose2d(3, 8, 3, padding=-1), "none negative"),
    (lambda: nn.Conv2d(4, 6, 3, groups=4),
     "groups is a whole number that divides in_channels 4 and out_channels 6, not 4"),
    (lambda: nn.Upsample(2, "cubic"), "Upsample: mode is one of nearest, bilinear, not 'cubic'"),
    (lambda: nn.Upsample(0), "factor is a whole number of at least 1"),
    (lambda: nn.Upsample(), "Upsample needs either a factor or a size"),
    (lambda: nn.Upsample(2, size=4), "Upsample needs either a factor or a size"),
    (lambda: nn.AdaptiveAvgPool2d(0), "size is a whole number of at least 1"),
    (lambda: nn.MaxPool2d(2, padding="all"), "'same' or 'valid', not 'all'"),
    (lambda: nn.MaxPool2d(2, 0), "stride is a whole number of at least 1")])
def test_wrong_arguments_are_refused_when_the_layer_is_made(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_conv2d_and_conv_transpose2d_equal_pytorchs_layers():
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    x = RNG.normal(size=(2, 5, 6, 4))
    settings = {"stride": (2, 1), "padding": 1, "dilation": (1, 2), "groups": 2}
    for ours, theirs in [
            (nn.Conv2d(4, 6, (3, 2), **settings), torch.nn.Conv2d(4, 6, (3, 2), **settings)),
            (nn.ConvTranspose2d(4, 6, (3, 2), output_padding=(1, 0), **settings),
             torch.nn.ConvTranspose2d(4, 6, (3, 2), output_padding=(1, 0), **settings))]:
        filled(ours), theirs.double()
        theirs.weight.data = torch.from_numpy(ours.weight.numpy().transpose(3, 2, 0, 1).copy())
        theirs.bias.data = torch.from_numpy(ours.bias.numpy())
        z = theirs(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
        expected = z.detach().numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(ours(mg.tensor(x)).numpy(), expected, rtol=1e-10, atol=1e-12)
