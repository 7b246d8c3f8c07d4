from __future__ import annotations

import json
from dataclasses import asdict, fields
from functools import partial

import numpy as np
import pytest

import minigan as mg
from minigan.data import Loader
from minigan.gan import (ACGAN, GMAN, MGAN, Config, GameError, InfoGAN, Options, Run,
                         SemiSupervisedGAN, System, Trainer, UnrolledGAN, d2gan, models, noise,
                         run)
from minigan.gan.update import RULES

RNG = np.random.default_rng
SHAPE, CLASSES = (8, 8, 1), 3
TINY = System("tiny", partial(models.digits, width=8), latent=5)
IMAGES = RNG(0).random((24, *SHAPE)).astype(np.float32)
LABELS = np.eye(CLASSES, dtype=np.float32)[np.arange(24) % CLASSES]

# a value of each field that is not its default, and what has to be there beside it
CHANGED = {
    "objective": "hinge", "penalty": ("r1:0.5", "l2"), "conditional": "projection",
    "codes": (3, 1), "labels": 6, "d2gan": True, "discriminators": 2, "mix": "worst",
    "generators": 2, "pack": 2, "unroll": 1, "label_smoothing": 0.1, "label_noise": 0.3,
    "instance_noise": 0.2, "diff_augment": True, "spectral_norm": True, "clip_weights": 0.01,
    "rule": "simultaneous", "d_steps": 2, "max_norm": 0.01,
}
BESIDE = {"mix": {"discriminators": 2}}


def built(options):
    return options.build(TINY, SHAPE, CLASSES, RNG(1))


def trained(options, steps=2):
    """The bits of all networks after so many steps, as `minigan train` makes them."""
    arrays = [IMAGES, LABELS] if options.conditional or options.labels else [IMAGES]
    trainer = Trainer(built(options), Loader(*arrays, batch_size=8), 1e-2, RULES[options.rule],
                      options.d_steps, max_norm=options.max_norm)
    trainer.run(steps)
    return {name: value.tobytes() for name, value in trainer.state_dict()["game"].items()}


@pytest.mark.parametrize("name", [f.name for f in fields(Options)])
def test_each_field_alone_changes_what_is_trained(name):
    beside = BESIDE.get(name, {})
    changed = {**beside, name: CHANGED[name]}
    assert trained(Options(**changed)) != trained(Options(**beside))


def test_without_options_the_networks_are_the_systems_own_bit_for_bit():
    game, (G, D) = built(Options()), TINY.build(shape=SHAPE, rng=RNG(1))
    own = [*G.named_state(), *D.named_state()]
    ours = [*game.generator.named_state(), *game.discriminator.named_state()]
    assert len(own) == len(ours)
    for (name, t), (expected, u) in zip(ours, own):
        assert name == expected and t.numpy().tobytes() == u.numpy().tobytes()


def test_options_of_the_step_leave_the_networks_what_they_are():
    plain = [p.numpy().tobytes() for p in built(Options()).parameters()]
    for name in ("objective", "penalty", "label_smoothing", "label_noise", "instance_noise",
                 "diff_augment", "clip_weights", "rule", "d_steps", "max_norm"):
        game = built(Options(**{name: CHANGED[name]}))
        assert [p.numpy().tobytes() for p in game.parameters()] == plain, name


@pytest.mark.parametrize("options, kind", [
    ({"conditional": "acgan"}, ACGAN), ({"codes": (4, 2)}, InfoGAN), ({"generators": 3}, MGAN),
    ({"labels": 5}, SemiSupervisedGAN), ({"discriminators": 3}, GMAN),
    ({"unroll": 2}, UnrolledGAN)])
def test_each_game_of_its_own_is_the_class_that_plays_it(options, kind):
    game = built(Options(**options, objective="wasserstein", penalty=("gradient:3",)))
    assert type(game) is kind and game.generator.latent == TINY.latent
    assert {p.weight for p in game.penalties} == {3}
    if kind is GMAN:
        assert all(g.penalties[0].weight == 3 for g in game.games)
        first, *others = [[p.numpy().tobytes() for p in g.discriminator.parameters()]
                          for g in game.games]
        assert all(other != first for other in others)  # each starts from weights of its own
    latent = game.latent(6, RNG(0), (noise.encoded(np.arange(6) % 3, 3),) if kind is ACGAN else ())
    assert game.generate(latent)[0].shape == (6, *SHAPE)


@pytest.mark.parametrize("options", [{"conditional": "concatenation"}, {"conditional": "acgan"},
                                     {"discriminators": 2}, {"generators": 2}, {"pack": 2},
                                     {"unroll": 1}, {"codes": (2, 0)}, {"labels": 3},
                                     {"d2gan": True}])
def test_spectral_norm_reaches_every_layer_of_every_discriminator(options):
    from minigan import nn

    D = built(Options(spectral_norm=True, **options)).discriminator
    wrapped = {id(m.layer) for m in D.modules() if isinstance(m, nn.SpectralNorm)}
    dense = [m for m in D.modules() if isinstance(m, nn.Dense)]
    assert dense and all(id(m) in wrapped for m in dense)


