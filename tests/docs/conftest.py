"""The built book, which several modules look at."""
from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from browsing import DOCS, Keeper, opened

MISSING = [name for name in ("sphinx", "myst_parser", "furo", "sphinxcontrib.katex")
           if importlib.util.find_spec(name.split(".")[0]) is None
           or importlib.util.find_spec(name) is None]

FASTER = ("import gc; gc.disable();"  # which looks at every node of the book, in vain
          "from sphinx.search.en import SearchEnglish;"  # nobody searches these pages
          "SearchEnglish.stem = lambda self, word: word;")
COLOURLESS = ("from sphinx import highlighting; from pygments import lexers;"
              "lexers.PythonLexer = lexers.TextLexer;")  # as the pages of source may be
BUILD = "import sys; from sphinx.cmd.build import main; sys.exit(main(sys.argv[1:]))"
TOLD: pytest.StashKey[list[str]] = pytest.StashKey()


def pytest_configure(config):
    config.stash[TOLD] = []


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash[TOLD]:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def tell(request):
    """tell(line): for the end of the log."""
    return request.config.stash[TOLD].append


@pytest.fixture(scope="session")
def book(tmp_path_factory, request) -> Path:
    """The folder of the book, built once; a browser that looks at it sees its colours."""
    if MISSING:
        pytest.skip(f"the extra 'docs' is not installed: {', '.join(MISSING)} missing")
    out = tmp_path_factory.mktemp("book")
    colours = "" if "browser" in request.config.option.markexpr else COLOURLESS
    built = subprocess.run(
        [sys.executable, "-c", FASTER + colours + BUILD, "-W", "--keep-going", "-q", "-b", "html",
         str(DOCS), str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert built.returncode == 0, built.stdout
    return out


@pytest.fixture(scope="session")
def site(book):
    """The built book in a browser."""
    with opened(book) as site:
        yield site


@pytest.fixture(scope="session")
def keeper(site):
    """Opens chapters that share one Python."""
    return Keeper(site)
