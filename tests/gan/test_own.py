"""Runs of networks that are nobody's but the user's, and runs that go on differently."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from minigan import nn
from minigan.cli import main
from minigan.data import Loader, Scaled, digits
from minigan.errors import UserError
from minigan.files import read_arrays
from minigan.gan import (GAN, ConditionalGenerator, GameError, Options, Run, RunError, Trainer,
                         models, neighbours, projection, walk)
from minigan.gan.config import FREE, RATES
from minigan.gan.fields import SETTINGS
from tests.options import BESIDE, CHANGED

pytestmark = pytest.mark.numpy_only("the folder is what is tested")

PAIR = """
from minigan import nn
from sizes import WIDTH

def pair(shape, rng, latent=4):
    pixels = shape[0] * shape[1] * shape[2]
    generator = nn.Sequential(nn.Dense(latent, WIDTH, rng=rng), nn.ReLU(),
                              nn.Dense(WIDTH, pixels, rng=rng), nn.Tanh(), nn.Reshape(*shape))
    return generator, nn.Sequential(nn.Flatten(), nn.Dense(pixels, WIDTH, rng=rng),
                                    nn.LeakyReLU(), nn.Dense(WIDTH, 1, rng=rng))
"""
TINY = ["--batch-size", "8", "--save-every", "2", "--device", "cpu"]


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Without curves; in a folder with the user's files."""
    monkeypatch.setattr(Run, "save_losses", lambda run: None)
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(PAIR)
    Path("sizes.py").write_text("WIDTH = 6\n")


def bits(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*")
            if p.is_file() and p.name != ".lock"}


def train(*words):
    return main(["train", *words, *TINY])


def trainer(lr=1e-3, conditional=False, **scaled):
    """Of a plain Sequential, or of networks that are told a class."""
    rng, (images, labels) = np.random.default_rng(0), digits()
    images = images[:40] if not scaled else Scaled(images[:40], **scaled)
    G = nn.Sequential(nn.Dense(3 + 10 * conditional, 64, rng=rng), nn.Sigmoid(),
                      nn.Reshape(8, 8, 1))
    D = models.Discriminator(nn.Flatten(), nn.Dense(64, 4, rng=rng), nn.ReLU(),
                             nn.Dense(4, 1, rng=rng))
    if conditional:
        G, D = ConditionalGenerator(G, 10), projection(D, 10, rng)
    beside = [np.eye(10, dtype=np.float32)[labels[:40]]] * conditional
    return Trainer(GAN(G, D), Loader(images, *beside, batch_size=8), lr=lr)


def test_networks_of_a_file_are_trained_asked_and_gone_on_with_when_the_file_has_changed(capsys):
    assert train("mine.py:pair", "--steps", "4", "--out", "whole") == 0
    assert train("mine.py:pair", "--steps", "2", "--out", "parts") == 0
    config = json.loads(Path("parts/config.json").read_text())
    assert (config["system"], config["source"]) == ("mine.py:pair", str(Path("mine.py").resolve()))
    assert Path("parts/networks.py").read_text() == PAIR
    run = Run.open("parts")
    assert run.config.value_range == (-1, 1) and run.generator()[0].layers[0].weight.shape == (4, 6)
    assert run.samples(3).shape == (3, 8, 8, 1)
    assert "has changed" not in capsys.readouterr().err
    Path("mine.py").write_text("nothing = 0\n")
    assert main(["train", "--resume", "--steps", "4", "--out", "parts", "--device", "cpu"]) == 0
    assert "(networks.py in its folder); it has changed" in capsys.readouterr().err
    ours, theirs = bits("parts"), bits("whole")
    for name in theirs.keys() - {"index.html", "config.json"}:
        assert ours[name] == theirs[name], name
    for words in (["sample", "parts", "--n", "2"], ["walk", "parts", "--frames", "6"],
                  ["export", "parts", "--to", "torch"], ["report", "parts"],
                  ["evaluate", "parts", "--n", "8", "--metrics", "coverage"]):
        assert main(words) == 0
    assert train("--from", "parts", "--objective", "hinge", "--steps", "2", "--out", "from") == 0
    assert Path("from/networks.py").read_text() == PAIR


@pytest.mark.parametrize("name", CHANGED.keys() - {"width"})
def test_networks_of_a_file_play_each_game(name):
    options = Options(**BESIDE.get(name, {}), **{name: CHANGED[name]})
    Run.new("run", "mine.py:pair", options, steps=1, batch_size=8).trainer().run(1)
    assert len(Run.open("run").samples(2)) == 2


