"""Runs that go on differently: at another rate, or as another run with their weights."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from minigan.cli import main
from minigan.errors import UserError
from minigan.files import read_arrays
from minigan.gan import Options, Run, RunError
from minigan.gan.config import FREE
from minigan.gan.config import SETTINGS
from minigan.viz import save_grid
from own_networks import train, trainer

pytestmark = pytest.mark.numpy_only("the folder is what is tested")


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Without curves, in a folder of its own."""
    monkeypatch.setattr(Run, "save_losses", lambda run: None)
    monkeypatch.chdir(tmp_path)


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
    for _ in 1, 2:  # a change is noted once, however often it is tried before the next save
        run = Run.of("run", trainer(lr=1e-4), 6)
        assert rates(run) == [1e-4, 1e-4] and len(run.config.changed) == 1
    run.trainer().run(6)
    assert Run.of("run", trainer(lr=1e-4), 8).config.changed == run.config.changed


EDITED = {"system": "mlp", "data": "stacked-digits", "shape": [4, 16, 1], "batch_size": 9,
          "seed": 1, "classes": 9, "program": {"kind": "GMAN"}, "weights_of": "another",
          "game": {"objective": "hinge"}, "columns": [{"name": "city", "texts": ["Oslo", "Rome"]}]}


SAID = {"game": "objective was ", "program": "kind was ", "columns": "columns are of a run of"}


@pytest.mark.parametrize("name", SETTINGS)
def test_an_edited_setting_is_obeyed_or_refused(name):
    run = Run.new("run", game=Options(), steps=2, batch_size=8)
    run.trainer().run(2)
    settings = json.loads(Path("run/config.json").read_text())
    assert name in FREE or settings[name] != EDITED[name]
    Path("run/config.json").write_text(json.dumps({**settings, name: EDITED.get(name, 7)}))
    if name not in FREE:
        with pytest.raises(UserError, match=SAID.get(name, f"{name} was ")):
            Run.open("run").trainer()


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
    assert "began with those of first, step 3" in Path("second/index.html").read_text("utf-8")
    assert alone.trainer().step == 2 and alone.config.game == Options(objective="hinge")
    assert Run.new("third", weights_of=first).config.game == Options(lr=1e-3)
    with pytest.raises(RunError, match="digits --pack 2, for it is of digits --lr"):
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
    new = Run.new("second", weights_of=first, batch_size=9)  # what was left is nobody's
    new.trainer()
    assert new.config.changed is None
    state = [read_arrays(Path(name, "state.safetensors"))[0] for name in ("first", "second")]
    assert all((state[0][key] == state[1][key]).all() for key in state[0] if "average" in key)


def test_weights_of_a_run_on_image_files_come_with_its_folder_and_their_size():
    Path("files").mkdir()
    for i in range(9):
        save_grid(f"files/{i}.png", np.full((1, 12, 8, 1), i / 9, np.float32), (0, 1), scale=1)
    first = Run.new("first", "digits", data="images", data_dir="files", size=(4, 8), channels=1,
                    steps=1, batch_size=8)
    first.trainer().run(1)
    run = Run.new("second", weights_of=first, steps=1)
    assert run.config.shape == (4, 8, 1) and run.config.data_dir == str(Path("files").resolve())
    run.trainer().run(1)
