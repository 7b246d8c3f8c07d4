"""A run folder from Python: new, continued, and what is wrong with it."""
from __future__ import annotations

import json
import math
import os
import platform
import shutil
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from minigan import files, locks
from minigan.cli import main
from minigan.errors import UserError
from minigan.files import read_arrays, write_arrays
from minigan.gan import SYSTEMS, Config, Options, Run, RunError
from minigan.gan import folder
from minigan.gan import run as run_module
from minigan.gan.diagnostics import explain
from minigan.viz import grid

pytestmark = pytest.mark.numpy_only("the folder is what is tested")


@pytest.fixture(autouse=True)
def no_curves(monkeypatch):
    monkeypatch.setattr(Run, "save_losses", lambda run: None)


def bits(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


@pytest.mark.parametrize("game", [Options(), Options(penalty=("r1:1:0.1",), lr=1e-3),
                                  Options(labels=20, instance_noise=0.3, noise_until=0.8)])
def test_python_and_the_command_train_the_same_run(game, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    run = Run.new(ours, game=game, steps=4, batch_size=8, save_every=2)
    assert not ours.exists()
    trainer = run.trainer()
    assert (ours / "config.json").exists()
    trainer.run(4)
    words = {"penalty": "--penalty r1:1:0.1", "lr": "--lr 1e-3", "labels": "--labels 20",
             "instance_noise": "--instance-noise 0.3", "noise_until": "--noise-until 0.8"}
    given = " ".join(words[name] for name in game.given()).split()
    assert main(["train", "--recipe", "as-written", "--steps", "4", "--batch-size", "8",
                 "--save-every", "2", "--device", "cpu", "--out", str(theirs), *given]) == 0
    assert bits(ours) == bits(theirs)


def test_a_run_goes_on_from_where_it_was_with_the_bits_of_an_uninterrupted_one(tmp_path):
    game = Options(penalty=("r1:1:0.1",))
    whole = Run.new(tmp_path / "whole", game=game, steps=6, batch_size=8, save_every=2)
    whole.trainer().run(6)
    first = Run.new(tmp_path / "first", game=game, steps=6, batch_size=8, save_every=2).trainer()
    first.callbacks.append(lambda trainer, result: setattr(trainer, "stop", trainer.step == 3))
    first.run(6)
    again = Run.open(str(tmp_path / "first")).trainer()  # a text will do
    assert again.step == 2  # the last save
    again.run(6)
    assert bits(tmp_path / "first") == bits(tmp_path / "whole")


@pytest.mark.parametrize("game", [Options(), Options(labels=20, instance_noise=0.3)])
@pytest.mark.parametrize("file", ["config.json", "state.safetensors", "weights"])
def test_a_run_that_was_killed_before_its_first_save_begins_again(file, game, tmp_path,
                                                                  monkeypatch):
    def run(name):
        return Run.new(tmp_path / name, game=game, steps=4, batch_size=8, save_every=2)

    class Killed(BaseException):
        pass

    def killed(path, *args):
        if file in str(path):
            raise Killed
        return replacing(path)

    run("whole").trainer().run(4)
    replacing = files.replacing
    for module in files, folder, grid:
        monkeypatch.setattr(module, "replacing", killed)
    with pytest.raises(Killed):
        run("parts").trainer().run(4)
    monkeypatch.undo()
    monkeypatch.setattr(Run, "save_losses", lambda run: None)
    parts = Run.open(tmp_path / "parts") if file == "weights" else run("parts")
    trainer = parts.trainer()
    assert trainer.step == 0
    trainer.run(4)
    assert bits(tmp_path / "parts") == bits(tmp_path / "whole")


def test_the_state_takes_its_name_when_all_that_it_speaks_of_is_on_the_disk(tmp_path, monkeypatch):
    trainer, order = Run.new(tmp_path, steps=2, batch_size=8, save_every=2).trainer(), []
    replace, flush = os.replace, run_module.flush
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(b.name), replace(a, b)))
    monkeypatch.setattr(run_module, "flush", lambda path: (order.append(path.name), flush(path)))
    trainer.run(2)
    assert order == ["step-000001.png", "index.html", "step-000002.safetensors", "step-000002.png",
                     "metrics.jsonl", "index.html", "state.safetensors"]


