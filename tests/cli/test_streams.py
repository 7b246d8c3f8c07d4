"""Output that nobody takes, and Ctrl-C while the command starts."""
from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import minigan
from minigan.cli import heard, main, streams, systems
from minigan.gan import Run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="of signals and of /dev/full")
TRAIN = ["train", "--steps", "4", "--save-every", "2", "--batch-size", "8", "--device", "cpu",
         "--out"]


def full():
    if not os.path.exists("/dev/full"):
        pytest.skip("has no /dev/full")
    return open("/dev/full", "w")


def unread():
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def closed():
    return None


@pytest.fixture(autouse=True)
def no_curves(monkeypatch):
    monkeypatch.setattr(Run, "save_losses", lambda run: None)


@pytest.mark.parametrize("stream", [full, unread, closed])
@pytest.mark.parametrize("name", ["stderr", "stdout"])
def test_output_that_nobody_takes_costs_no_step_and_no_file(name, stream, tmp_path, monkeypatch):
    files = {"stderr": io.StringIO(), "stdout": io.StringIO(), name: stream()}
    for each, file in files.items():
        monkeypatch.setattr(sys, each, file)
    failed = name == "stdout" and stream is not closed  # what was asked for is not said
    assert main([*TRAIN, str(tmp_path / "run")]) == 2 * failed
    assert Run.open(tmp_path / "run").saved_steps() == [2, 4]
    assert Run.open(tmp_path / "run").saved()["progress"]["step"] == 4
    assert main(["sample", str(tmp_path / "nowhere")]) == 2
    said = "" if name == "stderr" else files["stderr"].getvalue()
    assert (": standard output\n" in said) == failed and "Traceback" not in said
    if files[name]:
        files[name].close()  # what could not be written is not tried again


def test_a_message_is_written_where_it_can_be():
    file = io.StringIO()
    print("a word", file=streams.Told(file), flush=True)
    assert file.getvalue() == "a word\n"


def test_too_little_memory_is_a_sentence(tmp_path, capsys, monkeypatch):
    def load(*_, **__):
        raise MemoryError("Unable to allocate 4.00 TiB")

    monkeypatch.setattr("minigan.gan.config.load", load)
    assert main([*TRAIN, str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == (
        "minigan train: there is not enough memory: Unable to allocate 4.00 TiB\n")


@pytest.mark.parametrize("words, quiet", [
    (["-m", "minigan", "systems"], True),
    (["-c", "import sys; sys.argv[0] = '/bin/minigan'; import minigan"], True),
    (["-c", "import minigan"], False)])
def test_ctrl_c_in_the_imports_ends_the_command_without_a_word(words, quiet, tmp_path):
    (tmp_path / "numpy.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    path = os.pathsep.join([str(tmp_path), str(Path(minigan.__file__).parents[1])])
    run = subprocess.run([sys.executable, *words], capture_output=True, text=True,
                         env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path)
    assert run.returncode == -signal.SIGINT
    assert ("KeyboardInterrupt" not in run.stderr) == quiet
    assert bool(run.stderr) != quiet


def test_from_its_first_line_to_its_last_the_command_hears_ctrl_c(monkeypatch):
    set_, now = [], signal.SIG_DFL
    monkeypatch.setattr(signal, "getsignal", lambda number: now)
    monkeypatch.setattr(signal, "signal", lambda number, handler: set_.append(handler))
    with heard():
        assert set_ == [signal.default_int_handler]
    assert set_ == [signal.default_int_handler, signal.SIG_DFL]
    now = signal.SIG_IGN  # as by nohup
    with heard():
        pass
    assert len(set_) == 2


@pytest.mark.parametrize("module, says", [
    ("PIL", "PIL, which is not installed: pip install pillow"), ("tqdm", "pip install tqdm")])
def test_a_package_that_is_not_there_is_named_in_one_line(module, says, monkeypatch, capsys):
    def lacking(args):
        monkeypatch.setitem(sys.modules, module, None)
        __import__(module)

    monkeypatch.setattr(systems, "systems", lacking)
    assert main(["systems"]) == 2
    line, = capsys.readouterr().err.splitlines()
    assert line.startswith("minigan systems: this needs ") and line.endswith(says)


def test_a_module_of_minigans_own_that_is_not_there_is_a_fault_and_raised(monkeypatch):
    monkeypatch.setattr(systems, "systems", lambda args: __import__("minigan.nowhere"))
    with pytest.raises(ModuleNotFoundError, match="minigan.nowhere"):
        main(["systems"])
