"""`minigan evaluate` and `--keep-best` as a person uses them."""
from __future__ import annotations

import errno
import gzip
import json
import os
import re
import shutil
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigan import files, locks
from minigan.cli import main
from minigan.files import write_text
from minigan.gan import Options, Run, evaluate, evaluation, yardstick
from minigan.gan.scores import Scores
from minigan.metrics.table import METRICS, Figure

pytestmark = pytest.mark.numpy_only("the folder is what is tested")
TINY = ["--recipe", "as-written", "--batch-size", "8", "--save-every", "2", "--device", "cpu"]
QUICK = ["kernel", "coverage"]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(Run, "save_losses", lambda run: None)
    monkeypatch.setattr(evaluation, "save_panels", lambda path, *args: path.touch())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tiny run on the digits that keeps its best step."""
    folder = tmp_path_factory.mktemp("evaluate") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "save_losses", lambda run: None)
        assert main(["train", "--steps", "6", *TINY, "--keep-best", "kernel",
                     "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    """A copy of it, as the folder `run`."""
    shutil.copytree(trained, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return Run.open("run")


def test_the_table_has_a_row_for_each_measure_and_says_what_it_depends_on(run, capsys):
    assert main(["evaluate", "run", "--n", "100"]) == 0
    printed = capsys.readouterr()
    head, _, table = printed.out.partition("\n\n")
    assert all(word in head.replace("\n", " ") for word in (
        "100 samples", "seed 0", "of the 1,797 images of digits", "95 %", "judge digits-aea01b03"))
    rows = table.splitlines()
    assert rows[0].split()[:6] == ["better", "step", "6", "real", "noise", "blur"]
    missing, others = {"gan-test", "gan-train", "frechet-infinity"}, {"modes", "reverse-kl"}
    assert [row.split()[0] for row in rows[1:rows.index("")]] == [
        name for name in METRICS if name not in missing | others]
    assert all(name in "".join(rows[rows.index(""):]) for name in missing)
    assert rows[2].startswith("kernel") and rows[2].count("±") == 4
    assert printed.err.splitlines()[0] == "run: step 6" and (run.folder / "evaluation.png").exists()


def test_an_interval_that_is_only_rounding_is_not_printed():
    assert evaluation._cell(Figure(-236.6238, 3e-14), False) == "-237"
    assert evaluation._cell(Figure(0.0, 0.0031), False) == "0.0000 ± 0.0031"


def test_where_nothing_can_be_measured_there_is_no_table_but_why(run, capsys):
    assert main(["evaluate", "run", "--n", "50", "--metrics", "gan-test"]) == 0
    _, *said = capsys.readouterr().out.strip().split("\n\n")
    assert len(said) == 1 and said[0].startswith("not here: gan-test (needs samples")


def test_json_stands_alone_on_standard_output_and_runs_stand_side_by_side(run, capsys):
    shutil.copytree("run", "other")
    assert main(["evaluate", "run", "other", "--n", "50", "--metrics", *QUICK, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert list(made["columns"]) == ["run", "other", "real", "noise", "blur"]
    assert made["n"] == 50 and made["judge"] == "digits-aea01b03" and made["confidence"] == 0.95
    assert made["columns"]["run"] == made["columns"]["other"]
    assert list(made["columns"]["real"]) == QUICK
    assert made["columns"]["run"]["kernel"].keys() == {"value", "interval"}


def test_what_is_known_of_a_step_is_not_made_again_and_other_weights_are_noticed(run, capsys,
                                                                                 monkeypatch):
    sampled, samples = [], yardstick.Yardstick.samples
    monkeypatch.setattr(yardstick.Yardstick, "samples", lambda self, *args:
                        sampled.append(1) or samples(self, *args))
    command = ["evaluate", "run", "--n", "50", "--metrics", "coverage", "sliced", "--all-steps"]
    assert main(command) == 0 and len(sampled) == 3
    table = capsys.readouterr().out
    assert "step 2" in table and "step 6" in table and "noise" not in table.partition("better")[2]
    assert main(command) == 0 and len(sampled) == 3
    assert capsys.readouterr().out == table
    shutil.copy(run.weights_file(2), run.weights_file(4))
    assert main(command) == 0 and len(sampled) == 4
    assert main([*command, "--seed", "1"]) == 0 and len(sampled) == 7
    assert main(["evaluate", "run", "--n", "60", "--metrics", "coverage"]) == 0
    assert len(sampled) == 8


def test_keeping_the_best_step_changes_no_bit_of_the_training_also_when_resumed(trained, tmp_path):
    plain, parts = tmp_path / "plain", tmp_path / "parts"
    assert main(["train", "--steps", "6", *TINY, "--out", str(plain)]) == 0
    assert main(["train", "--steps", "4", *TINY, "--keep-best", "kernel", "--out", str(parts)]) == 0
    assert main(["train", "--resume", "--steps", "6", "--out", str(parts), "--device", "cpu"]) == 0
    for name in ("weights/step-000006.safetensors", "state.safetensors", "metrics.jsonl"):
        assert (trained / name).read_bytes() == (plain / name).read_bytes()
        assert (trained / name).read_bytes() == (parts / name).read_bytes()
    assert (trained / "evaluation.json").read_bytes() == (parts / "evaluation.json").read_bytes()


def test_the_best_step_is_that_of_the_best_figure_and_is_sampled_and_evaluated(run, capsys):
    path = run.folder / "evaluation.json"
    figures = json.loads(path.read_text())["figures"]
    assert [(row["step"], row["column"], row["n"]) for row in figures] == [
        (step, "choosing", 898) for step in (2, 4, 6)]
    for row, value in zip(figures, (0.3, 0.1, 0.2)):
        row["value"] = value
    path.write_text(json.dumps({"figures": figures}))
    assert run.best_step() == 4
    assert main(["sample", "run", "--step", "best", "--n", "4"]) == 0
    assert "step-000004" in capsys.readouterr().out
    made = evaluate(run, n=40, metrics=["coverage"], step="best")
    assert list(made.columns) == ["step 4", "real", "noise", "blur"]
    assert isinstance(made.columns["step 4"]["coverage"], Figure) and "coverage" in str(made)
    run.weights_file(4).unlink()
    assert run.best_step() == 6


def test_a_step_is_chosen_by_images_that_its_evaluation_does_not_compare_with(run):
    chosen = yardstick.Yardstick.choosing(run.config, run.data)
    for n in (10, 898):
        compared = yardstick.Yardstick.of(run.config, run.data, n)
        assert compared.n == n
        both = np.concatenate([chosen.reference.images, compared.reference.images])
        rows = [order.tobytes() for order in both]
        twins = len(run.data[0]) - len({image.tobytes() for image in run.data[0]})
        assert len(rows) - len(set(rows)) <= twins


def test_mistakes_are_answered_by_one_line(run, capsys, tmp_path):
    Run.new("new", steps=2, batch_size=8).trainer()
    shutil.copytree("run", "changed")
    config = json.loads((tmp_path / "changed" / "config.json").read_text())
    config.update(fingerprint="of others", keep_best=None)
    (tmp_path / "changed" / "config.json").write_text(json.dumps(config))
    shutil.copytree("run", "damaged")
    (tmp_path / "damaged" / "evaluation.json").write_text('{"figures": [{"value": 1}]}')
    for words, says in (
            (["evaluate", "run", "--metrics", "frechett"], "did you mean frechet?"),
            (["evaluate", "run", "--n", "1"], "at least 2"),
            (["evaluate", "run", "--n", "900"], "--n 900 is not from 2 to 898"),
            (["evaluate", "run", "--step", "5"], "it has 2, 4, 6"),
            (["evaluate", "run", "--step", "last"], "a saved step, or best"),
            (["evaluate", "run", "--step", "4", "--all-steps"], "give one of them"),
            (["evaluate", "new"], "no saved weights"),
            (["evaluate", "nowhere"], "no run folder"),
            (["evaluate", "run", "changed"], "one at a time"),
            (["evaluate", "changed", "--step", "best"], "--keep-best"),
            (["evaluate", "damaged"], "delete it"),
            (["evaluate", "run", "--data-dir", "."], "read from no folder"),
            (["evaluate"], "required"),
            (["train", "--keep-best", "vendi", "--out", "x"], "there is no metric 'vendi'"),
            (["train", "--keep-best", "gan-test", "--out", "x", "--device", "cpu"], "conditional"),
            (["train", "--resume", "--out", "run", "--keep-best", "coverage", "--device", "cpu"],
             "--keep-best was kernel")):
        try:
            status = main(words)
        except SystemExit as stop:
            status = stop.code
        said = capsys.readouterr().err.strip().splitlines()
        assert status == 2 and len(said) == 1 and says in said[0], (words, said)
    assert not (tmp_path / "x").exists()


def test_samples_that_are_not_finite_are_told_with_their_step(run, monkeypatch):
    monkeypatch.setattr(yardstick, "sample", lambda *args: np.full((50, 8, 8, 1), np.nan, "f4"))
    with pytest.raises(ValueError, match="run, step 6: .*not finite"):
        evaluate(run, n=50, metrics=["coverage"])


def write(path, array):
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


def test_without_a_judge_the_measures_of_pixels_are_there_and_the_table_says_why(
        tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "idx").mkdir()
    (tmp_path / "pictures").mkdir()
    for split, n in (("train", 60), ("t10k", 30)):
        write(tmp_path / "idx" / f"{split}-images-idx3-ubyte.gz", rng.integers(0, 256, (n, 28, 28)))
        write(tmp_path / "idx" / f"{split}-labels-idx1-ubyte.gz", np.arange(n) % 10)
    for i in range(20):
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(f"pictures/{i}.png")
    monkeypatch.setattr("minigan.metrics.judge.judge_file", lambda data: tmp_path / "none")
    for data, system, n, says in (("mnist", "mlp-small", 30, "minigan judge mnist"),
                                  ("images", "digits-dcgan", 10, "data images have no judge")):
        out = f"run-{data}"
        assert main(["train", system, "--data", data, "--data-dir", "idx" if data == "mnist" else
                     "pictures", "--steps", "2", *TINY, "--keep-best", "coverage", "--out", out]
                    ) == 0
        assert main(["evaluate", out]) == 0
        printed = capsys.readouterr().out
        assert f"{n} samples" in printed and says in printed.replace("\n", " ")
        rows = [line.split()[0] for line in printed.split("\n\n")[1].splitlines()[1:]]
        assert {"coverage", "nearest-real", "parzen"} <= set(rows) and "kernel" not in rows
        assert {row["judge"] for row in Scores(tmp_path / out).rows()} == {None}
        assert main(["train", system, "--data", data, "--keep-best", "kernel", "--data-dir",
                     "idx" if data == "mnist" else "pictures", *TINY, "--out", "x"]) == 2
        assert f"needs a judge of such images; {says}" in re.sub("there is .*train one with ", "",
                                                  capsys.readouterr().err)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_the_table_is_printed_of_a_folder_that_cannot_be_written_into(run, capsys, monkeypatch,
                                                                      number):
    def refused(path, *args):
        raise OSError(number, os.strerror(number), str(path))
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    monkeypatch.setattr(os, "access", lambda *args: False)
    monkeypatch.setattr(files, "make_folder", refused)
    monkeypatch.setattr(locks, "Lock", refused)
    monkeypatch.setattr(evaluation, "save_panels", refused)
    assert main(["evaluate", "run", "--n", "50", "--metrics", "coverage"]) == 0
    printed = capsys.readouterr()
    assert "coverage" in printed.out and "its figures will not be kept" in printed.err
    main(["doctor", "run"])
    assert "losses.png is missing" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before


def test_a_full_disk_is_told(run, capsys, monkeypatch):
    def full(path, *args):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))
    monkeypatch.setattr("minigan.gan.scores.write_text", full)
    assert main(["evaluate", "run", "--n", "50", "--metrics", "coverage"]) == 2
    assert "No space left on device: run" in capsys.readouterr().err


def test_a_conditional_run_is_read_and_teaches(tmp_path):
    run = Run.new(tmp_path / "run", steps=2, batch_size=20, save_every=2,
                  game=Options(conditional="projection"))
    run.trainer().run(2)
    made = evaluate(run, n=60, metrics=["gan-test", "gan-train"])
    assert all(isinstance(figure, Figure) for column in made.columns.values()
               for figure in column.values())
    assert made.columns["real"]["gan-test"].value > 0.9 > made.columns["step 2"]["gan-test"].value


def test_a_run_named_as_a_column_keeps_its_own_and_what_another_process_wrote_stays(run, capsys):
    shutil.copytree("run", "noise")
    assert main(["evaluate", "noise", "run", "--n", "50", "--metrics", "precision", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["columns"]) == [
        "./noise", "run", "real", "noise", "blur"]
    first, other = Scores(Path("noise")), Scores(Path("noise"))
    for scores, n in ((first, 7), (other, 8)):
        scores.figures(["precision"], lambda name: Figure(1.0, None), column="samples", step=6,
                       weights=None, n=n, seed=0, data=None, reference="real", judge=None)
    assert {7, 8} <= {row["n"] for row in Scores(Path("noise")).rows()}


def test_of_several_that_write_their_figures_at_once_none_loses_any(tmp_path, monkeypatch):
    def slowly(path, text):
        time.sleep(0.1)  # in which the others have read
        write_text(path, text)
    monkeypatch.setattr("minigan.gan.scores.write_text", slowly)
    each = [Scores(tmp_path) for _ in range(3)]  # all of them read an empty folder
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda n: each[n].figures(
            ["precision"], lambda name: Figure(1.0, None), column="samples", step=6, weights=None,
            n=n + 2, seed=0, data=None, reference="real", judge=None), range(3)))
    assert {row["n"] for row in Scores(tmp_path).rows()} == {2, 3, 4}
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]


def test_a_run_older_than_fingerprints_is_known_by_its_images_and_damaged_figures_stop_it(run):
    run.config.fingerprint = None
    assert "1797 images" in evaluate(run, n=50, metrics=["precision"]).as_json()["data"]
    assert yardstick.Yardstick.choosing(run.config, run.data).seed > 10 ** 8  # nobody else's noise
    Path("run/evaluation.json").write_text("{")
    with pytest.raises(ValueError, match="evaluation.json is damaged"):
        Run.open("run").trainer()
