"""Drawings in SVG, written as text: axes with round numbers, a legend, and what is between them.

There is no paper under them, and letters and axes have the colour of the text around them: a page
may be light or dark. In a file of its own they are of a grey that both can bear.
"""
from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from html import escape
from itertools import cycle

import numpy as np

from ..files import replacing

_COLOURS = ("#1f77b4", "#e8590c", "#2f9e44", "#9c36b5", "#c92a2a", "#b08900", "#15aabf", "#868e96")
_LETTER, _LINE = 6.8, 18  # pixels: about a letter's width and a line's height at a size of 12
_EXTREME = 1e300, 1e-290  # numbers beyond are drawn as these, and as 0: differences stay finite
_DOT = "m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0"
_GREY = "<style>svg:root{color:#767676}</style>"

Limits = tuple[float, float]


def save_svg(path: str | os.PathLike, drawing: str) -> None:
    """Write a drawing as a file of its own, in one step."""
    head, rest = '<svg xmlns="http://www.w3.org/2000/svg"', drawing.removeprefix("<svg")
    with replacing(path) as temporary:
        temporary.write_bytes((head + rest.replace(">", f">{_GREY}", 1) + "\n").encode())


def coloured(names: Iterable[str], chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """The colour of each name, if none is chosen one of eight, in turn."""
    chosen = chosen or {}
    return {name: _plain(chosen.get(name, own)) for name, own in zip(names, cycle(_COLOURS))}


def limits(values: np.ndarray, room: float = 0.06) -> Limits:
    """The lowest and highest of the finite values, with room for them, also where all are equal."""
    values = clipped(values[np.isfinite(values)])
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    largest = max(abs(low), abs(high))
    room *= high - low if high - low > 1e-12 * largest else largest or 1
    return float(low - room), float(high + room)


def clipped(values: np.ndarray) -> np.ndarray:
    """Values whose differences are finite."""
    largest, smallest = _EXTREME
    return np.where(abs(values) < smallest, 0, np.clip(values, -largest, largest))


def pixels(values: np.ndarray, span: Limits, length: int) -> np.ndarray:
    """Where values are drawn on an axis; far outside it, nearer."""
    low, high = span
    return np.clip((clipped(values) - low) / (high - low), -1, 2) * length


def polyline(x: np.ndarray, y: np.ndarray) -> str:
    """A line through points; NaN leaves a gap, and a point alone is a dot."""
    there = np.pad(np.isfinite(x) & np.isfinite(y), 1)
    return "".join(f"{'L' if before else 'M'}{a:.1f} {b:.1f}{'' if before or after else _DOT}"
                   for a, b, before, now, after in zip(x, y, there, there[1:], there[2:]) if now)


def frame(marks: str, x: Limits, y: Limits, size: tuple[int, int], names: Mapping[str, str],
          xlabel: str = "", ylabel: str = "", whole: bool = False) -> str:
    """Marks, which are drawn in pixels from the upper left corner of a plot of that size, within
    axes of these limits: an SVG element. The names have their colours; what is whole has no ticks
    between whole numbers of x."""
    width, height = size
    across = ticks(x, width, whole=whole)
    up = ticks(y, height, upright=True)
    legend, top = _legend(names, width)
    left = 10 + _LETTER * max(map(len, up.values()), default=0) + _LINE * bool(ylabel)
    right = 4 + _LETTER / 2 * max(map(len, across.values()), default=0)
    below = height + _LINE * (1 + bool(xlabel))
    lines, words = [], [_text(12 - left, height / 2, ylabel, "middle", True)] * bool(ylabel)
    for at, word in across.items():
        lines.append(f"M{at:.1f} 0V{height}")
        words.append(_text(at, height + 16, word, "middle"))
    for at, word in up.items():
        lines.append(f"M0 {height - at:.1f}H{width}")
        words.append(_text(-6, height - at + 4, word, "end"))
    words += [_text(width / 2, height + 33, xlabel, "middle")] * bool(xlabel)
    outer = f"{left + width + right:.0f}", f"{top + below + 6:.0f}"
    return (f'<svg viewBox="0 0 {" ".join(outer)}" width="{outer[0]}" '
            f'height="{outer[1]}" font-family="sans-serif" font-size="12" role="img" '
            f'aria-label="{_plain(", ".join([ylabel] * bool(ylabel) + list(names)))}">'
            f'<g transform="translate({left:.1f} {top})"><g stroke="currentColor" fill="none">'
            f'<path d="{"".join(lines)}" opacity=".15"/><path d="M0 0V{height}H{width}" '
            f'opacity=".5"/></g><svg width="{width}" height="{height}" fill="none" '
            f'stroke-linecap="round" stroke-linejoin="round">{marks}</svg>'
            f'<g fill="currentColor"><g transform="translate(0 {-top})">{legend}</g>'
            f'{"".join(words)}</g></g></svg>')


def ticks(span: Limits, length: float, upright: bool = False, whole: bool = False
          ) -> dict[float, str]:
    """Round numbers on an axis, as many as have room, by where they are in pixels."""
    low, high = span
    for most in range(8, 0, -1):
        power = 10.0 ** math.floor(math.log10((high - low) / most))
        step = next(m * power for m in (1, 2, 5, 10, 20) if m * power * most >= high - low)
        step = max(step, 1) if whole else step
        digits = max(7, math.floor(math.log10(max(-low, high))) - math.floor(math.log10(step)) + 1)
        at = [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
        words = [re.sub(r"e\+?(-?)0*", r"e\1", f"{v:,.{digits}g}").replace("-", "−") for v in at]
        need = 26 if upright else 14 + _LETTER * max(map(len, words), default=0)
        if need <= step / (high - low) * length:
            break
    return {(v - low) / (high - low) * length: word for v, word in zip(at, words)}


def _legend(names: Mapping[str, str], width: float) -> tuple[str, int]:
    """In as many rows as it takes; and how high they are."""
    parts, x, y, longest = [], 0.0, 14, int((width - 20) / _LETTER)
    for name, colour in names.items():
        name = name if len(name) <= longest else f"{name[:longest - 1]}…"
        if x and x + 20 + _LETTER * len(name) > width:
            x, y = 0.0, y + _LINE
        parts.append(f'<path d="M{x:.0f} {y - 4}h14" stroke="{colour}" stroke-width="4"/>'
                     + _text(x + 20, y, name))
        x += 36 + _LETTER * len(name)
    return "".join(parts), y + 10 if parts else 8


def _text(x: float, y: float, words: str, anchor: str = "start", upright: bool = False) -> str:
    """Words at a place, or upwards from below it."""
    where = (f'transform="translate({x:.1f} {y:.1f})rotate(-90)"' if upright
             else f'x="{x:.1f}" y="{y:.1f}"')
    return f'<text {where} text-anchor="{anchor}">{_plain(words)}</text>'


def _plain(words: str) -> str:
    """Words as XML may hold them."""
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words))
