from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="session", autouse=True)
def begun_book(request, tmp_path_factory):
    """The build of the book, (process, folder), if a test asks for it: begun before the first test
    here, so that it goes on while the pages' code is run."""
    if not any("book" in getattr(item, "fixturenames", ()) for item in request.session.items):
        yield
        return
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html",
               "-d", str(out / "doctrees"), str(DOCS), str(out / "html")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield process, out / "html"
    process.kill()
