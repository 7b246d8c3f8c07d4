import numpy as np

import minigan as mg
from minigan import nn

rng = np.random.default_rng(0)
bce = mg.losses.bce_with_logits
points = mg.data.ring(1280, rng, std=0.1)        # eight clouds
loader = mg.data.Loader(points, batch_size=64, seed=0)


def hidden(inputs):
    return nn.Sequential(nn.Dense(inputs, 64, rng=rng), nn.LeakyReLU(0.2))


def network(inputs, outputs):
    return nn.Sequential(hidden(inputs), hidden(64), nn.Dense(64, outputs, rng=rng))


generator = network(2, 2)
discriminator = network(2, 1)
g_adam = mg.optim.Adam(generator.parameters(), lr=4e-3, betas=(0.0, 0.9))
d_adam = mg.optim.Adam(discriminator.parameters(), lr=1e-2, betas=(0.0, 0.9))


def train():
    epoch = 0
    while True:
        epoch += 1
        for real in loader:
            z = rng.standard_normal((64, 2), np.float32)
            fake = generator(z)

            d_loss = bce(discriminator(real), 1.0) + bce(discriminator(fake.detach()), 0.0)
            d_loss.backward()
            d_adam.step()
            d_adam.zero_grad()
            yield "D"                            # has made its step: the panel may look

            with nn.frozen(discriminator):
                g_loss = bce(discriminator(fake), 1.0)
            g_loss.backward()
            g_adam.step()
            g_adam.zero_grad()
            yield "G"
