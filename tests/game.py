"""A reference system in training, small enough for tests that train one on every array library."""
from __future__ import annotations

import numpy as np

import minigan as mg
from minigan.gan import SYSTEMS, train_step

BATCH, SHAPE = 4, (8, 8, 1)
SMALL = {name: {"width": 16}  # as many launches as at full width
         for name in ("mlp", "mlp-keras", "dcgan")}


class Game:
    """A system with all that a step takes, on the default backend; `step(real, z)` is one."""

    def __init__(self, name, dtype=np.float32):
        self.system, self.dtype, self.rng = SYSTEMS[name], dtype, np.random.default_rng(0)
        self.networks = self.system.networks(shape=SHAPE, rng=self.rng, **SMALL.get(name, {}))
        for network in self.networks:
            network.astype(dtype)
        self.optimizers = [mg.optim.Adam(n.parameters(), self.system.lr) for n in self.networks]
        self.average = mg.optim.EMA(self.networks[0])

    def batch(self):
        real = mg.tensor(self.rng.random((BATCH, *SHAPE)).astype(self.dtype))
        return real, self.system.noise(BATCH, self.networks[0].latent, self.rng).astype(self.dtype)

    def step(self, real, z):
        result = train_step(*self.networks, *self.optimizers, real, z)
        self.average.update()
        return result

    def state(self):
        return {f"{i}.{name}": array for i, network in enumerate([*self.networks,
                                                                  self.average.module])
                for name, array in network.state_dict().items()}
