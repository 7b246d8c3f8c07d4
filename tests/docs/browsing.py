"""The built book in headless Chromium, for the tests that are marked `browser`.

A start of Python takes ten seconds, so all tests may share one: `Keeper` opens pages in a frame,
whose worker is the one that the page around it keeps. Names are forgotten from page to page, as in
tests/docs/test_docs_code.py.
"""
from __future__ import annotations

import importlib.util
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

from minigan.cli.book import HEADERS, server

DOCS = Path(__file__).resolve().parents[2] / "docs"
PATIENCE = 60_000  # milliseconds: what hangs is found, what is slow on a busy machine is not

AROUND = """<!DOCTYPE html><link rel="icon" href="data:,"><title>keeps a worker</title>
<iframe name="chapter" style="height: 800px; border: 0"></iframe>"""
KEPT = """if (window !== top)
  window.Worker = function (...all) { return top.kept ??= new top.Worker(...all); }"""
FORGET = """width => {
  document.querySelector("iframe").style.width = `${width}px`;
  return window.kept && new Promise(done => {
    kept.onmessage = ({data}) => { if (data.kind === "result") done(); };
    const source = "import running; running.SPACES.clear()";
    kept.postMessage({id: 0, kind: "run", args: [source, "forget", "forget"]});
  });
}"""


class Site:
    """The built book on loopback, in a browser that finds no other address."""

    def __init__(self, address: str, browser: Any):
        self.address, self.browser = address, browser
        self.wrong: list[str] = []  # what went wrong since somebody looked

    def open(self, width: int = 1280, **options: Any) -> Any:
        """A page of a browser that knows nothing yet."""
        context = self.browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(PATIENCE)
        context.on("console", lambda said: said.type in ("error", "warning")
                   and self.wrong.append(f"{said.type} in the console: {said.text}"))
        context.on("weberror", lambda error: self.wrong.append(f"raised: {error.error}"))
        context.on("requestfailed", lambda request: self.wrong.append(f"failed: {request.url}"))
        context.on("request", lambda request: self.is_own(request.url)
                   or self.wrong.append(f"left its address: {request.url}"))
        return context.new_page()

    def is_own(self, url: str) -> bool:
        return url.startswith((self.address, "data:", "blob:"))


@contextmanager
def opened(book: Path) -> Iterator[Site]:
    """The Site of a built book; the test is skipped, with the reason, where there can be none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("there is no chromium")
    if not (book / "_static/live/files.json").is_file():
        pytest.skip("the live files could not be fetched")
    with server(book, 0) as serving, playwright.sync_playwright() as p:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        browser = p.chromium.launch(executable_path=chromium, args=[
            "--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"])
        yield Site(f"http://127.0.0.1:{serving.server_port}/", browser)
        browser.close()
        serving.shutdown()


class Keeper:
    """A page with a frame for one chapter after another, whose worker it keeps."""

    def __init__(self, site: Site):
        self.site, self.page = site, site.open(width=1400)
        self.page.add_init_script(KEPT)
        self.page.route("**/keeper.html", lambda route: route.fulfill(
            content_type="text/html", body=AROUND, headers=HEADERS))
        self.page.goto(f"{site.address}keeper.html")

    def open(self, chapter: str, width: int = 1280, scheme: str = "light") -> Any:
        """The frame, with a chapter, and Python knows of none before it."""
        self.site.wrong.clear()
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate("localStorage.clear()")
        self.page.evaluate(FORGET, width)
        frame = self.page.frame(name="chapter")
        frame.goto(f"{self.site.address}{chapter}.html")
        return frame


def axe() -> str:
    """The script of axe-core, which docs/live.py has fetched with what the book brings along."""
    spec = importlib.util.spec_from_file_location("live", DOCS / "live.py")
    live = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(live)
    return (live.fetched() / "node_modules/axe-core/axe.min.js").read_text("utf-8")
