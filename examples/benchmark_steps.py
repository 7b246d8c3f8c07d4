"""One training step of each workload, written in each library as its users write it.

    python examples/benchmark_steps.py LIBRARY WORKLOAD [--steps N]

Prints, as JSON, the median time of a step in milliseconds, the peak resident size of the process,
and by how much that exceeds the size before the networks were made, both in MiB. benchmark.py runs
this program in turn for one library and another; it needs the library, NumPy, and nothing else.

A step draws noise, updates the discriminator on a real and a generated batch, then the generator,
both with Adam(2e-4, betas=(0.5, 0.999)) and BCE on logits, in float32. The library `numpy` has one
workload, `product`: the product of two large matrices, the machine's limit.
"""
import argparse
import importlib
import json
import statistics
import time

import numpy as np

HIDDEN = {"mlp1024": [1024, 1024, 1024], "mlp128": [128, 128]}  # the layers of both networks
BATCH = {"mlp1024": 100, "mlp128": 100, "dcgan": 128, "dense-dcgan": 128}
LATENT, PIXELS = 100, 784
SIZE = 2000      # of the matrices of `product`
WARM_UP = 3      # steps


def numpy_step(workload):
    rng = np.random.default_rng(0)
    a, b = rng.random((2, SIZE, SIZE), np.float32)
    return lambda: a @ b


def minigan_networks(workload):
    """The generator and the discriminator; dense networks see and make flat images."""
    from minigan.gan import models
    from minigan.nn import Dense, Sequential, Sigmoid

    rng = np.random.default_rng(0)
    if workload == "dcgan":
        return models.dcgan(rng=rng)
    if workload == "dense-dcgan":
        return models.dense_dcgan(rng=rng)
    hidden = HIDDEN[workload]
    return (Sequential(*models.dense_stack([LATENT, *hidden], 0.2, rng),
                       Dense(hidden[-1], PIXELS, rng=rng), Sigmoid()),
            Sequential(*models.dense_stack([PIXELS, *hidden], 0.2, rng),
                       Dense(hidden[-1], 1, rng=rng)))


def minigan_step(workload):
    import minigan as mg
    from minigan.gan import train_step

    rng, batch = np.random.default_rng(0), BATCH[workload]
    generator, discriminator = minigan_networks(workload)
    g_optimizer = mg.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    d_optimizer = mg.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
    shape = (PIXELS,) if workload in HIDDEN else (28, 28, 1)
    real = mg.tensor(rng.random((batch, *shape), np.float32))

    def step():
        z = mg.tensor(rng.standard_normal((batch, LATENT), np.float32))
        train_step(generator, discriminator, g_optimizer, d_optimizer, real, z)
    return step


