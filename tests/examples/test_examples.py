"""Every example runs, in a setting that is quick, and prints what it promises."""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*.py"))


class Run(NamedTuple):
    """How an example is run here, and what must hold of its output and of the folder it ran in."""

    arguments: list[str]
    holds: Callable[[str, Path], bool]


def number_after(text: str, output: str) -> float:
    """The number that follows the text in the output."""
    return float(re.search(re.escape(text) + r"\s*([-+.\de]+)", output)[1])


def wrote(*pictures: str) -> Callable[[str, Path], bool]:
    """Whether the pictures are in the folder and the output names them."""
    return lambda output, folder: all(p in output and (folder / p).stat().st_size > 500
                                      for p in pictures)


RUNS = {
    "01_backprop_by_hand.py": Run([], lambda output, folder:
                                  number_after("largest difference:", output) < 1e-14),
    "02_fit_a_curve.py": Run(["--out", "fit.png"], lambda output, folder:
                             number_after("distance from the true curve:", output) < 0.1
                             and wrote("fit.png")(output, folder)),
    "03_classify_digits.py": Run([], lambda output, folder:
                                 number_after("held-out accuracy:", output) >= 0.97),
    "04_gan_loop.py": Run(["--epochs", "2"], wrote("04_gan_loop.png")),
    "05_trainer.py": Run(["--steps", "20"], wrote("05_samples.png", "05_coverage.png")),
    "digits_quality.py": Run(["digits-dcgan", "--seeds", "3", "--steps", "20", "--out", "runs"],
                             lambda output, folder: number_after("coverage", output) >= 0
                             and (folder / "runs" / "digits-dcgan-seed-3" / "losses.png").exists()),
    "engine_figures.py": Run(["--steps", "20"], lambda output, folder:
                             "gradient 100001" in output and "gradient 2^30" in output),
    "benchmark.py": Run(["mlp128", "--rounds", "1", "--steps", "3"], lambda output, folder:
                        "mlp128" in output),
}


def test_every_example_is_run_here():
    assert sorted(RUNS) == [path.name for path in EXAMPLES]


@pytest.mark.parametrize("name", RUNS)
def test_an_example_runs_and_prints_what_it_promises(name, tmp_path):
    arguments, holds = RUNS[name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, str(ROOT / "examples" / name), *arguments],
                          cwd=tmp_path, env=environment, capture_output=True, text=True,
                          encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert holds(done.stdout, tmp_path), done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_at_its_top_how_to_run_it(path):
    docstring = path.read_text(encoding="utf-8").split('"""')[1]
    assert f"    python examples/{path.name}" in docstring
