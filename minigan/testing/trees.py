"""Trees: dicts, tuples and lists, one within the other, and the leaves in them."""
from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, Callable


def is_numbers(x: Any) -> bool:
    """Whether x is a list (or tuple) of plain numbers, or of such lists: an array, as typed."""
    return isinstance(x, (list, tuple)) and not hasattr(x, "_fields") and all(
        isinstance(y, (bool, int, float, complex)) or is_numbers(y) for y in x)


def mapped(f: Callable[..., Any], tree: Any, *others: Any, name: str = "",
           is_leaf: Callable[[Any], bool] = lambda x: False) -> Any:
    """The tree with f(name, leaf, ...) in the place of each leaf, a name being "['w'][0]" behind
    the tree's own. Other trees of its form give what stands at the same place in them, None where
    they end in None.

    >>> mapped(lambda name, x, y: (name, x * y), {"w": [2], "b": 3}, {"w": [10], "b": 20})
    {'w': [("['w'][0]", 20)], 'b': ("['b']", 60)}
    """
    def at(key: Any, x: Any) -> Any:
        return mapped(f, x, *[None if other is None else other[key] for other in others],
                      name=f"{name}[{key!r}]", is_leaf=is_leaf)

    if isinstance(tree, Mapping) and not is_leaf(tree):
        made = {key: at(key, x) for key, x in tree.items()}
        if not isinstance(tree, dict):
            return type(tree)(made)
        filled = copy(tree)  # also of a defaultdict, which is not made of a dict
        filled.update(made)
        return filled
    if isinstance(tree, (tuple, list)) and not is_leaf(tree):
        made = [at(i, x) for i, x in enumerate(tree)]
        return type(tree)(*made) if hasattr(tree, "_fields") else type(tree)(made)
    return f(name, tree, *others)


def leaves(tree: Any, name: str = "") -> list[tuple[str, Any]]:
    """All of them, each with its name."""
    if not isinstance(tree, (dict, tuple, list, Mapping)):
        return [(name, tree)]
    pairs = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
    return [found for key, x in pairs for found in leaves(x, f"{name}[{key!r}]")]
