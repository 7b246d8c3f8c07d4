"""Small networks and games that the tests of minigan.gan play."""
from __future__ import annotations

import numpy as np

import minigan as mg
from minigan import nn
from minigan.backend import asarray
from minigan.gan import models, update
from minigan.gan.unrolled import substituted


class Linear(nn.Module):
    """The critic x · w: its slope is w everywhere."""

    def __init__(self, weight):
        self.weight = nn.Parameter(asarray(np.reshape(weight, (-1, 1))))

    def forward(self, x):
        return x.reshape(len(x), -1) @ self.weight


class Quadratic(nn.Module):
    """The critic xᵀ A x / 2 + b · x with a symmetric A: its slope is A x + b."""

    def __init__(self, matrix, bias):
        self.matrix, self.bias = (nn.Parameter(asarray(np.array(a))) for a in (matrix, bias))

    def forward(self, x):
        return (x @ self.matrix * x).sum(axis=1) * 0.5 + x @ self.bias


def noisy(networks, seed=0, dtype=np.float64):
    """The networks with weights and biases that are all different from 0."""
    rng = np.random.default_rng(seed)
    for p in (p for network in networks for p in network.parameters()):
        p.data = asarray(p.numpy() + rng.normal(0, 0.3, p.shape).astype(np.float32))
    return [network.astype(dtype) for network in networks]


def networks(dtype=np.float64, examples=3, latent=2, seed=0, answers=None):
    """A generator of vectors and a discriminator; answers: how many numbers a second head has."""
    rng = np.random.default_rng(seed)
    generator = models.Generator(latent, nn.Dense(latent, 5, rng=rng), nn.Tanh(),
                                 nn.Dense(5, examples, rng=rng))
    return noisy([generator, discriminator(examples, rng)], seed, dtype)


def discriminator(examples=3, rng=None):
    return models.Discriminator(nn.Dense(examples, 6, rng=rng), nn.Tanh(),
                                nn.Dense(6, 1, rng=rng))


def players(game, lr=0.1, max_norm=None):
    return update.Players(game, mg.optim.SGD(game.discriminator.parameters(), lr),
                          mg.optim.SGD(game.generator.parameters(), lr), max_norm)


def play(game, rule=update.alternating, steps=3, d_steps=1, n=6, examples=(3,)):
    """What steps of a game make of all parameters, and the last step's result."""
    rng, team = np.random.default_rng(5), players(game)
    dtype = next(game.parameters()).dtype
    for _ in range(steps):
        reals = [(mg.tensor(rng.normal(size=(n, *examples)).astype(dtype)),)
                 for _ in range(d_steps)]
        latents = [game.latent(n, rng) for _ in range(d_steps)]
        result = rule(team, reals, latents, rng)
    return [p.numpy() for network in (game.generator, game.discriminator)
            for p in network.parameters()], result


def assert_same_bits(game, other, **options):
    (ours, result), (theirs, expected) = play(game, **options), play(other, **options)
    for a, b in zip((*ours, *[t.numpy() for t in result]),
                    (*theirs, *[t.numpy() for t in expected])):
        np.testing.assert_array_equal(a, b)
    assert any(np.abs(p).sum() > 0 for p in ours)


def by_weights(module, f):
    """f() as a function of the module's parameters, and their values."""
    names = [name for name, _ in module.named_parameters()]

    def of_weights(*weights):
        with substituted(module, dict(zip(names, weights))):
            return f()

    return of_weights, [p.numpy() for p in module.parameters()]


def batch(n=4, *shape, seed=0, dtype=np.float64):
    return mg.tensor(np.random.default_rng(seed).normal(size=(n, *(shape or (3,)))).astype(dtype))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


def log_softmax(x):
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))
