"""The chapters of the book as Jupyter notebooks.

    python docs/notebooks.py [CHAPTER ...] [--out DIR]

writes each chapter, or those named, such as first_gan, to DIR/CHAPTER.ipynb: its Python becomes
cells to run, without the prompts and what they print; its pictures are within. Commands stay text.
The built book has the same notebooks, and a link to each on its page.
"""
from __future__ import annotations

import argparse
import base64
import doctest
import json
import mimetypes
import os
import re
from pathlib import Path
from typing import Any, Callable, Iterator

import boxes

DOCS = Path(__file__).resolve().parent
CHAPTERS = {page.stem: page for page in sorted(DOCS.glob("*.md"))
            if re.search(r"^\*\d+ minutes[. ]", page.read_text("utf-8"), re.M)}
FENCE = re.compile(r"^ *```python\n(.*?)^ *```$", re.M | re.S)
PICTURE = re.compile(r"(!\[[^]]*\])\(images/([^)]+)\)")
LINK = re.compile(r"\]\((\w+)\.md(#[^)]*)?\)")
NOTE = ("*A chapter of minigan's book, to be run cell by cell where minigan is installed. In a "
        "cell, a command such as `minigan train` has a ! before it.*")


def notebook(chapter: str, elsewhere: Callable[[str], str]) -> dict[str, Any]:
    """A chapter in Jupyter's format 4.5. `elsewhere` says where links to pages that are no chapters
    lead to."""
    cells = [_markdown(NOTE, elsewhere)]
    text = boxes.with_exercises(CHAPTERS[chapter].read_text("utf-8"), code=False)
    for i, part in enumerate(FENCE.split(text)):
        cells += map(_code, _pieces(part)) if i % 2 else [_markdown(part.strip(), elsewhere)]
    cells = [{"id": f"{chapter}-{i}", **cell} for i, cell in enumerate(cells) if cell["source"]]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def _pieces(block: str) -> Iterator[tuple[str, bool]]:
    """The code of the cells of a block, and whether it raises an error. Examples with prompts are
    cut after each that prints something: a cell shows what its last line gives."""
    if not block.lstrip().startswith(">>>"):
        yield block, False
        return
    lines = ""
    for example in doctest.DocTestParser().get_examples(block):
        lines += example.source
        if example.want:
            yield lines, example.exc_msg is not None
            lines = ""
    yield lines, False


def _code(piece: tuple[str, bool]) -> dict[str, Any]:
    source, raises = piece
    return {"cell_type": "code", "source": source.rstrip("\n"), "outputs": [],
            "execution_count": None, "metadata": {"tags": ["raises-exception"]} if raises else {}}


def _markdown(text: str, elsewhere: Callable[[str], str]) -> dict[str, Any]:
    pictures = {name: base64.b64encode((DOCS / "images" / name).read_bytes()).decode()
                for _, name in PICTURE.findall(text)}
    text = LINK.sub(lambda m: f"]({m[1]}.ipynb{m[2] or ''})" if m[1] in CHAPTERS
                    else f"]({elsewhere(m[1])}{m[2] or ''})", text)
    cell = {"cell_type": "markdown", "source": PICTURE.sub(r"\1(attachment:\2)", text),
            "metadata": {}}
    if pictures:
        cell["attachments"] = {name: {mimetypes.guess_type(name)[0]: data}
                               for name, data in pictures.items()}
    return cell


def write(folder: Path, chapters: list[str], elsewhere: Callable[[str], str]) -> None:
    """The notebooks, into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for chapter in chapters:
        text = json.dumps(notebook(chapter, elsewhere), indent=1, ensure_ascii=False)
        (folder / f"{chapter}.ipynb").write_text(text + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER",
                        help=f"{', '.join(CHAPTERS)} (default: all)")
    parser.add_argument("--out", type=Path, default=Path("notebooks"), metavar="DIR",
                        help="where they are written to (default: notebooks)")
    args = parser.parse_args()
    for name in args.chapters:
        if name not in CHAPTERS:
            parser.error(f"there is no chapter {name}; there are {', '.join(CHAPTERS)}")
    pages = os.path.relpath(DOCS, args.out)
    write(args.out, args.chapters or list(CHAPTERS), lambda page: f"{pages}/{page}.md")
    print(f"{len(args.chapters or CHAPTERS)} notebooks in {args.out}")


if __name__ == "__main__":
    main()
