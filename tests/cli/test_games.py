"""The games of the command line: each trains, is saved, resumed and sampled; mistakes are told."""
from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from minigan import nn
from minigan.cli import main
from minigan.data import IMAGE_SETS, DataError, Scaled
from minigan.files import read_arrays, write_arrays
from minigan.gan import Config, Options, Run, Trainer, run
from tests.options import CHANGED, words as arguments

TINY = ["--batch-size", "8", "--device", "cpu"]


def train(folder, *words, steps=2):
    """A run of so many steps, saved at every second."""
    return main(["train", "--recipe", "as-written", "--steps", str(steps), "--save-every", "2",
                 *TINY, "--out", str(folder), *words])


@pytest.fixture(scope="module", autouse=True)
def no_curves():
    """Their pictures take longer than these runs; tests/test_cli.py and tests/viz look at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.Run, "save_losses", lambda run: None)
        yield


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run of the plain game."""
    folder = tmp_path_factory.mktemp("games") / "plain"
    assert train(folder) == 0
    return folder


def bits(folder, name="state.safetensors"):
    return (folder / name).read_bytes()


@pytest.mark.parametrize("name", CHANGED)
def test_each_option_trains_another_game_and_samples_from_it(name, plain, tmp_path, capsys):
    out = tmp_path / "run"
    assert train(out, *arguments(name)) == 0
    assert bits(out) != bits(plain)
    config = json.loads((out / "config.json").read_text())
    assert name in config["game"]
    assert (out / "samples/step-000002.png").exists()
    capsys.readouterr()
    assert main(["sample", str(out), "--n", "5"]) == 0
    assert Path(capsys.readouterr().out.strip()).exists()


