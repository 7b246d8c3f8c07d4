"""How Sphinx builds the book: `sphinx-build -W docs docs/_build`."""
from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.addnodes import toctree
from sphinx.util import logging

sys.path[:0] = map(str, Path(__file__).resolve().parents[:2])  # the book is of this checkout

import boxes  # noqa: E402 (after the path to it)
import live  # noqa: E402
import minigan  # noqa: E402
import notebooks  # noqa: E402
import sources  # noqa: E402
import works  # noqa: E402
from sources import linkcode_resolve  # noqa: E402, F401 (sphinx.ext.linkcode asks for it)

logger = logging.getLogger(__name__)

project = "minigan"
author = "the minigan developers"
copyright = author  # noqa: A001 (Sphinx's name)
version = release = minigan.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.linkcode",
              "sphinxcontrib.katex"]
exclude_patterns = ["_build", "_static", "exercises", "live", "pictures",
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
html_css_files = ["book.css"]
html_favicon = "_static/favicon.svg"
html_show_sphinx = False


def as_plain_text(app, what, name, obj, options, lines: list[str]) -> None:
    """Docstrings are plain text: |x| and *args are no markup, and aligned columns stay aligned."""
    text = "\n".join(lines)
    text = re.sub(r"`[^`]*`|[|*]", lambda m: m[0] if m[0][0] == "`" else "\\" + m[0], text)
    lines[:] = "\n\n".join(map(as_list, text.split("\n\n"))).split("\n")


def as_list(paragraph: str) -> str:
    """Lines such as "name   its meaning" or "name : its meaning" become a definition list."""
    entry = r"^([\w.]\S*(?:, \S+)*)(?: {2,}| : )(?=\S)"
    if not re.match(entry, paragraph):
        return paragraph
    one_line_each = re.sub(r"\n {2,}", " ", paragraph)
    return re.sub(entry, r"`\1`\n    ", one_line_each, flags=re.M)


def show_exercises(app, docname: str, source: list[str]) -> None:
    """A chapter's exercises, in the place of the lines that name them; the index knows them all."""
    for _, name in boxes.LINE.findall(source[0]):
        app.env.note_dependency(f"exercises/{name}.py", docname=docname)
    source[0] = boxes.with_progress(boxes.with_exercises(source[0]))


def chapters(app) -> list[str]:
    """The chapters in the order of the index, without the pages about minigan itself."""
    lists = app.env.get_doctree("index").findall(toctree)
    return [page for one in lists if one["caption"] != "About minigan"
            for page in one["includefiles"] if page in notebooks.CHAPTERS]


def head_chapter(app, pagename: str, templatename, context, doctree) -> None:
    """Below its heading, a chapter says which it is, and links to itself as a notebook."""
    if pagename in notebooks.CHAPTERS and app.builder.format == "html":
        order = chapters(app)
        which = (f"Chapter {order.index(pagename) + 1} of {len(order)} · " if pagename in order
                 else "")
        link = f'<a href="notebooks/{pagename}.ipynb" download>This chapter as a notebook</a>'
        context["body"] = context["body"].replace(
            "</h1>", f'</h1>\n<p class="chapter">{which}{link}</p>', 1)


def level_captions(app, pagename, templatename, context, doctree) -> None:
    """The captions in the list of chapters are headings, whose level furo leaves out."""
    if tree := context.get("furo_navigation_tree"):
        context["furo_navigation_tree"] = tree.replace('role="heading"',
                                                       'role="heading" aria-level="2"')


def look_for_live_files(app) -> None:
    """Pages whose code runs, if what this needs can be had."""
    if app.builder.format != "html":
        return
    try:
        app.config.live_files = live.fetched()
    except live.NotToBeHad as error:
        logger.info(f"the book's code will not run in its pages: {error}")
    else:
        app.add_js_file("live/live.js", type="module")
        app.add_css_file("live/live.css")


def write_beside(app, exception) -> None:
    """The notebooks, the pages of source and the live files, beside the pages."""
    if exception is None and app.builder.format == "html":
        notebooks.write(Path(app.outdir) / "notebooks", list(notebooks.CHAPTERS),
                        lambda page: f"../{page}.html")
        sources.write(Path(app.outdir))
        if app.config.live_files:
            live.write(Path(app.outdir), app.config.live_files)


def setup(app) -> None:
    app.add_transform(sources.LinkSources)
    app.add_transform(works.LinkWorks)
    app.add_config_value("live_files", None, "", (Path, type(None)))
    app.connect("builder-inited", look_for_live_files)
    app.connect("source-read", show_exercises)
    app.connect("html-page-context", head_chapter)
    app.connect("html-page-context", level_captions, priority=900)  # after furo's own
    app.connect("build-finished", write_beside)
    app.connect("autodoc-process-docstring", as_plain_text)
