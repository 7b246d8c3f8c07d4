"""Every Python block of the book and of the README runs, and prints what the page says it does."""
from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("README.md")])
FENCE = re.compile(r"^ *```(?P<language>\S*)[^\n]*\n(?P<source>.*?)^ *```$", re.M | re.S)
DOCTEST_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code_blocks(text: str) -> Iterator[tuple[str, int, str]]:
    """The language, the number of the first line and the source of each fenced block."""
    for block in FENCE.finditer(text):
        line = text.count("\n", 0, block.start("source")) + 1
        yield block["language"], line, block["source"]


def run_block(page: Path, line: int, source: str, namespace: dict) -> None:
    """Run one block; what it raises, or prints otherwise than shown, names the page's line."""
    if not source.lstrip().startswith(">>>"):
        exec(compile("\n" * (line - 1) + source, str(page), "exec"), namespace)
        return
    examples = doctest.DocTestParser().get_doctest(source, {}, page.name, str(page), line - 1)
    examples.globs = namespace  # itself and not a copy: later blocks go on from here
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=DOCTEST_FLAGS)
    runner.run(examples, out=report.append, clear_globs=False)
    if report:
        pytest.fail("".join(report), pytrace=False)


@pytest.fixture
def five_examples(monkeypatch):
    """What a page decorates with gradtest gets five: what is proven there is proven elsewhere."""
    properties = pytest.importorskip("minigan.testing.properties")
    drawing = properties.drawing
    monkeypatch.setattr(properties, "drawing", lambda *args: drawing(*args[:-1], min(args[-1], 5)))


@pytest.fixture
def no_curves(monkeypatch):
    """Of a run's losses, drawn at every save: matplotlib takes longer than the steps, and
    tests/cli looks at the picture."""
    monkeypatch.setattr("minigan.gan.folder.RunFolder.save_losses", lambda run: None)


@by_page
def test_the_code_of_a_page_runs_and_prints_what_is_shown(page, tmp_path, monkeypatch,
                                                          five_examples, no_curves):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": page.stem}
    for language, line, source in code_blocks(page.read_text(encoding="utf-8")):
        if language == "python":
            run_block(page, line, source, namespace)


@by_page
def test_every_block_says_what_it_is_so_that_none_escapes_the_tests(page):
    for language, line, _ in code_blocks(page.read_text(encoding="utf-8")):
        directive = re.fullmatch(r"\{[\w:-]+\}", language)
        assert directive or language in {"python", "bash", "console", "text"}, (
            f"{page.name}:{line} is a block of {language or 'no language'}")


def test_a_wrong_output_is_reported_with_its_page_and_line(tmp_path):
    page = tmp_path / "page.md"
    with pytest.raises(pytest.fail.Exception, match=r'page\.md", line 12'):
        run_block(page, 11, ">>> x = 1\n>>> x\n2\n", {})


def test_an_error_in_a_block_is_raised_at_its_line_of_the_page(tmp_path):
    page = tmp_path / "page.md"
    with pytest.raises(ZeroDivisionError) as error:
        run_block(page, 11, "x = 1\nx / 0\n", {})
    last = error.traceback[-1]
    assert (str(last.path), last.lineno + 1) == (str(page), 12)
