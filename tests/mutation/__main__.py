"""`python -m tests.mutation`: plant errors in every operation, and count the caught."""
from __future__ import annotations

import argparse
import difflib
import os
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, Sequence

from tqdm import tqdm

from .table import report

NAME = "python -m tests.mutation"


class Mistake(ValueError):
    """The user's."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Exit status 0: all caught; 1: some survived; 2: a user's mistake."""
    args = parser().parse_args(argv)
    try:
        if args.jobs < 1:
            raise Mistake(f"--jobs must be at least 1, not {args.jobs}")
        if args.out:
            args.out.touch()  # a path that cannot be written is told at once
        text, status = _others(args) if args.others else _suite(args)
        if args.out:
            args.out.write_text(text, encoding="utf-8")
    except ModuleNotFoundError as error:
        if error.name not in ("hypothesis", "torch", "jax"):
            raise
        return _ended(f"{error.name} is not installed: pip install {error.name}", 2)
    except (Mistake, OSError) as error:
        return _ended(str(error), 2)
    except KeyboardInterrupt:
        return _ended("interrupted", 130)
    print(text, end="")
    return status


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog=NAME, description="Plant errors in the operations of minigan, and count how many of "
        "them gradtest finds with its default settings.")
    p.add_argument("ops", nargs="*", metavar="OP", help="an operation, as in minigan.ops, or "
                   "losses.NAME (default: all)")
    p.add_argument("--kinds", nargs="+", metavar="KIND", default=[],
                   help="names of planted errors, as in the table (default: all)")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                   help="how many processes (default: one for each core)")
    p.add_argument("--out", type=Path, metavar="FILE", help="write the tables there too")
    p.add_argument("--unseen", action="store_true",
                   help="plant only what random cotangents at random points do not see")
    p.add_argument("--others", action="store_true",
                   help="show instead what the checks of PyTorch and JAX find of such errors")
    return p


def _others(args: argparse.Namespace) -> tuple[str, int]:
    if args.ops or args.kinds:
        raise Mistake("--others shows its own operations and errors: name none")
    return import_module(f"{__package__}.others").table(args.jobs), 0


def _suite(args: argparse.Namespace) -> tuple[str, int]:
    suite = import_module(f"{__package__}.suite")
    cases = _chosen(suite.CASES, args.ops, lambda case: {case.op, str(case)}, "operation")
    kinds = _chosen(suite.UNSEEN if args.unseen else suite.ALL, args.kinds,
                    lambda kind: {kind.name}, "kind of error")
    tested: list[Any] = []
    with closing(suite.run(cases, kinds, min(args.jobs, len(cases)))) as results:
        try:
            tested.extend(tqdm(results, total=len(cases), unit="case", file=sys.stderr))
        except KeyboardInterrupt:
            print(f"interrupted after {len(tested)} of {len(cases)} cases", file=sys.stderr)
    text = report(tested, [str(case) for case in cases], [kind.name for kind in kinds])
    bad = any(t.alarm or any(r.fate == "survived" for r in t.results) for t in tested)
    return text, 130 if len(tested) < len(cases) else int(bad)


def _chosen(things: Sequence[Any], names: Sequence[str], names_of: Any, what: str) -> list[Any]:
    """Those named, in their own order; all if none is."""
    known = sorted({name for thing in things for name in names_of(thing)})
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
            raise Mistake(f"there is no {what} {name!r}: {hint}")
    return [thing for thing in things if not names or names_of(thing) & set(names)]


def _ended(message: str, status: int) -> int:
    print(f"{NAME}: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
