"""The loop of the playground, as text: what the page shows, and what runs.

    PLAYERS  the networks, their optimisers and the noise
    LOSSES   by name: what D and G minimise
    PRICES   by name: what D pays for its slope
    GAME     the loop, as the chapter on the first GAN has it; it yields after each player's move
"""
from __future__ import annotations

from typing import NamedTuple

PLAYERS = '''\
import numpy as np
import minigan as mg

rng = np.random.default_rng({seed})      # all chance comes from here

def network(inputs, outputs, hidden):
    return mg.nn.Sequential(
        mg.nn.Dense(inputs, hidden, rng=rng), mg.nn.LeakyReLU(0.2),
        mg.nn.Dense(hidden, hidden, rng=rng), mg.nn.LeakyReLU(0.2),
        mg.nn.Dense(hidden, outputs, rng=rng))

def noise(n):
    return rng.standard_normal((n, {noise}), np.float32)

# noise → a point; a point → how real it is
generator = network({noise}, 2, hidden={g_hidden})
discriminator = network(2, 1, hidden={d_hidden})
g_adam = mg.optim.Adam(generator.parameters(), lr={lr},
                       betas=(0.0, 0.9))
d_adam = mg.optim.Adam(discriminator.parameters(), lr={lr},
                       betas=(0.0, 0.9))
'''


class Loss(NamedTuple):
    """A line before both functions, or none, the terms of D's, and G's."""

    before: str
    of_d: tuple[str, ...]
    of_g: str


BCE = "bce = mg.losses.bce_with_logits"
MSE = "mse = mg.losses.mse"
REAL, FAKE = "discriminator(real)", "discriminator(fake)"
LOSSES = {
    "non-saturating": Loss(BCE, (f"bce({REAL}, 1.0)", f"+ bce({FAKE}, 0.0)"), f"bce({FAKE}, 1.0)"),
    "minimax": Loss(BCE, (f"bce({REAL}, 1.0)", f"+ bce({FAKE}, 0.0)"), f"-bce({FAKE}, 0.0)"),
    "least squares": Loss(MSE, (f"mse({REAL}, 1.0)", f"+ mse({FAKE}, 0.0)"), f"mse({FAKE}, 1.0)"),
    "hinge": Loss("relu = mg.ops.relu", (f"relu(1 - {REAL}).mean()", f"+ relu(1 + {FAKE}).mean()"),
                  f"-{FAKE}.mean()"),
    "Wasserstein": Loss("", (f"{FAKE}.mean()", f"- {REAL}.mean()"), f"-{FAKE}.mean()"),
}

PRICES = {
    "free": "",
    "R1": '''\
def price(real, fake):    # R1: D is to be flat at real points
    x = mg.tensor(real, requires_grad=True)
    slope, = mg.grad(discriminator(x).sum(), x, create_graph=True)
    return 0.1 * (slope * slope).sum(axis=1).mean()
''',
    "gradient penalty": '''\
def price(real, fake):    # D's slopes on the way are to be 1
    share = rng.random((len(real), 1), np.float32)
    x = mg.tensor(real + share * (fake.numpy() - real), requires_grad=True)
    slope, = mg.grad(discriminator(x).sum(), x, create_graph=True)
    steep = mg.ops.sqrt((slope * slope).sum(axis=1))
    return 0.1 * ((steep - 1) ** 2).mean()
''',
}

GAME = '''\
def game():
    while True:
        real = data(128, rng)           # points of the picture
        fake = generator(noise(128))

        # the discriminator's move
        d_adam.zero_grad()
        loss = d_loss(real, fake.detach())
        loss.backward()
        d_adam.step()
        yield "D", loss                 # here the page may stop

        # the generator's move; D stays as it is
        with mg.nn.frozen(discriminator):
            g_adam.zero_grad()
            loss = g_loss(fake)
            loss.backward()
        g_adam.step()
        yield "G", loss                 # and here
'''


def text(loss: str = "non-saturating", price: str = "free", lr: float = 0.004,
         g_hidden: int = 32, d_hidden: int = 32, noise: int = 2, seed: int = 0) -> str:
    """The loop of these choices, a program. It expects data(n, rng), which gives n real points."""
    before, of_d, of_g = LOSSES[loss]
    of_d = "\n            ".join([*of_d, *["+ price(real, fake)"] * bool(PRICES[price])])
    players = PLAYERS.format(seed=seed, noise=noise, g_hidden=g_hidden, d_hidden=d_hidden, lr=lr)
    losses = [f"def d_loss(real, fake):\n    return ({of_d})\n",
              f"def g_loss(fake):\n    return {of_g}\n"]
    return "\n".join([players + before + "\n" * bool(before),
                      *filter(None, [PRICES[price]]), *losses, GAME])
