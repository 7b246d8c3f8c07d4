"""Tuples, lists and dicts, one within the other: what a step takes and returns."""
from __future__ import annotations

from copy import copy
from typing import Any, Callable


def mapped(f: Callable[[Any], Any], value: Any) -> Any:
    """f of all that is in tuples, lists and dicts, in the same ones."""
    if isinstance(value, dict):
        made = copy(value)  # a defaultdict stays one
        made.update({key: mapped(f, part) for key, part in value.items()})
        return made
    if isinstance(value, (tuple, list)):
        parts = [mapped(f, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return f(value)


def leaves(value: Any) -> list:
    """All that is in tuples, lists and dicts (in the order of their keys), one after another."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value, key=repr)]
    if not isinstance(value, (tuple, list)):
        return [value]
    found: list = []
    for part in value:
        found += leaves(part)
    return found
