"""Six games, trained in shards by however many ranks there are: rank 0 prints a digest of each.

    mpiexec -n 3 python -m tests.mpi.six_games STEPS SHARDS [GAME ...]

Games that are not among those named, if any are, make five steps only.
"""
from __future__ import annotations

import hashlib
import sys

import numpy as np

from minigan.data import Loader, digits
from minigan.gan import SYSTEMS, Options, Trainer, noise, sample
from minigan.ranks import world

IMAGES, LABELS = digits()
EARLY = 2, 5  # steps: two are made by Python, the next one is recorded, and two are replays
GAMES = {
    "plain": {},
    "wgan-gp": {"objective": "wasserstein", "penalty": ("gradient",), "d_steps": 2},
    "conditional": {"conditional": "projection"},
    "infogan": {"codes": (3, 1), "batch_norm": "shard"},
    "gman": {"discriminators": 2, "mix": "softmax", "spectral_norm": True},
    "diffaugment": {"diff_augment": True, "max_norm": 0.1},
}


def trainer(name: str, shards: int) -> Trainer:
    options = Options(shards=shards, width=4, **GAMES[name])
    system, rows = SYSTEMS["digits"], slice(96)
    game = options.build(system, (8, 8, 1), 10, np.random.default_rng(1))
    told = [make(LABELS[rows], 10, np.random.default_rng(2)) for make in options.conditions()]
    return options.trainer(game, system, Loader(IMAGES[rows], *told, batch_size=12, seed=3), 4)


def digest(trainer: Trainer) -> str:
    """Of weights, averages, the optimisers' state, and samples."""
    state, found = trainer.state_dict(), hashlib.sha256()
    for part in ("game", "average", "d_optimizer", "g_optimizer"):
        for name in state[part]:
            found.update(np.asarray(state[part][name]).tobytes())
    told = noise.encoded(np.arange(10), 10)
    conditions = (told,) if len(trainer.loader.arrays) > 1 else ()
    latent = trainer.game.latent(10, np.random.default_rng(5), conditions)
    found.update(sample(trainer.average.module, latent).tobytes())
    return found.hexdigest()[:16]


def digests(name: str, steps: int, shards: int) -> dict[str, str]:
    """Of a game trained so far, and after its first steps."""
    found, one = {}, trainer(name, shards)
    one.callbacks.append(lambda t, result: t.step in (*EARLY, steps) and found.setdefault(
        f"{name}-{t.step}", digest(t)))
    one.run(steps)
    return found


def main(steps: str, shards: str, *lasting: str) -> None:
    for name in GAMES:
        last = int(steps) if not lasting or name in lasting else EARLY[1]
        for what, found in digests(name, last, int(shards)).items():
            if world().rank == 0:
                print(what, found, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