@pytest.mark.parametrize("text, says", [
    ("par = 1", "mine.py has no 'pair': did you mean par?"),
    ("1 / 0", r"ZeroDivisionError.*mine.py:1"),
    ("pair = 3", "mine.py:pair is 3, and is to be a System, or a function"),
    ("def pair(depth): pass", "cannot be called without depth: give a default"),
    ("def pair(): return 1", "mine.py:pair returned 1, and is to return a generator and a discrim"),
    ("def pair():\n    return x", r"pair raised NameError: name 'x' is not defined \(mine.py:2\)"),
    ("from minigan.gan.models import *\nboth = mlp(shape=(8, 8, 1), latent=2)\n"
     "def pair(): return both", "same generator twice"),
    (PAIR.replace("Reshape(*shape)", "Reshape(4, 16, 1)"), r"images of shape \(4, 16, 1\), and"),
    (PAIR.replace("WIDTH, 1,", "WIDTH, 2,"), r"makes \(2, 2\) of 2 images, and is to make a logit"),
    (PAIR.replace("nn.Flatten()", "nn.Reshape(63)"), "the discriminator does not take what it is"),
    (PAIR.replace("nn.Dense(WIDTH, pixels", "nn.Dense(5, pixels"), "the generator does not take"),
    ("import sizez", "No module named 'sizez'")])
def test_what_is_wrong_with_a_file_of_networks_is_one_line_and_leaves_nothing(text, says, capsys):
    Path("mine.py").write_text(text + "\n")
    with pytest.raises(UserError, match=says):
        Run.new("run", "mine.py:pair", steps=1, batch_size=8).trainer()
    assert train("mine.py:pair", "--out", "run") == 2 and not Path("run").exists()
    assert "Traceback" not in capsys.readouterr().err


def test_a_function_that_takes_too_little_for_a_game_is_told_so():
    Path("mine.py").write_text(PAIR.replace("shape, rng, latent=4", "").replace(
        "    pixels", "    shape, rng, latent = (8, 8, 1), None, 4\n    pixels"))
    for options, says in ((Options(conditional="projection"), "takes no latent"),
                          (Options(width=9), "--width is given, and mine.py:pair takes no width"),
                          (Options(pack=2), "the discriminator does not take what it is given")):
        with pytest.raises(GameError, match=says):
            Run.new("run", "mine.py:pair", options, batch_size=8).trainer()
    for name, says in (("mine.py", "no system 'mine.py'"), ("min.py:pair", "did you mean mine.py"),
                       ("mine.py:pear", "did you mean pair")):
        with pytest.raises(UserError, match=says):
            Run.new("run", name)


@pytest.mark.parametrize("conditional", [False, True])
def test_a_program_trains_its_own_networks_in_a_folder_and_goes_on_there(conditional):
    whole = Run.of("whole", trainer(conditional=conditional), 4, save_every=2)
    whole.trainer().run(4)
    Run.of("parts", trainer(conditional=conditional), 2, save_every=2).trainer().run(2)
    again = Run.of("parts", trainer(conditional=conditional), 4, save_every=2)
    assert again.trainer().step == 2
    again.trainer().run(4)
    assert bits("parts") == bits("whole")
    samples = again.samples(5, label=7 if conditional else None)
    assert samples.shape == (5, 8, 8, 1) and not (samples == again.samples(5, step=2)).all()
    assert walk(again, frames=12).exists() and neighbours(again).training == 40
    assert again.data[0].shape == (40, 8, 8, 1) and (again.data[1] is not None) == conditional
    if not conditional:
        with pytest.raises(GameError, match="only a run of a conditional game"):
            again.samples(5, label=1)


def test_the_images_of_a_program_are_seen_in_the_range_that_its_loader_gives_them():
    rng = np.random.default_rng(0)
    bytes_ = rng.integers(0, 255, (9, 8, 8, 1), np.uint8)
    for images, value_range in ((Scaled(bytes_, (-1, 1)), (-1, 1)),
                                (rng.random((9, 8, 8, 1), np.float32) * 2 - 1, (-1, 1)),
                                (rng.random((9, 8, 8, 1), np.float32), (0, 1))):
        plays = trainer()
        plays.loader = Loader(images, batch_size=3)
        run = Run.of("run", plays, 2)
        assert run.config.value_range == value_range
        seen = Scaled(run.data[0])[:]
        assert 0 <= seen.min() < 0.1 and 0.9 < seen.max() <= 1


def test_what_a_program_cannot_train_in_a_folder_is_refused():
    Run.new("digits", steps=1, batch_size=8).trainer().run(1)
    for change, says in ((lambda t: t, "is a run of the system digits: Run.open"),
                         (lambda t: setattr(t, "loader", iter([])), "a Loader, .* not from"),
                         (lambda t: setattr(t, "loader", Loader(np.zeros((8, 64), np.float32),
                                                                batch_size=4)), "nn.Flatten"),
                         (lambda t: setattr(t, "loader", Loader(np.zeros((8, 8, 8, 1), np.uint8),
                                                                batch_size=4)), "Scaled bytes")):
        plays = trainer()
        change(plays)
        with pytest.raises(UserError, match=says):
            Run.of("digits", plays, 2)
    Run.of("run", trainer(), 2).trainer().run(2)
    for words in ("sample", "doctor", "evaluate", "walk", "neighbours"):
        assert main([words, "run"]) == 2
    assert main(["train", "--resume", "--out", "run"]) == 2
    assert main(["report", "run"]) == 0
    with pytest.raises(UserError, match=r"Run.of\(folder, trainer, steps\)"):
        Run.open("run").samples(1)


