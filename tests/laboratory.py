"""The laboratory with tiny networks."""
from __future__ import annotations

from dataclasses import replace

from minigan.gan.models import Pair
from minigan.lab import PLANE, Task
from minigan.lab.plane import discriminator, generator

PAIR = Pair(generator, discriminator, width=6)
PAIR.discriminator.keywords["waves"] = 5
TINY = replace(PLANE, networks=PAIR, latent=3, batch_size=8)


def task(data, method, seed=0, steps=4):
    return Task(data, method, seed, steps, TINY)