@pytest.mark.parametrize("words", [
    ["--conditional", "concatenation"], ["--conditional", "acgan"], ["--generators", "3"],
    ["--labels", "40"], ["--d2gan"],
    ["--discriminators", "2", "--mix", "softmax"], ["--codes", "10,2"],
    ["--objective", "wasserstein", "--penalty", "gradient:10", "--d-steps", "2"],
    ["--rule", "extragradient", "--label-noise", "0.1"],
], ids=" ".join)
def test_a_resumed_game_ends_with_the_bits_of_an_uninterrupted_one(words, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(whole, *words, steps=4) == train(parts, *words, steps=2) == 0
    assert main(["train", "--resume", "--steps", "4", "--out", str(parts), "--device", "cpu",
                 *words]) == 0  # what was given before may be given again
    for name in ("state.safetensors", "weights/step-000004.safetensors", "metrics.jsonl"):
        assert bits(whole, name) == bits(parts, name)


def test_a_conditional_run_samples_the_class_that_is_asked_for(tmp_path, capsys):
    out = tmp_path / "run"
    assert train(out, "--conditional") == 0
    assert json.loads((out / "config.json").read_text())["classes"] == 10
    capsys.readouterr()
    assert main(["sample", str(out), "--label", "3"]) == main(["sample", str(out)]) == 0
    one, all_of_them = (Path(line) for line in capsys.readouterr().out.split())
    assert one.name == "sample-step-000002-seed-0-label-3.png"
    assert one.read_bytes() != all_of_them.read_bytes()
    assert "the classes are 0 to 9, not 99" in mistake(["sample", out, "--label", 99], capsys)


def mistake(words, capsys):
    """What a mistaken command prints: one line, with exit status 2."""
    try:
        status = main([str(w) for w in words])
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr().err.strip()
    assert status == 2 and len(printed.splitlines()) == 1, printed
    return printed


@pytest.mark.parametrize("words, says", [
    (["--objective", "least"], "there is no objective 'least'; there are minimax"),
    (["--penalty", "r3"], "there is no penalty 'r3'; there are gradient"),
    (["--penalty", "r1:much"], "the weight of penalty r1 is a number of at least 0"),
    (["--rule", "random"], "there is no rule 'random'"),
    (["--conditional", "label"], "there is no way of conditioning 'label'"),
    (["--codes", "1"], "as in 10,2, got '1'"),
    (["--mix", "worst"], "mix is of discriminators"),
    (["--pack", "2", "--batch-size", "9"], "9 examples cannot be packed by 2"),
    (["--generators", "5"], "5 generators cannot share a batch of 8"),
    (["--codes", "10", "--generators", "2"], "codes and generators are games of their own"),
    (["--pack", "2", "--conditional"], "pack goes without conditional"),
    (["--d-steps", "2", "--rule", "simultaneous"], "d_steps goes without rule"),
    (["--unroll", "2", "--penalty", "l2"], "weight_decay"),
    (["--labels", "9"], "9 labels are not enough for one of each of 10 classes"),
    (["--labels", "1790"], "are 179 of class 8, which has 174 examples"),
    (["--d2gan", "--objective", "hinge"], "d2gan goes without objective: its two discrimin"),
    (["--label-noise", "1"], "below 1, got '1'"),
])
def test_a_game_that_cannot_be_is_one_line_before_anything_is_written(words, says, tmp_path,
                                                                      capsys):
    out = tmp_path / "run"
    assert says in mistake(["train", *TINY, "--out", out, *words], capsys)
    assert not out.exists()


@pytest.mark.parametrize("words", [[], ["--conditional"], ["--discriminators", "2"]])
def test_batch_norm_in_a_critic_with_a_penalty_of_slopes_is_refused(words, tmp_path, capsys):
    out = tmp_path / "run"
    said = mistake(["train", "dcgan", "--data", "digits", "--penalty", "gradient", *TINY, "--out",
                    out, *words], capsys)
    assert "BatchNorm" in said and "use LayerNorm" in said and not out.exists()


def test_a_semi_supervised_run_says_how_much_of_the_unlabelled_it_reads(tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["train", "--labels", "100", "--steps", "60", "--save-every", "60", "--device",
                 "cpu", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    share = float(re.search(r"D reads ([0-9.]+)% of the images", printed)[1])
    assert share > 50  # of ten classes


def test_the_seed_chooses_the_images_whose_labels_are_given():
    labels = np.arange(60) % 10
    def known(seed):
        config = Config("digits", "digits", (8, 8, 1), 2, 8, seed, 2, game=Options(labels=20),
                        classes=10)
        return config.conditions(labels)[0]

    assert (known(0) == known(0)).all() and (known(0) != known(1)).any()


def test_a_class_that_the_data_do_not_have_is_told():
    config = Config("digits", "digits", (8, 8, 1), 2, 8, 0, 2, game=Options(labels=20), classes=10)
    with pytest.raises(DataError, match="2 of class 9, which has 0 examples"):
        config.conditions(np.arange(60) % 9)


def test_where_every_label_was_given_there_is_none_to_read(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(IMAGE_SETS, "digits",
                        lambda data_dir=None: (np.zeros((20, 8, 8, 1), np.float32),
                                               np.arange(20) % 10))
    assert train(tmp_path / "run", "--labels", "20") == 0
    printed = capsys.readouterr().out
    assert "samples in" in printed and "D reads" not in printed


def test_a_stopped_run_does_not_wait_for_what_its_classifier_reads(tmp_path, capsys, monkeypatch):
    class Stopped(Trainer):
        def run(self, steps):
            super().run(1)
            self.stop = True

    monkeypatch.setattr("minigan.gan.options.Trainer", Stopped)
    assert train(tmp_path / "run", "--labels", "40") == 130
    printed = capsys.readouterr().out
    assert "stopped and saved at step 1" in printed and "D reads" not in printed


def test_the_share_that_is_read_is_of_the_images_whose_labels_were_not_given():
    network = nn.Dense(3, 3)
    network.weight.data[...] = 5 * np.eye(3)  # it says the class that an image names
    named, labels = np.array([0, 1, 2, 0, 1]), np.array([0, 1, 2, 2, 1])
    known = np.eye(3, dtype=np.float32)[labels]
    known[2:] = 0
    images = Scaled(np.eye(3, dtype=np.float32)[named])
    trainer = SimpleNamespace(discriminator=SimpleNamespace(network=network),
                              loader=SimpleNamespace(arrays=(images, known)))
    of = SimpleNamespace(data=(images, labels))
    assert Run.share_read(of, trainer) == pytest.approx(2 / 3)
    known[...] = 1
    assert Run.share_read(of, trainer) is None


@pytest.mark.parametrize("option", [["--conditional"], ["--labels", "20"]])
def test_images_without_labels_cannot_be_conditions(option, tmp_path, capsys):
    from PIL import Image

    for i in range(9):
        Image.fromarray(np.full((8, 8), i, np.uint8)).save(tmp_path / f"{i}.png")
    out = tmp_path / "run"
    said = mistake(["train", "--data", "images", "--data-dir", tmp_path, "--image-size", "8",
                    *option, *TINY, "--out", out], capsys)
    assert f"{option[0][2:]} needs classes" in said and not out.exists()


def test_folders_of_images_are_classes(tmp_path, capsys):
    from PIL import Image

    for i in range(12):
        folder = tmp_path / "images" / "abc"[i % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 20 * i, np.uint8)).save(folder / f"{i}.png")
    out = tmp_path / "run"
    assert main(["train", "--data", "images", "--data-dir", str(tmp_path / "images"),
                 "--conditional", "--steps", "2", *TINY, "--out", str(out)]) == 0
    assert capsys.readouterr().err.startswith("classes: 0 a, 1 b, 2 c\n")
    config = json.loads((out / "config.json").read_text())
    assert config["classes"] == 3 and config["shape"] == [8, 8, 1]
    assert main(["sample", str(out), "--label", "2"]) == 0
    (tmp_path / "images" / "c").rename(tmp_path / "images" / "aa")  # the same images, other classes
    assert main(["train", "--resume", "--steps", "3", "--device", "cpu", "--out", str(out)]) == 2
    assert "or their classes, are not those that the run began with" in capsys.readouterr().err


def test_a_run_without_conditions_has_no_classes_to_choose_from(plain, capsys):
    said = mistake(["sample", plain, "--label", 0], capsys)
    assert "only a run of a conditional game has classes" in said


def test_a_resumed_run_may_be_saved_at_other_steps(plain, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(plain, out)
    assert main(["train", "--resume", "--steps", "5", "--save-every", "1", "--out", str(out),
                 "--device", "cpu"]) == 0
    assert run.Run.open(out).saved_steps() == [2, 3, 4, 5]


@pytest.mark.parametrize("words, says", [
    (["--objective", "hinge"], "--objective was nonsaturating, not hinge"),
    (["--d-steps", "2"], "--d-steps was 1, not 2"),
    (["--conditional"], "--conditional was None, not projection"),
    (["--penalty", "r1"], "--penalty was (), not ('r1',)"),
    (["dcgan"], "the system was digits, not dcgan"),
    (["--data-dir", "mine"], "read from no folder"),
    (["--steps", "1"], "at step 2 already"),
])
def test_resuming_as_another_run_is_refused(words, says, plain, capsys):
    before = {p: p.read_bytes() for p in plain.rglob("*") if p.is_file()}
    assert says in mistake(["train", "--resume", "--out", plain, "--device", "cpu", *words], capsys)
    assert before == {p: p.read_bytes() for p in plain.rglob("*") if p.is_file()}


def changed_copy(folder, target, change):
    shutil.copytree(folder, target)
    config = json.loads((target / "config.json").read_text())
    change(config)
    (target / "config.json").write_text(json.dumps(config))
    return target


def test_a_run_from_before_there_were_games_is_resumed_as_the_plain_one(plain, tmp_path):
    def older(config):
        config["lr"] = 5e-4  # stood beside the game
        for name in ("game", "classes"):
            del config[name]

    out, whole = changed_copy(plain, tmp_path / "run", older), tmp_path / "whole"
    arrays, rest = read_arrays(out / "state.safetensors")
    rest = {k: v for k, v in json.loads(rest).items() if k != "run.settings"}
    write_arrays(out / "state.safetensors", arrays, json.dumps(rest))
    assert main(["train", "--resume", "--steps", "4", "--out", str(out), "--device", "cpu"]) == 0
    assert train(whole, steps=4) == 0
    for name in ("weights/step-000004.safetensors", "metrics.jsonl"):
        assert bits(out, name) == bits(whole, name)


@pytest.mark.parametrize("change, says", [
    (lambda c: c.update(steps="many"), "steps is a whole number of at least 1, not 'many'"),
    (lambda c: c.update(batch_size=1), "batch_size is a whole number of at least 2, not 1"),
    (lambda c: c.update(shape=[8, 8]), "shape is a height, a width and"),
    (lambda c: c.update(data="cats"), "there is no data set 'cats'; there are digits"),
    (lambda c: c.update(system=["x"]), "there is no system ['x']; there are digits"),
    (lambda c: c.update(lr=-1), "lr is a positive number, not -1"),
    (lambda c: c.update(hue=1), "there is no field 'hue'; there are system, data, shape"),
    (lambda c: c.update(game=None), "is damaged"),
    (lambda c: c["game"].update(colour=1), "there is no option 'colour'"),
    (lambda c: c["game"].update(d_steps="2"), "d_steps is a whole number of at least 1, not '2'"),
    (lambda c: c["game"].update(penalty=[["r1", 1]]), "there is no penalty"),
    (lambda c: c["game"].update(codes=[10]), "codes is a number of classes"),
])
def test_a_damaged_config_says_what_is_wrong_with_it(change, says, plain, tmp_path, capsys):
    out = changed_copy(plain, tmp_path / "run", change)
    for words in ["sample", out], ["train", "--resume", "--out", out, "--device", "cpu"]:
        said = mistake(words, capsys)
        assert "config.json is damaged" in said and says in said


def test_damaged_rows_of_metrics_are_left_out_of_the_curves(plain, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(plain, out)
    rows = (out / "metrics.jsonl").read_bytes()
    (out / "metrics.jsonl").write_bytes(b'{"ste}\n[1]\n{"step": 1}\n\xff}\n' + rows)
    assert [row["step"] for row in run.Run.open(out).metrics()] == [1]
    assert main(["train", "--resume", "--steps", "4", "--out", str(out), "--device", "cpu"]) == 0
    assert bits(out, "metrics.jsonl") == rows


def test_a_run_that_diverges_names_the_operation_and_the_layer(tmp_path, capsys):
    assert train(tmp_path / "run", "--lr", "1e30") == 2
    said = capsys.readouterr().err.splitlines()
    assert "looking for the first" in said[-2]
    assert "training diverged at step 1" in said[-1] and "smaller --lr" in said[-1]
    assert "Affine, forward, in discriminator.body.layers." in said[-1] and "(Dense)" in said[-1]


def test_weights_that_are_not_finite_are_never_saved_over_finite_ones(tmp_path, capsys):
    # losses are looked at in step 1 and every 10th; this goes wrong in step 2
    out = tmp_path / "run"
    assert main(["train", "--steps", "3", "--save-every", "1", *TINY, "--out", str(out), "--lr",
                 "1e30", "--rule", "simultaneous"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "training diverged before step 2" in said and "is not finite): try a smaller" in said
    assert run.Run.open(out).saved_steps() == [1]
    arrays, rest = read_arrays(out / "state.safetensors")
    assert json.loads(rest)["progress.step"] == 1
    assert all(np.isfinite(v).all() for k, v in arrays.items() if k.startswith("game."))


def test_a_known_failure_is_told_once_with_what_people_try(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(run, "METRICS_EVERY", 2)
    # G hardly moves
    assert main(["train", "--steps", "80", "--save-every", "80", *TINY, "--out",
                 str(tmp_path / "run"), "--lr", "1e-9", "--d-lr", "1e-2"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "People try" in line]
    assert len(told) == 1 and re.match(r"step \d+: D has won", told[0]), told


def test_a_run_that_was_never_saved_cannot_be_gone_on_with(plain, tmp_path, capsys):
    out = tmp_path / "run"
    shutil.copytree(plain, out)
    (out / "state.safetensors").unlink()
    said = mistake(["train", "--resume", "--out", out, "--device", "cpu"], capsys)
    assert "has no state.safetensors" in said