def test_what_is_left_where_a_run_was_killed_before_its_settings_is_no_run(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / f".{10 ** 30}@{platform.node()}@config.json").touch()
    run = Run.new(tmp_path, steps=2, batch_size=8)
    run.trainer()
    run.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "state.safetensors"]


def test_a_folder_that_another_process_has_taken_is_left_alone(tmp_path):
    run = Run.new(tmp_path / "run", steps=2, batch_size=8)
    again = Run.new(tmp_path / "run", steps=2, batch_size=8)  # at the same time
    run.trainer()
    before = bits(run.folder)
    with pytest.raises(RunError, match="exists already"):
        again.trainer()
    run.close()
    other = locks.Lock(run.folder)  # as another process would take it
    with pytest.raises(RunError, match=rf"^process {os.getpid()} on .* trains in .*run: wait"):
        Run.open(run.folder).trainer()
    other.release()
    assert bits(run.folder) == before
    Run.open(run.folder).trainer()


def test_more_steps_than_before_are_written_down_and_saved_at_their_end(tmp_path):
    run = Run.new(tmp_path / "run", steps=2, batch_size=8)
    run.trainer().run(2)
    again = Run.open(tmp_path / "run")
    again.trainer().run(5)
    assert again.saved_steps()[-1] == 5 and Run.open(tmp_path / "run").config.steps == 5


def test_a_system_with_a_schedule_and_betas_is_played_with_them(tmp_path, monkeypatch):
    system = replace(SYSTEMS["digits"], betas=(0.0, 0.9), lr=1e-3, recipe={},
                     schedule=lambda step, steps: 1 - step / steps)
    monkeypatch.setitem(SYSTEMS, "digits", system)
    trainer = Run.new(tmp_path / "run", steps=4, batch_size=8, save_every=2).trainer()
    seen = []
    trainer.callbacks.append(lambda trainer, _: seen.append(trainer.players.g_optimizer.lr))
    trainer.run(2)
    Run.open(tmp_path / "run").trainer()
    trainer.run(4)
    assert seen == [1e-3, 7.5e-4, 5e-4, 2.5e-4]
    assert trainer.players.d_optimizer.betas == (0.0, 0.9)


@pytest.mark.parametrize("words, says", [
    ({"system": "mlpp"}, "no system 'mlpp': did you mean mlp"),
    ({"data": "digit"}, "no data set 'digit': did you mean digits"),
    ({"size": (8, 8)}, "for image files .--data images., not for digits"),
    ({"data_dir": "mine"}, "the digits come with minigan and are read from no folder"),
    ({"game": "hinge"}, "a run's game is Options"), ({"seed": -1}, "seed is a whole number"),
    ({"batch_size": "64"}, "batch_size is a whole number of at least 2, not '64'"),
    ({"steps": 0}, "steps is a whole number of at least 1, not 0"),
    ({"save_every": 0}, "save_every is a whole number"),
    ({"batch_size": 5000}, "more than the 1797 images"), ({"steps": -1}, "steps is a whole number"),
    ({"game": Options(pack=3), "batch_size": 8}, "cannot be packed by 3")])
def test_what_no_run_can_be_is_refused_before_anything_is_written(words, says, tmp_path):
    with pytest.raises(UserError, match=says):
        Run.new(tmp_path / "run", **words)
    assert not (tmp_path / "run").exists()


def test_settings_of_older_versions_are_read(tmp_path):
    old = {"system": "digits", "data": "digits", "shape": [8, 8, 1], "steps": 3, "batch_size": 8,
           "lr": 5e-4, "seed": 0, "save_every": 3, "data_dir": None, "d_lr": None, "classes": 10,
           "game": {"objective": "hinge", "penalty": ["r1:0.5"], "conditional": None, "unroll": 0,
                    "instance_noise": 0, "mix": "mean", "discriminators": 1}}
    (tmp_path / "config.json").write_text(json.dumps(old))
    config = Run.open(tmp_path).config
    assert config.game == Options(objective="hinge", penalty=("r1:0.5",), lr=5e-4)
    assert Config.of(json.loads(json.dumps(config.as_json()))) == replace(config, shape=[8, 8, 1])


