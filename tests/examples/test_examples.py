"""Every example runs, in a setting that is quick, and prints what it promises."""
from __future__ import annotations

import json
import math
import os
import re
import shutil
import struct
import wave
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np
import pytest
from programs import EXAMPLES as FOLDER
from programs import run_example

import minigan as mg
from minigan.backend import thresholds
from minigan.cli import main
from minigan.data import digits
from minigan.gan import models
from minigan.gan.own import find
from tests.mpi import without_mpi

EXAMPLES = sorted(FOLDER.glob("*.py"))


class Run(NamedTuple):
    """How an example is run here, what must hold of its output and of the folder it ran in, what
    is put there before, what is less than it says at the program's top, if it needs MPI, and a
    package or program without which it says what to install."""

    arguments: list[str]
    holds: Callable[[str, Path], bool]
    prepare: Callable[[Path], None] = lambda folder: None
    less: dict[str, Any] = {}
    needs_mpi: bool = False
    needs: str | None = None


def number_after(text: str, output: str) -> float:
    """The number that follows the text in the output."""
    return float(re.search(re.escape(text) + r"\s*([-+.\de]+)", output)[1])


def wrote(*pictures: str) -> Callable[[str, Path], bool]:
    """Whether the pictures are in the folder and the output names them."""
    return lambda output, folder: all(p in output and (folder / p).stat().st_size > 500
                                      for p in pictures)


def write_mnist(folder: Path) -> None:
    """150 of the shipped digits, three times as large, as MNIST's files."""
    images, labels = (array[:150] for array in digits())
    images = np.rint(255 * images[..., 0]).astype(np.uint8).repeat(3, axis=1).repeat(3, axis=2)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    for name, array in [("train-images-idx3-ubyte", images),
                        ("train-labels-idx1-ubyte", labels.astype(np.uint8))]:
        header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        for file in (name, name.replace("train", "t10k")):
            (folder / file).write_bytes(header + array.tobytes())


def three_diagnoses() -> list[str]:
    """What example 09 is told of its planted errors, the last of them where PyTorch is."""
    torch = find_spec("torch") is not None
    return ["wrong at second order: ", "a sum is missing: ",
            "a sum in place of a mean?" if torch else "PyTorch is not installed"]


def a_part_of_the_peak(row: dict) -> bool:
    """Whether a step's memory is a part of the whole process's, where that is known."""
    added, peak = row["minigan, added MiB"], row["minigan, peak MiB"]
    return row["workload"] == "mlp128" and (math.isnan(peak) or 0 < added < peak)


