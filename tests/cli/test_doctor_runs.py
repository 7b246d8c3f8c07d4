"""`minigan doctor RUN`: what it says of a folder in which something is missing or damaged, and what
it makes of it."""
from __future__ import annotations

import json
import platform
import re
import shutil

import pytest

from minigan import locks
from minigan.cli import main
from minigan.gan import Run

FIRST, LAST = "step-000010", "step-000020"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of twenty steps, saved twice."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["train", "--steps", "20", "--save-every", "10", "--batch-size", "8", "--device",
                 "cpu", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def run(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


def bits(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def told(capsys, run, *words, status):
    """What doctor says, but for the last line."""
    capsys.readouterr()
    assert main(["doctor", str(run), *words]) == status
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == f"{run} is " + ("not whole" if status else "whole; the last saved step is 20")
    return lines


def cut(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def other_rows(run):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    (run / "metrics.jsonl").write_text("\n".join([*lines, lines[-1], '{"ste']))


REPAIRED = {
    f"samples/{FIRST}.png is missing or damaged (--repair: drawn again)":
        lambda run: cut(run / f"samples/{FIRST}.png"),
    f"samples/{LAST}.png is missing or damaged (--repair: drawn again)":
        lambda run: (run / f"samples/{LAST}.png").unlink(),
    "losses.png is missing or damaged (--repair: drawn again)":
        lambda run: (run / "losses.png").write_bytes(b""),
    "index.html is missing or damaged (--repair: made again)": lambda run: cut(run / "index.html"),
    f"weights/{LAST}.safetensors is damaged": lambda run: cut(run / f"weights/{LAST}.safetensors"),
    f"weights/{LAST}.safetensors is missing (--repair: written again from the state)":
        lambda run: (run / f"weights/{LAST}.safetensors").unlink(),
    "was left by a process that was killed (--repair: removed)":
        lambda run: (run / f"weights/.{10 ** 30}@{platform.node()}@{LAST}.safetensors").touch(),
    "metrics.jsonl: 1 of 5 lines repeat a step (--repair: left out)": other_rows,
}


def test_a_run_that_trains_on_after_a_kill_is_whole(run, whole, capsys):
    (run / ".lock").write_text("process 1")
    with open(run / "metrics.jsonl", "a") as file:
        file.write('{"step": 30, "d_loss": 1, "g_loss": 1}\n')  # that will be made anew
    assert told(capsys, run, status=0) == []
    assert bits(run).keys() == bits(whole).keys()


@pytest.mark.parametrize("says", REPAIRED)
def test_what_can_be_made_again_is_the_same_bit_for_bit(says, run, whole, capsys):
    REPAIRED[says](run)
    damaged = bits(run)
    found = told(capsys, run, status=1)
    assert any(says in line for line in found) and bits(run) == damaged
    repaired = told(capsys, run, "--repair", status=0)
    assert [line.replace(" (--repair: ", ": ").removesuffix(")") for line in found] == repaired
    assert bits(run) == bits(whole) and told(capsys, run, status=0) == []


def test_what_cannot_be_made_again_is_told_or_set_aside(run, capsys):
    cut(run / f"weights/{FIRST}.safetensors")
    lines = (run / "metrics.jsonl").read_text().splitlines()
    (run / "metrics.jsonl").write_text("\n".join(lines[:1] + lines[2:]) + "\n")
    assert told(capsys, run, "--repair", status=1)[-1].endswith(
        "metrics.jsonl lacks 1 row, of steps 10 to 10: only training from the start would make "
        "them again")
    (run / "evaluation.json").write_text('{"figures": [')
    assert "makes its figures anew, but not those of --keep-best: set aside as evaluation.damaged" \
        in " ".join(told(capsys, run, "--repair", status=1))
    (run / "evaluation.damaged").unlink()
    (run / "evaluation.json").mkdir()
    assert "evaluation.json" in (said := " ".join(told(capsys, run, "--repair", status=1)))
    assert "set aside" in said
    cut(run / "samples/step-000005.png")  # of which there are no weights
    assert "samples/step-000005.png is damaged: removed" in " ".join(
        told(capsys, run, "--repair", status=1))
    assert (run / f"weights/{FIRST}.damaged").exists() and Run.open(run).saved_steps() == [20]


@pytest.mark.parametrize("damage, says", [
    (lambda run: cut(run / "state.safetensors"), "state.safetensors is damaged: .* cannot go on"),
    (lambda run: (run / "state.safetensors").unlink(), "no state.safetensors: .* cannot go on"),
    (lambda run: setting(run, batch_size=5000), "training cannot go on: .* batch_size was 8 when"),
    (lambda run: setting(run, fingerprint="x"), "training cannot go on: the images of digits"),
    (lambda run: setting(run, system="mlp-small"), "cannot go on: a run keeps its settings, and "
     "system was 'digits' when it was saved last, now 'mlp-small': bring that back")])
def test_why_a_run_cannot_go_on_is_told(damage, says, run, capsys):
    damage(run)
    before = bits(run)
    assert re.search(says, told(capsys, run, status=1)[0])
    told(capsys, run, "--repair", status=1)
    assert bits(run) == before  # weights do not fit wrong settings, and are not to blame


def setting(run, **settings):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**config, **settings}))


def test_what_is_no_run_or_belongs_to_another_process_is_a_mistake(run, tmp_path, capsys):
    other = locks.Lock(run)  # as another process would take it
    for words, says in [([str(run)], f"trains in {run}"), ([str(tmp_path)], "no config.json"),
                        (["--repair"], "minigan doctor RUN --repair")]:
        assert main(["doctor", *words]) == 2
        said = capsys.readouterr().err
        assert says in said and len(said.splitlines()) == 1
    other.release()


def test_the_help_says_in_a_line_each_who_uses_which_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    groups = [line.split(":")[0] for line in lines if ": " in line and not line.startswith(" ")]
    assert groups == ["usage", "read", "run", "prove", "machine", "Each tells of its own options"]
    for command in ("systems", "lab", "train", "sample", "judge", "gradcheck", "doctor"):
        line, = [line for line in lines if line.startswith(f"  {command} ")]
        assert 20 < len(line) < 80


def test_a_folder_that_cannot_be_written_into_is_looked_at(whole, capsys, monkeypatch):
    def refuse(run):
        raise PermissionError(13, "Permission denied", str(run.folder / ".lock"))

    monkeypatch.setattr(Run, "take", refuse)
    assert main(["doctor", str(whole)]) == 0 and "is whole" in capsys.readouterr().out
    assert main(["doctor", str(whole), "--repair"]) == 2
