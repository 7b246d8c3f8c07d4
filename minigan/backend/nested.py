"""Tuples, lists and dicts, one within the other: what a step takes and returns."""
from __future__ import annotations

from typing import Any, Callable


def mapped(f: Callable[[Any], Any], value: Any) -> Any:
    """f of all that is in tuples, lists and dicts (in the order of their keys), in the same ones.
    """
    if isinstance(value, dict):
        return {key: mapped(f, value[key]) for key in sorted(value, key=repr)}
    if isinstance(value, (tuple, list)):
        parts = [mapped(f, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return f(value)


def leaves(value: Any) -> list:
    """All that is in tuples, lists and dicts, one after another."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value, key=repr)]
    if not isinstance(value, (tuple, list)):
        return [value]
    found: list = []
    for part in value:
        found += leaves(part)
    return found


def outline(value: Any) -> Any:
    """How tuples, lists and dicts are nested: equal where the leaves have the same places."""
    if isinstance(value, dict):
        return {key: outline(part) for key, part in value.items()}
    return [outline(part) for part in value] if isinstance(value, (tuple, list)) else None
