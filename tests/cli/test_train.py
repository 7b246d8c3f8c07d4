"""The command line as a person uses it: what it leaves, and what it answers to mistakes."""
from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minigan.backend.cpu import threads
from minigan.cli import main
from minigan.gan.training import stop_on_interrupt
from minigan.gan import Run

PLAIN = ["--recipe", "as-written"]  # whose learning rate does not know how many steps there are
TINY = ["--steps", "6", "--batch-size", "8", "--save-every", "3", "--device", "cpu"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished tiny run on the digits."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", *PLAIN, *TINY, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(autouse=True)
def no_curves(finished, monkeypatch):
    """In all runs but the finished one: their pictures take longer than such runs."""
    monkeypatch.setattr(Run, "save_losses", lambda run: None)


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file())


def test_a_run_folder_holds_config_metrics_grids_curves_weights_and_state(finished):
    assert files(finished) == [
        "config.json", "index.html", "losses.png", "metrics.jsonl", "samples/step-000001.png",
        "samples/step-000002.png", "samples/step-000003.png", "samples/step-000006.png",
        "state.safetensors", "weights/step-000003.safetensors",
        "weights/step-000006.safetensors"]
    config = json.loads((finished / "config.json").read_text())
    assert config["system"] == config["data"] == "digits" and config["shape"] == [8, 8, 1]
    rows = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert rows[0].keys() >= {"step", "d_loss", "g_loss", "d_real", "d_fake", "diversity"}


