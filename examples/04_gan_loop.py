"""A GAN without a trainer: the explicit loop, every line of the game in view.

    python examples/04_gan_loop.py [--epochs 100] [--data digits] [--data-dir D] [--out DIR]

You learn what a step of a GAN is: two networks, two optimisers that each own one of them, binary
cross-entropy on logits, ones for real and zeros for generated images. Put your own modules in
place of `generator` and `discriminator`, or a pair of `minigan.gan.models`; if that generator ends
in tanh, scale the data to (-1, 1), its range. 100 epochs of the shipped digits take a minute.
"""
import argparse
from pathlib import Path

import numpy as np

import minigan as mg
from minigan import data, nn, viz
from minigan.losses import bce_with_logits

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=100)
parser.add_argument("--data", choices=data.IMAGE_SETS, default="digits")
parser.add_argument("--data-dir")
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()

rng = np.random.default_rng(0)
images, _ = data.IMAGE_SETS[args.data](data_dir=args.data_dir)  # (N, H, W, C)
shape, pixels, latent = images.shape[1:], images[0].size, 100

generator = nn.Sequential(
    nn.Dense(latent, 128, rng=rng), nn.LeakyReLU(0.2),
    nn.Dense(128, 128, rng=rng), nn.LeakyReLU(0.2),
    nn.Dense(128, pixels, rng=rng), nn.Sigmoid(), nn.Reshape(*shape))
discriminator = nn.Sequential(
    nn.Flatten(), nn.Dense(pixels, 128, rng=rng), nn.LeakyReLU(0.2),
    nn.Dense(128, 128, rng=rng), nn.LeakyReLU(0.2),
    nn.Dense(128, 1, rng=rng))

g_optimizer = mg.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
d_optimizer = mg.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
average = mg.optim.EMA(generator)  # of its weights, which draws better than the last ones
loader = data.Loader(data.Scaled(images, (0, 1)), batch_size=64, seed=0)


def noise(n):
    """n vectors of N(0, 1)."""
    return mg.tensor(rng.standard_normal((n, latent), np.float32))


for epoch in range(args.epochs):
    for real in loader:
        real, fake = mg.tensor(real, requires_grad=True), generator(noise(len(real)))

        # the discriminator: ones for real, zeros for generated, which are cut off from G; and small
        # slopes (R1, docs/collapse.md), or it soon is so sure that G hears nothing
        d_optimizer.zero_grad()
        logits = discriminator(real)
        slopes, = mg.grad(logits.sum(), [real], create_graph=True)
        d_loss = (bce_with_logits(logits, 1) + bce_with_logits(discriminator(fake.detach()), 0)
                  + 0.05 * (slopes ** 2).sum() / len(slopes))
        d_loss.backward()
        d_optimizer.step()

        # the generator, through the discriminator as it is now: it wants to hear "one"
        g_optimizer.zero_grad()
        with nn.frozen(discriminator):
            g_loss = bce_with_logits(discriminator(fake), 1)
            g_loss.backward()
        g_optimizer.step()
        average.update()

    if (epoch + 1) % 10 == 0 or epoch + 1 == args.epochs:
        print(f"epoch {epoch + 1:3d}  D loss {d_loss.item():.3f}  G loss {g_loss.item():.3f}")

with mg.no_grad():
    viz.save_grid(args.out / "04_gan_loop.png", average.module(noise(64)).numpy())
print(f"samples in {args.out / '04_gan_loop.png'}")