# Going on differently

def rates(run):
    return [optimizer.param_groups[0].lr for optimizer in run.trainer().players.optimizers]


def test_a_rate_that_is_another_is_the_rate_from_there_on_and_is_noted(capsys):
    assert train("--recipe", "as-written", "--steps", "2", "--out", "run") == 0
    for steps, words in ((4, ["--lr", "0.01"]), (4, ["--lr", "0.01"]), (6, ["--d-lr", "0.02"])):
        capsys.readouterr()
        assert main(["train", "--resume", "--out", "run", "--device", "cpu", "--steps", str(steps),
                     *words]) == 0
    assert "changed:       step 2: lr by default → 0.01; step 4: d_lr by default → 0.02" in (
        capsys.readouterr().err)
    settings = json.loads(Path("run/config.json").read_text())
    assert rates(Run.open("run")) == [0.02, 0.01]
    settings["game"]["lr"] = 0.03  # by hand
    Path("run/config.json").write_text(json.dumps(settings))
    run = Run.open("run")
    assert rates(run) == [0.02, 0.03] and run.config.changed[-1] == "step 6: lr 0.01 → 0.03"
    assert "step 6: lr 0.01" in main(["report", "run"]) * "" + Path("run/index.html").read_text()


def test_a_rate_that_a_program_changes_is_the_rate_from_there_on():
    Run.of("run", trainer(), 2).trainer().run(2)
    lower = Run.of("run", trainer(), 4).trainer()
    for group in lower._groups():
        group.lr = 1e-5  # by a callback, say
    lower.run(4)
    assert rates(Run.of("run", trainer(), 6)) == [1e-5, 1e-5]  # it goes on as it was
    assert rates(Run.of("run", trainer(lr=1e-4), 6)) == [1e-4, 1e-4]


EDITED = {"system": "mlp", "data": "stacked-digits", "shape": [4, 16, 1], "batch_size": 9,
          "seed": 1, "classes": 9, "weights_of": "another",
          "game": {"objective": "hinge"}}


@pytest.mark.parametrize("name", SETTINGS)
def test_an_edited_setting_is_obeyed_or_refused(name):
    run = Run.new("run", game=Options(), steps=2, batch_size=8)
    run.trainer().run(2)
    settings = json.loads(Path("run/config.json").read_text())
    assert name in FREE or settings[name] != EDITED[name]
    Path("run/config.json").write_text(json.dumps({**settings, name: EDITED.get(name, 7)}))
    if name not in FREE:
        with pytest.raises(UserError, match=f"{name.replace('game', 'objective')} was "):
            Run.open("run").trainer()
    assert RATES == {"lr", "d_lr"}


def test_a_run_begins_with_the_weights_of_another_in_a_game_of_its_own():
    first = Run.new("first", game=Options(lr=1e-3), steps=3, batch_size=8, seed=5)
    first.trainer().run(3)
    run = Run.new("second", game=Options(objective="hinge"), steps=2, weights_of=first)
    assert run.config.batch_size == 8 and run.config.weights_of == "first, step 3"
    plays = run.trainer()
    assert plays.step == 0 and plays.players.d_optimizer.steps == 0
    state, _ = read_arrays(Path("first/state.safetensors"))
    for name, array in plays.game.state_dict().items():
        assert (array == state[f"game.{name}"]).all()
    for name, array in plays.average.module.state_dict().items():
        assert (array == state[f"average.{name}"]).all()
    plays.run(2)
    alone = Run.open("second")
    assert alone.trainer().step == 2 and alone.config.game == Options(objective="hinge")
    assert Run.new("third", weights_of=first).config.game == Options(lr=1e-3)
    with pytest.raises(RunError, match="does not fit"):
        Run.new("fourth", game=Options(pack=2), weights_of=first).trainer()
    with pytest.raises(RunError, match="does not fit"):
        Run.new("fourth", "mlp-small", data="digits", weights_of=first).trainer()


def test_a_run_has_the_weights_of_another_before_it_has_settings(monkeypatch):
    first = Run.new("first", steps=1, batch_size=8)
    with pytest.raises(RunError, match="has saved no weights yet"):
        Run.new("second", weights_of=first)
    first.trainer().run(1)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(Run, "write_config", lambda *_: 1 / 0)
        Run.new("second", weights_of=first).trainer()
    assert not Path("second/config.json").exists()
    Run.new("second", weights_of=first).trainer()
    state = [read_arrays(Path(name, "state.safetensors"))[0] for name in ("first", "second")]
    assert all((state[0][key] == state[1][key]).all() for key in state[0] if "average" in key)
