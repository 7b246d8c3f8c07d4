"""The example notebook runs from its first cell to its last, and again."""
from __future__ import annotations

import json

import pytest
from programs import EXAMPLES

NOTEBOOK = json.loads((EXAMPLES / "16_notebook.ipynb").read_text(encoding="utf-8"))
CODE = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


@pytest.fixture
def short():
    """The cells, with fewer steps."""
    cells = [{**cell, "source": "".join(cell["source"])} for cell in CODE]
    assert "\nSTEPS = 600\n" in cells[0]["source"]
    cells[0]["source"] = cells[0]["source"].replace("STEPS = 600", "STEPS = 4")
    return cells


def test_the_example_notebook_shows_trains_asks_goes_on_and_exports(
        short, kernel, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    _, _, look, film, pairs, _, _ = [kernel.run(cell, namespace) for cell in short]
    first, more = kernel.shown
    assert "step 4 of 4: 8 x 8 images" in first[-1] and "step 8 of 8: 8 x 8 images" in more[-1]
    assert "step 4 of 4" in look and "<img" in look and "<svg" in look
    assert film.startswith(b"GIF8") and pairs.startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "1,000 samples beside the nearest" in printed and "generator.py" in printed
    for cell in short[:2]:  # the next morning
        if cell is short[1]:
            with pytest.warns(UserWarning, match="8 steps are made already"):
                kernel.run(cell, namespace)
        else:
            kernel.run(cell, namespace)
    assert len(kernel.shown) == 2


def test_the_example_notebook_is_kept_without_what_its_cells_gave():
    assert not any(cell["outputs"] or cell["execution_count"] for cell in CODE)


def test_jupyter_runs_the_example_notebook(short, tmp_path):
    reason = "Jupyter itself is not among what the tests need: pip install nbclient ipykernel"
    nbclient = pytest.importorskip("nbclient", reason=reason)
    nbformat = pytest.importorskip("nbformat", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    notebook = nbformat.from_dict({**NOTEBOOK, "cells": short})
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3",
                            resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.outputs
             if output.output_type == "display_data"]
    assert any("step 4 of 4: 8 x 8 images" in output.data.get("text/html", "") for output in shown)
