"""Many runs, each in a process of its own, several at a time.

A process that dies takes no other with it. What is done lies in a file for each run, so that
starting again goes on where it stopped.
"""
from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

from ..errors import UserError
from ..gan.progress import Progress
from ..gan.update import StepResult
from .animation import Film
from .experiment import Experiment, LabError, Record, Task, as_json, train
from .methods import METHODS

REPORTS = 50  # times that a run says how far it is
ALONE = {"MINIGAN_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
         "MKL_NUM_THREADS": "1"}  # processes share the cores; threads within them would compete


@dataclass
class Outcome:
    """What became of the tasks: the paths of whole runs, and what was said of broken ones."""

    finished: list[Path] = field(default_factory=list)
    failed: dict[Task, str] = field(default_factory=dict)
    interrupted: bool = False

    def note(self, task: Task, path: Path, kind: str, content: Any) -> None:
        """What `made` returned."""
        if kind == "done":
            self.finished.append(path)
        else:
            self.failed[task] = content


def place(task: Task, folder: Path) -> Path:
    """Where a task's record is."""
    return folder / task.data_name / task.method_name / f"seed-{task.seed}.json"


def is_done(task: Task, folder: Path, animate: bool = False) -> bool:
    """Whether the run is there. Raises LabError if another run is in its place."""
    path = place(task, folder)
    if not path.exists():
        return False
    was, now = ({**settings.pop("recipe"), **settings}
                for settings in (dict(Record.load(path).settings), task.settings()))
    if was.get("described", was) is None:  # of a version that knew a method by its name alone
        was["options"] = as_json(METHODS[task.method_name].options)
    for name, value in now.items():
        if was.get(name) != value:
            raise LabError(f"{path} is a run with {name} {was.get(name)}, not {value}: choose "
                           "another --out, or remove it")
    return not animate or path.with_suffix(".gif").exists()  # which a film writes last


def run_all(tasks: Sequence[Task], folder: Path, workers: int, films: Sequence[Task] = (),
            progress: Finished | None = None) -> Outcome:
    """Run the tasks, `workers` at a time; of those in films, draw an animation. Ctrl-C ends them
    all."""
    outcome, waiting, progress = Outcome(), list(tasks), progress or Finished(tasks)
    live: dict[Connection, tuple[Any, Task]] = {}
    try:
        progress.begin(workers)
        while waiting or live:
            while waiting and len(live) < workers:
                task = waiting.pop(0)
                with _uninterrupted():
                    process, pipe = _start(task, folder, task in films)
                    live[pipe] = process, task
            for pipe in wait(list(live)):
                process, task = live[pipe]
                kind, content = _received(pipe, process)
                if kind == "step":
                    progress.more(content)
                    continue
                del live[pipe]
                process.join()
                outcome.note(task, place(task, folder), kind, content)
                progress.finished(task, kind == "done", content)
    except KeyboardInterrupt:
        outcome.interrupted = True
    finally:
        _end([process for process, _ in live.values()])
        progress.close()
    return outcome


def _start(task: Task, folder: Path, film: bool) -> tuple[Any, Connection]:
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task, folder, film, there), daemon=True)
    with _environment(ALONE):
        process.start()
    there.close()  # the process has its own: without it, this end is told when it ends
    return process, here


def _received(pipe: Connection, process: Any) -> tuple[str, Any]:
    """The next message; one of our own if the process ended without a last one."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        process.join()
        code = process.exitcode
        return "failed", (f"its process was ended by signal {-code}" if code < 0 else
                          f"its process ended with status {code}")


def _end(processes: Sequence[Any]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(1)
        if process.is_alive():
            process.kill()


def _work(task: Task, folder: Path, film: bool, pipe: Connection) -> None:
    """What a process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process answers it
    every = max(1, task.steps // REPORTS)

    def report(experiment: Experiment, result: StepResult) -> None:
        if experiment.trainer.step % every == 0:
            pipe.send(("step", every))

    try:
        pipe.send(made(task, folder, film, report))
    except BrokenPipeError:
        pass  # nobody waits for it any more


def made(task: Task, folder: Path, film: bool,
         *watchers: Callable[[Experiment, StepResult], None]) -> tuple[str, Any]:
    """Make a run and write its record: "done" and its figures, or "failed" and why."""
    try:
        camera = Film(task) if film else None
        record = train(task, [*watchers, *([camera] if camera else [])])
        path = place(task, folder)
        if camera:
            camera.save(path)
        record.save(path)
        return "done", record.final
    except BrokenPipeError:
        raise
    except Exception as error:
        said = str(error) if isinstance(error, (UserError, OSError)) else (
            f"{type(error).__name__}: {error}{_place(error)}")
        return "failed", " ".join(said.split())


def _place(error: BaseException) -> str:
    while error.__cause__ is not None:  # a `checked` function tells the error of another anew
        error = error.__cause__
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Variables that processes started within it inherit."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started within it never hear of Ctrl-C, not even before their first line; this one
    hears of it at the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    if masks:
        resource_tracker.ensure_running()  # else process.start() would, and unblock signals in it
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # processes inherit it
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
    if heard:
        signal.raise_signal(signal.SIGINT)


def told(final: dict[str, Any]) -> str:
    """A run's figures in half a line."""
    parts = []
    if final["diverged"]:
        parts.append(f"diverged at step {final['step']}")
    elif final["modes"]:
        parts.append(f"modes {final['captured']}/{final['modes']}  high quality "
                     f"{final['high_quality']:.1%}  reverse KL {final['reverse_kl']:.3f}")
    if not final["diverged"]:
        name = "w1" if "w1" in final else "sliced_w1"
        parts.append(f"{'W1' if name == 'w1' else 'sliced W1'} {final[name]:.3f}")
    return "  ".join([*parts, f"{final['seconds']:.0f} s"])


class Finished(Progress):
    """Progress of many runs: a line for each, and on a terminal a bar of all their steps."""

    def __init__(self, tasks: Sequence[Task]):
        super().__init__(sum(task.steps for task in tasks))
        self.runs, self.count = len(tasks), 0

    def begin(self, workers: int) -> None:
        """So many are going to run at a time."""
        if self.runs:
            self.say(f"{self.runs} to run, {workers} at a time; Ctrl-C stops them, and the same "
                     "command goes on")

    def finished(self, task: Task, well: bool, content: Any) -> None:
        """A run is done, or broken."""
        self.count += 1
        self.say(f"{self.count}/{self.runs}  {task}: "
                 f"{told(content) if well else 'failed: ' + content}")
