"""Folders in which something is missing, empty, a folder in place of a file, or leads to itself:
each command answers with one sentence."""
from __future__ import annotations

import os
import shutil

import pytest

from minigan.cli import main
from minigan.gan import Run
from minigan.lab import processes, train
from tests.laboratory import task

pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes links")
WEIGHTS, STATE = "weights/step-000002.safetensors", "state.safetensors"
RECORD = task("ring", "plain", steps=1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run, and beside it one of the laboratory, in one folder."""
    folder = tmp_path_factory.mktemp("damaged") / "run"
    run = Run.new(folder, steps=2, batch_size=8, save_every=2)
    run.save_losses = lambda: None
    run.trainer().run(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minigan.lab.experiment.SAMPLES", 60)
        record = train(RECORD)
    record.save(processes.place(RECORD, folder))
    return folder


def missing(path):
    pass


def empty(path):
    path.write_bytes(b"")


def folder(path):
    path.mkdir()


def loop(path):
    path.symlink_to(path.name)


def another(path):
    path.symlink_to("nowhere")


def unreadable(path):
    path.write_bytes(b"x")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read anything")


@pytest.mark.parametrize("damage", [missing, empty, folder, loop, another, unreadable])
def test_one_sentence_and_status_2(damage, whole, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = str(processes.place(RECORD, whole).relative_to(whole))
    sample, resume = ["sample", "run"], ["train", "--resume", "--out", "run", "--device", "cpu"]
    lab = ["lab", "ring", "--steps", "1", "--out", "run"]
    for name, commands in [("config.json", [sample, resume]), (WEIGHTS, [sample]),
                           (STATE, [resume]), ("weights", [sample]), (record, [lab]),
                           (record.replace(".json", ".npz"), [lab])]:
        if damage is missing and name == record:
            continue  # the run is made anew
        for words in commands:
            shutil.rmtree("run", ignore_errors=True)
            shutil.copytree(whole, "run")
            path = tmp_path / "run" / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            damage(path)
            assert main(words) == 2, (name, words)
            said = capsys.readouterr().err
            assert len(said.splitlines()) == 1 and "run" in said, said
