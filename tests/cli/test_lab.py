"""`minigan lab` as a person uses it."""
from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minigan.cli import main
from minigan.cli import lab as command
from minigan.lab import METHODS, animation, processes, train
from minigan.lab.animation import Film, Show
from minigan.lab.methods import TABLE
from tests.laboratory import task as tiny


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    """In this process; others judge by as many as ever."""
    monkeypatch.setattr("minigan.lab.experiment.SAMPLES", 60)


@pytest.fixture
def quick(monkeypatch):
    """Runs in this process, on tiny networks."""
    monkeypatch.setattr(command, "Task", lambda *words: tiny(*words[:3]))
    seen = []

    def run_all(tasks, folder, workers, films=(), progress=None):
        outcome = processes.Outcome()
        for task in tasks:
            if not processes.is_done(task, folder):
                seen.append(task)
                train(task).save(processes.place(task, folder))
            outcome.finished.append(processes.place(task, folder))
        return outcome

    monkeypatch.setattr(command, "run_all", run_all)
    return seen


def test_it_prints_a_table_and_goes_on_where_it_was(tmp_path, quick, capsys):
    words = ["lab", "grid", "--method", "plain", "--method", "r1", "--steps", "4", "--out",
             str(tmp_path)]
    assert main([*words, "--seeds", "1"]) == 0
    assert main([*words, "--seeds", "2"]) == 0
    assert [str(task) for task in quick] == ["grid plain seed 0", "grid r1 seed 0",
                                             "grid plain seed 1", "grid r1 seed 1"]
    out = capsys.readouterr()
    assert "| r1     |     2 |     4 |" in out.out and "2 of 4 runs are done already" in out.err
    assert {p.name for p in (tmp_path / "grid").iterdir()} == {
        "plain", "r1", "table.md", "table.csv", "table.png"}


def test_options_describe_a_method(tmp_path, quick):
    assert main(["lab", "moons", "--objective", "hinge", "--penalty", "r1:0.5", "--penalty", "l2",
                 "--d-steps", "2", "--steps", "4", "--out", str(tmp_path)]) == 0
    assert quick[0].method_name == "hinge+r1=0.5+l2+d-steps=2"
    assert (tmp_path / "moons/hinge+r1=0.5+l2+d-steps=2/seed-0.json").exists()


def test_table_is_the_methods_of_the_documented_table():
    assert command.chosen(main_args(["--method", "table", "--method", "plain"])) == list(TABLE)
    both = command.chosen(main_args(["--method", "dragan", "--method", "table"]))
    assert both == ["dragan", *TABLE] and set(TABLE) <= set(METHODS)


def test_all_is_every_method_once():
    args = main_args(["--method", "all", "--method", "plain"])
    assert command.chosen(args) == list(METHODS)
    assert command.chosen(main_args([])) == ["plain"]


def main_args(words):
    from minigan.cli import parser

    return parser().parse_args(["lab", *words])


@pytest.mark.parametrize("words, said", [
    (["rng"], "there is no data set or file 'rng': did you mean ring? There are ring, grid"),
    (["nothing.csv"], "there is no file nothing.csv"),
    (["--method", "wgan"], "there is no method 'wgan'"),
    (["--objective", "hinges"], "no objective 'hinges': did you mean hinge? There are minimax, "),
    (["--penalty", "r3"], "there is no penalty 'r3'"),
    (["--penalty", "r1:-1"], "the weight of penalty r1 is a number of at least 0, or two"),
    (["--rule", "turns"], "there are alternating, simultaneous, extragradient"),
    (["--seeds", "0"], "expected a whole number of at least 1, got '0'"),
    (["--pack", "3"], "256 examples cannot be packed by 3"),
    (["--d-steps", "2", "--rule", "simultaneous"], "d_steps goes without rule"),
    (["--method", "r1", "--d-steps", "2"], "--d-steps describes one of your own"),
    (["--conditional"], "conditional needs classes"), (["--diff-augment"], "is for images"),
    (["--unroll", "2", "--penalty", "l2"], "weight_decay"),
    (["--penalti", "r1"], "there is no option '--penalti': did you mean --penalty?"),
    (["--show", "--seeds", "2"], "--show shows a single run, not 2"),
    (["--show", "--animate"], "leave out --animate, or --show"),
    (["--show", "--workers", "2"], "leave out --workers, or --show"),
    (["--show"], "no display to open a window on: leave out --show")])
