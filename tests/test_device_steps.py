"""A training step of each reference system as a GPU would see it, counted on the strict stand-in.

Kernels and products are launched by Python, each of which costs 10 to 20 µs however small it is:
small networks take as long as their launches. Waiting for the device costs more, and neither a
wait nor an upload can be part of a captured step.
"""
from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

import minigan as mg
from minigan.data import Loader
from minigan.gan import GAN, SYSTEMS, Trainer
from tests.cases import CASES
from tests.compiled import COMPILER
from tests.game import BATCH, SHAPE, Game
from tests.strict import counted

# Launches of a whole step: both updates, both optimisers, the moving average. These are exact.
# A change that lowers one is welcome: write the new number here, with the commit that brought it.
# Before a higher one is written here: which launches are new (the message lists them by name), are
# they worth about 15 µs each in every step, and could they be part of a kernel that is there?
LAUNCHES = {
    "digits": 106,
    "mlp": 113,
    "mlp-small": 94,
    "mlp-keras": 82,
    "dense-dcgan": 285,
    "dcgan": 172,
    "digits-dcgan": 172,
    "table": 106,
}
each_system = pytest.mark.parametrize("name", SYSTEMS)


WAITS = {"getitem by a mask"}  # for the device: how many there are decides the shape
compiled = pytest.mark.skipif(COMPILER is None, reason="without a C++ compiler the stand-in runs "
                              "the reference's kernels, whose launches are others")


@pytest.fixture
def device(strict):
    mg.use("strict")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_op_and_its_gradient_wait_for_nothing_and_upload_nothing(case, device):
    tensors = [mg.Tensor(mg.tensor(a).data, a.dtype.kind == "f") for a in case.typical.args]
    inputs = [t for t in tensors if t.requires_grad]
    with counted() as counts:
        result = case.f(*tensors, **case.typical.options)
        outputs = [t for t in (result if isinstance(result, (list, tuple)) else [result])
                   if t.requires_grad]
        # of an output's own values, so that no cotangent has to be uploaded
        first = mg.grad(outputs, inputs, [t.detach() for t in outputs], create_graph=True)
        mg.grad(first, inputs, [t.detach() for t in first], allow_unused=True)
    assert counts.uploads == 0, counts
    assert bool(counts.synchronisations) == (str(case) in WAITS), counts
    assert COMPILER is None or counts.nondeterministic == 0, counts


@cache
def counted_step(name):
    """The counts of the second step; the first one lays out memory."""
    game = Game(name)
    game.step(*game.batch())
    batch = game.batch()
    with counted() as counts:
        game.step(*batch)
    return counts


@each_system
def test_a_training_step_waits_for_nothing_uploads_nothing_and_is_deterministic(name, device):
    counts = counted_step(name)
    assert counts.synchronisations == counts.uploads == 0, f"{name}: {counts!r}"
    assert counts.nondeterministic == 0


@compiled
@each_system
def test_a_step_launches_as_much_as_the_table_says(name, device):
    counts = counted_step(name)
    assert counts.launches == LAUNCHES[name], (
        f"a step of {name} launches {counts.launches} times, the table says {LAUNCHES[name]}.\n"
        f"What was launched: {dict(counts.names.most_common())}.\n"
        "If that is meant, change LAUNCHES here, after reading what stands above it")


def test_the_table_of_launches_has_every_system():
    assert set(LAUNCHES) == set(SYSTEMS)


def test_reading_a_loss_waits_once_and_the_count_names_the_reader(device):
    game = Game("mlp-small")
    with counted() as counts:
        result = game.step(*game.batch())
        assert counts.synchronisations == 0
        result.d_loss.item()
    assert counts.synchronisations == 1
    assert re.search(r"autodiff.py:\d+ < \S*test_device_steps.py", counts.places[-1])


@compiled
def test_a_trainer_uploads_a_batch_and_its_noise_and_waits_for_nothing(device):
    game = Game("digits")
    images = np.random.default_rng(0).random((12, *SHAPE), np.float32)
    trainer = Trainer(GAN(*game.networks, noise=game.system.noise),
                      Loader(images, batch_size=BATCH))
    trainer.run(2)
    with counted() as counts:
        trainer.run(6)
    assert counts.synchronisations == 0, counts
    assert counts.uploads == 4 * 2, counts
    # the third step is recorded; a replay is one launch of a graph, after two inputs were copied
    assert counts.launches == LAUNCHES["digits"] + 4 * 2


@each_system
def test_three_steps_on_the_device_give_numpys_numbers(name, strict):
    states = []
    for library in ("numpy", "strict"):
        mg.use(library)
        game = Game(name, np.float64)
        for _ in range(3):
            game.step(*game.batch())
        states.append(game.state())
    for key, expected in states[0].items():
        # the gradient of a bias before BatchNorm is 0 but for rounding, which Adam enlarges
        np.testing.assert_allclose(states[1][key], expected, rtol=1e-9, atol=1e-9, err_msg=key)