def test_where_a_run_diverged_is_found_again_from_its_last_save(tmp_path):
    run = Run.new(tmp_path / "run", game=Options(lr=1e30), steps=3, batch_size=8, save_every=3)
    trainer = run.trainer()
    with np.errstate(all="ignore"), pytest.raises(RunError, match="diverged at step 1"):
        trainer.run(3)
    assert "Affine, forward, in discriminator.body.layers" in run.explain(trainer.step)


def test_a_replay_and_pieces_fade_over_as_many_steps_as_the_run(tmp_path):
    run = Run.new(tmp_path / "run", game=Options(penalty=("r1:1:0.01",)), steps=9, batch_size=8,
                  save_every=9)
    seen = []

    def watched():
        trainer = Run._trainer(run)
        trainer.game.anneal = lambda done: seen.append(done)
        return trainer

    trainer = watched()
    trainer.run(2)
    trainer.run(3)
    explain(watched(), None, 3)
    assert seen == [0, 1 / 9, 2 / 9] * 2


def test_the_last_step_that_is_asked_for_is_saved(tmp_path):
    run = Run.new(tmp_path / "run", steps=9, batch_size=8, save_every=5)
    run.trainer().run(2)
    assert run.saved_steps() == [2] and Run.open(run.folder).config.steps == 9


def test_an_explanation_begins_at_the_last_save(tmp_path):
    run = Run.new(tmp_path / "run", steps=4, batch_size=8, save_every=2)
    run.trainer().run(2)
    weight = "game.discriminator.body.layers.1.weight"
    arrays, rest = read_arrays(run.folder / "state.safetensors")
    arrays[weight] = np.full_like(arrays[weight], np.inf)
    write_arrays(run.folder / "state.safetensors", arrays, rest)
    assert "step 3 made the first number that is not finite" in run.explain(4)


def test_labels_that_the_run_does_not_know_are_told(tmp_path):
    run = Run.new(tmp_path / "run", game=Options(labels=20), steps=2, batch_size=8)
    run.config.classes = 5
    with pytest.raises(UserError, match="digits has a class 9, but the run is one of 5 classes"):
        run.trainer()


def test_a_system_plays_with_its_own_noise(tmp_path):
    from minigan.gan import noise

    run = Run.new(tmp_path / "run", "mlp-small", data="digits", steps=2, batch_size=8)
    assert run.config.build().noise is noise.uniform


def test_a_weight_of_nothing_that_older_versions_took_is_read(tmp_path):
    run = Run.new(tmp_path / "run", game=Options(penalty=("r1:0",)), steps=2, batch_size=8)
    run.trainer()
    assert Run.open(run.folder).config.game.penalty == ("r1:0",)


def test_rows_of_metrics_after_the_last_save_are_made_anew(tmp_path):
    run = Run.new(tmp_path / "run", steps=20, batch_size=8, save_every=5)
    run.trainer().run(5)
    file = run.folder / "metrics.jsonl"
    row = json.loads(file.read_text())
    file.write_text(file.read_text() + json.dumps({**row, "step": 10}) + "\n")  # of a lost step
    again = Run.open(run.folder)
    again.trainer().run(20)
    assert [row["step"] for row in again.metrics()] == [1, 10, 20]


