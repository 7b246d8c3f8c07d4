"""Runs of networks that are nobody's but the user's, and runs that go on differently."""
from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from minigan import nn
from minigan.cli import main
from minigan.data import Loader, Scaled, digits
from minigan.errors import UserError
from minigan.gan import (GAN, BiGAN, Bidirectional, Classifier, GameError,
                         Options, Run, SemiSupervisedGAN, Trainer, evaluate, minimax,
                         neighbours, walk)
from minigan.gan import program
from minigan.gan.game import latent_of
from minigan.gan.penalties import r1
from minigan.optim import Adam
from own_networks import PAIR, bits, train, trainer
from tests.options import BESIDE, CHANGED

pytestmark = pytest.mark.numpy_only("the folder is what is tested")


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Without curves, in a folder with the user's files."""
    monkeypatch.setattr(Run, "save_losses", lambda run: None)
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(PAIR)
    Path("sizes.py").write_text("WIDTH = 6\n")


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
     "def pair(): return both", "same network twice"),
    (PAIR.replace("Reshape(*shape)", "Reshape(4, 16, 1)"), r"images of shape \(4, 16, 1\), and"),
    (PAIR.replace("WIDTH, 1,", "WIDTH, 2,"), r"makes \(2, 2\) of 2 images, and is to make a logit"),
    (PAIR.replace("nn.Flatten()", "nn.Reshape(63)"), "the discriminator does not take what it is"),
    (PAIR.replace("nn.Dense(WIDTH, pixels", "nn.Dense(5, pixels"), "the generator does not take"),
    ("import sizez", "No module named 'sizez'"),
    (PAIR.replace("latent=4", "latent=4.5"), "the default of latent in mine.py:pair is a whole"),
    (PAIR.replace("nn.Dense(WIDTH, 1, rng=rng)", "nn.Dense(WIDTH, 1, rng=rng), nn.Sigmoid()"),
     "ends in a Sigmoid, and is to give the number before it"),
    (PAIR + "G, D = pair((8, 8, 1), None)\ndef pair(rng): return nn.Sequential(*G.layers), D",
     "same network twice"), ("def pair(): raise SystemExit", "pair raised SystemExit")])
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
        plays.game.generator = nn.Sequential(nn.Dense(3, 64), nn.Reshape(8, 8, 1))
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


class Joined(nn.Module):
    """D of an image and a code."""

    def __init__(self):
        self.image, self.code = nn.Dense(64, 1), nn.Dense(3, 1)

    def forward(self, x, code):
        return self.image(x.reshape(len(x), 64)) + self.code(code)


def test_other_games_and_parameters_in_groups_are_trained_in_a_program_s_run():
    G, D = trainer().game.generator, trainer().game.discriminator
    labels = np.eye(10, dtype=np.float32)[digits()[1][:40]]
    bigan = BiGAN(Bidirectional(G, nn.Sequential(nn.Flatten(), nn.Dense(64, 3))), Joined())
    reads = SemiSupervisedGAN(G, Classifier(nn.Sequential(nn.Flatten(), nn.Dense(64, 10))))
    groups = Adam([{"params": [p], "lr": 1e-3 / n} for n, p in enumerate(D.parameters(), 1)])
    for name, game, beside, options in (("bigan", bigan, (), {}), ("reads", reads, (labels,), {}),
                                        ("groups", GAN(G, D), (), {"d_optimizer": groups})):
        plays = Trainer(game, Loader(digits()[0][:40], *beside, batch_size=8), **options)
        for steps in 1, 2:
            run = Run.of(name, plays, steps)
            run.trainer().run(steps)
        assert walk(run, frames=12, stops=2).exists() and evaluate(run, n=9, metrics=["coverage"])
    with pytest.raises(GameError, match="only a run of a conditional game"):  # G is not told
        Run.of("reads", Trainer(reads, Loader(digits()[0][:40], labels, batch_size=8)),
               2).samples(2, label=1)
    assert run.saved()["d_optimizer"]["lr"] == [1e-3, 1e-3 / 2, 1e-3 / 3, 1e-3 / 4]


