from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import minigan as mg
from minigan.data import Loader
from minigan.errors import UserError
from minigan.gan import diagnostics
from minigan.gan import (ACGAN, GAN, GMAN, MGAN, Config, GameError, InfoGAN, Options, Run,
                         SemiSupervisedGAN, System, UnrolledGAN, d2gan, models, noise)
from minigan.gan.options import OPTIONS
from tests.options import BESIDE, CHANGED

RNG = np.random.default_rng
SHAPE, CLASSES = (8, 8, 1), 3
TINY = System("tiny", models.Pair(models.digits_generator, models.digits.discriminator, width=8), 5)
IMAGES = RNG(0).random((24, *SHAPE)).astype(np.float32)
LABELS = np.eye(CLASSES, dtype=np.float32)[np.arange(24) % CLASSES]


def built(options):
    return options.build(TINY, SHAPE, CLASSES, RNG(1))


def trained(options, steps=2):
    """The bits of all networks after so many steps, as `minigan train` makes them."""
    arrays = [IMAGES, LABELS] if options.conditional or options.labels else [IMAGES]
    trainer = options.trainer(built(options), TINY, Loader(*arrays, batch_size=8))
    trainer.run(steps)
    return {name: value.tobytes() for name, value in trainer.state_dict()["game"].items()}


def test_the_table_of_examples_has_every_option():
    assert CHANGED.keys() == {option.name for option in OPTIONS}


@pytest.mark.parametrize("name", CHANGED)
def test_each_field_alone_changes_what_is_trained(name):
    beside = BESIDE.get(name, {})
    changed = {**beside, name: CHANGED[name]}
    assert trained(Options(**changed)) != trained(Options(**beside))


def test_without_options_the_networks_are_the_systems_own_bit_for_bit():
    game, (G, D) = built(Options()), TINY.networks(SHAPE, TINY.latent, RNG(1))
    own = [*G.named_state(), *D.named_state()]
    ours = [*game.generator.named_state(), *game.discriminator.named_state()]
    assert len(own) == len(ours)
    for (name, t), (expected, u) in zip(ours, own):
        assert name == expected and t.numpy().tobytes() == u.numpy().tobytes()


def test_options_of_the_step_leave_the_networks_what_they_are():
    plain = [p.numpy().tobytes() for p in built(Options()).parameters()]
    for name in ("objective", "penalty", "label_smoothing", "label_noise", "instance_noise",
                 "diff_augment", "clip_weights", "rule", "d_steps", "max_norm", "lr", "d_lr"):
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
    ({"objective": "least"}, "no objective 'least'; there are minimax, nonsaturating"),
    ({"objective": "hingee"}, "no objective 'hingee': did you mean hinge.* There are minimax, "),
    ({"objectiv": "hinge"}, "no option 'objectiv': did you mean objective"),
    ({"rule": "random"}, "no rule 'random'"),
    ({"mix": "median", "discriminators": 2}, "no mix 'median'"),
    ({"penalty": ("r3",)}, "no penalty 'r3'"),
    ({"penalty": ("r1:much",)}, "penalty r1 is a number of at least 0, or two .*, not 'much'"),
    ({"penalty": ("r1:-1",)}, "not '-1'"),
    ({"penalty": ("r1:0.1:0.2",)}, "not '0.1:0.2'"),
    ({"penalty": ("r1:0.1:0",)}, "not '0.1:0'"), ({"penalty": (b"r1",)}, "there is no penalty"),
    ({"pack": 1.0}, "pack is a whole number"), ({"d_steps": np.ones(2)}, "d_steps is a whole"),
    ({"pack": 2, "codes": (3, 0)}, "pack goes without codes"),
    ({"penalty": "r1"}, r"penalty is a tuple, such as \('r1',\)"),
    ({"conditional": "label"}, "no way of conditioning 'label'; there are concatenation, proj"),
    ({"noise_until": 0.5}, "noise_until is of instance_noise, and does nothing without"),
    ({"d_steps": 2, "rule": "extragradient"}, "d_steps goes without rule"),
    ({"lr": 0}, "lr is a positive number, not 0"),
    ({"conditional": "acgan", "codes": (10, 0)}, "conditional and codes are games of their own"),
    ({"labels": 10, "d2gan": True}, "labels and d2gan are games of their own"),
    ({"d2gan": True, "objective": "hinge"}, "d2gan goes without objective"),
    ({"d2gan": True, "label_smoothing": 0.1}, "d2gan goes without label_smoothing"),
    ({"labels": 10, "pack": 2}, "pack goes without labels"),
    ({"labels": 1.5}, "labels is a whole number of at least 1, not 1.5"),
    ({"d2gan": 2}, "d2gan is true or false, not 2"),
    ({"generators": 2, "unroll": 3}, "generators and unroll are games of their own"),
    ({"pack": 2, "conditional": "projection"}, "pack goes without conditional"),
    ({"pack": 2, "generators": 2}, "pack goes without generators"),
    ({"instance_noise": 0.1, "diff_augment": True}, "noise goes without diff_augment: both are"),
    ({"mix": "worst"}, "mix is of discriminators, and does nothing without"),
    ({"discriminators": 0}, "discriminators is a whole number from 2 to 1000, not 0"),
    ({"generators": 1.5}, "generators is a whole number of at least 2, not 1.5"),
    ({"unroll": -1}, "unroll is a whole number of at least 1, not -1"),
    ({"label_smoothing": 1}, "label_smoothing is a number of at least 0 and below 1, not 1"),
    ({"instance_noise": float("nan")}, "instance_noise is a positive number, not nan"),
    ({"clip_weights": 0}, "clip_weights is a positive number, not 0"),
    ({"codes": (1, 0)}, "codes is a number of classes, at least 2"),
    ({"codes": (10,)}, "codes is a number of classes, at least 2"),
])
def test_unknown_names_and_what_does_not_go_together_are_refused_with_the_reason(options, says):
    with pytest.raises(UserError, match=says):
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
    assert Options.of(json.loads(json.dumps(vars(options)))) == options
    config = Config("digits", "digits", SHAPE, 3, 8, 0, 3, game=options, classes=10)
    Run.create(tmp_path / "run", config).write_config()
    again = Run.open(tmp_path / "run").config
    assert again.game == options and type(again.game.penalty) is tuple
    ours, theirs = config.build().state_dict(), again.build().state_dict()
    assert ours.keys() == theirs.keys()
    assert all((ours[k] == theirs[k]).all() for k in ours)


