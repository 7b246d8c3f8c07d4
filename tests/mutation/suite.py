"""Every kind of error planted in every case of the library, and the checks let loose on it."""
from __future__ import annotations

import inspect
import signal
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any, Callable, Iterator, Sequence

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from minigan.testing import derivatives
from minigan.testing.call import Call
from minigan.testing.properties import gradtest, prove

from ..cases import CASES, Case
from .generic import GENERIC
from .judge import Outcome, probe, same
from .kinds import Kind, patched
from .own import OWN
from .real import REAL
from .unseen import UNSEEN

KINDS = [*GENERIC, *OWN]
ALL = [*KINDS, *REAL, *UNSEEN]
EXAMPLES = inspect.signature(gradtest).parameters["max_examples"].default
FURTHER = 60  # calls beyond the drawn ones, on which a mutant may show that it is one


@dataclass(frozen=True)
class Result:
    """What became of one mutant.

    fate     "killed", "survived"; "not drawn" if it is an error, but on none of the drawn calls;
             "equivalent" if it computes what the original does
    example  the number of the call that killed it, from 1
    message  what the check said
    """

    case: str
    kind: str
    position: int
    fate: str
    example: int = 0
    message: str = ""
    own: bool = False  # it was shown a call of its own, in place of the drawn ones


@dataclass(frozen=True)
class CaseResult:
    """All mutants of one case; `alarm` is what the checks said of the original, if anything."""

    case: str
    results: list[Result]
    alarm: str = ""


def drawn(case: Case, count: int = EXAMPLES, start: int = 0) -> list[Call]:
    """The first calls that Hypothesis draws for a case from a seed, without shrinking any."""
    calls: list[Call] = []

    @seed(start)
    @settings(max_examples=count, phases=[Phase.generate], database=None, deadline=None,
              derandomize=False, suppress_health_check=list(HealthCheck))
    @given(case.inputs)
    def record(call: Call) -> None:
        calls.append(call)

    record()
    return calls


@dataclass
class Bench:
    """A case on the bench: its calls, and what the original computes on them.

    calls    what gradtest draws
    further  those that only the judge sees
    known    the original's outcomes, by call and probe
    """

    case: Case
    calls: list[Call]
    further: list[Call]
    known: dict[tuple[int, str], tuple[Call, Outcome]] = field(default_factory=dict)

    @classmethod
    def of(cls, case: Case) -> Bench:
        extra = [case.typical, *([case.empty] if case.empty else [])]
        return cls(case, drawn(case), extra + drawn(case, FURTHER, start=1))

    def right(self, call: Call, where: str) -> Outcome:
        """The original's outcome, computed once."""
        key = id(call), where
        if key not in self.known:  # the call is kept, or another could get its id
            self.known[key] = call, probe(self.case.f, call, where)
        return self.known[key][1]

    def takes(self, kind: Kind) -> bool:
        """Whether it can be planted here; whether that changes anything, the judge will say."""
        return kind.applies(self.case) and (kind.option is None or any(
            kind.option in call.options for call in self.calls + self.further))

    def shows(self, kind: Kind, call: Call, position: int = 0) -> bool:
        """Whether the call shows the error: what is computed for it is not what the original
        computes."""
        right = self.right(call, kind.probe)  # before anything is planted
        with kind.planted(self.case.f, position) as mutant:
            return not same(probe(mutant, call, kind.probe), right)

    def test(self, kind: Kind, position: int = 0) -> Result:
        """Plant it, ask the judge whether it is an error, and let the checks look for it."""
        case, own = self.case, kind.call(self.case.typical) if kind.call else None
        calls, further = ([own], []) if own else (self.calls, self.further)
        if own and isinstance(probe(case.f, own, "graph"), str):
            calls = []  # the operation refuses such a call

        def differs(call: Call) -> bool:
            return self.shows(kind, call, position)

        def result(fate: str, *details: Any) -> Result:
            return Result(str(case), kind.name, position, fate, *details, own=own is not None)

        shown = any(map(differs, calls))
        if not shown and not any(map(differs, further)):
            return result("equivalent")
        with kind.planted(case.f, position) as mutant:
            for n, call in enumerate(calls, 1):
                message = complaint(mutant, call, case)
                if message:
                    return result("killed", n, message)
        return result("survived" if shown else "not drawn")


def complaint(f: Callable, call: Call, case: Case) -> str:
    """What one example of gradtest says of f; empty if it is content. Why an error is one is not
    asked: it takes a hundred times as long as to find it."""
    try:
        with patched([(derivatives, "likely_cause", lambda *_: "")]):
            prove(f, call, case.reference, keeps_dtype=case.keeps_dtype)
    except Exception as error:  # any error fails the test that gradtest makes
        return f"{type(error).__name__}: {error}"
    return ""


def mutate(case: Case, kinds: Sequence[Kind]) -> CaseResult:
    """Every kind that applies to the case, on each input where it is for inputs."""
    bench = Bench.of(case)
    for call in bench.calls:
        alarm = complaint(case.f, call, case)
        if alarm:
            return CaseResult(str(case), [], f"{alarm}\nfor {call}")
    inputs = sum(np.asarray(x).dtype.kind == "f" for x in case.typical.args)
    return CaseResult(str(case), [bench.test(kind, i) for kind in kinds if bench.takes(kind)
                              for i in range(inputs if kind.each else 1)])


def run(cases: Sequence[Case], kinds: Sequence[Kind], jobs: int) -> Iterator[CaseResult]:
    """Case by case, `jobs` at a time, each in a process of its own; results as they come."""
    if jobs == 1:
        yield from (mutate(case, kinds) for case in cases)
        return
    names = [kind.name for kind in kinds]
    with get_context("spawn").Pool(jobs, ignore_interrupts) as pool:  # ended by leaving
        yield from pool.imap_unordered(_work, [(CASES.index(case), names) for case in cases])


def _work(item: tuple[int, Sequence[str]]) -> CaseResult:
    """A process is told a case by its number and the kinds by name: functions do not travel."""
    index, names = item
    return mutate(CASES[index], [kind for kind in ALL if kind.name in names])


def ignore_interrupts() -> None:
    """Ctrl-C is the main process's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
