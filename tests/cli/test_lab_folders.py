"""Folders of the laboratory that are damaged, taken or not to be written."""
from __future__ import annotations

import json

import pytest

from minigan.cli import main
from minigan.cli import lab as command
from minigan.lab import LabError, Record, processes, train
from tests.laboratory import task


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Runs in this process, on tiny networks."""
    monkeypatch.setattr("minigan.lab.experiment.SAMPLES", 60)
    monkeypatch.setattr(command, "Task", lambda *words: task(*words[:3]))

    def run_all(tasks, folder, workers, films=(), progress=None):
        paths = [processes.place(each, folder) for each in tasks]
        for each, path in zip(tasks, paths):
            train(each).save(path)
        return processes.Outcome(paths)

    monkeypatch.setattr(command, "run_all", run_all)


def lab(folder, *words):
    return main(["lab", *words, "--out", str(folder)])


def mistake(capsys, *args):
    assert lab(*args) == 2
    printed = capsys.readouterr().err
    assert len(printed.strip().splitlines()) == 1
    return printed


@pytest.mark.parametrize("suffix, content", [
    (".json", b""), (".json", b"[]"), (".json", b"{}"), (".json", b"\xff"),
    (".json", b'{"settings": 1, "rows": 2, "final": 3}'),
    (".json", b'{"settings": {}, "rows": [], "final": {}}'),
    (".npz", b""), (".npz", b"PK\x03\x04 cut off"), (".npz", b"something else")])
def test_a_damaged_run_is_named_before_anything_runs(suffix, content, tmp_path, capsys):
    path = tmp_path / "ring" / "plain" / "seed-0.json"
    train(task("ring", "plain")).save(path)
    path.with_suffix(suffix).write_bytes(content)
    for method in "plain", "r1":  # also where another method is asked for, whose table it is in
        said = mistake(capsys, tmp_path, "ring", "--method", method)
        assert f"{path} is no run of the laboratory" in said and said.endswith("remove it\n")
    assert not (tmp_path / "ring" / "r1").exists()


def test_a_samples_file_that_is_damaged_in_the_middle_is_named(tmp_path):
    path = tmp_path / "seed-0.json"
    train(task("ring", "plain")).save(path)
    samples = path.with_suffix(".npz")
    whole = samples.read_bytes()
    for place in range(0, len(whole) - 8, 23):
        samples.write_bytes(whole[:place] + b"AAAAAAAA" + whole[place + 8:])
        try:
            Record.load(path)  # a few bytes of a ZIP file say nothing
        except LabError as error:
            assert "is no run of the laboratory" in str(error)


def test_a_file_and_a_distribution_of_one_name_do_not_come_into_one_table(tmp_path, capsys):
    file, other = tmp_path / "ring.csv", tmp_path / "other" / "ring.csv"
    other.parent.mkdir()
    file.write_text("0,1\n1,0\n")
    other.write_text("0,1\n1,0\n2,2\n")
    out = tmp_path / "out"
    assert lab(out, str(file)) == 0
    before = json.loads((out / "ring/plain/seed-0.json").read_text())
    for data in "ring", str(other):
        said = mistake(capsys, out, data, "--method", "r1")
        assert f"the runs of plain in {out / 'ring'} are on other points" in said
        assert "choose another --out" in said
    assert lab(out, str(file), "--method", "r1") == 0
    assert json.loads((out / "ring/plain/seed-0.json").read_text()) == before


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(tmp_path, capsys,
                                                                       monkeypatch):
    def nothing(*args, **kwargs):
        raise AssertionError("started to run")

    monkeypatch.setattr(command, "run_all", nothing)
    (tmp_path / "file").write_text("")
    assert "file" in mistake(capsys, tmp_path / "file", "ring")

    def refused(**kwargs):
        raise PermissionError(13, "Permission denied", str(kwargs["dir"]))

    monkeypatch.setattr(command, "TemporaryFile", refused)
    said = mistake(capsys, tmp_path / "runs", "ring")
    assert said == f"minigan lab: Permission denied: {tmp_path / 'runs' / 'ring'}\n"
