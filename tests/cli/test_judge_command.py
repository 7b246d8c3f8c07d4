"""`minigan judge` as a person uses it: what it leaves, and what it answers to mistakes."""
from __future__ import annotations

import pytest

from minigan.cli import judge as command
from minigan.cli import main
from minigan.metrics import Judge


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """A cache of its own, in which the digits' judge is kept, too."""
    path = tmp_path / "cache" / "judge.safetensors"
    monkeypatch.setattr(command, "judge_file", lambda data: path)
    return path


def judge(*words):
    return main(["judge", *words, "--device", "cpu"])


def test_the_first_call_trains_and_tells_of_it_and_the_next_tells_only(cache, capsys):
    assert judge("digits", "--epochs", "1") == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("training a judge of digits\nstep 1/22  loss ")
    assert "step 22/22" in printed.err
    made = Judge.load("digits", cache)
    assert printed.out.startswith(f"{made.name}: right about ") and str(cache) in printed.out
    assert made.network in printed.out
    assert judge("digits") == 0
    assert capsys.readouterr() == (printed.out, "")


def test_the_judge_of_the_digits_comes_with_the_package(monkeypatch, capsys):
    monkeypatch.undo()
    assert judge("digits") == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(Judge.load("digits").name) and printed.err == ""


def test_ctrl_c_leaves_no_file(cache, monkeypatch, capsys):
    def interrupted(progress, step, described):
        if step == 3:
            raise KeyboardInterrupt
    monkeypatch.setattr(command.Progress, "tell", interrupted)
    assert judge("digits") == 130
    assert list(cache.parent.iterdir()) == []


def test_mistakes_are_answered_in_one_line_before_anything_is_trained(tmp_path, cache, capsys):
    Judge.load("digits").save(cache)
    (tmp_path / "file").touch()
    for words, reason in (
            (["digits", "--epochs", "3"], "--out"),
            (["digits", "--seed", "0"], "--out"),
            (["digits", "--out", str(tmp_path)], "is a folder"),
            (["digits", "--out", str(tmp_path / "file" / "judge")], "file"),
            (["mnist", "--data-dir", str(tmp_path), "--out", str(tmp_path / "new")],
             "minigan train --data images"),
            (["digits", "--data-dir", str(tmp_path)], "read from no folder"),
            (["images"], "there is no judge of 'images'"),
            (["digits", "--epochs", "0"], "whole number")):
        try:
            status = judge(*words)
        except SystemExit as error:
            status = error.code
        said = [line for line in capsys.readouterr().err.splitlines()
                if not line.startswith("training")]
        assert status == 2 and len(said) == 1 and reason in said[0], (words, said)
    assert not (tmp_path / "new").exists()
