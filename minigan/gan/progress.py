"""Telling a person how far a run is: a bar on a terminal, plain lines elsewhere."""
from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from typing import Any, Callable

from .update import StepResult
from .trainer import Trainer

SECONDS = 5      # between plain lines
FIRST = 10       # the line after so many steps is the first to say how long all will take
BAR_EVERY = 10    # steps between two looks at the numbers: each waits for the device


class Progress:
    """A trainer's callback that shows losses, D(x), D(G(z)), steps per second and the time left; or
    whatever `tell` is told."""

    def __init__(self, steps: int, first: int = 0, file: Any = None):
        self.steps, self.file = steps, file or sys.stderr
        self.first = first + 1
        self.last = first, time.perf_counter()  # the step and the time of the line before
        self.bar = None
        if steps > first and self.file.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=steps, initial=first, unit="step", file=self.file,
                            dynamic_ncols=True, mininterval=0.2)

    def __call__(self, trainer: Trainer, result: StepResult) -> None:
        self.tell(trainer.step, lambda: describe(trainer.reading(result)))

    def tell(self, step: int, described: Callable[[], str]) -> None:
        """A step is made; of what it came to, which is asked where it is shown."""
        if self.bar is not None:
            self.more()
            if step % BAR_EVERY == 0:
                self.bar.set_postfix_str(described(), refresh=False)
        elif (step in (self.first, self.first - 1 + FIRST, self.steps)
              or time.perf_counter() - self.last[1] >= SECONDS):
            (before, then), self.last = self.last, (step, time.perf_counter())
            each = max(self.last[1] - then, 1e-9) / (step - before)
            left = "done" if step == self.steps else ending(each * (self.steps - step))
            timed = step != self.first or step == self.steps
            self.say(f"step {step}/{self.steps}  {described()}"
                     + f"  {1000 * each:.3g} ms a step  {left}" * timed)

    def more(self, steps: int = 1) -> None:
        """So many steps more are made, which the bar alone shows."""
        if self.bar is not None:
            self.bar.update(steps)

    def say(self, sentence: str) -> None:
        """A line of its own, above the bar if there is one."""
        if self.bar is None:
            print(sentence, file=self.file, flush=True)
        else:
            self.bar.write(sentence, file=self.file)

    def close(self) -> None:
        """Leave the terminal in order."""
        if self.bar is not None:
            self.bar.close()


def ending(seconds: float) -> str:
    """How long it takes still, and until when."""
    end = datetime.now() + timedelta(seconds=seconds)
    day = f"{end:%d %b} " if end.date() != datetime.now().date() else ""
    return f"{timedelta(seconds=round(seconds))} left, until {day}{end:%H:%M:%S}"


def describe(row: dict[str, float]) -> str:
    """The numbers of a step in half a line."""
    return (f"D loss {row['d_loss']:.3f}  G loss {row['g_loss']:.3f}  "
            f"D(x) {row['d_real']:.2f}  D(G(z)) {row['d_fake']:.2f}")
