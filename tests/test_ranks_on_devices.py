"""Ranks that have a device each: the same bits, by NCCL, within a captured step."""
from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import minigan as mg
from minigan import ranks
from minigan.backend import cuda
from minigan.data import Loader, digits
from minigan.errors import UserError
from minigan.gan import GAN, Trainer, models
from minigan.gan.sharded import ShardedPlayers, ShardedStep
from minigan.ranks import Alone, RankError
from tests import threads
from tests.strict import counted

IMAGES, _ = digits()
STEPS, SHARDS = 5, 3  # three steps in Python, and then two replays


@pytest.fixture
def crew(strict, monkeypatch):
    """Makes ranks that are threads, on devices."""
    mg.use("strict")
    monkeypatch.setattr(ranks, "LONG", 2000)  # bytes: gradients go in pieces, statistics do not
    for module in ("ranks", "wires"):
        monkeypatch.setattr(f"minigan.{module}.mpi", lambda: SimpleNamespace(
            BYTE=1, COMM_TYPE_SHARED=1))

    def make(size, devices=None):
        made = threads.Crew(size, devices)
        monkeypatch.setattr(strict.xp, "cuda", made.cuda, raising=False)
        return made

    return make


def trained(by, steps=STEPS, callback=None):
    """A trainer that has made its steps with these ranks."""
    g, d = models.digits(width=4, latent=4, rng=np.random.default_rng(0))
    trainer = Trainer(GAN(g, d, label_noise=0.2), Loader(IMAGES[:60], batch_size=12, seed=0),
                      shards=SHARDS)
    trainer.ranks, trainer.callbacks = by, [callback] if callback else []
    trainer.run(steps)
    return trainer


def bits(trainer):
    state = trainer.state_dict()
    return [np.asarray(state[part][name]).tobytes() for part in (
        "game", "average", "d_optimizer", "g_optimizer") for name in state[part]]


def test_any_number_of_devices_trains_in_captured_steps_to_the_bits_of_one(crew, monkeypatch):
    made, step = [], ShardedStep._step
    monkeypatch.setattr(ShardedStep, "_step", lambda *args: (made.append(1), step(*args))[1])
    alone = bits(trained(Alone()))
    assert len(made) == 3
    for size in (2, 3):
        made.clear()
        ranks_ = crew(size)
        trainers = ranks_.run(trained)
        assert [bits(trainer) == alone for trainer in trainers] == [True] * size
        assert len(made) == 3 * size and ranks_.captured > 10 * size


def test_a_step_on_devices_waits_for_none_of_them(crew):
    def waits(by):
        trainer = trained(by, 1)
        step = ShardedStep(trainer)
        batch = next(trainer.loader.forever())
        step.players.check_met = lambda: None
        step([(mg.Tensor(batch),)])
        with counted() as counts:
            step([(mg.Tensor(batch),)])
        return counts.synchronisations

    assert crew(2).run(waits) == [0, 0]


def test_ranks_that_share_a_device_go_through_host_memory_and_say_so(crew):
    alone, sharing = bits(trained(Alone(), 4)), crew(2, devices=1)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        trainers = sharing.run(lambda by: trained(by, 4))
    assert [bits(trainer) == alone for trainer in trainers] == [True, True]
    assert sharing.captured == 0
    assert ["2 ranks share 1 of them" in str(w.message) for w in heard] == [True]


def test_a_step_that_one_rank_alone_cannot_capture_ends_all(crew):
    def half(by):
        g, d = models.digits(width=4, latent=4, rng=np.random.default_rng(0))
        trainer = Trainer(GAN(g, d), Loader(IMAGES[:60], batch_size=12), shards=SHARDS)
        trainer.ranks = by
        update, weight = trainer.average.update, next(g.parameters())
        if by.rank == 1:
            trainer.average.update = lambda: (update(), float(weight.data.sum()))
        trainer.run(4)

    for error in crew(2).run(half):
        assert isinstance(error, RankError), error
        assert "captured on rank 0, and not on another" in str(error)


def test_what_one_rank_decides_by_has_all_of_them_record_the_step_anew(crew):
    mg.use("numpy")
    alone = bits(trained(Alone(), 9))

    def noted(by):
        return bits(trained(by, 9, lambda trainer, result: setattr(
            trainer.game, "noted", by.rank == 0 and trainer.step > 4)))

    assert [found == alone for found in crew(2).run(noted)] == [True, True]


def test_shards_of_different_rows_on_two_ranks_are_found_out(crew):
    def different(by):
        g, d = models.digits(width=4, latent=4, rng=np.random.default_rng(0))
        trainer = Trainer(GAN(g, d), Loader(IMAGES[:60], batch_size=12))
        players = ShardedPlayers(trainer.players, 2, "whole", by)
        for rows in (3, 4 + by.rank):
            players.meeting.met = [(16, rows)]
            players.check_met()

    for error in crew(2).run(different):
        assert isinstance(error, UserError) and "different numbers of rows" in str(error)


@pytest.mark.parametrize("told, taken", [({}, []), ({"MPI_LOCALRANKID": "3"}, [1]),
                                         ({"OMPI_COMM_WORLD_LOCAL_RANK": "1"}, [1])])
def test_a_rank_takes_the_device_of_its_number_on_its_machine(told, taken, monkeypatch):
    for name in cuda.LOCAL_RANK:
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    used = []
    cupy = SimpleNamespace(cuda=SimpleNamespace(
        runtime=SimpleNamespace(getDeviceCount=lambda: 2),
        Device=lambda number: SimpleNamespace(use=lambda: used.append(number))))
    cuda.take_device(cupy)
    assert used == taken
