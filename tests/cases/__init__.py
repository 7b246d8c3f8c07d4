"""The table of all public operations of minigan: how to call each, what it computes, and with
which inputs. The tests of the library and the mutation suite go through every row."""
from __future__ import annotations

from . import conv, elementwise, linalg, losses, norm, reduce, shape
from .case import Case

__all__ = ["CASES", "Case"]

CASES: list[Case] = [*elementwise.CASES, *reduce.CASES, *shape.CASES, *linalg.CASES, *norm.CASES,
                     *conv.CASES, *losses.CASES]