def test_a_mistake_is_answered_by_a_line(words, said, capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["lab", *words])
    except SystemExit as ended:
        status = ended.code
    error = capsys.readouterr().err
    assert status == 2 and said in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_a_bad_row_is_refused_before_anything_starts(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("1,2\n3\n")
    assert main(["lab", str(tmp_path / "a.csv")]) == 2
    assert "row 2: expected two numbers" in capsys.readouterr().err


def test_processes_run_the_tasks_and_one_that_fails_is_told(tmp_path, capsys):
    (tmp_path / "gone.csv").write_text("1,2\n3,4\n")
    good, bad = tiny("ring", "plain"), tiny(str(tmp_path / "gone.csv"), "plain", 1)
    lines = processes.Finished([good, bad])

    def gone(kind):  # it vanishes before the process looks
        (tmp_path / "gone.csv").unlink(missing_ok=True)
        return start(*kind)

    start, real_start = processes._start, processes._start
    try:
        processes._start = lambda *kind: gone(kind)
        outcome = processes.run_all([good, bad], tmp_path, 2, progress=lines)
    finally:
        processes._start = real_start
    assert outcome.finished == [processes.place(good, tmp_path)]
    assert list(outcome.failed) == [bad] and "No such file" in outcome.failed[bad]
    assert "gone plain seed 1: failed: " in capsys.readouterr().err
    final = json.loads(processes.place(good, tmp_path).read_text())["final"]
    assert final["step"] == 4


def test_a_process_that_dies_is_told():
    class Dead:
        exitcode = -9

        def join(self):
            pass

    class Closed:
        def recv(self):
            raise EOFError

    assert processes._received(Closed(), Dead()) == ("failed", "its process was ended by signal 9")


@pytest.mark.skipif(os.name == "nt", reason="there Ctrl-C is sent in other ways")
def test_ctrl_c_while_a_process_is_started_is_heard_and_the_process_ended(tmp_path, monkeypatch):
    started, ended, start = [], [], processes._start

    def interrupted(*task):
        signal.raise_signal(signal.SIGINT)
        started.append(start(*task)[0])
        signal.raise_signal(signal.SIGINT)
        return started[0], None

    monkeypatch.setattr(processes, "_start", interrupted)
    monkeypatch.setattr(processes, "_end", lambda processes: ended.extend(processes))
    assert processes.run_all([tiny("ring", "plain")], tmp_path, 1).interrupted
    try:
        assert started == ended
        status = Path(f"/proc/{started[0].pid}/status")
        if status.exists():  # the process has SIGINT, number 2, blocked from its start on
            blocked = int(re.search(r"SigBlk:\s*(\w+)", status.read_text())[1], 16)
            assert blocked >> (signal.SIGINT - 1) & 1
    finally:
        started[0].kill()
        started[0].join()


@pytest.mark.skipif(os.name == "nt", reason="there Ctrl-C is sent in other ways")
def test_ctrl_c_ends_it_within_seconds_and_says_how_to_go_on(tmp_path):
    done = subprocess.Popen([sys.executable, "-m", "minigan", "lab", "--steps", "100000", "--out",
                             str(tmp_path)], stderr=subprocess.PIPE, text=True,
                            start_new_session=True)
    assert "1 to run, " in done.stderr.readline()
    time.sleep(0.5)  # let the process start; at whatever point it is, the end is the same
    os.killpg(done.pid, signal.SIGINT)  # as a terminal does: the processes hear it as well
    try:
        _, error = done.communicate(timeout=20)
    finally:
        done.kill()
    assert done.returncode == 130
    assert "0 of 1 runs are done. The same command goes on" in error and "Traceback" not in error


@pytest.mark.parametrize("data, method", [("ring", "packing-2"), ("spiral", "d2gan")])
def test_a_film_has_a_frame_for_each_moment_and_its_last_is_a_picture(tmp_path, data, method,
                                                                      monkeypatch):
    monkeypatch.setattr(animation, "PER_SECOND", 1)  # as often as the last is repeated
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    task = tiny(data, method)
    film = Film(task, frames=3)
    train(task, [film])
    assert [frame.step for frame in film.frames] == sorted(film.moments)
    path = tmp_path / "seed-0.json"
    film.save(path)
    with image.open(path.with_suffix(".gif")) as gif:
        assert gif.n_frames >= 3
    with image.open(path.with_suffix(".png")) as still:
        assert still.width > 1000


def test_a_failure_is_told_with_the_line_that_raised_it(tmp_path, monkeypatch):
    monkeypatch.setattr("minigan.lab.experiment.MEASURES", "many")
    said = processes.made(tiny("ring", "plain"), tmp_path, False)
    assert said[0] == "failed" and re.search(r"'str' \(experiment\.py, line \d+\)$", said[1])


def test_a_file_whose_name_is_a_formula_to_matplotlib_stands_in_the_title(tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "$_$.csv").write_text("1,2\n3,4\n1,4\n")
    film = Film(tiny(str(tmp_path / "$_$.csv"), "plain"), frames=1)
    train(film.task, [film])
    film.save(tmp_path / "seed-0.json")
    assert (tmp_path / "seed-0.gif").exists()


@pytest.fixture
def pictured_window(quick, monkeypatch):
    """A window that is drawn as on a display, but into memory."""
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    pyplot.switch_backend("agg")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "memory")


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_show_draws_the_run_in_a_window_and_keeps_it_open(pictured_window, monkeypatch, capsys):
    kept = []
    monkeypatch.setattr(Show, "keep", lambda window: kept.append(len(window.frames)))
    assert main(["lab", "ring", "--method", "r1", "--show"]) == 0
    assert kept == [4] and "ring r1 seed 0: modes" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_a_closed_window_ends_the_run(pictured_window, monkeypatch, capsys):
    frames, watch = [], Show.__call__

    def close_after_two(window, *step):
        watch(window, *step)
        frames.append(len(window.frames))
        if len(frames) == 2:
            window.pyplot.close(window.figure)

    monkeypatch.setattr(Show, "__call__", close_after_two)
    assert main(["lab", "ring", "--method", "r1", "--show"]) == 130
    assert frames == [1, 2] and capsys.readouterr().err == "minigan lab: interrupted\n"
