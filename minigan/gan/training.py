"""A run that trains: told to whoever looks on, and stopped without a loss."""
from __future__ import annotations

import signal
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator

import numpy as np

from ..ranks import world
from .folder import Diverged, RunError
from .notebook import in_notebook
from .progress import Progress
from .trainer import Trainer, made_already

if TYPE_CHECKING:
    from .run import Run


def train(run: Run, steps: int) -> Trainer:
    """What `Run.train` does."""
    trainer = run.trainer()
    try:
        if steps <= trainer.step:
            warnings.warn(made_already("train", steps, trainer.step), stacklevel=4)
            return trainer
        heard = play(run, trainer, steps)
    finally:
        run.close()
    if trainer.stop:
        trainer.stop = False
        if world().rank == 0:
            print(f"stopped and saved at step {trainer.step}; train() goes on")
    if heard and not (in_notebook() and heard[0] == signal.SIGINT):
        signal.raise_signal(heard[0])  # who sent it meant the process, not the training alone
    return trainer


def play(run: Run, trainer: Trainer, steps: int) -> list[int]:
    """Let the run's trainer make its steps, up to so many in all, and tell how it goes: a notebook
    shows it, elsewhere there are lines, or a bar. Returns the signals that stopped it, if any did;
    what was made is saved then. Raises RunError for a run that diverged."""
    writes = world().rank == 0
    progress = None if in_notebook() or not writes else Progress(steps, trainer.step)
    if progress:
        trainer.callbacks.insert(0, progress)
    run.warn = progress.say if progress else print
    try:
        with np.errstate(all="ignore"), stop_on_interrupt(trainer) as heard:
            trainer.run(steps)  # NumPy need not warn: the run says if it diverges
            if trainer.stop and writes:
                run.save(trainer)
        return heard
    except Diverged as error:
        failed = error
    finally:
        if progress:
            progress.close()
            trainer.callbacks.remove(progress)
    run.write_page(note=f"{failed}")
    print("numbers are no longer finite: looking for the first by making steps "
          f"{max(run.saved_steps(), default=0) + 1} to {trainer.step} once more (Ctrl-C to "
          "leave it)", file=sys.stderr)
    raise RunError(f"{failed}. {run.explain(trainer.step)}")


@contextmanager
def stop_on_interrupt(trainer: Trainer) -> Iterator[list[int]]:
    """Within it Ctrl-C, and what ends a session or a job (SIGHUP, SIGTERM), let the step under way
    end, so that what is saved is whole. A second Ctrl-C ends it at once; the others often come in
    twos, from a shell and its terminal, and cut no save off. Those that are ignored, as by nohup,
    stay so; only the main thread hears of any. Yields those that came."""
    heard: list[int] = []

    def stop(number: int, frame: object) -> None:
        heard.append(number)
        trainer.stop = True
        if signal.SIGINT in before:
            signal.signal(signal.SIGINT, before[signal.SIGINT])

    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")
               if threading.current_thread() is threading.main_thread()]
    before = {number: signal.getsignal(number) for number in numbers
              if number and signal.getsignal(number) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