def torch_networks(workload):
    from torch import nn

    def dense(sizes, slope, batch_norm=False):
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            layers += [nn.Linear(inputs, outputs), *[nn.BatchNorm1d(outputs)] * batch_norm,
                       nn.LeakyReLU(slope)]
        return layers

    def up(inputs, outputs, bias=True):  # twice the height and the width
        return nn.ConvTranspose2d(inputs, outputs, 5, 2, padding=2, output_padding=1, bias=bias)

    if workload == "dcgan":
        return (nn.Sequential(
                    nn.Linear(LATENT, 7 * 7 * 128, bias=False), nn.BatchNorm1d(7 * 7 * 128),
                    nn.LeakyReLU(0.2), nn.Unflatten(1, (128, 7, 7)),
                    up(128, 64, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(0.2),
                    up(64, 1), nn.Tanh()),
                nn.Sequential(
                    nn.Conv2d(1, 64, 5, 2, padding=2), nn.LeakyReLU(0.2),
                    nn.Conv2d(64, 128, 5, 2, padding=2), nn.BatchNorm2d(128), nn.LeakyReLU(0.2),
                    nn.Flatten(), nn.Linear(7 * 7 * 128, 1)))
    if workload == "dense-dcgan":
        return (nn.Sequential(
                    *dense([LATENT, 128, 256, 512, 1024, 7 * 7 * 256], 0.3, batch_norm=True),
                    nn.Unflatten(1, (256, 7, 7)),
                    up(256, 128), nn.BatchNorm2d(128), nn.LeakyReLU(0.3),
                    up(128, 64), nn.BatchNorm2d(64), nn.LeakyReLU(0.3),
                    nn.ConvTranspose2d(64, 1, 7, padding=3), nn.Tanh()),
                nn.Sequential(
                    nn.Flatten(), *dense([PIXELS, 1024, 512, 256], 0.3, batch_norm=True),
                    nn.Linear(256, 1)))
    hidden = HIDDEN[workload]
    return (nn.Sequential(*dense([LATENT, *hidden], 0.2), nn.Linear(hidden[-1], PIXELS),
                          nn.Sigmoid()),
            nn.Sequential(*dense([PIXELS, *hidden], 0.2), nn.Linear(hidden[-1], 1)))


def torch_step(workload, tuned=False):
    """tuned: Adam in one kernel, and no gradients of D's weights in G's update."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as bce

    torch.manual_seed(0)
    batch = BATCH[workload]
    generator, discriminator = torch_networks(workload)
    adam = {"lr": 2e-4, "betas": (0.5, 0.999), "fused": True if tuned else None}
    g_optimizer = torch.optim.Adam(generator.parameters(), **adam)
    d_optimizer = torch.optim.Adam(discriminator.parameters(), **adam)
    real = torch.rand(batch, *([PIXELS] if workload in HIDDEN else [1, 28, 28]))
    one, zero = torch.ones(batch, 1), torch.zeros(batch, 1)

    def step():
        fake = generator(torch.randn(batch, LATENT))
        d_optimizer.zero_grad()
        (bce(discriminator(real), one) + bce(discriminator(fake.detach()), zero)).backward()
        d_optimizer.step()
        discriminator.requires_grad_(not tuned)
        g_optimizer.zero_grad()
        bce(discriminator(fake), one).backward()
        g_optimizer.step()
        discriminator.requires_grad_(True)
    return step


def chainer_step(workload):
    import chainer
    from chainer import Sequential
    from chainer import functions as F
    from chainer import links as L

    def dense(sizes):
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            layers += [L.Linear(inputs, outputs), leaky]
        return layers

    def leaky(x):
        return F.leaky_relu(x, 0.2)

    batch = BATCH[workload]
    if workload == "dcgan":
        shape = (1, 28, 28)
        generator = Sequential(
            L.Linear(LATENT, 7 * 7 * 128, nobias=True), L.BatchNormalization(7 * 7 * 128), leaky,
            lambda x: F.reshape(x, (-1, 128, 7, 7)),
            L.Deconvolution2D(128, 64, 5, 2, 2, nobias=True, outsize=(14, 14)),
            L.BatchNormalization(64), leaky,
            L.Deconvolution2D(64, 1, 5, 2, 2, outsize=(28, 28)), F.tanh)
        discriminator = Sequential(
            L.Convolution2D(1, 64, 5, 2, 2), leaky,
            L.Convolution2D(64, 128, 5, 2, 2), L.BatchNormalization(128), leaky,
            L.Linear(7 * 7 * 128, 1))  # which flattens its input
    else:
        shape, hidden = (PIXELS,), HIDDEN[workload]
        generator = Sequential(*dense([LATENT, *hidden]), L.Linear(hidden[-1], PIXELS), F.sigmoid)
        discriminator = Sequential(*dense([PIXELS, *hidden]), L.Linear(hidden[-1], 1))
    g_optimizer, d_optimizer = [chainer.optimizers.Adam(2e-4, 0.5, 0.999).setup(network)
                                for network in (generator, discriminator)]
    real = np.random.rand(batch, *shape).astype("f")
    one, zero = np.ones((batch, 1), "i"), np.zeros((batch, 1), "i")

    def step():
        fake = generator(np.random.randn(batch, LATENT).astype("f"))
        loss = (F.sigmoid_cross_entropy(discriminator(real), one)
                + F.sigmoid_cross_entropy(discriminator(fake.array), zero))
        discriminator.cleargrads()
        loss.backward()
        d_optimizer.update()
        loss = F.sigmoid_cross_entropy(discriminator(fake), one)
        generator.cleargrads()
        loss.backward()
        g_optimizer.update()
    return step


def dezero_step(workload):
    from dezero import Parameter, functions as F, layers as L, optimizers
    from dezero.models import Model

    class Up(L.Layer):
        """L.Deconv2d with the size of the output, which the layer does not pass on."""

        def __init__(self, inputs, outputs, size, nobias=False):
            super().__init__()
            self.size = size
            self.W = Parameter(np.random.randn(inputs, outputs, 5, 5).astype("f") * 0.02)
            self.b = None if nobias else Parameter(np.zeros(outputs, "f"))

        def forward(self, x):
            return F.deconv2d(x, self.W, self.b, 2, 2, (self.size, self.size))

    class Chain(Model):
        """Layers and functions, one after the other."""

        def __init__(self, *steps):
            super().__init__()
            self.steps = steps
            for i, f in enumerate(steps):
                if isinstance(f, L.Layer):
                    setattr(self, f"layer{i}", f)

        def forward(self, x):
            for f in self.steps:
                x = f(x)
            return x

    def dense(sizes):
        layers = []
        for size in sizes:
            layers += [L.Linear(size), F.leaky_relu]
        return layers

    batch = BATCH[workload]
    if workload == "dcgan":
        shape = (1, 28, 28)
        generator = Chain(
            L.Linear(7 * 7 * 128, nobias=True), L.BatchNorm(), F.leaky_relu,
            lambda x: F.reshape(x, (batch, 128, 7, 7)),
            Up(128, 64, 14, nobias=True), L.BatchNorm(), F.leaky_relu, Up(64, 1, 28), F.tanh)
        discriminator = Chain(
            L.Conv2d(64, 5, 2, 2), F.leaky_relu, L.Conv2d(128, 5, 2, 2), L.BatchNorm(),
            F.leaky_relu, F.flatten, L.Linear(1))
    else:
        shape, hidden = (PIXELS,), HIDDEN[workload]
        generator = Chain(*dense(hidden), L.Linear(PIXELS), F.sigmoid)
        discriminator = Chain(*dense(hidden), L.Linear(1))
    g_optimizer, d_optimizer = [optimizers.Adam(2e-4, 0.5, 0.999).setup(network)
                                for network in (generator, discriminator)]
    real = np.random.rand(batch, *shape).astype("f")
    one, zero = np.ones((batch, 1), "f"), np.zeros((batch, 1), "f")

    def step():
        fake = generator(np.random.randn(batch, LATENT).astype("f"))
        loss = (F.sigmoid_cross_entropy(discriminator(real), one)
                + F.sigmoid_cross_entropy(discriminator(fake.data), zero))
        discriminator.cleargrads()
        loss.backward()
        d_optimizer.update()
        loss = F.sigmoid_cross_entropy(discriminator(fake), one)
        generator.cleargrads()
        loss.backward()
        g_optimizer.update()
    return step


STEPS = {"minigan": minigan_step, "torch": torch_step,
         "torch-tuned": lambda workload: torch_step(workload, tuned=True),
         "chainer": chainer_step, "dezero": dezero_step, "numpy": numpy_step}


def median_ms(step, steps):
    """The median time of a step, after a warm-up."""
    times = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times[WARM_UP:]) * 1e3


def resident_mib(field):
    """The memory of this process, now (VmRSS) or at its peak (VmHWM, which is getrusage's
    ru_maxrss). Linux; elsewhere it is unknown."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024
    except FileNotFoundError:
        return float("nan")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("library", choices=STEPS)
    parser.add_argument("workload", choices=[*BATCH, "product"])
    parser.add_argument("--steps", type=int, default=10)
    args = parser.parse_args()
    np.int = int  # a name that NumPy has dropped and DeZero uses
    importlib.import_module(args.library.removesuffix("-tuned"))
    before = resident_mib("VmRSS")
    ms = median_ms(STEPS[args.library](args.workload), args.steps)
    peak = resident_mib("VmHWM")
    print(json.dumps({"ms": ms, "peak": peak, "added": peak - before}))


if __name__ == "__main__":
    main()
