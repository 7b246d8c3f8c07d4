"""The page of a run: what stands in it, how large it is, and what it makes of damage."""
from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from minigan.cli import main
from minigan.errors import UserError
from minigan.gan import Options, Run, page, progress, report
from minigan.gan.diagnostics import SIGNS
from minigan.gan.scores import Scores
from minigan.metrics.table import Figure
from minigan.viz import save_grid

pytestmark = pytest.mark.numpy_only("a page is made of files")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of 24 steps, and its page as it was at the first of them."""
    run = Run.new(tmp_path_factory.mktemp("page") / "a<b>&c", "digits",
                  Options(penalty=("r1:0.5",)), steps=24, batch_size=8, save_every=12)
    run.save_losses = lambda: None
    trainer, seen = run.trainer(), []
    trainer.callbacks.append(lambda trainer, result: seen.append(text_of(run)))
    trainer.run(24)
    run.close()
    return run.folder, seen[0]


@pytest.fixture
def run(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path / "run")
    return Run.open(tmp_path / "run")


def text_of(run):
    return (run.folder / "index.html").read_text("utf-8")


def test_the_page_has_all_of_a_run_within_itself_and_is_made_again_bit_for_bit(run, whole):
    text = text_of(run)
    assert report(run) == run.folder / "index.html" and text_of(run) == text
    for said in ("1,797 images of 8 x 8 pixels, grey, in 10 classes", "penalty r1:0.5",
                 "24 steps with 8 images of each kind, seed 0", "step 24 of 24", "minigan 0.",
                 "91,712 parameters in 9 layers", "8 x 8 images of the same noise", "D(G(z))",
                 "minigan train --resume --out RUN --steps 48", "const going = false"):
        assert said in text, said
    assert re.findall('alt="step ([0-9]+)"( hidden)?', text) == [
        *[(step, " hidden") for step in "1 2 5 10 12".split()], ("24", "")]
    assert text.count("<svg viewBox") == len(page.CURVES) and "$" not in text
    assert not re.search("https?:|src=\"(?!data:)", text) and len(text) < 100_000


def test_the_page_is_there_after_the_first_step_and_goes_on_by_itself(whole):
    assert "const going = true" in whole[1] and "step 1 of 24" in whole[1]
    assert "--steps 48" not in whole[1]


def test_several_runs_are_side_by_side_and_named_safely(run, whole, tmp_path):
    path = report(run, Run.open(whole[0]), path=tmp_path / "both.html")
    text = path.read_text("utf-8")
    assert text.count("<article>") == 2 and "repeat(2," in text
    assert "a&lt;b&gt;&amp;c" in text and "a<b>" not in text


def test_a_name_that_is_no_text_stands_on_the_page_by_its_bytes(run):
    run.config.data_dir = "/pictures/Stra\udcdfe"  # in Latin-1: bytes that are not of UTF-8
    report(run)
    assert r"/pictures/Stra\udcdfe" in text_of(run)


def test_a_film_of_too_many_or_too_large_pictures_is_thinned_and_that_is_said(run, monkeypatch):
    monkeypatch.setattr(page, "FRAMES", 5)
    report(run)
    assert "5 of the 6 pictures in samples/" in text_of(run)
    monkeypatch.setattr(page, "FILM", 2500)
    report(run)
    assert "1 of the 6 pictures in samples/" in text_of(run) and 'alt="step 24">' in text_of(run)


def test_large_coloured_pictures_have_room_in_two_megabytes(run, monkeypatch):
    noise = np.random.default_rng(0).random((16, 128, 128, 3))
    run.config.shape = (128, 128, 3)
    first, *others = run.pictures().values()
    save_grid(first, noise)
    for path in others[:2]:
        shutil.copy(first, path)
    for path in others[2:]:
        path.unlink()
    monkeypatch.setattr(page, "FILM", 1_500_000)
    report(run)
    assert "4 x 4 images of the same noise" in text_of(run) and len(text_of(run)) < 1_600_000
    assert text_of(run).count("<img") >= 2


def test_what_was_measured_and_advised_is_on_the_page(run):
    about = dict(n=10, seed=0, data="x", reference="y", judge=None)
    scores = Scores(run.folder)
    for step in (12, 24):
        scores.figures(["kernel"], lambda name: Figure(6 / step, 0.01),  # noqa: B023 (called now)
                       column="samples", step=step, weights="w", **about)
    row = {"d_loss": 1, "g_loss": 1, "saturation": 1, "fake_right": 1}
    run.write_metrics({"step": step, **row} for step in range(10, 130, 10))
    report(run)
    assert "0.5 ± 0.01" in text_of(run) and "0.25 ± 0.01" in text_of(run)
    assert SIGNS[0][1].replace("'", "&#x27;") in text_of(run) and "step 100: G" in text_of(run)


@pytest.mark.parametrize("file, content, says", [
    ("samples/step-000005.png", b"\x89PNG\r\n", "1 could not be read"),
    ("evaluation.json", b"[]", "evaluation.json is damaged"),
    ("metrics.jsonl", b'{"step": 1, "d_loss": 1, "g_loss": NaN}\n{"step": 2, "d_loss": 3, '
     b'"g_loss": 1e300, "order": "x"}\n{"step"', "step 24 of 24"),
    ("metrics.jsonl", b"", "step 24 of 24"),
    ("state.safetensors", b"", "networks</td>\n<td>not to be made")])
def test_the_page_of_a_damaged_run_says_so(file, content, says, run):
    (run.folder / file).write_bytes(content)
    report(run)
    assert says in text_of(run) and text_of(run).endswith("</html>\n")


def test_runs_without_anything_to_show_are_told_in_a_line(run, tmp_path, capsys):
    with pytest.raises(UserError, match="no run was given"):
        report()
    shutil.rmtree(run.folder / "samples")
    (run.folder / "metrics.jsonl").unlink()
    for folder, says in ((run.folder, "has neither pictures nor metrics yet"),
                         (tmp_path / "none", "is no run folder")):
        assert main(["report", str(folder)]) == 2
        line, = capsys.readouterr().err.splitlines()
        assert says in line


def test_the_curves_of_several_runs_have_the_same_axes(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "longer")
    longer = Run.open(tmp_path / "longer")
    rows = longer.metrics()
    longer.write_metrics([*rows, {**rows[-1], "step": 40, "d_loss": 100.0}])
    text = report(run, longer, path=tmp_path / "both.html").read_text("utf-8")
    curves = re.findall("<figcaption>losses</figcaption><svg(.*?)</figure>", text)
    ticks = [re.findall(">([0-9.]+)</text>", curve) for curve in curves]
    assert ticks[0] == ticks[1] == "5 10 15 20 25 30 35 40 0 50 100".split()


def test_a_browser_shows_each_picture_of_the_film(run, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser (chromium or google-chrome) is installed")
    page = tmp_path / "slid.html"
    page.write_text(text_of(run) + "<script>sliders[0].value = 2; sliders[0].oninput()</script>")
    made = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                           f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
                          capture_output=True, text=True, timeout=60, check=True).stdout
    assert "<span>step 5</span>" in made and len(re.findall(r"alt=\"step 5\">", made)) == 1
    assert made.count("hidden") == text_of(run).count("hidden")


def test_report_says_where_the_page_is(run, tmp_path, capsys):
    config = json.loads((run.folder / "config.json").read_text())
    (run.folder / "config.json").write_text(json.dumps({**config, "made_by": None}))
    assert main(["report", str(run.folder), "--html", str(tmp_path / "x.html")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.html'}\n"
    text = (tmp_path / "x.html").read_text("utf-8")
    assert "an older minigan" in text and f"--out {run.folder}" in text


def test_a_line_comes_at_once_after_ten_steps_then_every_few_seconds_and_at_the_end(monkeypatch):
    now, out = [0.0], io.StringIO()
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    told = progress.Progress(200, 100, out)
    row = {"d_loss": 1, "g_loss": 1, "d_real": 0.5, "d_fake": 0.5}
    for step in range(101, 201):
        now[0] += 0.25
        told(SimpleNamespace(step=step, reading=lambda result: row), None)
    lines = out.getvalue().splitlines()
    assert [line.split("/")[0] for line in lines] == [
        f"step {n}" for n in (101, 110, 130, 150, 170, 190, 200)]
    assert lines[0].endswith("D(G(z)) 0.50"), "one step does not tell how long the others take"
    assert "250 ms a step  0:00:22 left, until " in lines[1] and lines[-1].endswith("done")
    progress.Progress(12, 0, out).tell(10, lambda: "fast")
    assert "0:00:00 left, until " in out.getvalue().splitlines()[-1], "two steps are left"
    progress.Progress(1, 0, out).tell(1, lambda: "alone")
    assert out.getvalue().endswith("done\n"), "the first step is the last"
    assert re.search("until [0-9]{2} [A-Z][a-z]{2} [0-9:]{8}$", progress.ending(3e6))