RUNS = {
    "checking_figures.py": Run(["detection", "--trials", "1"], lambda output, folder:
                               "| 100 | 0.1 | 100% |" in output
                               and wrote("detection.png")(output, folder),
                               less={"SIZES": [100, 101], "DIRECTIONS": [1, 2]}),
    "01_backprop_by_hand.py": Run([], lambda output, folder:
                                  number_after("largest difference:", output) < 1e-14),
    "02_fit_a_curve.py": Run(["--out", "fit.png"], lambda output, folder:
                             number_after("distance from the true curve:", output) < 0.1
                             and wrote("fit.png")(output, folder)),
    "03_classify_digits.py": Run(["--epochs", "12"], lambda output, folder:
                                 number_after("held-out accuracy:", output) >= 0.97
                                 and wrote("wrong.png")(output, folder)),
    "04_gan_loop.py": Run(["--epochs", "2"], wrote("04_gan_loop.png")),
    "05_trainer.py": Run(["--steps", "4"], wrote("05_samples.png", "05_coverage.png")),
    "06_convolution.py": Run([], lambda output, folder:
                             number_after("gradients and conv_transpose2d:", output) < 1e-12
                             and wrote("convolution.png")(output, folder)),
    "07_dcgan_mnist.py": Run(["--steps", "1", "--data-dir", ".", "--out", "run"],
                             lambda output, folder: (folder / "run" / "losses.png").exists()
                             and (folder / "run/samples/step-000001.png").exists(), write_mnist),
    "08_features.py": Run(["--steps", "2", "--draws", "1"], lambda output, folder:
                          number_after("discriminator's features", output) > 50
                          and number_after("raw pixels", output) > 80
                          and wrote("08_kernels.png", "08_features.png")(output, folder),
                          less={"LABELS": (100, 200)}),
    "09_prove_a_gradient.py": Run([], lambda output, folder:
                                  "right; 56 derivatives of first order, 40 " in output
                                  and all(text in output for text in three_diagnoses())),
    "10_laboratory.py": Run(["--steps", "1"], lambda output, folder:
                            output.count(" of 8 modes, high quality") == 2
                            and wrote("10_laboratory.png")(output, folder)),
    # without SciPy it is another, smaller distance
    "11_wgan_gp.py": Run(["--steps", "2"], lambda output, folder:
                         number_after("digits:", output) > (1 if find_spec("scipy") else 0)
                         and wrote("11_distance.png", "11_samples.png")(output, folder)),
    "12_conditional.py": Run(["--steps", "2", "--classifier-steps", "50"],
                             lambda output, folder:
                             number_after("that it has not seen, it reads", output) > 70
                             and wrote("12_conditional.png")(output, folder)),
    "13_infogan.py": Run(["--steps", "4"], lambda output, folder:
                         number_after("agreement", output) > 9
                         and wrote("13_infogan.png")(output, folder)),
    "14_many_networks.py": Run(["--steps", "2"], lambda output, folder:
                               output.count("coverage") == 3 and output.count("generator ") == 5
                               and wrote("14_makers.png")(output, folder)),
    "15_few_labels.py": Run(["--steps", "100"], lambda output, folder:
                            number_after("100 labels alone:", output) > 70
                            and number_after("without one:", output) > 50),
    "17_own_networks.py": Run(["--steps", "20", "--out", "own"], lambda output, folder:
                              wrote("own/walk-step-000020-seed-0.gif")(output, folder)
                              and (folder / "own" / "torch-step-000020" / "generator.py").exists()),
    "18_deeper_generator.py": Run(
        ["--layers", "0", "2", "--seeds", "1", "--steps", "2", "--out", "runs"],
        lambda output, folder: output.count("%") == 2
        and (folder / "runs" / "2-layers-seed-1" / "losses.png").exists()),
    "20_augmentation.py": Run(["--labels", "5", "--draws", "2", "--steps", "4"],
                              lambda output, folder: output.count(" a class  ") == 7
                              and number_after("5 a class  nothing", output) >= 10
                              and wrote("20_augmentation.svg")(output, folder)),
    "21_unbalanced.py": Run(["--percent", "10", "--draws", "1", "--steps", "4"],
                            lambda output, folder: number_after("rare of the data", output) == 2.4
                            and number_after("10 %  SMOTE", output) >= 0
                            and wrote("21_unbalanced.png")(output, folder)),
    "22_pictures_from_pictures.py": Run(
        ["--tasks", "edges", "translate", "--steps", "2"], lambda output, folder:
        number_after("L1 + 0.1 D  PSNR", output) > 3 and output.count("there and back") == 4
        and wrote("22_pictures.png")(output, folder)),
    "23_tables.py": Run(["--sets", "iris", "--seeds", "0", "--steps", "20"], lambda output, folder:
                        number_after("iris     real rows", output) > 80
                        and number_after("iris     GAN", output) > 10
                        and wrote("tables-iris.svg")(output, folder), needs="sklearn"),
    "24_time_series.py": Run(["--steps", "1", "--series", "200", "--judges", "1"],
                             lambda output, folder:
                             output.count("discriminative 0.") == 4
                             and 0 < number_after("predictive", output) < 2
                             and wrote("24_sines.png")(output, folder)),
    "25_sound.py": Run(["--steps", "5", "--count", "100", "--out", "sound"], lambda output, folder:
                       number_after("others of the real", output.replace("kick", "")) > 20
                       and output.count("WaveGAN, step") == 5 and "not captured" not in output
                       and wrote("sound/25_sound.png")(output, folder)
                       and (folder / "sound" / "25_made.wav").stat().st_size > 20_000),
    "26_text.py": Run(["--steps", "1"], lambda output, folder:
                      "valid   3.2%   words   0 of 132   KL 3.435" in output
                      and output.count("of 132   KL 3.") == 4
                      and wrote("26_text.png")(output, folder)),
    "27_solids.py": Run(["--steps", "5", "--count", "50", "--out", "solids"], lambda output, folder:
                        re.search("not shown +one piece 100%  mirrored 100%  wrong voxels +0",
                                  output) is not None
                        and "the game, step 5 " in output
                        and wrote("solids/27_solids.png")(output, folder)),
    "spoken_digits.py": Run(["--out", "said.wav"], lambda output, folder:
                            output.startswith("said.wav: ") and len(output.split()) == 17
                            and wrote("said.wav")(output, folder), needs="espeak-ng"),
    "conditional_quality.py": Run(
        ["--system", "mlp-small", "--steps", "2", "--classifier-steps", "2", "--data-dir", ".",
         "--out", "run"], lambda output, folder:
        number_after("that has seen samples only,", output) >= 0
        and (folder / "run" / "losses.png").exists(), write_mnist),
    "digits_quality.py": Run(["digits-dcgan", "--seeds", "3", "--steps", "4", "--out", "runs"],
                             lambda output, folder: number_after("coverage", output) >= 0
                             and (folder / "runs" / "digits-dcgan-seed-3" / "losses.png").exists()),
    "stacked_digits.py": Run(["dense layers", "--seeds", "0", "--steps", "2", "--n", "500"],
                             lambda output, folder: number_after("real ", output.replace(
                                 " modes", "")) > 300 > number_after("seed 0  modes", output)),
    "recipes.py": Run(
        ["digits", "--steps", "2", "--try", "--pack 2", "-n", "300", "--record", "record.jsonl"],
        lambda output, folder: json.loads((folder / "record.jsonl").read_text())["coverage"] >= 0),
    "quality_floors.py": Run(["--n", "200"], lambda output, folder:
                             "200 real images and 200 others" in output
                             and output.count(" s\n") == 14
                             and number_after("copies: share, z", output) == 1),
    # a chain of 100,000 is walked in tests/test_graph.py
    "engine_figures.py": Run(["--steps", "20", "--links", "999", "--imports", "1"],
                             lambda output, folder:
                             "gradient 1000)" in output and "gradient 2^30" in output
                             and number_after("backward():", output) <= 350
                             and number_after("a step of Adam:", output) <= 150),
    "benchmark.py": Run(["mlp128", "--rounds", "1", "--steps", "1", "--memory", "--json"],
                        lambda output, folder: a_part_of_the_peak(json.loads(output))),
    "benchmark_ops.py": Run(["--help"], lambda output, folder: "--markdown" in output),
    "benchmark_growth.py": Run(["--help"], lambda output, folder: "--svg" in output),
    "benchmark_steps.py": Run(["minigan", "mlp128", "--steps", "3"], lambda output, folder:
                              json.loads(output)["ms"] > 0),
    "thresholds.py": Run(["--quick"], lambda output, folder: all(
        f"\n{name} = " in output for name in vars(thresholds)
        if name.isupper() and not name.startswith("GPU"))),
    "many_hands.py": Run(["--quick"], lambda output, folder:
                         number_after("| 2 |", output) > 0 and "| 1024 |" in output,
                         needs_mpi=True),
    "kernel_steps.py": Run(["--quick", "--rounds", "1"], lambda output, folder:
                           number_after("| Adam |", output) > 0),
}


