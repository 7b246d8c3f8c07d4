"""Several processes, as one: the same bits, one sentence, one save."""
from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from minigan.cli import main
from minigan.cli.ranked import until_read
from minigan.lab.experiment import Task
from minigan.lab.processes import made
from tests.mpi import ended, start, start_each, without_mpi
from tests.mpi.six_games import EARLY, GAMES, digests

pytestmark = pytest.mark.skipif(bool(without_mpi()), reason=without_mpi())

STEPS, SHARDS = 200, 4
LASTING = "plain", "wgan-gp"  # of all six it would take a minute
TRAIN = ("-m", "minigan", "train", "digits", "--width", 8, "--batch-size", 16, "--shards", 4,
         "--steps", 24, "--save-every", 10)


@pytest.fixture(scope="module")
def alone():
    """The digests of six games, trained by this process."""
    found = {}
    for name in GAMES:
        found.update(digests(name, STEPS if name in LASTING else EARLY[1], SHARDS))
    return found


# of all six on 1, 2, 3 and 4 ranks `python -m tests.mpi.six_games 200 4` says the same
@pytest.mark.parametrize("ranks, steps", [(2, (STEPS, SHARDS, *LASTING)), (3, (EARLY[0], SHARDS)),
                                          (4, (EARLY[0], SHARDS))])
def test_any_number_of_ranks_trains_six_games_to_the_bits_of_one_process(ranks, steps, alone):
    status, out, err = ended(start(ranks, "-m", "tests.mpi.six_games", *steps))
    assert (status, err) == (0, "")
    found = dict(line.split() for line in out.splitlines())
    assert found == {name: alone[name] for name in found}
    assert len(found) == len(alone if ranks == 2 else GAMES)


def state(folder: Path) -> tuple[bytes, ...]:
    return tuple((folder / name).read_bytes() for name in ("state.safetensors", "metrics.jsonl"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that one process made."""
    out = tmp_path_factory.mktemp("whole") / "run"
    assert main([str(word) for word in (*TRAIN[2:], "--out", out)]) == 0
    return state(out)


def reached(folder: Path, step: int) -> None:
    """Wait until a run has written that step's numbers."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        path = folder / "metrics.jsonl"
        if path.exists() and f'"step": {step},' in path.read_text():
            return
        time.sleep(0.02)
    raise AssertionError(f"step {step} was not reached")


DYING = """
import os, signal, sys
from minigan.cli import main
from minigan.gan.sharded import ShardedStep

made = ShardedStep.__call__

def step(self, batches):
    if self.trainer.step == 15:
        {what}
    return made(self, batches)

ShardedStep.__call__ = step
sys.exit(main(sys.argv[1:]))
"""


def test_a_rank_that_is_killed_ends_the_run_and_any_number_goes_on(tmp_path, whole):
    train = *TRAIN, "--out", tmp_path / "run"
    dying = "-c", DYING.format(what="os.kill(os.getpid(), signal.SIGKILL)"), *train[2:]
    status, _, _ = ended(start_each([train, dying]))
    assert status != 0
    again = "-m", "minigan", "train", "--resume", "--out", tmp_path / "run"
    status, _, err = ended(start(3, *again))
    assert status == 0, err
    assert state(tmp_path / "run") == whole


def test_an_error_on_one_rank_ends_all_and_is_told_once(tmp_path):
    train = *TRAIN, "--out", tmp_path / "run"
    failing = "-c", DYING.format(what="raise MemoryError('no more of it')"), *train[2:]
    status, _, err = ended(start_each([train, failing]))
    assert status == 2
    assert err.count("minigan train: there is not enough memory: no more of it") == 1
    assert "Abort" not in err and "Traceback" not in err


def test_a_rank_ends_when_its_last_words_have_been_read():
    (reads, writes), read = os.pipe(), []
    with os.fdopen(writes, "w") as file:
        print("no more of it", file=file, flush=True)
        reader = threading.Timer(0.1, lambda: read.append(os.read(reads, 100)))
        reader.start()
        until_read(file)
        reader.join(0.1)
    assert read == [b"no more of it\n"]
    os.close(reads)


def test_a_rank_whose_weights_come_out_otherwise_is_found_out(tmp_path):
    train = *TRAIN, "--out", tmp_path / "run"
    wrong = ("-c", "from minigan.gan import sharded; sharded.COMPARED_EVERY = 10; "
             + "{}import sys; from minigan.cli import main; sys.exit(main(sys.argv[1:]))")
    off = ("step = sharded.ShardedPlayers.move_d; sharded.ShardedPlayers.move_d = lambda self: ("
           "step(self), self.d_optimizer.flat.array.__imul__(1.0001)); ")
    status, _, err = ended(start_each([(wrong[0], wrong[1].format(""), *train[2:]),
                                       (wrong[0], wrong[1].format(off), *train[2:])]))
    assert status == 2
    assert err.count("the checksum of the weights is ") == 1, err


def test_ctrl_c_saves_once_and_the_run_goes_on_alone(tmp_path, whole):
    process = start(2, *TRAIN, "--out", tmp_path / "run")
    reached(tmp_path / "run", 10)
    process.send_signal(signal.SIGINT)
    status, out, err = ended(process)
    assert out.count("stopped and saved at step") == 1, err
    assert status == 130
    assert main(["train", "--resume", "--out", str(tmp_path / "run")]) == 0
    assert state(tmp_path / "run") == whole


@pytest.mark.parametrize("more, says", [
    (("--lr", "0.5"), "the ranks are to do the same, and lr is 0.002 on rank 0, 0.5 on rank 1"),
    (("--data", "mnist", "--data-dir", "nowhere"), "nowhere"),
    (("--nonsense",), "there is no option"),
])
def test_a_rank_that_would_do_something_else_is_refused_before_anything_is_written(
        tmp_path, more, says):
    train = *TRAIN, "--out", tmp_path / "run"
    status, _, err = ended(start_each([train, (*train, *more)]))
    assert status == 2
    assert len(err.splitlines()) == 1 and says in err, err
    assert not (tmp_path / "run").exists()


def test_a_command_for_one_process_says_so_once():
    status, _, err = ended(start(2, "-m", "minigan", "systems"))
    assert status == 2 and len(err.splitlines()) == 1 and "work for one process" in err, err


def figures(folder: Path) -> dict[str, dict]:
    """What the runs of a laboratory came to, but for how long they took."""
    found = {}
    for path in folder.rglob("seed-*.json"):
        final = json.loads(path.read_text())["final"]
        found[path.name] = {name: value for name, value in final.items() if name != "seconds"}
    return found


def test_the_laboratory_makes_the_same_runs_on_ranks_as_in_one_process(tmp_path):
    status, out, err = ended(start(3, "-m", "minigan", "lab", "ring", "--seeds", 2,
                                   "--steps", 2, "--out", tmp_path / "ranks"))
    assert status == 0 and "2 to run, 2 at a time" in err and "| plain  |" in out, err
    for seed in range(2):
        made(Task("ring", "plain", seed, 2), tmp_path / "one", False)
    assert figures(tmp_path / "ranks") == figures(tmp_path / "one") != {}
