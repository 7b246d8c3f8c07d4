"""Runs the blocks of a page in the reader's browser: what they print, draw and raise.

worker.js calls run() and call(); both work in any Python.
"""
from __future__ import annotations

import ast
import contextlib
import doctest
import io
import linecache
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any, Callable

import numpy as np

SPACES: dict[str, dict[str, Any]] = {}  # the names of each page, exercise, ...
CHECK = doctest.OutputChecker()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE  # as the book's tests have them
PICTURES = {".svg": "image/svg+xml", ".png": "image/png", ".gif": "image/gif",
            ".html": "text/html"}
SHOWN = 4          # pictures of one block
LARGEST = 4 << 20  # bytes of one of them
MESSAGES = 100     # of what is printed, in a second

Tell = Callable[..., None]  # tell("text", stream, text), tell("picture", name, type, bytes)


def run(source: str, name: str, space: str, tell: Tell, prompt: bool = False) -> dict[str, Any]:
    """Run code in the space of that name, in a folder of its own, and tell what it prints and
    draws. As at a prompt the value of each line is shown if its lines have prompts, or if asked
    for; else that of the last line. Returns ok, error (a traceback, or none), and as_shown:
    whether lines with prompts printed what stands below them."""
    names = SPACES.setdefault(space, {"__name__": space})
    folder = Path.home() / "spaces" / space
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    before = _pictures(folder)
    out, err = _Told(tell, "stdout"), _Told(tell, "stderr")
    error, as_shown = None, True
    drawn: list[Any] = []  # values that were shown as pictures

    def display(value: Any) -> None:
        if _display(value, out, tell):
            drawn.append(value)

    hook, sys.displayhook = sys.displayhook, display
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            if source.lstrip().startswith(">>>"):
                as_shown = _run_examples(source, name, names, out)
            else:
                _execute(source, name, names, prompt)
    except BaseException as raised:  # SystemExit and KeyboardInterrupt too: the worker goes on
        error = told(raised)
    finally:
        sys.displayhook = hook
        out.flush()
        err.flush()
    _show_pictures(folder, before, tell, pages=not drawn)
    return {"ok": error is None, "error": error, "as_shown": as_shown}


def call(space: str, function: str, *args: Any) -> Any:
    """What a function of a space returns, of arrays, dictionaries, lists and numbers."""
    return exported(SPACES[space][function](*args))


def exported(value: Any) -> Any:
    """A value as JavaScript likes it: arrays flat, with their shapes."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        flat = np.ascontiguousarray(value).ravel()
        return {"shape": list(value.shape),
                "data": flat.astype(np.uint8) if flat.dtype == bool else flat}
    if isinstance(value, dict):
        return {str(key): exported(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [exported(v) for v in value]
    return value


def told(raised: BaseException) -> str:
    """The traceback, from the reader's own line on."""
    trace, ours = raised.__traceback__, (__file__, ast.__file__)
    while trace is not None and trace.tb_frame.f_code.co_filename in ours:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(raised), raised, trace)).rstrip("\n")


def _execute(source: str, name: str, names: dict[str, Any], prompt: bool) -> None:
    """The code; the values of its lines are shown, or that of the last one alone."""
    _remember(source, name)
    lines = ast.parse(source, name).body
    shown = lines if prompt else [line for line in lines[-1:] if isinstance(line, ast.Expr)]
    exec(compile(ast.Module(lines[:len(lines) - len(shown)], []), name, "exec"), names)
    exec(compile(ast.Interactive(shown), name, "single"), names)


def _run_examples(source: str, name: str, names: dict[str, Any], out: _Told) -> bool:
    """The lines with prompts; whether each printed what is shown."""
    as_shown = True
    for example in doctest.DocTestParser().get_examples(source):
        out.kept.clear()
        code = "\n" * example.lineno + example.source
        _remember(code, name)
        try:
            exec(compile(code, name, "single"), names)
        except Exception as raised:
            if example.exc_msg is None:
                raise
            line = "".join(traceback.format_exception_only(type(raised), raised))
            out.write(line)
            as_shown &= CHECK.check_output(example.exc_msg, line, FLAGS)
        else:
            as_shown &= CHECK.check_output(example.want, out.seen, FLAGS)
    return as_shown


def _remember(source: str, name: str) -> None:
    """Let tracebacks and inspect.getsource find the lines."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)


def _display(value: Any, out: _Told, tell: Tell) -> bool:
    """The value of a line: as a picture if it has one, else as Python prints it, which is what a
    block shows in either case. Returns whether it had one."""
    if value is None:
        return False
    for method, type_ in (("_repr_svg_", "image/svg+xml"), ("_repr_html_", "text/html")):
        if hasattr(value, method) and (data := getattr(value, method)()):
            out.flush()
            tell("picture", type(value).__name__, type_, data.encode())
            out.kept.append(f"{value!r}\n")
            return True
    print(repr(value))
    return False


def _pictures(folder: Path) -> dict[Path, int]:
    """The pictures and pages in a folder, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")
            if path.suffix in PICTURES and path.is_file()}


def _show_pictures(folder: Path, before: dict[Path, int], tell: Tell, pages: bool) -> None:
    """Tell of the pictures, and pages if asked for, that are new, the last ones if they are many.
    A value that was shown, such as what `mg.viz.steps` returns, is mostly the page it wrote."""
    new = [(time, path) for path, time in _pictures(folder).items()
           if before.get(path) != time and (pages or path.suffix != ".html")]
    for _, path in sorted(new)[-SHOWN:]:
        if path.stat().st_size <= LARGEST:
            tell("picture", str(path.relative_to(folder)), PICTURES[path.suffix],
                 path.read_bytes())


class _Told(io.TextIOBase):
    """A stream whose text is kept until somebody has looked at it, and told at once, but of a
    flood only so often a second as a page can bear."""

    def __init__(self, tell: Tell, stream: str):
        self.tell, self.stream = tell, stream
        self.kept: list[str] = []
        self.pending: list[str] = []
        self.messages, self.last = MESSAGES, 0.0  # how many there may be at once

    @property
    def seen(self) -> str:
        """What was written since it was emptied."""
        return "".join(self.kept)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.kept.append(text)
        self.pending.append(text)
        now = time.monotonic()
        self.messages = min(MESSAGES, self.messages + (now - self.last) * MESSAGES)
        self.last = now
        if self.messages >= 1:
            self.messages -= 1
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Tell what has not been told."""
        text = "".join(self.pending)
        self.pending.clear()
        if text:
            self.tell("text", self.stream, text)
