"""A batch in shards: what it must equal, and what it must not depend on."""
from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.data import Loader, digits
from minigan.errors import UserError
from minigan.gan import GAN, GameError, Options, Run, Trainer, models, noise, update
from minigan.gan.ranked import check_shared
from minigan.gan.sharded import ShardedPlayers
from minigan.ranks import Alone
from minigan.shards import Meeting, across, added, block, halves, whole_nodes
from tests.gan.small_games import noisy, players

IMAGES, _ = digits()


def normalised(seed=0):
    """Two networks in float64, each with a BatchNorm."""
    rng = np.random.default_rng(seed)
    return noisy([models.Generator(2, nn.Dense(2, 5, rng=rng), nn.BatchNorm(5), nn.Tanh(),
                                   nn.Dense(5, 3, rng=rng)),
                  models.Discriminator(nn.Dense(3, 6, rng=rng), nn.BatchNorm(6), nn.Tanh(),
                                       nn.Dense(6, 1, rng=rng))], seed)


def trainer(shards, batch_norm="whole", seed=0, make=models.digits, **options):
    g, d = make(width=8, latent=4, rng=np.random.default_rng(seed))
    return Trainer(GAN(g, d, **options), Loader(IMAGES[:120], batch_size=24, seed=seed), seed=seed,
                   shards=shards, batch_norm=batch_norm)


def bits(trainer):
    """Of all that was trained, a digest."""
    state, digest = trainer.state_dict(), hashlib.sha256()
    for part in ("game", "average", "d_optimizer", "g_optimizer"):
        for name in state[part]:
            digest.update(np.asarray(state[part][name]).tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("rule", [update.alternating, update.simultaneous, update.extragradient])
def test_shards_that_take_the_whole_batchs_statistics_move_as_the_whole_batch_does(rule):
    rng = np.random.default_rng(3)
    real, z = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    whole, other = (GAN(*normalised()) for _ in range(2))
    at_once, sharded = players(whole), ShardedPlayers(players(other), 3, "whole", Alone())
    parts = [[[(mg.tensor(x[i:i + 4]),) for i in (0, 4, 8)]] for x in (real, z)]
    sharded.rngs = [None] * 3
    for _ in range(2):
        expected = rule(at_once, [(mg.tensor(real),)], [(mg.tensor(z),)])
        result = rule(sharded, *parts)
        sharded.settle()
    for a, b in zip(expected[:4], result):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10)
    for (name, a), (_, b) in zip(whole.named_state(), other.named_state()):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-12, err_msg=name)


def test_statistics_of_each_shard_are_others_than_those_of_the_batch():
    made = {kind: trainer(3, kind) for kind in ("whole", "shard")}
    for each in made.values():
        each.run(2)
    assert bits(made["whole"]) != bits(made["shard"])


def test_what_is_kept_of_the_shards_statistics_is_their_mean():
    rng = np.random.default_rng(3)
    real, z = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    whole, other = (GAN(*normalised()) for _ in range(2))
    sharded = ShardedPlayers(players(other), 3, "shard", Alone())
    sharded.rngs = [None] * 3
    update.alternating(players(whole), [(mg.tensor(real),)], [(mg.tensor(z),)])
    update.alternating(sharded, *[[[(mg.tensor(x[i:i + 4]),) for i in (0, 4, 8)]]
                                  for x in (real, z)])
    sharded.settle()
    found = [[m.running_mean.numpy() for m in game.generator.modules()
              if isinstance(m, nn.BatchNorm)][0] for game in (whole, other, *sharded.games)]
    for each in found[1:]:  # shards are of one size: the mean of their means is the batch's
        np.testing.assert_allclose(each, found[0], rtol=1e-10)


@pytest.mark.parametrize("batch_norm", ["whole", "shard"])
def test_a_resumed_run_in_shards_ends_with_the_bits_of_an_uninterrupted_one(batch_norm):
    whole, first, second = (trainer(4, batch_norm) for _ in range(3))
    whole.run(5)
    first.run(2)
    second.load_state_dict(first.state_dict())
    second.run(5)
    assert bits(whole) == bits(second)


def test_each_shard_draws_noise_of_its_own():
    seen = []

    class Watched(GAN):
        def generate(self, latent):
            seen.append(latent[0].numpy())
            return super().generate(latent)

    g, d = models.digits(width=8, latent=4, rng=np.random.default_rng(0))
    one = Trainer(Watched(g, d), Loader(IMAGES[:120], batch_size=24), shards=4, batch_norm="shard")
    one.run(2)
    assert len(seen) == 8 and len({z.tobytes() for z in seen}) == 8


def test_dropout_and_spectral_norm_see_each_shard_alone(recwarn):
    def make(width, latent, rng):
        g, d = models.digits(width=width, latent=latent, rng=rng)
        d.body.layers.append(nn.Dropout(0.5, rng))
        return g, nn.norm.spectrally_normalised(d, rng)

    once, again = (trainer(4, make=make) for _ in range(2))
    once.run(4)
    again.run(2)
    third = trainer(4, make=make)
    third.load_state_dict(again.state_dict())
    third.run(4)
    assert bits(once) == bits(third) and not recwarn.list, "captured, and resumed"


