"""Tuples, lists and dicts, one within the other: what a step takes and returns."""
from __future__ import annotations

from copy import copy
from typing import Any, Callable

NESTED = (tuple, list, dict)

def mapped(f: Callable[[Any], Any], value: Any) -> Any:
    """f of all that is in tuples, lists and dicts, in others of the same kinds."""
    if not isinstance(value, NESTED):
        return f(value)
    return with_members(value, [mapped(f, member) for member in members(value)])


def replaced(f: Callable[[Any], Any], value: Any) -> Any:
    """The same, but a container of which f changes nothing is itself."""
    if not isinstance(value, NESTED):
        return f(value)
    new = [replaced(f, member) for member in members(value)]
    same = all(a is b for a, b in zip(new, members(value)))
    return value if same else with_members(value, new)


def members(value: Any) -> list:
    """What is in a tuple, list or dict itself."""
    return list(value.values() if isinstance(value, dict) else value)


def with_members(value: Any, new: list) -> Any:
    """Another of its kind with these in it."""
    if isinstance(value, dict):
        made = copy(value)  # a defaultdict stays one
        for key, member in zip(value, new):
            made[key] = member
        return made
    return type(value)(*new) if hasattr(value, "_fields") else type(value)(new)


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