def test_sample_makes_a_grid_from_any_saved_step(finished, capsys):
    assert main(["sample", str(finished), "--n", "5", "--seed", "7", "--step", "3"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path.exists() and path.name == "sample-step-000003-seed-7-n-5.png"
    path.unlink()


def test_the_same_seed_trains_the_same_bits(finished, tmp_path):
    assert main(["train", *PLAIN, *TINY, "--out", str(tmp_path / "again")]) == 0
    for name in ("weights/step-000006.safetensors", "state.safetensors", "metrics.jsonl"):
        assert (finished / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_run_of_three_steps_resumed_to_six_equals_one_of_six(finished, tmp_path):
    out = str(tmp_path / "run")
    assert main(["train", *PLAIN, "--steps", "3", *TINY[2:], "--out", out]) == 0
    with open(tmp_path / "run" / "metrics.jsonl", "a") as file:
        # as a run leaves it that went on after its last save, until the disk was full
        file.write('{"step": 5}\n{"ste')
    assert main(["train", "--resume", "--steps", "6", "--out", out, "--device", "cpu"]) == 0
    for name in ("weights/step-000006.safetensors", "state.safetensors", "metrics.jsonl"):
        assert (finished / name).read_bytes() == (tmp_path / "run" / name).read_bytes()


@pytest.mark.parametrize("system", ["mlp", "mlp-small", "dcgan", "digits-dcgan"])
def test_other_systems_train_on_images_of_other_sizes(system, tmp_path):
    out = str(tmp_path / "run")
    assert main(["train", system, "--data", "digits", *TINY, "--out", out]) == 0
    assert main(["sample", out]) == 0


def test_a_convolutional_run_resumed_equals_an_uninterrupted_one(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main(["train", "digits-dcgan", *TINY, "--out", str(whole)]) == 0
    assert main(["train", "digits-dcgan", "--steps", "3", *TINY[2:], "--out", str(parts)]) == 0
    assert main(["train", "--resume", "--steps", "6", "--out", str(parts), "--device", "cpu"]) == 0
    for name in ("weights/step-000006.safetensors", "state.safetensors", "metrics.jsonl"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    assert main(["sample", str(parts), "--n", "4"]) == 0


@pytest.fixture
def pictures(tmp_path):
    """A folder of nine coloured pictures of several sizes, and a file that is no picture."""
    folder, rng = tmp_path / "pictures", np.random.default_rng(0)
    folder.mkdir()
    for i in range(9):
        pixels = rng.integers(0, 256, (20 + i, 31 - i, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_folder_of_images_is_trained_on_and_a_broken_file_told(pictures, tmp_path, capsys,
                                                                 monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["train", "digits-dcgan", "--data", "images", "--data-dir", "pictures",
               "--image-size", "12x8", *TINY[2:]]
    assert main([*command, "--steps", "6", "--out", "whole"]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[:3] == [
        "skipped 1 of 10 files in pictures:", "  notes.txt: no image",
        "scaled 9 of 9 images to 12x8, cutting 9 of them to its proportions: they were 31x20, "
        "30x21, 29x22, 28x23, 27x24 and of 4 other sizes"]
    config = json.loads(Path("whole/config.json").read_text())
    assert config["shape"] == [8, 12, 3] and config["data_dir"] == str(pictures)

    # a resumed run knows the folder, the size and the channels by itself
    assert main([*command, "--steps", "3", "--out", "parts"]) == 0
    monkeypatch.chdir(pictures)
    assert main(["train", "--resume", "--steps", "6", "--out", str(tmp_path / "parts"),
                 "--device", "cpu"]) == 0
    for name in ("weights/step-000006.safetensors", "state.safetensors", "metrics.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    assert main(["sample", str(tmp_path / "parts")]) == 0


def test_images_can_be_trained_on_in_grey_and_from_where_they_were_moved(pictures, tmp_path):
    out, moved = tmp_path / "run", tmp_path / "moved"
    assert main(["train", "mlp-small", "--data", "images", "--data-dir", str(pictures),
                 "--channels", "1", "--steps", "2", *TINY[2:], "--out", str(out)]) == 0
    assert json.loads((out / "config.json").read_text())["shape"] == [28, 28, 1]
    pictures.rename(moved)
    assert main(["train", "--resume", "--steps", "4", "--data-dir", str(moved), "--out", str(out),
                 "--device", "cpu"]) == 0
    assert json.loads((out / "config.json").read_text())["data_dir"] == str(moved)


def test_a_resumed_run_sees_the_images_that_it_began_with_or_says_so(pictures, tmp_path, capsys):
    train, out = ["train", *TINY, "--data", "images", "--data-dir", pictures], tmp_path / "run"
    resume = ["train", "--resume", "--steps", "7", "--device", "cpu", "--out", out]
    assert main([str(word) for word in [*train, "--image-size", "10x12", "--out", out]]) == 0
    capsys.readouterr()
    assert "--image-size was 10x12 (width x height), not 12x10" in mistake(
        [*resume, "--image-size", "12x10"], capsys)
    (pictures / "notes.txt").unlink()  # no image

    def says(change):
        """The end of what is said of the changed folder."""
        kept = {path: path.read_bytes() for path in pictures.iterdir()}
        change()
        assert main([str(word) for word in resume]) == 2
        for path, content in kept.items():
            path.write_bytes(content)
        return capsys.readouterr().err.splitlines()[-1]

    first, second = pictures / "0.png", pictures / "1.png"
    began = json.loads((out / "config.json").read_text())["fingerprint"]
    for n, change in [(8, first.unlink), (9, lambda: first.write_bytes(second.read_bytes()))]:
        assert f"not those that the run began with ({began}; now {n} images, " in says(change)
    config = json.loads((out / "config.json").read_text())
    assert main([str(word) for word in resume]) == 0  # all of them are back
    del config["fingerprint"]  # an older run
    (out / "config.json").write_text(json.dumps(config))
    first.unlink()
    assert main([str(word) for word in resume]) == 0


def test_an_image_size_in_the_order_that_once_was_is_refused(pictures, tmp_path, capsys):
    for path in pictures.glob("*.png"):
        Image.new("L", (60, 40)).save(path)
    train = ["train", "mlp-small", *TINY, "--data", "images", "--data-dir", pictures, "--out",
             tmp_path / "run"]
    for size, meant in [("40x60", "60x40"), ("8x12", "12x8")]:
        assert f"most of the images are 60x40: {meant} was meant, not {size}" in mistake(
            [*train, "--image-size", size], capsys)
    assert main([str(word) for word in [*train, "--image-size", "12x8"]]) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["shape"] == [8, 12, 1]


def test_systems_lists_every_system(capsys):
    from minigan.gan import SYSTEMS

    assert main(["systems"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed[::2]] == list(SYSTEMS)
    assert {line.split()[0] for line in listed[1::2]} == {"recipe:"}


def mistake(args, capsys):
    """What a mistaken command prints: one line, with exit status 2."""
    try:
        status = main([str(a) for a in args])
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr()
    assert status == 2 and len(printed.err.strip().splitlines()) == 1, printed
    return printed.err


@pytest.mark.parametrize("args, says", [
    (["train", "nothing"], "there is no system 'nothing'; there are digits"),
    (["train", "mlpp"], "there is no system 'mlpp': did you mean mlp?"),
    (["train", "--", "--penalti"], "there is no system '--penalti'"),
    (["train", "--penalti", "r1"], "no option '--penalti': did you mean --penalty?"),
    (["train", "--device", "cude"], "no device 'cude': did you mean cuda?"),
    (["trian"], "there is no command 'trian': did you mean train?"),
    (["train", "--steps", "0"], "whole number of at least 1, got '0'"),
    (["train", "--steps", "many"], "got 'many'"),
    (["train", "--lr", "-1"], "positive number, got '-1'"),
    (["train", "--lr", "nan"], "positive number, got 'nan'"),
    (["train", "--batch-size", "1"], "at least 2, got '1'"),
    (["train", "--batch-size", "1798", "--device", "cpu"], "1797 images"),
    (["train", "--data-dir", "mine"], "name the data set that is there, data images or mnist"),
    (["train", "--data", "cats"], "there is no data set 'cats'"),
    (["train", "--resume", "--device", "cpu"], "--resume needs --out"),
    (["dance"], "there is no command 'dance'; there are systems, lab, book, exercise, train"),
    ([], "required"),
])
def test_a_wrong_argument_is_answered_by_one_line(args, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert says in mistake(args, capsys)
    assert files(tmp_path) == []


def test_a_folder_without_the_files_names_the_missing_one(capsys, tmp_path):
    args = ["train", "mlp", "--data-dir", tmp_path, "--device", "cpu", "--out", tmp_path / "run"]
    assert "train-images" in mistake(args, capsys)


def test_mistakes_with_a_folder_of_images_are_one_line_and_leave_nothing(pictures, tmp_path,
                                                                         capsys):
    out, empty = tmp_path / "run", tmp_path / "empty"
    empty.mkdir()
    train = ["train", "dcgan", "--data", "images", *TINY, "--out", out]
    assert "--data-dir" in mistake(train, capsys)
    assert "nowhere is not there" in mistake([*train, "--data-dir", tmp_path / "nowhere"], capsys)
    assert "no readable image" in mistake([*train, "--data-dir", empty], capsys)
    (pictures / "notes.txt").unlink()
    train += ["--data-dir", pictures]
    for words, says in [(["--image-size", "28x30"], "28x32 would do"),
                        (["--batch-size", "10"], "9 images")]:
        assert main([str(word) for word in [*train, *words]]) == 2
        scaled, said = capsys.readouterr().err.splitlines()
        assert scaled.startswith("scaled 9 of 9 images to 28x") and says in said
    assert "got '8x'" in mistake([*train, "--image-size", "8x"], capsys)
    assert "got '0'" in mistake([*train, "--image-size", "0"], capsys)
    assert "invalid choice: 2" in mistake([*train, "--channels", "2"], capsys)
    assert "are for image files (--data images), not for digits" in mistake(
        ["train", *TINY, "--image-size", "8", "--out", out], capsys)
    assert not out.exists()


def test_a_run_folder_is_never_overwritten(finished, capsys):
    before = files(finished)
    assert "exists already" in mistake(["train", *TINY, "--out", finished], capsys)
    assert files(finished) == before


def test_resuming_with_other_settings_is_refused(finished, capsys):
    assert "--seed was 0, not 1" in mistake(
        ["train", "--resume", "--out", finished, "--seed", "1", "--device", "cpu"], capsys)


def test_cuda_without_cupy_or_a_device_is_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    from minigan import backend
    monkeypatch.delitem(backend._backends, "cupy", raising=False)
    assert "pip install 'minigan[cuda12]'" in mistake(
        ["train", "--device", "cuda", "--out", tmp_path / "run"], capsys)


def test_a_closed_stderr_is_no_reason_to_fail(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["train", "--steps", "1", "--out", str(tmp_path / "run"), "--device", "cpu"]) == 0
    assert main(["sample", str(tmp_path / "nowhere")]) == 2


def test_sampling_from_what_is_no_run_or_a_step_that_is_not_there(finished, capsys, tmp_path):
    assert "no config.json" in mistake(["sample", tmp_path], capsys)
    assert "it has 3, 6" in mistake(["sample", finished, "--step", 4], capsys)


def test_damaged_files_are_named(finished, capsys, tmp_path):
    import shutil

    broken = tmp_path / "run"
    shutil.copytree(finished, broken)
    weights = broken / "weights" / "step-000006.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    assert "step-000006.safetensors is damaged" in mistake(["sample", broken], capsys)
    (broken / "state.safetensors").write_bytes(b"")
    assert "state.safetensors is damaged" in mistake(
        ["train", "--resume", "--out", broken, "--device", "cpu"], capsys)
    (broken / "config.json").write_text("{")
    assert "config.json is damaged" in mistake(["sample", broken], capsys)


def test_a_folder_that_cannot_be_written_is_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file" in mistake(
        ["train", *TINY, "--out", tmp_path / "file" / "run"], capsys)


def test_a_full_disk_is_one_line_and_leaves_what_was_saved_before(tmp_path, capsys, monkeypatch):
    out, write = tmp_path / "run", Path.write_bytes
    assert main(["train", "--steps", "3", *TINY[2:], "--out", str(out)]) == 0
    before = {name: (out / name).read_bytes() for name in files(out) if "metrics" not in name}

    def full(path, data):
        write(path, data[:4])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    capsys.readouterr()
    assert main(["train", "--resume", "--steps", "6", "--out", str(out), "--device", "cpu"]) == 2
    told = capsys.readouterr().err.splitlines()[-1]  # after the progress
    assert "step-000006.safetensors could not be written" in told
    after = {name: (out / name).read_bytes() for name in files(out) if "metrics" not in name}
    assert after.keys() == before.keys()
    assert all(after[name] == before[name] for name in after if name != "config.json")


def test_ctrl_c_before_the_first_step_is_one_line(capsys, tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("minigan.gan.config.load", interrupted)
    assert main(["train", *TINY, "--out", str(tmp_path / "run")]) == 130
    assert capsys.readouterr().err == "minigan train: interrupted\n"


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_what_ends_a_session_or_a_job_lets_the_step_end_and_only_a_second_ctrl_c_does_not(name):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread hears of signals")
    number, trainer, ended = getattr(signal, name), SimpleNamespace(stop=False), []
    before = signal.signal(number, lambda *heard: ended.append(heard[0]))
    try:
        with stop_on_interrupt(trainer) as heard:
            signal.raise_signal(number)
            assert trainer.stop and heard == [number] and not ended
            signal.raise_signal(number)  # as a shell and its terminal send it, each for itself
            assert ended == [number] * (number == signal.SIGINT)
        signal.raise_signal(number)
        assert ended[-1] == number
    finally:
        signal.signal(number, before)


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_a_second_signal_while_the_first_one_is_obeyed_cuts_no_save_off(tmp_path, monkeypatch):
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread hears of signals")
    save = Run.save

    def stopped(run, trainer):
        signal.raise_signal(signal.SIGTERM)
        save(run, trainer)

    monkeypatch.setattr(Run, "save", stopped)
    train = ["train", "--steps", "9", "--save-every", "4", *TINY[2:4], "--device", "cpu"]
    assert main([*train, "--out", str(tmp_path / "run")]) == 128 + signal.SIGTERM
    assert files(tmp_path / "run") == [
        "config.json", "index.html", "metrics.jsonl", *[f"samples/step-00000{i}.png" for i in (
            1, 2, 4)], "state.safetensors",
        "weights/step-000004.safetensors"]


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_what_is_ignored_as_by_nohup_stays_so():
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread hears of signals")
    trainer, before = SimpleNamespace(stop=False), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_interrupt(trainer) as heard:
            signal.raise_signal(signal.SIGHUP)
        assert not trainer.stop and not heard
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to a process")
def test_ctrl_c_saves_the_step_under_way_and_says_how_to_go_on(tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "minigan", "train", "--steps", "1000000", "--save-every",
         "1000000", "--device", "cpu", "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while not (out / "metrics.jsonl").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and f"minigan train --resume --out {out}" in printed
    assert "Traceback" not in errors
    state = (out / "state.safetensors").read_bytes()
    assert len(state) > 0 and len(list((out / "weights").iterdir())) == 1
    step = int(printed.split("saved at step ")[1].split(";")[0])
    assert main(["train", "--resume", "--steps", str(step + 2), "--out", str(out),
                 "--device", "cpu"]) == 0
    assert (out / "weights" / f"step-{step + 2:06d}.safetensors").exists()


def test_training_on_the_real_mnist(tmp_path):
    if "MINIGAN_DATA" not in os.environ:
        pytest.skip("MINIGAN_DATA does not name a folder with the MNIST files")
    out = tmp_path / "run"
    assert main(["train", "mlp-small", *TINY, "--out", str(out)]) == 0
    grid = np.asarray(__import__("matplotlib.image").image.imread(out / "samples/step-000006.png"))
    assert grid.size > 64 * 28 * 28


def test_a_wrong_number_of_threads_is_told_before_anything_is_written(
        tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MINIGAN_NUM_THREADS", "many")
    threads._forget_pool()
    try:
        assert "MINIGAN_NUM_THREADS" in mistake(["train", *TINY, "--out", str(tmp_path / "run")],
                                                capsys)
    finally:
        threads._forget_pool()
    assert not (tmp_path / "run").exists()