@pytest.mark.parametrize("game", [Options(), Options(labels=20), Options(codes=(10, 0))])
def test_a_class_is_asked_of_a_generator_that_is_told_one_only(game, tmp_path):
    config = Run.new(tmp_path / "run", game=game, steps=2, batch_size=8).config
    with pytest.raises(UserError, match="only a run of a conditional game has classes"):
        config.latent(config.build(), 4, 0, label=3)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run of two steps that was saved."""
    folder = tmp_path_factory.mktemp("saved") / "run"
    run = Run.new(folder, game=Options(conditional="projection"), steps=2, batch_size=8,
                  save_every=2)
    run.save_losses = lambda: None
    run.trainer().run(2)
    return folder


def changed(folder, to, **settings):
    """A copy of a run, of other settings; of an older run, which does not say what they were."""
    shutil.copytree(folder, to)
    arrays, rest = read_arrays(to / "state.safetensors")
    rest = {name: value for name, value in json.loads(rest).items() if name != "run.settings"}
    write_arrays(to / "state.safetensors", arrays, json.dumps(rest))
    config = json.loads((to / "config.json").read_text())
    (to / "config.json").write_text(json.dumps({**config, **settings}))
    return Run.open(to)


@pytest.mark.parametrize("settings", [
    {"shape": [10 ** 5, 10 ** 5, 3]}, {"classes": 10 ** 9}, {"system": "mlp-keras"},
    {"game": {"generators": 1000}, "batch_size": 2000}, {"game": {"codes": [10 ** 9, 10 ** 9]}},
    {"game": {"discriminators": 1000}}])
def test_damaged_settings_are_refused_before_they_take_memory(settings, saved, tmp_path):
    run = changed(saved, tmp_path / "run", **settings)
    tracemalloc.start()
    try:
        for read in run.game, run.trainer:
            with pytest.raises(UserError, match="the settings ask for more|does not fit"):
                read()
        assert tracemalloc.get_traced_memory()[1] < 64 * 2 ** 20
    finally:
        tracemalloc.stop()


def test_a_sample_needs_no_discriminator(saved):
    game, step = Run.open(saved).game()
    assert step == 2 and sum(p.size for p in game.discriminator.parameters()) < 20
    assert sum(p.size for p in Run.open(saved).config.build().discriminator.parameters()) > 10 ** 4


def test_settings_of_other_images_than_the_data_are_told(saved, tmp_path):
    run = changed(saved, tmp_path / "run", shape=[4, 16, 1])  # of as many pixels
    with pytest.raises(UserError, match=r"digits are of shape \(8, 8, 1\), but the run is one of"):
        run.trainer()


@pytest.mark.parametrize("change, says", [
    (lambda arrays, rest: arrays.update(x=np.ones(1)), "it holds 'x', which no state of a run"),
    (lambda arrays, rest: arrays.update({"progress.step": np.ones(1)}), "'progress.step', which"),
    (lambda arrays, rest: arrays.pop("g_optimizer.m"), "does not fit the settings of the run"),
    (lambda arrays, rest: rest.pop("progress.step"), "progress.step is a whole number of at least"),
    (lambda arrays, rest: rest.update({"progress.step": 1.5}), "progress.step is a whole number"),
    (lambda arrays, rest: rest.update({"progress.loader": {"epoch": 1}}), "is an epoch and a"),
    (lambda arrays, rest: rest.update({"d_optimizer.lr": math.inf}), "d_optimizer.lr is a number"),
    (lambda arrays, rest: rest.update({"d_optimizer.steps": [-1]}), "d_optimizer.steps is a"),
    (lambda arrays, rest: rest["progress.rng"].update(has_uint32="x"), "the state of a PCG64"),
    (lambda arrays, rest: rest.update(colour=1), "there is no field 'colour'"),
])
def test_a_damaged_state_says_what_is_wrong_with_it(change, says, saved, tmp_path):
    shutil.copytree(saved, tmp_path / "run")
    arrays, text = read_arrays(saved / "state.safetensors")
    rest = json.loads(text)
    change(arrays, rest)
    write_arrays(tmp_path / "run" / "state.safetensors", arrays, json.dumps(rest))
    with pytest.raises(RunError, match=says):
        Run.open(tmp_path / "run").trainer()


def test_files_of_other_names_are_no_weights_of_a_step(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "run")
    (tmp_path / "run" / "weights" / "step-000002 (copy).safetensors").write_bytes(b"")
    assert Run.open(tmp_path / "run").saved_steps() == [2]
