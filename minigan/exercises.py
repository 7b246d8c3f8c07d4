"""The exercises of the book: a task, where to begin, a solution, and the check that grades.

Each is one file of docs/exercises, a Python program in three cells: what the reader begins with
("# %% start"), a solution in its place ("# %% solution") and what both are put to ("# %% check"),
with the task as its docstring. An exercise is solved where the check raises nothing; what it
raises is the diagnosis.
"""
from __future__ import annotations

import ast
import re
import site
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from .errors import BRIEF, UserError, did_you_mean
from .user_code import executed, place_of, said, text_of

BESIDE = Path(__file__).resolve().parents[1]
FOLDERS = [BESIDE / "docs/exercises",  # of this checkout; else where pip puts what is no code:
           *[Path(root) / "share/minigan/exercises"  # of an environment, by --user, by --target
             for root in (sysconfig.get_path("data"), site.getuserbase(), BESIDE)
             if root]]  # in a browser there is no --user
ABOUT = re.compile(r"(?P<title>[^\n]+)\n\n"
                   r"Chapter: (?P<chapter>\w+)\. (?P<minutes>\d+) minutes\.\n\n"
                   r"(?P<task>.+)", re.S)
LINES = 25  # of a diagnosis, at most


@dataclass(frozen=True)
class Exercise:
    """One exercise of the book."""

    name: str
    title: str     # its name in a few words
    chapter: str   # the page of docs that it belongs to
    minutes: int   # that it takes
    task: str      # what is to be done, as Markdown
    start: str     # the code that the reader begins with
    solution: str  # code that passes
    check: str     # code that runs after the reader's, among its names; raises where it is wrong

    @classmethod
    def load(cls, name: str) -> Exercise:
        """The exercise of that name. Raises UserError where there is none."""
        known = names()
        if name not in known:
            raise UserError(f"there is no exercise {BRIEF.repr(name)}{did_you_mean(name, known)} "
                            "(minigan exercise lists them)")
        text = known[name].read_text("utf-8")
        about = ABOUT.fullmatch(ast.get_docstring(ast.parse(text)) or "")
        cells = [cell.strip("\n") + "\n" for cell in re.split(r"^# %% \w+\n", text, flags=re.M)[1:]]
        if about is None or re.findall(r"^# %% (\w+)$", text, re.M) != ["start", "solution",
                                                                         "check"]:
            raise UserError(f"{known[name]} is no exercise: it has a docstring of title, chapter, "
                            "minutes and task, and the cells start, solution and check")
        return cls(name, about["title"], about["chapter"], int(about["minutes"]), about["task"],
                   *cells)

    def begin(self) -> str:
        """The file that the reader writes in: the task, and the code to begin with."""
        return f'"""{self.title}\n\n{self.task.rstrip()}\n"""\n{self.start}'

    def grade(self, file: Path) -> str | None:
        """What is wrong with the code of a file, in 25 lines at most; None if it is solved. Raises
        UserError if the file cannot be read."""
        text = text_of(file)
        check = compile(self.check, f"<the check of {self.name}>", "exec",
                        optimize=0)  # python -O would leave out what it asserts
        try:
            names = dict(vars(executed(text, file, file)))
            self._check_callable(names)
            exec(check, names)
        except (AssertionError, UserError) as error:  # a GradientError is the former
            wrong = str(error).partition("\nto see it again")[0]  # here that is the same command
        except (Exception, SystemExit) as error:
            wrong = f"{said(error)}{place_of(error)}"
            if isinstance(error, NameError) and not place_of(error):
                wrong = f"the check asks for {error.name}, which the file has no more: put it back"
        else:
            return None
        return "\n".join(wrong.splitlines()[:LINES])

    def _check_callable(self, names: dict[str, object]) -> None:
        """What the file began with to be called, and still has, is still to be called."""
        for node in ast.parse(self.start).body:
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name not in names:
                continue
            if not callable(now := names[node.name]):
                kind = "a class" if isinstance(node, ast.ClassDef) else "a function"
                raise UserError(f"{node.name} is {kind} in what the file began with, and is "
                                f"{BRIEF.repr(now)} now: put it back")


def names() -> dict[str, Path]:
    """The file of each exercise, by its name."""
    folder = next((folder for folder in FOLDERS if folder.is_dir()), None)
    if folder is None:
        raise UserError("the exercises are not installed: they are in docs/exercises of minigan's "
                        "source")
    return {path.stem: path for path in sorted(folder.glob("*.py"))}
