"""The works that the book names, and links to their entries in bibliography.md.

"Lin et al. 2018", "Miyato & Koyama (2018)" or "Odena, Olah and Shlens 2017", in a chapter or in a
docstring, leads to the entry of that name.
"""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Iterator

from docutils import nodes
from sphinx.transforms import SphinxTransform

BIBLIOGRAPHY = Path(__file__).with_name("bibliography.md")
LABEL = re.compile(r"^- \*\*(.+?)\.\*\*", re.M)
LABELS = LABEL.findall(" ".join(re.split(r"\n  ", BIBLIOGRAPHY.read_text("utf-8"))))
_NAME = r"\b[^\W\d_a-z](?:\w|-)+"
NAMED = re.compile(rf"({_NAME})((?:,\s+{_NAME})+\s+(?:and|&)\s+{_NAME}|\s+et\s+al\.)?"
                   rf"(?:\s+(?:and|&)\s+({_NAME}))?,?\s+\(?((?:19|20)\d\d)\b")


def label(named: re.Match) -> str:
    """What the entry is called: two authors by both, more by the first."""
    first, more, second, year = named.groups()
    return f"{first} et al. {year}" if more else (
        f"{first} and {second} {year}" if second else f"{first} {year}")


def anchor(name: str) -> str:
    """Of an entry, within its page."""
    return nodes.make_id(name)


class LinkWorks(SphinxTransform):
    """Links from where a work is named to its entry."""

    default_priority = 710

    def apply(self, **kwargs: Any) -> None:
        if self.env.docname == BIBLIOGRAPHY.stem:
            for strong in self.document.findall(nodes.strong):
                strong["ids"].append(anchor(strong.astext().rstrip(".")))
            return
        for element in list(self.document.findall(nodes.TextElement)):
            if not _within(element, (nodes.literal, nodes.literal_block, nodes.reference,
                                     nodes.title, nodes.math, nodes.math_block, nodes.comment)):
                element[:] = [piece for child in _joined(element.children) for piece in
                              (_linked(child) if isinstance(child, nodes.Text) else [child])]


def _within(node: nodes.Node | None, kinds: tuple[type[nodes.Node], ...]) -> bool:
    return node is not None and (isinstance(node, kinds) or _within(node.parent, kinds))


def _joined(children: list[nodes.Node]) -> list[nodes.Node]:
    """The children, where what a line's end cuts in two is one text again."""
    joined: list[nodes.Node] = []
    for child in children:
        if joined and isinstance(child, nodes.Text) and isinstance(joined[-1], nodes.Text):
            joined[-1] = nodes.Text(joined[-1] + child)
        else:
            joined.append(child)
    return joined


def _linked(text: str) -> Iterator[nodes.Node]:
    """The text in pieces, of which those that name a work are links."""
    done = 0
    for named in NAMED.finditer(text):
        if label(named) in LABELS:
            yield nodes.Text(text[done:named.start()])
            uri = f"{BIBLIOGRAPHY.stem}.html#{anchor(label(named))}"
            yield nodes.reference("", named[0], refuri=uri, internal=True)
            done = named.end()
    yield nodes.Text(text[done:])