def test_every_example_is_run_here():
    assert sorted(RUNS) == [path.name for path in EXAMPLES]


@pytest.fixture(autouse=True)
def few_points(monkeypatch):
    """The laboratory takes exact distances of few points: of a G that has learnt nothing, whose
    points lie in a heap, they take seconds."""
    for name in ("TRANSPORTED", "WATCHED"):
        monkeypatch.setattr(f"minigan.lab.experiment.{name}", 60)


@pytest.mark.parametrize("name", RUNS)
def test_an_example_runs_and_prints_what_it_promises(name, tmp_path, monkeypatch):
    run, main = RUNS[name], None
    if run.needs_mpi and (why := without_mpi()):
        pytest.skip(why)
    run.prepare(tmp_path)
    if run.less:
        monkeypatch.syspath_prepend(FOLDER)
        main = import_module(Path(name).stem).main
        for constant, value in run.less.items():
            monkeypatch.setitem(main.__globals__, constant, value)
    status, output, errors = run_example(name, *run.arguments, folder=tmp_path, main=main)
    if run.needs and not (find_spec(run.needs) or shutil.which(run.needs)):
        assert status == 2 and errors.count("\n") == 1 and " install " in errors
        return
    assert status == 0, errors
    assert run.holds(output, tmp_path), output


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_at_its_top_how_to_run_it(path):
    docstring = path.read_text(encoding="utf-8").split('"""')[1]
    assert f"    python examples/{path.name}" in docstring


