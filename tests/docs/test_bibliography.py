"""Every work that the book or a docstring names has an entry, and every identifier its format."""
from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the extra 'docs' is not installed")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

import works  # noqa: E402

NO_WORKS = {"November 2026", "UCI 1998", "Fashion-MNIST 2017", "Literature 2018"}
IDENTIFIER = re.compile(
    r"arXiv:(\d{4}\.\d{4,5})\]\(https://arxiv\.org/abs/\1\)"
    r"|doi:(10\.\d{4,5}/\S+)\]\(https://doi\.org/\2\)"
    r"|JMLR (\d+)\]\(https://jmlr\.org/papers/v\3/\w+\.html\)"
    r"|PMLR (\d+)\]\(https://proceedings\.mlr\.press/v\4/\w+\.html\)"
    r"|STAN-CS-79-773\]\(http://i\.stanford\.edu/TR/CS-TR-79-773\.html\)")


def named() -> dict[str, str]:
    """What the pages and the code name, and where."""
    found = {}
    places = "docs/*.md", "minigan/**/*.py", "examples/*.py"
    for path in {path for place in places for path in ROOT.glob(place)} - {works.BIBLIOGRAPHY}:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r'"\n\s*"|(?<=\n)\s*#', "", text)  # strings in pieces, and comments
        found |= {works.label(name): path.name for name in works.NAMED.finditer(text)}
    return found


def test_every_work_that_is_named_has_one_entry():
    assert len(works.LABELS) == len(set(works.LABELS)) > 80
    missing = {name: where for name, where in named().items()
               if name not in works.LABELS and name not in NO_WORKS}
    assert not missing, "docs/bibliography.md lacks them"


def test_identifiers_have_the_format_of_their_kind_and_link_to_themselves():
    text = " ".join(works.BIBLIOGRAPHY.read_text(encoding="utf-8").split())
    links = re.findall(r"\[[^\]]*\]\(\S*\)(?=[.\s])", text)
    assert len(links) > 80
    for link in links:
        assert IDENTIFIER.fullmatch(link[1:]), link
