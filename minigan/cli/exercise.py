"""`minigan exercise`: the exercises of the book, and what is wrong with an answer."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Sequence

from ..errors import UserError
from ..exercises import Exercise, names
from ..files import replacing

# In the order of the book.
CHAPTERS = """sixty_lines learning derivatives graph stepper accumulation broadcasting matmul
    second_order stable convolution first_gan objectives collapse recipes conditions quality
    diagnostics asking own_networks notebook slips features uses checking prove mismatch prove_torch
    prove_jax batch_norm fast_cpu compiling many_hands gpu pytorch""".split()


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser(
        "exercise", help="an exercise of the book: its task, then what is wrong with your answer",
        description="Writes NAME.py, the task and where to begin, into the current folder. Once it "
        "is there the same command grades it: it says what is wrong, with status 1, or that "
        "nothing is. Without a name it lists the exercises by chapter.")
    p.set_defaults(command=exercise)
    p.add_argument("exercise", nargs="?", metavar="NAME",
                   help="one of the list, or a chapter, whose exercises are listed")
    p.add_argument("--solution", action="store_true", help="show a solution")


def exercise(args: argparse.Namespace) -> int:
    """`minigan exercise`. A file that is there is never written over."""
    if args.exercise is None or args.exercise in CHAPTERS:
        if args.solution:
            raise UserError("the solution of which exercise? Name it: minigan exercise NAME "
                            "--solution")
        show([args.exercise] if args.exercise else CHAPTERS)
        return 0
    chosen = Exercise.load(args.exercise.removesuffix(".py"))
    file = Path(f"{chosen.name}.py")
    if args.solution:
        print(chosen.solution, end="")
    elif not file.exists():
        with replacing(file) as temporary:
            temporary.write_text(chosen.begin(), "utf-8")
        print(f"{chosen.title} ({chosen.minutes} minutes)\n\n{chosen.task}\n\n"
              f"wrote {file}: edit it, then again: minigan exercise {chosen.name}")
    elif wrong := chosen.grade(file):
        print(f"{wrong}\n\n{file}: not yet")
        return 1
    else:
        print(f"{file}: solved. Another solution: minigan exercise {chosen.name} --solution")
    return 0


def show(chapters: Sequence[str]) -> None:
    """The exercises of these chapters, the shortest first."""
    exercises = sorted(map(Exercise.load, names()), key=lambda e: (e.minutes, e.name))
    for chapter in chapters:
        print(chapter)
        for e in exercises:
            if e.chapter == chapter:
                print(f"  {e.name:24} {e.title} ({e.minutes} minutes)")