def test_the_dcgan_example_goes_on_where_it_stopped(tmp_path):
    write_mnist(tmp_path)
    for steps in "1", "2":
        status, _, errors = run_example("07_dcgan_mnist.py", "--steps", steps, "--data-dir", ".",
                                        "--out", "run", folder=tmp_path)
        assert status == 0, errors
    assert len((tmp_path / "run/metrics.jsonl").read_text().splitlines()) == 1  # not begun again
    assert (tmp_path / "run/samples/step-000002.png").exists()


def test_the_dcgan_example_says_in_one_line_that_the_data_are_missing(tmp_path):
    status, _, errors = run_example("07_dcgan_mnist.py", "--data-dir", ".", folder=tmp_path)
    assert status == 1 and errors.count("\n") == 1
    assert "there is no train-images-idx3-ubyte.gz" in errors


def test_the_features_example_reads_a_saved_run_and_refuses_one_without_kernels(
        tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    example, compared = import_module("08_features"), []
    # what takes the time, and is the same for a run as for what the example trains itself
    monkeypatch.setattr(example, "draw_features", lambda *_: None)
    monkeypatch.setattr(example, "compare", lambda config, *_: compared.append(config.system))
    for system, expected in [("digits-dcgan", 0), ("digits", 1)]:
        assert main(["train", system, "--steps", "2", "--out", str(tmp_path / system)]) == 0
        status, _, errors = run_example("08_features.py", "--run", system, "--draws", "1",
                                        folder=tmp_path, main=example.main)
        assert status == expected, errors
    assert compared == ["digits-dcgan"]
    assert errors.count("\n") == 1 and "no kernels" in errors


@pytest.mark.parametrize("name, given, beside", [("digits", {}, "digits_dcgan"),
                                                 ("mnist", {"width": 8}, "dcgan")])
def test_a_deeper_pair_is_a_system_whose_rest_is_dcgans(name, given, beside):
    system = find(f"{FOLDER / '18_deeper_generator.py'}:{name}")
    deeper, judges = system.networks(**given)
    generator, discriminator = getattr(models, beside)(**given)
    assert len(deeper.body.layers) == len(generator.body.layers) + 6
    assert repr(judges) == repr(discriminator)
    assert repr(deeper.body[-1]) == repr(generator.body[-1])
    latent = mg.tensor(np.zeros((2, system.latent), np.float32))
    assert deeper(latent).shape == generator(latent).shape


def test_the_augmentation_example_takes_mnist(tmp_path):
    write_mnist(tmp_path)
    status, output, errors = run_example(
        "20_augmentation.py", "--data", "mnist", "--data-dir", ".", "--labels", "5", "--draws", "1",
        "--steps", "8", folder=tmp_path)
    assert status == 0, errors
    assert output.count(" a class  ") == 7
    assert number_after("a class  unlabelled", output) > 30  # without labels a tenth


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for espeak-ng is a script of a shell")
def test_the_sound_example_makes_words_of_what_espeak_ng_says(tmp_path, monkeypatch):
    """In its place a program hums: the pitch is the word's length."""
    t = np.arange(8000) / 22050
    for letters in (3, 4, 5):
        with wave.open(str(tmp_path / f"{letters}.wav"), "wb") as file:
            file.setnchannels(1), file.setsampwidth(2), file.setframerate(22050)
            hum = 9000 * np.sin(2 * np.pi * 200 * letters * t)
            file.writeframes(hum.astype("<i2").tobytes())
    program = tmp_path / "espeak-ng"
    program.write_text(f'#!/bin/sh\nfor word; do :; done\ncat "{tmp_path}/${{#word}}.wav"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    status, output, errors = run_example("25_sound.py", "--words", "--steps", "5", "--count", "22",
                                         folder=tmp_path)
    assert status == 0, errors
    assert output.count(" nine ") == 7 and "not captured" not in output
    with wave.open(str(tmp_path / "25_real.wav")) as file:
        sounds = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(16, 2500)
    loudest = np.abs(np.fft.rfft(sounds[:, :1400])).argmax(axis=1)
    assert set(loudest * 4000 / 1400) == {600, 800, 1000}


def test_spoken_digits_say_in_one_line_that_espeak_ng_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, *arguments in [("spoken_digits.py",), ("25_sound.py", "--words")]:
        status, _, errors = run_example(name, *arguments, folder=tmp_path)
        assert status == 2 and errors.count("\n") == 1 and "apt-get install espeak-ng" in errors
