"""The book's pages of source, to which its chapters and its reference link.

Where a page names a file, such as `minigan/ops/norm.py`, the name becomes a link; names after it in
the same paragraph may leave out the folders that they share with it, as in "`norm.py`".
"""
from __future__ import annotations

import ast
import html
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).resolve().parents[1]
FILES = [path for top in ("minigan", "examples") for path in sorted((ROOT / top).rglob("*.py"))]
FOLDERS = sorted({path.parent for path in FILES})
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name} - minigan</title>
<link rel="icon" href="{up}_static/favicon.svg">
<link rel="stylesheet" href="{up}_static/styles/furo.css">
<link rel="stylesheet" href="{up}_static/pygments.css">
<link rel="stylesheet" href="{up}_static/book.css">
</head>
<body class="source">
<script>document.body.dataset.theme = localStorage.getItem("theme") || "auto"</script>
<p><a href="{up}index.html">The book</a> / {trail}</p>
{body}
</body>
</html>
"""


class LinkSources(SphinxTransform):
    """Links from the names of files to their pages."""

    default_priority = 700

    def apply(self, **kwargs: Any) -> None:
        for paragraph in self.document.findall(nodes.paragraph):
            folder = ROOT
            for literal in list(paragraph.findall(nodes.literal)):
                path = find(literal.astext(), folder)
                if path is not None and not isinstance(literal.parent, nodes.reference):
                    folder = path if path.is_dir() else path.parent
                    link = nodes.reference("", "", refuri=address(path), internal=True)
                    literal.replace_self(link)
                    link += literal


def find(name: str, folder: Path) -> Path | None:
    """What is called so in a folder or in one around it; None if it has no page."""
    if not re.fullmatch(r"[\w./]+(\.py|/)", name):
        return None
    paths = [place / name for place in (folder, *folder.parents)]
    return next((path for path in paths if path in FILES or path in FOLDERS), None)


def address(path: Path) -> str:
    """Of the page of a file or folder, within the book."""
    name = path.relative_to(ROOT).as_posix()
    return f"source/{name}.html" if path in FILES else f"source/{name}/index.html"


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """The line where a name of the reference is defined, for sphinx.ext.linkcode."""
    found: Any = sys.modules[info["module"]]
    try:
        for name in info["fullname"].split("."):
            found = getattr(found, name)
        found = inspect.unwrap(getattr(found, "fget", found))
        path, line = Path(inspect.getsourcefile(found)), inspect.findsource(found)[1] + 1
    except (AttributeError, TypeError, OSError):  # a field, say, has no line of its own
        return None
    return f"{address(path)}#L-{line}" if path in FILES else None


def write(outdir: Path) -> None:
    """The pages, into the built book."""
    lexer, formatter = PythonLexer(), HtmlFormatter(lineanchors="L", anchorlinenos=True,
                                                    linenos="inline")
    for path in [*FILES, *FOLDERS]:
        up = "../" * address(path).count("/")
        body = (listing(path) if path in FOLDERS else
                highlight(path.read_text("utf-8"), lexer, formatter))
        around = [place for place in reversed(path.parents) if place in FOLDERS]
        trail = [f'<a href="{up}{address(place)}">{place.name}</a>' for place in around]
        page = outdir / address(path)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(PAGE.format(name=path.name, up=up, body=body,
                                    trail=" / ".join([*trail, path.name])), "utf-8")


def listing(folder: Path) -> str:
    """The files and folders of a folder, each with the first line of its docstring."""
    rows = []
    for path in [p for p in (*FOLDERS, *FILES) if p.parent == folder]:
        code = path if path in FILES else path / "__init__.py"
        doc = ast.get_docstring(ast.parse(code.read_text("utf-8"))) if code in FILES else None
        link = f"{path.name}/index.html" if path in FOLDERS else f"{path.name}.html"
        rows.append(f'<dt><a href="{link}"><code>{path.name}</code></a></dt>\n'
                    f"<dd>{html.escape((doc or '').partition(chr(10) * 2)[0])}</dd>")
    return "<dl>\n" + "\n".join(rows) + "\n</dl>"
