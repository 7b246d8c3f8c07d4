"""The fields in a run's files, and what each may be: they are checked where they are read."""
from __future__ import annotations

import os
from typing import Any, Mapping

import numpy as np

from ..data import IMAGE_SETS, DataError
from ..data.columns import Columns
from ..errors import BRIEF, UserError
from ..settings import NATURAL, NOT_NEGATIVE, NUMBER, POSITIVE, TABLE, Kind, one_of, optional
from ..metrics.table import METRICS
from .options import Options


def _is_path(text: Any) -> bool:
    try:
        return isinstance(text, str) and b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _is_drawn(state: Any) -> bool:
    generator = np.random.PCG64()
    try:
        generator.state = state
    except (KeyError, OverflowError, TypeError, ValueError):
        return False
    return generator.state == state


KEPT = one_of([name for name, metric in METRICS.items() if metric.better != "as real"], "metric")
SHAPE = Kind("a height, a width and a number of channels, or the width of a table's rows", lambda s:
             isinstance(s, (tuple, list)) and len(s) in (1, 3) and all(map(POSITIVE.fits, s)))
STEPS = Kind("a number of steps, or one for each parameter",
             lambda n: all(map(NATURAL.fits, n if isinstance(n, list) else [n])))
RATES = Kind("a number of at least 0, or one for each group",
             lambda r: all(map(NOT_NEGATIVE.fits, r if isinstance(r, list) else [r])))
PLACE = Kind("an epoch and a position in it", lambda p: isinstance(p, dict)
             and p.keys() == {"epoch", "position"} and all(map(NATURAL.fits, p.values())))


def _describes(columns: Any) -> bool:
    try:
        return isinstance(columns, list) and bool(Columns.from_json(columns))
    except DataError:
        return False


def short(most: int) -> Kind:
    """A text of fewer letters than `most`."""
    return Kind("a short text", lambda text: isinstance(text, str) and len(text) < most)


CHANGES = Kind("a list of short texts", lambda texts: isinstance(texts, list)
               and all(map(short(200).fits, texts)))
COLUMNS = Kind("what the columns of a table are", _describes)
DATA = one_of([*IMAGE_SETS, "table"], "data set")
GAME = Kind("what differs from the plain game", lambda g: isinstance(g, (dict, Options)))
PATH = Kind("a path", _is_path)
IN_STATE = {  # state.safetensors, beside the arrays
    **{f"{player}.{name}": kind for player in ("d_optimizer", "g_optimizer") for name, kind in (
        ("steps", STEPS), ("lr", RATES))},
    "progress.step": NATURAL, "progress.loader": PLACE,
    "progress.rng": Kind("the state of a PCG64", _is_drawn),
    "run.settings": optional(TABLE)}  # what a run keeps as it goes on; older ones have none
ROW = {"step": NATURAL, "d_loss": NUMBER, "g_loss": NUMBER}  # metrics.jsonl; others beside them


def dotted(state: dict[str, Any]) -> dict[str, Any]:
    """{"a": {"b": x}} → {"a.b": x}, two levels."""
    return {f"{outer}.{inner}": v for outer, values in state.items() for inner, v in values.items()}


def nested(arrays: Mapping[str, np.ndarray], rest: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `dotted`. Raises UserError for names that no state has."""
    state: dict[str, Any] = {name: {} for name in ("game", "average", "d_optimizer", "g_optimizer",
                                                   "progress", "run")}
    for key, value in [*arrays.items(), *rest.items()]:
        outer, _, inner = key.partition(".")
        if inner in state.get(outer, {inner: 0}):
            raise UserError(f"it holds {BRIEF.repr(key)}, which no state of a run does, or twice")
        state[outer][inner] = value
    return state
