"""Many runs on the ranks that mpiexec started: rank 0 hands them out, the others make them."""
from __future__ import annotations

import signal
from concurrent.futures import as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

from ..ranks import world
from .experiment import Task
from .processes import Finished, Outcome, made, place

Runner = Callable[[Sequence[Task], Path, Sequence[Task], Finished], Outcome]


@contextmanager
def crew() -> Iterator[Runner | None]:
    """What runs tasks as `run_all` does, on rank 0; None on the others, after they have helped."""
    from mpi4py.futures import MPICommExecutor

    ranks = world()
    if ranks.rank:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # rank 0 answers it
    with MPICommExecutor(ranks.comm) as executor:
        yield executor and _Runner(executor)


class _Runner:
    def __init__(self, executor: Any):
        self.executor = executor

    def __call__(self, tasks: Sequence[Task], folder: Path, films: Sequence[Task],
                 progress: Finished) -> Outcome:
        outcome = Outcome()
        waiting = {self.executor.submit(made, task, folder, task in films): task for task in tasks}
        progress.begin(max(1, world().size - 1))
        try:
            for future in as_completed(waiting):
                task, (kind, content) = waiting[future], future.result()
                outcome.note(task, place(task, folder), kind, content)
                progress.finished(task, kind == "done", content)
                progress.more(task.steps)  # the ranks do not tell of each step
        except KeyboardInterrupt:
            outcome.interrupted = True
        progress.close()
        return outcome
