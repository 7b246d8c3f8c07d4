"""The book builds without a warning, into pages that need no network."""
from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
MISSING = [name for name in ("sphinx", "myst_parser", "furo", "sphinxcontrib.katex")
           if importlib.util.find_spec(name.split(".")[0]) is None
           or importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"the extra 'docs' is not installed: {', '.join(MISSING)} missing")


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("book")
    program = ("import gc, sys; gc.disable();"  # which looks at every node of the book, in vain
               "from sphinx.search.en import SearchEnglish;"  # nobody searches these pages
               "SearchEnglish.stem = lambda self, word: word;"
               "from sphinx.cmd.build import main; sys.exit(main(sys.argv[1:]))")
    built = subprocess.run(
        [sys.executable, "-c", program, "-W", "--keep-going", "-q", "-b", "html", str(DOCS),
         str(out)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert built.returncode == 0, built.stdout
    return out


def test_the_book_builds_without_warnings(book):
    assert (book / "index.html").is_file()


def test_no_page_loads_anything_from_a_network(book):
    loads = re.compile(r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="(?:https?:)?//[^"]*"')
    for page in book.glob("*.html"):
        assert not loads.findall(page.read_text(encoding="utf-8")), page.name


def test_formulas_are_left_to_the_browser_with_a_local_copy_of_katex(book):
    page = (book / "derivatives.html").read_text(encoding="utf-8")
    script = re.search(r'src="([^"]*katex\.min\.js)', page)[1]
    assert (book / script).is_file()
