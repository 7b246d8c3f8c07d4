"""The convolutional systems train as they do in PyTorch, number for number."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.gan import SYSTEMS, train_step

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

BATCH, STEPS = 8, 10


def as_torch(array):
    return torch.from_numpy(np.ascontiguousarray(array))


class Channels(torch.nn.Module):
    """A convolution of PyTorch between images that are (N, H, W, C), with padding="same" as
    TensorFlow and minigan mean it: where an odd number of pixels is to be added, one more of them
    below and right. PyTorch's padding=2 would add it above and left."""

    def __init__(self, layer):
        super().__init__()
        kernel, stride = layer.kernel_size[0], layer.options["stride"][0]
        self.transposed = isinstance(layer, nn.ConvTranspose2d)
        kind = torch.nn.ConvTranspose2d if self.transposed else torch.nn.Conv2d
        self.inner = kind(layer.in_channels, layer.out_channels, kernel, stride,
                          bias=layer.bias is not None)
        self.before = (kernel - stride) // 2
        self.after = kernel - stride - self.before

    def forward(self, x):
        x, before, after = x.permute(0, 3, 1, 2), self.before, self.after
        if self.transposed:  # PyTorch gives all that the kernels reach; "same" is its inner part
            y = self.inner(x)
            y = y[:, :, before:y.shape[2] - after, before:y.shape[3] - after]
        else:
            y = self.inner(torch.nn.functional.pad(x, (before, after, before, after)))
        return y.permute(0, 2, 3, 1)


class Norm(torch.nn.BatchNorm1d):
    """Over all axes but the last."""

    def forward(self, x):
        return super().forward(x.reshape(-1, x.shape[-1])).reshape(x.shape)


def converted(layer):
    """The layer of PyTorch, with weights of its own."""
    if isinstance(layer, nn.Dense):
        return torch.nn.Linear(*layer.weight.shape, bias=layer.bias is not None)
    if isinstance(layer, nn.BatchNorm):
        return Norm(layer.weight.shape[0])
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        return Channels(layer)
    if isinstance(layer, nn.LeakyReLU):
        return torch.nn.LeakyReLU(layer.negative_slope)
    if isinstance(layer, nn.Reshape):
        return torch.nn.Unflatten(1, layer.shape)
    return {nn.Flatten: torch.nn.Flatten, nn.Tanh: torch.nn.Tanh}[type(layer)]()


def transposed(array):
    """Weights of minigan in PyTorch's order of axes: (in, out) → (out, in), and kernels
    (KH, KW, in, out) → (out, in, KH, KW)."""
    return array.transpose({1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[array.ndim])


def pairs(network, twin):
    """(name, an array of minigan, the tensor of PyTorch) for all that is trained or running."""
    for i, (layer, other) in enumerate(zip(network.body.layers, twin)):
        other = getattr(other, "inner", other)
        for name, t in layer.named_state():
            yield f"{i} {type(layer).__name__}.{name}", transposed(t.numpy()), getattr(other, name)


def twin_of(network):
    """The same network in PyTorch, with the same float64 weights."""
    twin = torch.nn.Sequential(*[converted(layer) for layer in network.body.layers]).double()
    with torch.no_grad():
        for _, ours, theirs in pairs(network, twin):
            theirs.copy_(as_torch(ours))
    return twin


def torch_step(G, D, opt_g, opt_d, real, z):
    """A step as PyTorch's users write it."""
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    one, zero = (torch.full((BATCH, 1), v, dtype=torch.float64) for v in (1, 0))
    fake = G(z)
    opt_d.zero_grad()
    (bce(D(real), one) + bce(D(fake.detach()), zero)).backward()
    opt_d.step()
    opt_g.zero_grad()
    bce(D(fake), one).backward()
    opt_g.step()


def hold_biases_without_effect(network, twin):
    """Make constants, and not 0, of the biases before a BatchNorm, in both networks.

    BatchNorm subtracts them again: their gradient is 0, and in exact arithmetic Adam leaves them
    where they are. What is computed for that 0 is rounding, in every implementation its own, and
    Adam makes of it steps of rounding / 1e-8, which the running means then follow.
    """
    layers, rng = network.body.layers, np.random.default_rng(2)
    for layer, after, other in zip(layers, layers[1:], twin):
        if isinstance(after, nn.BatchNorm) and layer.bias is not None:
            value = rng.standard_normal(layer.bias.shape)
            layer.bias.data, layer.bias.requires_grad = value, False
            held = getattr(other, "inner", other).bias.requires_grad_(False)
            held.copy_(as_torch(value))


@pytest.mark.numpy_only("takes half a minute; test_device_steps compares the device with NumPy")
@pytest.mark.parametrize("name", ["dcgan", "dense-dcgan"])
def test_ten_steps_equal_pytorch_in_every_parameter_and_running_statistic(name):
    networks = SYSTEMS[name].networks(rng=np.random.default_rng(0))
    twins = [twin_of(network.astype(np.float64)) for network in networks]
    for network, twin in zip(networks, twins):
        hold_biases_without_effect(network, twin)
    adams = [mg.optim.Adam(network.parameters()) for network in networks]
    torch_adams = [torch.optim.Adam(twin.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True)
                   for twin in twins]

    rng = np.random.default_rng(1)
    for _ in range(STEPS):
        real, z = rng.uniform(-1, 1, (BATCH, 28, 28, 1)), rng.standard_normal((BATCH, 100))
        train_step(*networks, *adams, mg.tensor(real), mg.tensor(z))
        torch_step(*twins, *torch_adams, as_torch(real), as_torch(z))

    for network, twin in zip(networks, twins):
        for where, ours, theirs in pairs(network, twin):
            theirs = theirs.detach().numpy()
            assert np.abs(ours - theirs).max() < 1e-8 * np.abs(theirs).max(), where


@pytest.mark.parametrize("name", ["dcgan", "dense-dcgan"])
def test_the_gradient_of_a_bias_before_a_batch_norm_is_rounding(name):
    _, discriminator = SYSTEMS[name].networks(shape=(8, 8, 1), rng=np.random.default_rng(0))
    images = mg.tensor(np.random.default_rng(1).standard_normal((8, 8, 8, 1)))
    discriminator.astype(np.float64)(images).sum().backward()
    layers = discriminator.body.layers
    before = [layer for layer, after in zip(layers, layers[1:]) if isinstance(after, nn.BatchNorm)]
    assert before
    for layer in before:
        weight, bias = (np.abs(p.grad.numpy()).max() for p in (layer.weight, layer.bias))
        assert bias < 1e-10 * weight
