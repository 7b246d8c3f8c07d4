"""Every chapter of the book as a notebook: the same code in the same order, cut into cells."""
from __future__ import annotations

import ast
import base64
import doctest
import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_docs_code import ROOT, code_blocks

sys.path.insert(0, str(ROOT / "docs"))

import notebooks  # noqa: E402 (after the path to it)

CHAPTERS = {name: notebooks.notebook(name, "../{}.html".format) for name in notebooks.CHAPTERS}


def sources(notebook: dict, kind: str) -> list[str]:
    return [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_each_chapter_that_the_index_names_is_one():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| \[[^]]+\]\((\w+)\.md\)", index, re.M)
    assert len(named) > 20 and set(named) <= set(CHAPTERS)


def test_the_cells_of_a_chapter_are_its_code_and_what_prints_ends_one():
    for name, notebook in CHAPTERS.items():
        page, ends = [], []
        for language, _, block in code_blocks(notebooks.CHAPTERS[name].read_text("utf-8")):
            if language == "python" and block.lstrip().startswith(">>>"):
                examples = doctest.DocTestParser().get_examples(block)
                page += [example.source for example in examples]
                ends += [example.source for example in examples if example.want]
            elif language == "python":
                page.append(block)
        cells = sources(notebook, "code")
        assert ast.dump(ast.parse("\n".join(cells))) == ast.dump(ast.parse("\n".join(page))), name
        left = iter(cells)
        assert all(any(cell.endswith(end.rstrip()) for cell in left) for end in ends), name
        assert not any("```python" in text or "```{" in text for text in
                       sources(notebook, "markdown")), name


def test_pictures_are_within_and_links_lead_somewhere():
    for name, notebook in CHAPTERS.items():
        for cell in notebook["cells"]:
            text, attached = cell["source"], cell.get("attachments", {})
            if cell["cell_type"] == "markdown":
                assert set(re.findall(r"\(attachment:([^)]+)\)", text)) == attached.keys()
                assert "](images/" not in text and not re.search(r"\]\(\w+\.md", text), name
            for target in re.findall(r"\]\((\w+)\.ipynb", text):
                assert target in CHAPTERS, name
            for target in re.findall(r"\]\(\.\./(\w+)\.html", text):
                assert (ROOT / "docs" / f"{target}.md").exists(), name
            for picture, data in attached.items():
                kind, encoded = *data, *data.values()
                assert base64.b64decode(encoded) == (ROOT / "docs/images" / picture).read_bytes()
                assert kind == "image/" + picture[-3:].replace("svg", "svg+xml")
    assert sum(len(cell.get("attachments", {})) for cell in CHAPTERS["asking"]["cells"]) == 5


def test_a_chapter_runs_cell_by_cell_and_only_the_marked_ones_raise(kernel):
    namespace = {"__name__": "__main__"}
    raised = 0
    for cell in CHAPTERS["broadcasting"]["cells"]:
        if cell["cell_type"] == "code" and cell["metadata"]:
            with pytest.raises(Exception):  # noqa: B017 (the page says which)
                kernel.run(cell, namespace)
            raised += 1
        elif cell["cell_type"] == "code":
            kernel.run(cell, namespace)
    assert raised == 1


def test_the_command_writes_what_is_asked_for_and_links_back_to_the_pages(
        tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["notebooks.py", "first_gan", "prove", "--out", "made"])
    notebooks.main()
    assert capsys.readouterr().out == "2 notebooks in made\n"
    assert sorted(path.name for path in Path("made").iterdir()) == ["first_gan.ipynb",
                                                                    "prove.ipynb"]
    text = Path("made/prove.ipynb").read_text(encoding="utf-8")
    page = re.search(r"\]\((\.\./[^)#]*/docs/\w+\.md)", text)
    assert json.loads(text)["nbformat"] == 4 and (Path("made") / page[1]).exists()
    monkeypatch.setattr(sys, "argv", ["notebooks.py", "frist_gan"])
    with pytest.raises(SystemExit) as ended:
        notebooks.main()
    assert ended.value.code == 2 and "no chapter frist_gan" in capsys.readouterr().err


def test_jupyter_takes_them_for_notebooks():
    if find_spec("nbformat") is None:
        pytest.skip("nbformat is not installed, by which Jupyter checks notebooks")
    import nbformat

    for notebook in CHAPTERS.values():
        nbformat.validate(json.loads(json.dumps(notebook)))