def test_what_draws_from_its_trainers_draws_draws_for_each_shard_anew(recwarn):
    class Rough(nn.Module):
        def forward(self, x):
            return x + noise.fractions(x.shape, self.rng) * 0.1

    def rough():
        made = trainer(4)
        made.game.generator.body.layers.append(layer := Rough())
        layer.rng = made.draws
        return made

    once, again, third = rough(), rough(), rough()
    once.run(5)
    again.run(2)
    third.load_state_dict(again.state_dict())
    third.run(5)
    assert bits(once) == bits(third) and not recwarn.list


def test_a_batch_that_does_not_make_the_shards_is_refused():
    with pytest.raises(GameError, match="24 examples do not make 5 shards of two or more, all "
                                        "alike: choose a batch size that is a multiple of 5"):
        trainer(5).run(1)
    with pytest.raises(GameError, match="6 examples cannot be packed by 4"):
        Options(shards=4, pack=4).check_batch(24)
    with pytest.raises(GameError, match="give shards, too"):
        Options(batch_norm="shard")


def test_ranks_that_cannot_share_the_shards_are_told_what_to_do():
    ranks = Alone()
    for ranks.size, shards, says in ((2, 1, "begin a run with --shards 8"),
                                     (3, 2, "start 2 ranks at most")):
        with pytest.raises(UserError, match=says):
            check_shared(shards, ranks)
    ranks.size = 2
    check_shared(2, ranks)


def test_shards_that_go_different_ways_are_told_so():
    meeting = Meeting(lambda parts: Alone().total(parts, 2), 2)

    def met(rows):
        return across(mg.tensor(np.ones(2)), rows).numpy().tolist()

    assert meeting.run([lambda: met(3), lambda: met(3)]) == [[2, 2], [2, 2]]
    with pytest.raises(UserError, match="went different ways"):
        meeting.run([lambda: met(3), lambda: 0])
    with pytest.raises(UserError, match="different numbers of rows"):
        meeting.run([lambda: met(3), lambda: met(4)])
    with pytest.raises(ZeroDivisionError):
        meeting.run([lambda: met(3), lambda: 1 / 0])
    assert meeting.run([lambda: 1, lambda: 2]) == [1, 2]  # and it goes on


def test_a_sum_is_each_shards_own_to_write_to_and_the_longer_half_comes_first():
    meeting = Meeting(lambda parts: Alone().total(parts, 2), 2)

    def written(rise):
        y = across(mg.tensor(np.ones(2)), 3)
        y.data += rise
        return y, y.numpy().tolist()

    (_, first), (_, second) = meeting.run([lambda: written(1), lambda: written(10)])
    assert (first, second) == ([3, 3], [12, 12])
    assert halves((0, 3)) == ((0, 2), (2, 3))  # else older runs would go on to other bits


def test_without_greenlet_it_is_said_what_helps_before_anything_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr("minigan.shards.find_spec", lambda name: None)
    run = Run.new(tmp_path / "run", "digits", Options(shards=3), batch_size=12)
    with pytest.raises(UserError, match="pip install 'minigan.mpi.', or take each shard"):
        run.trainer()
    assert not (tmp_path / "run").exists()
    trainer(3, batch_norm="shard").run(1)


def test_each_shard_has_a_grad_mode_of_its_own_and_outside_it_stays_what_it_was():
    meeting, w = Meeting(lambda parts: Alone().total(parts, 2), 2), mg.tensor(1., True)

    def quiet():
        with mg.no_grad():
            across(mg.tensor(np.ones(2)), 1)
            return (w * 2).requires_grad

    def heard():
        across(mg.tensor(np.ones(2)), 1)
        return (w * 2).requires_grad

    def failing():
        raise ZeroDivisionError

    assert meeting.run([quiet, heard]) == [False, True]
    with mg.no_grad():
        assert meeting.run([quiet, heard]) == [False, False]
        with pytest.raises(ZeroDivisionError):
            meeting.run([heard, failing])
        assert not (w * 2).requires_grad
    with pytest.raises(ZeroDivisionError):
        meeting.run([quiet, failing])
    assert (w * 2).requires_grad


def test_a_network_in_shards_computes_as_ever_where_no_shards_meet():
    norm, x = nn.BatchNorm(3), mg.tensor(np.random.default_rng(0).normal(size=(4, 3)))
    before = norm.astype("float64")(x).numpy()
    trainer(3).run(1)
    np.testing.assert_array_equal(norm(x).numpy(), before)


def test_the_sum_of_the_shards_does_not_depend_on_who_has_them():
    for count, ranks in itertools.product(range(1, 12), range(1, 6)):
        parts = np.random.default_rng(count).normal(size=count).astype(np.float32)
        leaves = {(i, i + 1): part for i, part in enumerate(parts)}
        expected, known, seen = added((0, count), leaves), {}, []
        for rank in range(ranks):
            seen += (own := block(count, rank, ranks))
            mine = {(i, i + 1): parts[i] for i in own}
            known.update({node: added(node, mine) for node in whole_nodes((0, count), own)})
        assert seen == list(range(count))
        assert added((0, count), known) == expected == pytest.approx(parts.sum(), abs=1e-4)