def test_advice_is_given_again_only_after_a_while_without_the_failure(tmp_path, monkeypatch):
    found = {10: "A", 20: "B", 30: "A", 40: None, 1020: "A", 1500: "B", 2020: "A"}
    monkeypatch.setattr(diagnostics, "advice", lambda history: found[history[-1]["step"]])
    config = Config("digits", "digits", SHAPE, 3, 8, 0, 3)
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
    config = Config("digits", "digits", SHAPE, 3, batch, 0, 3, game=game)
    with pytest.raises(GameError, match=says):
        config.build()


@pytest.mark.parametrize("options, shape, classes, says", [
    (Options(diff_augment=True), (2,), 0, "diff_augment is for images, not for examples of shape"),
    (Options(conditional="acgan"), SHAPE, 0, "conditional needs classes, and these data have none"),
    (Options(labels=3), SHAPE, 0, "labels needs classes")])
def test_data_that_an_option_is_not_for_are_refused(options, shape, classes, says):
    with pytest.raises(GameError, match=says):
        options.build(TINY, shape, classes, RNG(0))


@pytest.mark.parametrize("options, name", [
    (Options(), "nonsaturating"),
    (Options(objective="hinge", penalty=("r1:0.5", "l2"), pack=2), "hinge+r1=0.5+l2+pack=2"),
    (Options(penalty=("r1:0.1:0.003",), d2gan=False), "nonsaturating+r1=0.1=0.003"),
    (Options(codes=(10, 2), spectral_norm=True), "nonsaturating+spectral-norm+codes=10,2"),
    (Options(objective="wasserstein", rule="extragradient"), "wasserstein+rule=extragradient")])
def test_options_have_a_name_that_says_them_and_a_text_too(options, name):
    assert options.name == name
    assert eval(repr(options)) == options and replace(options, max_norm=3) != options


def test_a_penalty_and_noise_fade_as_the_training_goes_on():
    game = built(Options(penalty=("r1:0.1:0.003", "l2"), discriminators=2, instance_noise=0.5,
                         noise_until=0.5))
    weights, noises = [], []
    for done in (0, 0.25, 0.35, 0.5, 0.7, 1):
        game.anneal(done)
        for each in game.games:
            fading, constant = each.penalties
            assert constant.left == 1
        weights.append(fading.weight * fading.left * 2)  # R1's is γ / 2
        noises.append(each.augment.std * each.augment.left)
    np.testing.assert_allclose([weights[i] for i in (0, 2, 4, 5)],
                               [0.1, np.sqrt(0.1 * 3e-3), 3e-3, 3e-3])
    assert noises == [0.5, 0.25, 0.5 * (1 - 0.35 / 0.5), 0, 0, 0]


def test_a_fading_penalty_weighs_what_one_of_that_weight_does():
    game, plain = (built(Options(penalty=(text,))) for text in ("r1:0.1:0.025", "r1:0.05"))
    game.anneal(0.35)  # half of the way in the logarithm
    real, fake = (mg.tensor(IMAGES[:4]),), (mg.tensor(IMAGES[4:8]),)
    ours, theirs = (g.d_loss(real, fake, RNG(0)).loss.item() for g in (game, plain))
    assert ours == pytest.approx(theirs, rel=1e-6)
    game.anneal(1)
    assert game.d_loss(real, fake, RNG(0)).loss.item() < theirs


def test_games_of_other_penalties_fade_each():
    options = Options(penalty=("r1:0.1:0.003",))
    G, first = TINY.networks(SHAPE, 5, RNG(0))
    _, second = TINY.networks(SHAPE, 5, RNG(0))
    games = [GAN(G, D, penalties=built(options).penalties) for D in (first, second)]
    GMAN(games).anneal(1)
    assert [game.penalties[0].left for game in games] == [0.03, 0.03]


def test_penalties_are_values_and_a_consistencys_noise_fades_with_it():
    from minigan.gan.augment import InstanceNoise
    from minigan.gan.penalties import Consistency, r1

    assert r1(2) == r1(2) != r1(1) and hash(r1(2)) == hash(r1(2))
    noise_ = InstanceNoise(0.5, until=0.5)
    Consistency(1, noise_).anneal(0.25)
    assert noise_.left == 0.5


@pytest.mark.numpy_only("it takes the stand-in itself")
def test_a_replay_weighs_a_fading_penalty_as_it_is_now(strict):
    mg.use("strict")
    states = []
    for captured in (True, False):
        game = built(Options(penalty=("r1:10:0.001",), instance_noise=0.5, noise_until=0.9))
        trainer = Options().trainer(game, TINY, Loader(IMAGES, batch_size=8))
        if not captured:
            trainer.captured = trainer._step
        trainer.run(7)
        states.append({k: v.tobytes() for k, v in trainer.state_dict()["game"].items()})
    assert states[0] == states[1]
