"""One training step of each workload, written in each library as its users write it.

    python examples/benchmark_steps.py LIBRARY WORKLOAD [--steps N] [--batch-size N]
                                       [--device cuda] [--tf32]

Prints, as JSON, the median time of a step in milliseconds, the peak resident size of the process,
and by how much that exceeds the size before the networks were made, both in MiB. benchmark.py runs
this program in turn for one library and another; it needs the library, NumPy, and nothing else.

A step draws noise, updates the discriminator on a real and a generated batch, then the generator,
both with Adam(2e-4, betas=(0.5, 0.999)) and BCE on logits, in float32. `wgan-gp` has mlp1024's
networks, Wasserstein's losses and WGAN-GP's penalty, which needs a second derivative. The library
`numpy` has one workload, `product`: the product of two large matrices, the machine's limit.

On a GPU every library draws its noise there, and the time of a step is that between two events
which the device itself records, with no wait in between. TF32 is off in all of them, or on.
"""
import argparse
import importlib
import json
import os
import statistics
import time
from functools import partial

import numpy as np
from benchmark_libraries.older import chainer_step, dezero_step

HIDDEN = {"mlp1024": [1024, 1024, 1024], "mlp128": [128, 128],  # the layers of both networks
          "wgan-gp": [1024, 1024, 1024]}
BATCH = {"mlp1024": 100, "mlp128": 100, "wgan-gp": 100, "dcgan": 128, "dense-dcgan": 128}
LATENT, PIXELS = 100, 784
SIZE = {"cpu": 2000, "cuda": 8000}  # of the matrices of `product`
WARM_UP, GPU_WARM_UP = 6, 20  # steps; one is captured, and on a GPU kernels are compiled


def numpy_step(workload, batch, device):
    xp = importlib.import_module("numpy" if device == "cpu" else "cupy")
    rng = xp.random.default_rng(0)
    a, b = [rng.random((SIZE[device], SIZE[device]), xp.float32) for _ in range(2)]
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


def minigan_step(workload, batch, device="cpu", captured=False):
    import minigan as mg
    from minigan.gan import GAN, Players, alternating, objectives, penalties

    mg.use(device)
    rng = mg.backend.current().xp.random.default_rng(0)
    generator, discriminator = minigan_networks(workload)
    g_optimizer = mg.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    d_optimizer = mg.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
    shape = (PIXELS,) if workload in HIDDEN else (28, 28, 1)
    real = mg.tensor(rng.random((batch, *shape), np.float32))

    game = GAN(generator, discriminator)
    if workload == "wgan-gp":
        game = GAN(generator, discriminator, objectives.wasserstein, [penalties.gradient_penalty()])
    players, draws = Players(game, d_optimizer, g_optimizer), mg.Draws(np.random.default_rng(0))

    def update(real, z):
        return alternating(players, [(real,)], [(z,)], draws)[:2]  # both losses

    run = mg.capture(update, draws) if captured else update

    def step():
        return run(real, mg.tensor(rng.standard_normal((batch, LATENT), np.float32)))
    step.captured = run
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