def test_a_program_s_run_goes_on_with_its_own_images_and_game_alone():
    Run.of("run", trainer(), 2).trainer().run(2)
    images = digits()[0][:40]
    for says, change in (("images", {"loader": Loader(images[::-1], batch_size=8)}),
                         ("order", {"loader": Loader(images, batch_size=8, seed=1)}),
                         ("batch_size", {"loader": Loader(images, batch_size=4)}),
                         ("d_steps", {"d_steps": 2}), ("objective", {"objective": minimax})):
        plays = trainer()
        for name, value in change.items():
            setattr(plays if hasattr(plays, name) else plays.game, name, value)
        with pytest.raises(UserError, match=f"keeps its settings, and {says} was "):
            Run.of("run", plays, 4)
    settings = json.loads(Path("run/config.json").read_text())
    Path("run/config.json").write_text(json.dumps({**settings, "seed": 3}))
    with pytest.raises(UserError, match="seed was 3 when"):
        Run.of("run", trainer(), 4)
    with pytest.raises(UserError, match="that program"):
        Run.new("new", weights_of=Run.open("run"))


def test_images_and_networks_that_do_not_go_together_are_refused():
    images = digits()[0][:40]
    for wrong, says in ((255 * images, "are from 0 to 255: Scaled"),
                        (images * np.nan, "are from nan to nan"),
                        (2 * images - 1, "the generator ends in Sigmoid, whose pixels"),
                        (Locked(), "cannot be copied, .* cannot pickle")):
        plays = trainer()
        if isinstance(wrong, Locked):
            plays.game.discriminator = wrong
        else:
            plays.loader = Loader(wrong, batch_size=8)
        with pytest.raises(UserError, match=says):
            Run.of("run", plays, 2)


class Locked(nn.Module):
    def __init__(self):
        self.lock = threading.Lock()


def test_files_of_one_name_in_two_folders_are_two_systems(capsys):
    for name, width in (("a", 6), ("b", 9)):
        Path(name).mkdir()
        Path(name, "mine.py").write_text("\ufeff" + PAIR, "utf-8")  # as some editors begin
        Path(name, "sizes.py").write_text(f"WIDTH = {width}\n")
        run = Run.new(f"run-{name}", f"{name}/mine.py:pair", steps=1, batch_size=8)
        run.trainer().run(1)
        assert run.generator()[0].layers[0].weight.shape == (4, width)
    resume = ["train", "--resume", "--out", "run-a", "--device", "cpu"]
    assert main([*resume, "a/mine.py:pair", "--steps", "2"]) == 0
    assert main([*resume, "b/mine.py:pair", "--steps", "3"]) == 2
    assert "the system was mine.py:pair, not b/mine.py:pair" in capsys.readouterr().err
    assert train("b/mine.py:pair", "--from", "run-a", "--out", "new") == 2  # that file, not a copy
    assert "does not fit" in capsys.readouterr().err


def test_a_generator_of_one_s_own_that_is_told_a_class_is_exported():
    for name, options in (("told", {"conditional": "projection"}), ("codes", {"codes": (3, 0)})):
        Run.new(name, "mine.py:pair", Options(**options), steps=1, batch_size=8).trainer().run(1)
        assert main(["export", name, "--to", "torch"]) == 0


def test_a_file_whose_helper_was_missing_is_executed_again_when_it_is_there():
    Path("sizes.py").unlink()
    with pytest.raises(UserError, match="No module named 'sizes'"):
        Run.new("run", "mine.py:pair")
    Path("sizes.py").write_text("WIDTH = 5\n")
    Path("mine.py").touch()
    assert Run.new("run", "mine.py:pair").config.build().generator.layers[0].weight.shape == (4, 5)


def test_noise_is_100_numbers_long_unless_the_function_says_another():
    Path("mine.py").write_text(PAIR.replace("latent=4", "latent"))
    assert latent_of(Run.new("run", "mine.py:pair").config.build().generator) == 100


def test_a_part_of_a_game_has_the_same_words_in_every_process():
    assert "0x" not in program._words((r1(2), lambda x: x)) and program._words(minimax) == "minimax"
