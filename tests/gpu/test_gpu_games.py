"""Twelve games, each with one option of its own, trained on the device: NumPy's numbers, and the
same bits whether the step is captured or not."""
from __future__ import annotations

import warnings

import numpy as np
import pytest

import minigan as mg
from minigan.data import Loader
from minigan.gan import Options, System, models
from tests.options import BESIDE, CHANGED

GAMES = ["objective", "penalty", "conditional", "codes", "labels", "d2gan", "discriminators",
         "generators", "pack", "diff_augment", "spectral_norm", "rule"]
TINY = System("tiny", models.Pair(models.digits_generator, models.digits.discriminator, width=8), 5)
IMAGES = np.random.default_rng(0).random((24, 8, 8, 1))
LABELS = np.eye(3)[np.arange(24) % 3]


def trained(name, steps, captured=True, nudge=0):
    """The networks' arrays after so many steps in float64, and whether the step was captured."""
    options = Options(**BESIDE.get(name, {}), **{name: CHANGED[name]})
    here, game = mg.backend.current().name, None
    mg.use("cpu")  # initial weights are float32, and some are computed
    game = options.build(TINY, IMAGES.shape[1:], 3, np.random.default_rng(1)).astype(np.float64)
    signs = np.random.default_rng(2)
    game.load_state_dict({key: x * (1 + nudge * signs.choice([-1, 1], x.shape)) if x.dtype.kind
                          == "f" else x for key, x in game.state_dict().items()})
    mg.use(here)
    game.to(here)
    arrays = [IMAGES, LABELS] if options.conditional or options.labels else [IMAGES]
    trainer = options.trainer(game, TINY, Loader(*arrays, batch_size=8))
    if not captured:
        trainer.captured = trainer._step
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        trainer.run(steps)
    return (trainer.state_dict()["game"],
            captured and not any("not captured" in str(w.message) for w in said))


def apart(a, b):
    """The largest difference, in parts of the larger number of the two, or of 1."""
    assert a.keys() == b.keys()
    return max(np.max(abs(a[k] - b[k]) / np.maximum(np.maximum(abs(a[k]), abs(b[k])), 1), initial=0)
               for k in a)


@pytest.mark.parametrize("name", GAMES)
def test_a_game_trains_to_numpys_numbers_captured_or_not(name, device):
    steps, unit = device.steps(50, 4), np.finfo(np.float64).eps
    mg.use("numpy")
    expected, _ = trained(name, steps)
    drift = max([apart(trained(name, steps, nudge=n * unit)[0], expected)
                 for n in (-1, 1) if device.is_gpu], default=0)  # little within a few steps
    device.use()
    eager, _ = trained(name, steps, captured=False)
    assert apart(eager, expected) <= max(10 * drift, 1e-7)
    replayed, was_captured = trained(name, steps)
    assert was_captured, "the step was not captured"
    # a vector times a vector is a sum of CuPy's own, but a product of cuBLAS's while recorded
    if device.is_cpu and name != "spectral_norm":
        assert all((replayed[k] == x).all() for k, x in eager.items())
    assert apart(replayed, expected) <= max(10 * drift, 1e-7)