def torch_step(workload, batch, device="cpu", tuned=False, compiled=False):
    """tuned: Adam in one kernel, and no gradients of D's weights in G's update. compiled: tuned,
    and both networks by torch.compile. A step returns both losses."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as bce

    torch.manual_seed(0)
    if device != "cpu":
        torch.set_default_device(device)
    generator, discriminator = torch_networks(workload)
    tuned, slope_of = tuned or compiled, discriminator
    if compiled:  # nothing that is compiled can be differentiated twice
        generator, discriminator = map(torch.compile, (generator, discriminator))
    adam = {"lr": 2e-4, "betas": (0.5, 0.999), "fused": True if tuned else None}
    g_optimizer = torch.optim.Adam(generator.parameters(), **adam)
    d_optimizer = torch.optim.Adam(discriminator.parameters(), **adam)
    real = torch.rand(batch, *([PIXELS] if workload in HIDDEN else [1, 28, 28]))
    one, zero = torch.ones(batch, 1), torch.zeros(batch, 1)

    def d_loss(fake):
        if workload != "wgan-gp":
            return bce(discriminator(real), one) + bce(discriminator(fake), zero)
        share = torch.rand(batch, 1)
        x = (real + share * (fake - real)).requires_grad_(True)
        slope, = torch.autograd.grad(slope_of(x).sum(), x, create_graph=True)
        penalty = 10 * ((slope.norm(2, dim=1) - 1) ** 2).mean()
        return discriminator(fake).mean() - discriminator(real).mean() + penalty

    def g_loss(fake):
        judged = discriminator(fake)
        return -judged.mean() if workload == "wgan-gp" else bce(judged, one)

    def step():
        fake = generator(torch.randn(batch, LATENT))
        d_optimizer.zero_grad()
        judged = d_loss(fake.detach())
        judged.backward()
        d_optimizer.step()
        discriminator.requires_grad_(not tuned)
        g_optimizer.zero_grad()
        fooled = g_loss(fake)
        fooled.backward()
        g_optimizer.step()
        discriminator.requires_grad_(True)
        return judged.detach(), fooled.detach()
    return step


def jax_step(workload, batch, device):
    from benchmark_libraries import jitted

    return jitted.jax_step(workload, HIDDEN.get(workload), batch)


def old_step(step, workload, batch, device):
    return step(HIDDEN.get(workload), batch)


STEPS = {"minigan": minigan_step, "minigan-captured": partial(minigan_step, captured=True),
         "torch": torch_step, "torch-tuned": partial(torch_step, tuned=True),
         "torch-compiled": partial(torch_step, compiled=True), "jax": jax_step,
         "chainer": partial(old_step, chainer_step), "dezero": partial(old_step, dezero_step),
         "numpy": numpy_step}


def median_ms(step, steps):
    """The median time of a step, after a warm-up."""
    times = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times[WARM_UP:]) * 1e3


def median_ms_of_events(step, steps, event, elapsed):
    """The median time between the events that the device records after each step, after a
    warm-up. `event` makes one, and elapsed(a, b) are the milliseconds from a to b."""
    for _ in range(GPU_WARM_UP):
        step()
    events = [event() for _ in range(steps + 1)]
    events[0].record()
    for after in events[1:]:
        step()
        after.record()
    events[-1].synchronize()
    return statistics.median(map(elapsed, events, events[1:]))


def timer(library, device):
    """What takes a step and how often to make it, and gives its time."""
    if device == "cpu":
        return median_ms
    if library.startswith("torch"):
        import torch

        return partial(median_ms_of_events, event=partial(torch.cuda.Event, enable_timing=True),
                       elapsed=lambda a, b: a.elapsed_time(b))
    import cupy

    return partial(median_ms_of_events, event=cupy.cuda.Event,
                   elapsed=cupy.cuda.get_elapsed_time)


def pin_tf32(library, on):
    """Products in float32 with factors rounded to TF32, or exact, whatever the default is. CuPy
    reads its variable once, when a product is first made."""
    os.environ["CUPY_TF32"] = str(int(on))
    if library.startswith("torch"):
        import torch

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = on


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
    parser.add_argument("--batch-size", type=int, help="in place of the workload's own")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--tf32", action="store_true")
    args = parser.parse_args()
    np.int = int  # a name that NumPy has dropped and DeZero uses
    pin_tf32(args.library, args.tf32)
    importlib.import_module(args.library.partition("-")[0])
    before = resident_mib("VmRSS")
    batch = args.batch_size or BATCH.get(args.workload)
    step = STEPS[args.library](args.workload, batch, args.device)
    ms = timer(args.library, args.device)(step, args.steps)
    peak = resident_mib("VmHWM")
    print(json.dumps({"ms": ms, "peak": peak, "added": peak - before}))


if __name__ == "__main__":
    main()