@pytest.mark.parametrize("options, says", [
    ({"objective": "least"}, "no objective 'least'; known are: minimax, nonsaturating"),
    ({"rule": "random"}, "no rule 'random'"),
    ({"mix": "median", "discriminators": 2}, "no mix 'median'"),
    ({"penalty": ("r3",)}, "no penalty 'r3'"),
    ({"penalty": ("r1:much",)}, "weight of penalty r1 is a number of at least 0, not 'much'"),
    ({"penalty": ("r1:-1",)}, "not '-1'"),
    ({"penalty": "r1"}, r"tuple of names, such as \('r1',\)"),
    ({"conditional": "label"}, "conditional is one of concatenation, projection, acgan"),
    ({"conditional": "acgan", "codes": (10, 0)}, "conditional and codes are games of their own"),
    ({"labels": 10, "d2gan": True}, "labels and d2gan are games of their own"),
    ({"d2gan": True, "objective": "hinge"}, "goes without objective and label_smoothing"),
    ({"d2gan": True, "label_smoothing": 0.1}, "goes without objective and label_smoothing"),
    ({"labels": 10, "pack": 2}, "pack goes without labels"),
    ({"labels": 1.5}, "labels is a whole number of at least 0, not 1.5"),
    ({"d2gan": 2}, "d2gan is true or false, not 2"),
    ({"generators": 2, "unroll": 3}, "generators and unroll are games of their own"),
    ({"pack": 2, "conditional": "projection"}, "pack goes without conditional"),
    ({"pack": 2, "generators": 2}, "pack goes without generators"),
    ({"instance_noise": 0.1, "diff_augment": True}, "choose one"),
    ({"mix": "worst"}, "mix worst is of .* several discriminators: set discriminators"),
    ({"discriminators": 0}, "discriminators is a whole number of at least 1, not 0"),
    ({"generators": 1.5}, "generators is a whole number of at least 1, not 1.5"),
    ({"unroll": -1}, "unroll is a whole number of at least 0, not -1"),
    ({"label_smoothing": 1}, "label_smoothing is a number of at least 0 and below 1, not 1"),
    ({"instance_noise": float("nan")}, "instance_noise is a number of at least 0, not nan"),
    ({"clip_weights": 0}, "clip_weights is a positive number or None, not 0"),
    ({"codes": (1, 0)}, "codes is None or a number of classes, at least 2"),
    ({"codes": (10,)}, "codes is None or a number of classes, at least 2"),
])
def test_unknown_names_and_what_does_not_go_together_are_refused_with_the_reason(options, says):
    with pytest.raises(GameError, match=says):
        Options(**options)


def test_d2gans_two_discriminators_are_what_the_function_of_this_name_makes():
    ours = built(Options(d2gan=True, penalty=("r1:3",)))
    D, other = [game.discriminator for game in ours.games]
    theirs = d2gan(ours.generator, D, other, penalties=ours.penalties)
    real, fake = (mg.tensor(IMAGES[:4]),), (mg.tensor(IMAGES[4:8]),)
    assert ours.penalties[0].weight == 3 / 2 and D is not other
    assert (ours.d_loss(real, fake, RNG(0)).loss.item()
            == theirs.d_loss(real, fake, RNG(0)).loss.item())
    assert ours.g_loss(real, fake, RNG(0)).item() == theirs.g_loss(real, fake, RNG(0)).item()


def test_penalties_of_weights_are_refused_where_weights_are_computed():
    with pytest.raises(GameError, match="weight_decay"):
        built(Options(unroll=1, penalty=("l2",)))


@pytest.mark.parametrize("options", [{}, {"discriminators": 2}, {"conditional": "projection"}])
def test_batch_norm_in_a_critic_with_a_penalty_of_slopes_is_refused(options):
    system = System("", models.digits_dcgan, 5)
    with pytest.raises(GameError, match="BatchNorm.*LayerNorm"):
        Options(penalty=("gradient",), **options).build(system, SHAPE, CLASSES, RNG(0))


@pytest.mark.parametrize("name", CHANGED)
def test_options_come_back_from_config_json(name, tmp_path):
    options = Options(**BESIDE.get(name, {}), **{name: CHANGED[name]})
    assert Options.of(json.loads(json.dumps(asdict(options)))) == options
    config = Config("digits", "digits", SHAPE, 3, 8, 1e-3, 0, 3, game=options, classes=10)
    Run.create(tmp_path / "run", config).write_config()
    again = Run.open(tmp_path / "run").config
    assert again.game == options and type(again.game.penalty) is tuple
    ours, theirs = config.build().state_dict(), again.build().state_dict()
    assert ours.keys() == theirs.keys()
    assert all((ours[k] == theirs[k]).all() for k in ours)


def test_advice_is_given_again_only_after_a_while_without_the_failure(tmp_path, monkeypatch):
    found = {10: "A", 20: "B", 30: "A", 40: None, 1020: "A", 1500: "B", 2020: "A"}
    monkeypatch.setattr(run, "advice", lambda history: found[history[-1]["step"]])
    config = Config("digits", "digits", SHAPE, 3, 8, 1e-3, 0, 3)
    said, watched = [], Run.create(tmp_path, config)
    watched.warn = said.append
    for step in found:
        watched._advise(step, {"step": step})
    assert said == ["step 10: A", "step 20: B", "step 1500: B", "step 2020: A"]


@pytest.mark.parametrize("game, batch, says", [
    (Options(pack=2), 9, "9 examples cannot be packed by 2: choose a batch size that is a multipl"),
    (Options(pack=8), 8, "16 at least"),
    (Options(generators=5), 8, "5 generators cannot share a batch of 8.*batch size of 10")])
def test_a_batch_that_the_game_cannot_share_out_is_refused(game, batch, says):
    config = Config("digits", "digits", SHAPE, 3, batch, 1e-3, 0, 3, game=game)
    with pytest.raises(GameError, match=says):
        config.build()
