"""The book builds without a warning, into pages that need no network and whose links lead
somewhere."""
from __future__ import annotations

import html
import json
import posixpath
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest


def test_the_book_builds_without_warnings(book):
    assert (book / "index.html").is_file()


def test_no_page_loads_anything_from_a_network(book):
    loads = re.compile(r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="(?:https?:)?//[^"]*"')
    for page in book.glob("*.html"):
        assert not loads.findall(page.read_text(encoding="utf-8")), page.name


def test_every_link_within_the_book_leads_to_a_page_and_a_place(book):
    pages = {page.relative_to(book).as_posix(): page.read_text(encoding="utf-8")
             for page in book.rglob("*.html") if "_static" not in page.parts}
    places = {name: set(re.findall(r'\bid="([^"]+)"', text)) for name, text in pages.items()}
    dead = set()
    for name, text in pages.items():
        for link in set(re.findall(r'<(?:a|img|link|script)\b[^>]*?(?:href|src)="([^"]*)"', text)):
            path, _, place = unquote(html.unescape(link)).partition("#")
            if re.match(r"[a-z]+:", path):
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), path.split("?")[0])
                                      if path else name)
            if not (book / path).is_file() or (
                    place and path in places and place not in places[path]):
                dead.add((name, link))
    assert not dead, sorted(dead)


def test_chapters_are_numbered_and_lead_to_their_code_and_so_does_the_reference(book):
    def text(page: str) -> str:
        return (book / f"{page}.html").read_text(encoding="utf-8")

    numbers = [re.findall(r"Chapter (\d+) of (\d+)", page.read_text(encoding="utf-8"))
               for page in book.glob("*.html")]
    numbers = sorted((int(n), int(of)) for page in numbers for n, of in page)
    assert numbers == [(n + 1, len(numbers)) for n in range(len(numbers))] and len(numbers) > 20
    assert "source/minigan/ops/linalg.py.html" in text("matmul")
    assert "source/examples/08_features.py.html" in text("features")
    assert re.search(r'source/minigan/ops/linalg.py.html#L-\d+', text("api_ops"))
    assert 'href="bibliography.html#lin-et-al-2018"' in text("collapse")


def formulas(book: Path) -> set[str]:
    """All formulas of the book, as TeX."""
    return {html.unescape(tex) for page in book.glob("*.html") for tex in re.findall(
        r'class="math[^>]*>\\[(\[](.*?)\\[)\]]</', page.read_text(encoding="utf-8"), re.S)}


def test_formulas_are_set_by_a_local_katex_with_its_own_fonts(book):
    page = (book / "derivatives.html").read_text(encoding="utf-8")
    script, style = (book / re.search(rf'="([^"]*katex\.min\.{kind})', page)[1]
                     for kind in ("js", "css"))
    rules = style.read_text(encoding="utf-8")
    fonts = re.findall(r"url\(([^)]*)\)", rules)
    assert len(fonts) == 20 and all((style.parent / font).is_file() for font in fonts)
    version, = re.findall(r'content:"(\d+\.\d+)\.\d+"', rules)
    assert re.search(r'version:"(\d+\.\d+)', script.read_text(encoding="utf-8"))[1] == version, (
        "docs/_static/katex is of another version than the extension's KaTeX")
    assert "mathml" not in (book / "_static/katex_autorenderer.js").read_text(encoding="utf-8")


WRONG_ONCE = {  # in browsers' own MathML: a formula, and what its HTML must have
    r"\overline{Gn}": r'class="mord overline".*?mathnormal">G</span>.*?mathnormal".*?>n</span>',
    r"\mathbb{E}": r'class="mord mathbb">E<',
    r"\ln x": r'class="mop">ln</span><span class="mspace"',
    r"\cos x": r'class="mop">cos</span><span class="mspace"',
    r"\Big(\frac{1}{N}\Big)": r'class="delimsizing size2">\(<',
}


def test_katex_sets_every_formula_and_those_right_that_were_wrong(book):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = book / re.search(r"_static/katex\.min\.js", (book / "index.html").read_text())[0]
    program = (f"const katex = require({json.dumps(str(script))});"
               "const all = JSON.parse(require('fs').readFileSync(0));"
               "console.log(JSON.stringify(all.map(tex => katex.renderToString(tex))))")
    every = [*WRONG_ONCE, *formulas(book)]
    assert len(every) > 250
    said = subprocess.run([node, "-e", program], input=json.dumps(every), text=True,
                          capture_output=True, timeout=60)
    assert said.returncode == 0, said.stderr
    for tex, drawn in zip(WRONG_ONCE, json.loads(said.stdout)):
        assert re.search(WRONG_ONCE[tex], drawn, re.S), (tex, drawn)
