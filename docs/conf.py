"""How Sphinx builds the book: `sphinx-build -W docs docs/_build`."""
from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # the book is of this checkout

import boxes  # noqa: E402 (after the path to it)
import minigan  # noqa: E402
import notebooks  # noqa: E402

project = "minigan"
author = "the minigan developers"
copyright = author  # noqa: A001 (Sphinx's name)
version = release = minigan.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.katex"]
exclude_patterns = ["_build", "_static", "exercises", "pictures",
                    "planted_*.md"]  # those are included
default_role = "code"  # what a docstring has in `backticks`

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

# KaTeX sets the formulas in the reader's browser: its program is the extension's, its style sheet
# and fonts are ours. Nothing comes from a network, and the build needs no node.
katex_css_path = "katex/katex.min.css"
html_math_renderer = "katex"

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "show-inheritance": True}

html_theme = "furo"
html_title = "minigan"
html_static_path = ["_static"]
html_show_sphinx = False


def as_plain_text(app, what, name, obj, options, lines: list[str]) -> None:
    """Docstrings are plain text: |x| and *args are no markup, and aligned columns stay aligned."""
    text = "\n".join(lines)
    text = re.sub(r"`[^`]*`|[|*]", lambda m: m[0] if m[0][0] == "`" else "\\" + m[0], text)
    text = re.sub(r"^(\w+)\n-{3,}$", r"**\1**\n", text, flags=re.M)  # a heading within a docstring
    lines[:] = "\n\n".join(map(as_list, text.split("\n\n"))).split("\n")


def as_list(paragraph: str) -> str:
    """Lines such as "name   its meaning" or "name : its meaning" become a definition list."""
    entry = r"^([\w.]\S*(?:, \S+)*)(?: {2,}| : )(?=\S)"
    if not re.match(entry, paragraph):
        return paragraph
    one_line_each = re.sub(r"\n {2,}", " ", paragraph)
    return re.sub(entry, r"`\1`\n    ", one_line_each, flags=re.M)


def show_exercises(app, docname: str, source: list[str]) -> None:
    """A chapter's exercises, in the place of the lines that name them."""
    for _, name in boxes.LINE.findall(source[0]):
        app.env.note_dependency(f"exercises/{name}.py", docname=docname)
    source[0] = boxes.with_exercises(source[0])


def link_notebook(app, pagename: str, templatename, context, doctree) -> None:
    """A chapter links to itself as a notebook, below its heading."""
    if pagename in notebooks.CHAPTERS and app.builder.format == "html":
        link = f'<a href="notebooks/{pagename}.ipynb" download>This chapter as a notebook</a>'
        context["body"] = context["body"].replace("</h1>", f"</h1>\n<p>{link}</p>", 1)


def write_notebooks(app, exception) -> None:
    """The notebooks, beside the pages."""
    if exception is None and app.builder.format == "html":
        notebooks.write(Path(app.outdir) / "notebooks", list(notebooks.CHAPTERS),
                        lambda page: f"../{page}.html")


def setup(app) -> None:
    app.connect("html-page-context", link_notebook)
    app.connect("source-read", show_exercises)
    app.connect("build-finished", write_notebooks)
    app.connect("autodoc-process-docstring", as_plain_text)
