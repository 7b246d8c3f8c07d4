"""Runs that are killed (SIGKILL) at random moments, resumed, and compared with one that was left
alone: every file is the same, bit for bit. `python -m tests.kills` kills many."""
from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import TemporaryDirectory

from minigan.cli import main
from minigan.gan import SYSTEMS
from minigan.viz import save_curves
from tests.fuzz import MEMORY
from tests.fuzz.kinds import TINY
from tests.options import CHANGED, words

OWN = f"{Path(__file__).with_name('pair.py')}:pair"  # networks of a file
GAMES = {"plain": [], "own": [], **{name.replace("_", "-"): words(name) for name in CHANGED}}
STEPS, SAVE_EVERY = 24, 12
CHANGES = {"open", "os.chmod", "os.mkdir", "os.remove", "os.rename"}  # audited: what saving does


@dataclass
class Found:
    """How many kills there were, of them at a file of the run and before its settings were there;
    how many runs ended, and by their seeds what was wrong with them."""

    kills: int = 0
    at_files: int = 0
    early: int = 0
    twice: int = 0
    runs: int = 0
    broken: dict[int, str] = field(default_factory=dict)


def kill(game: str, count: int, seed: int = 0) -> Found:
    """Runs of a game with the seeds seed, seed + 1, …, until that many kills were made."""
    found = Found()
    with _folder() as folder:
        save_curves(folder / "warm.png", [1, 2], {"x": [1, 2]}, "")  # what is loaded late is, now
        out = folder / "run"
        _, status, used = os.wait4(_process(_train(game, out), folder / "changes"), 0)
        if status:
            raise RuntimeError(f"{game} does not train")
        seconds, changes = used.ru_utime + used.ru_stime, int((folder / "changes").read_text())
        whole = _files(out)
        rows = [json.loads(line)["step"] for line in whole["metrics.jsonl"].splitlines()]
        if rows != [1, 10, 20]:
            raise RuntimeError(f"the metrics of {game} have the steps {rows}")
        while found.kills < count:
            rmtree(out, ignore_errors=True)
            fault = _fault(game, out, Random(f"{game} {seed}"), seconds, changes, found)
            if not fault and (after := _files(out)) != whole:
                fault = f"{_different(whole, after)} differ"
            found.runs += 1
            if fault:
                found.broken[seed] = fault
            seed += 1
    return found


def _fault(game: str, out: Path, rng: Random, seconds: float, changes: int, found: Found) -> str:
    """A run that is killed up to three times, then left alone. Returns what went wrong, or ""."""
    kills = 0
    for _ in range(rng.choice((1, 1, 2, 3))):
        at_file = rng.random() < 0.5
        process = _process(_again(game, out), at=rng.randint(1, changes) if at_file else 0)
        if not at_file:
            _kill_after(rng.uniform(0, seconds), process)
        if (status := _ended(process)) == 0:
            break
        if status != -signal.SIGKILL:
            return f"ended with status {status} after {kills} kills"
        kills += 1
        found.kills += 1
        found.at_files += at_file
        found.early += not (out / "config.json").exists()
    found.twice += kills > 1
    status = _ended(_process(_again(game, out)))
    return f"does not go on after {kills} kills: status {status}" if status else ""


def _train(game: str, out: Path) -> list[str]:
    return ["train", OWN if game == "own" else "mlp-small", *GAMES[game], "--data", "digits",
            "--steps", str(STEPS), "--save-every", str(SAVE_EVERY), "--batch-size", "12",
            "--device", "cpu", "--out", str(out)]


def _again(game: str, out: Path) -> list[str]:
    """The command that goes on: before there are settings, the first one once more."""
    if (out / "config.json").exists():
        return ["train", "--resume", "--device", "cpu", "--out", str(out)]
    return _train(game, out)


def _process(words: list[str], count: Path | None = None, at: int = 0) -> int:
    """The command in a process of its own, that kills itself at so many changes of files; or
    that leaves their count."""
    process = os.fork()
    if process:
        return process
    status, made, folder = 99, 0, words[-1]

    def watch(event: str, args: tuple) -> None:
        nonlocal made
        if event in CHANGES and isinstance(args[0], (str, Path)) and folder in str(args[0]):
            made += 1
            if made == at:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)
        SYSTEMS.update(TINY)
        sys.addaudithook(watch)
        status = main(words)
        if count:
            count.write_text(str(made))
    finally:
        os._exit(status)


def _kill_after(seconds: float, process: int) -> None:
    """Kill it when it has computed so long: a loaded machine changes nothing."""
    clock = ~process << 3 | 2  # Linux's name of what it has used
    while (time.clock_gettime(clock) < seconds and
           os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None):
        time.sleep(5e-4)
    os.kill(process, signal.SIGKILL)


def _ended(process: int) -> int:
    """Its exit status; below 0, the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file()}


def _different(a: dict[str, bytes], b: dict[str, bytes]) -> str:
    return ", ".join(sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name)))


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)
