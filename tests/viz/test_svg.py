"""Drawings as SVG: what is read back from them are the numbers that went in."""
from __future__ import annotations

import base64
import io
import re
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import minigan as mg
from minigan.errors import UserError
from minigan.gan import Options, Run, evaluation, integrity
from minigan.gan.page import card
from minigan.metrics.table import METRICS
from minigan.viz import save_curves, save_grid, save_scatter, svg

SVG = "{http://www.w3.org/2000/svg}"


class Drawing:
    """A file, and what a person reads off it."""

    def __init__(self, path):
        self.root = ElementTree.fromstring(path.read_bytes())  # raises for what is no XML
        self.width, self.height = map(float, self.root.get("viewBox").split()[2:])
        self.group = self.root.find(f"{SVG}g")
        self.left, self.top = map(float, re.findall("[0-9.]+", self.group.get("transform")))
        plot = self.group.find(f"{SVG}svg")
        self.plot = [float(plot.get(side)) for side in ("width", "height")]
        self.marks = list(plot.iter(f"{SVG}path"))
        self.image = plot.find(f"{SVG}image")
        self.words = [(t.text, float(t.get("x", -self.left)), float(t.get("y", 0)),
                       t.get("text-anchor")) for t in self.group.iter(f"{SVG}text")]

    def ticks(self, axis):
        """The numbers on an axis, 0 or 1, by their places in pixels."""
        found = {}
        for word, x, y, anchor in self.words:
            if (anchor, word) != ("middle", "step") and anchor == ("middle", "end")[axis] and (
                    x > -self.left):
                found[(x, y - 4)[axis]] = float(word.replace("−", "-").replace(",", ""))
        return found

    def points(self, mark):
        """Of each piece of a path, its points as numbers on the axes."""
        d = re.sub("[hm][^ML]*", "", mark.get("d"))
        pieces = [np.array(re.findall("-?[0-9.]+", piece), float).reshape(-1, 2)
                  for piece in d.split("M")[1:]]
        for axis in (0, 1):
            (a, low), *_, (b, high) = self.ticks(axis).items()
            for piece in pieces:
                piece[:, axis] = low + (piece[:, axis] - a) / (b - a) * (high - low)
        return pieces

    def unit(self, axis):
        """Pixels."""
        (a, low), *_, (b, high) = self.ticks(axis).items()
        return abs((b - a) / (high - low))


@pytest.fixture
def drawn(tmp_path):
    def draw(save, *args, **options):
        path = tmp_path / "x.svg"
        save(path, *args, **options)
        first = path.read_bytes()
        save(path, *args, **options)
        assert path.read_bytes() == first  # the same bytes each time
        return Drawing(path)
    return draw


def test_curves_read_off_the_drawing_are_those_drawn_and_nan_is_a_gap(drawn):
    steps, gap = np.array([0, 10, 20, 40, 80]), [0.5, np.nan, 3.0, -2.0, np.inf]
    drawing = drawn(save_curves, steps, {"whole": [1, 2, 0.3, -4, 2.5], "gap": gap}, "loss")
    whole, broken = map(drawing.points, drawing.marks)
    near = dict(atol=0.1 / min(drawing.unit(0), drawing.unit(1)))
    np.testing.assert_allclose(whole[0], np.c_[steps, [1, 2, 0.3, -4, 2.5]], **near)
    assert len(whole) == 1 and [len(piece) for piece in broken] == [1, 2]
    np.testing.assert_allclose(np.concatenate(broken), [[0, 0.5], [20, 3], [40, -2]], **near)
    assert "a2 2" in drawing.marks[1].get("d") and "a2" not in drawing.marks[0].get("d")
    assert [word for word, *_ in drawing.words[:2]] == ["whole", "gap"]
    assert {"step", "loss"} <= {word for word, *_ in drawing.words}


def test_a_long_curve_is_pale_with_its_average_strong_over_it_and_one_peak_does_not_flatten_it(
        drawn):
    values = 1 + 0.1 * np.random.default_rng(0).standard_normal(3000)
    values[1500] = 1e6
    drawing = drawn(save_curves, range(3000), {"loss": values}, "loss")
    pale, strong = drawing.marks
    assert pale.get("opacity") and not strong.get("opacity")
    assert max(drawing.ticks(1).values()) < 2
    (average,), (raw,) = drawing.points(strong), drawing.points(pale)
    np.testing.assert_allclose(average[50:250, 1], 1, atol=0.07)
    assert raw[:400, 1].std() > 0.1 and len(average) <= 600
    assert "loss" in drawing.root.get("aria-label")


def test_points_read_off_the_drawing_are_those_drawn_and_a_unit_is_as_long_on_both_axes(drawn):
    cloud = np.random.default_rng(0).uniform(-3, 2, (50, 2)) * [1, 0.3]
    holes = np.array([[0, 1], [np.nan, 1], [2, np.inf], [1, -1]])
    drawing = drawn(save_scatter, {"real": cloud, "samples": holes}, {"samples": "rebecca\"purple"})
    assert drawing.unit(0) == pytest.approx(drawing.unit(1), rel=0.01)
    for mark, points in zip(drawing.marks, (cloud, holes[[0, 3]])):
        np.testing.assert_allclose(np.concatenate(drawing.points(mark)), points, atol=0.02)
    assert drawing.marks[1].get("stroke") == "rebecca\"purple"


def test_a_surface_is_blue_above_nought_and_orange_below_and_an_arrow_shows_where_it_points(drawn):
    Image = pytest.importorskip("PIL.Image")
    w = mg.tensor(np.array([[1.0], [2.0]], np.float32), requires_grad=True)
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    drawing = drawn(save_scatter, {"corners": corners}, surface=lambda x: mg.as_tensor(x) @ w,
                    arrows=(np.array([[0, 0], [0, 1], [1, 0]]), [[1, 2], [np.nan, 1], [-0.5, 0]]))
    uri = drawing.image.get("href")
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        cells = np.asarray(picture).astype(int)
    strength = np.where(cells[..., 0] < cells[..., 2], 1, -1) * cells[..., 3]
    assert strength[0, -1] == -strength[-1, 0] == 110       # above right, and below left
    assert strength[0, 0] > 30 and strength[-1, -1] < -30   # 2 y is more than x
    long, head, short, _ = drawing.points(drawing.marks[-1])
    way, back = long[1] - long[0], short[1] - short[0]
    np.testing.assert_allclose(way / np.hypot(*way), np.array([1, 2]) / np.sqrt(5), atol=0.02)
    np.testing.assert_allclose(back, [-0.5 / np.sqrt(5) * np.hypot(*way), 0], atol=0.01)
    np.testing.assert_allclose(head[1], long[1], atol=0.02)
    assert np.hypot(*way) * drawing.unit(0) == pytest.approx(36, abs=0.2)


ODD = {
    "none": ([], {}), "empty": ([], {"a": []}), "one": ([7], {"a": [3.0]}),
    "constant": (range(4), {"a": [5e9] * 4}), "nan": ([1, 2], {"a": [np.nan] * 2}),
    "huge": (range(4), {"a": [1e308, -1e308, np.inf, 0]}), "tiny": ([1, 2], {"a": [0, 5e-324]}),
    "far": (range(3), {"a": [1e9, 1e9 + 1e-3, 1e9 + 2e-3]}), "steps": ([10 ** 12, 2 * 10 ** 12],
                                                                      {"a": [1, 2]}),
    "legend": ([1], {f"{'n' * i}{i}": [1] for i in range(60)}),
    "names": ([1, 2], {f"{i} <b>&\"'\0\ud800 ]]> " + "long " * i * i: [i, 2] for i in range(20)}),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_numbers_and_names_are_drawn_without_collisions_and_nothing_runs_out(case, drawn):
    steps, curves = ODD[case]
    columns = {name: np.stack([v, steps], axis=1) for name, v in curves.items()}
    for drawing in (drawn(save_curves, steps, curves, "<y>" * (case == "names")),
                    drawn(save_scatter, columns)):
        assert all(re.fullmatch("[-MLVHhamlz0-9. ]*", mark.get("d"))
                   for mark in drawing.root.iter(f"{SVG}path"))  # and no nan, inf or 1e9
        ends: dict[float, float] = {}
        for word, x, y, anchor in drawing.words:
            if x > -drawing.left:  # not upright
                wide = 6.7 * len(word)  # about
                start = x - wide * {"start": 0, "middle": 0.5, "end": 1}[anchor]
                assert -drawing.left <= start and start + wide <= drawing.width - drawing.left
                assert anchor == "end" or start > ends.get(y, -drawing.left), word
                ends[y] = start + wide if anchor != "end" else ends.get(y, -drawing.left)
        heights = [y for *_, y, anchor in drawing.words if anchor == "end"]
        assert all(abs(a - b) > 12 for a, b in zip(heights, heights[1:]))
        shown = " ".join(word for word, *_ in drawing.words)
        assert case != "names" or "1 <b>&\"'\ufffd\ufffd ]]> long" in shown


def test_there_is_room_around_what_is_drawn_and_steps_are_whole(drawn):
    for values, room in (([2, 12, np.nan], 0.6), ([5, 5], 0.3), ([-1e308, 1e308], 0.12e300)):
        values = np.array(values)
        low, high = svg.clipped(np.array([np.nanmin(values), np.nanmax(values)]))
        assert svg.limits(values) == pytest.approx((low - room, high + room))
    assert svg.limits(np.array([])) == (-0.06, 1.06)
    assert list(drawn(save_curves, [1, 2], {"a": [1, 2]}, "").ticks(0).values()) == [1, 2]
    assert list(drawn(save_curves, [1, 1.5], {"a": [1, 2]}, "").ticks(0).values())[1] < 1.5


@given(low=st.floats(-1e9, 1e9), width=st.floats(1e-6, 1e9), length=st.integers(100, 800),
       upright=st.booleans(), whole=st.booleans())
@example(0.0, 7.9, 100, True, False)
@example(1e9, 0.5, 300, False, False)
def test_ticks_are_round_numbers_that_say_where_they_are(low, width, length, upright, whole):
    high = low + width
    found = svg.ticks((low, high), length, upright, whole)
    assert not upright or all(np.diff(list(found)) >= 25.9)
    numbers = [float(word.replace("−", "-").replace(",", "")) for word in found.values()]
    assert len(found) <= 9 and all(-1e-6 <= at <= length + 1e-6 for at in found)
    np.testing.assert_allclose(numbers, low + np.array(list(found)) / length * width,
                               atol=1e-3 * width + 1e-12 * abs(low))
    steps = np.diff(numbers)
    assert not len(steps) or f"{steps[0]:.0e}"[0] in "125"
    assert not whole or np.allclose(numbers, np.rint(numbers))


def test_what_is_no_set_of_points_or_no_svg_is_refused_by_its_name(tmp_path):
    for name, points, says in (("x.svg", np.zeros((2, 3)), r"the set 'real' .* not \(2, 3\)"),
                               ("x.png", np.zeros((2, 2)), "'x.png' ends in another way")):
        with pytest.raises(UserError, match=says):
            save_scatter(tmp_path / name, {"real": points})
    with pytest.raises(ValueError, match="'a' has 1 values for 2 steps"):
        save_curves(tmp_path / "x.svg", [1, 2], {"a": [1]}, "")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def bare(monkeypatch):
    """Without matplotlib and Pillow."""
    for name in [*sys.modules, "matplotlib", "PIL"]:
        if name.split(".")[0] in ("matplotlib", "PIL"):
            monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.numpy_only("a run is made of files")
def test_without_matplotlib_and_pillow_pictures_are_drawn_and_a_run_goes_on(bare, tmp_path):
    save_scatter(tmp_path / "x.svg", {"a": np.zeros((1, 2))})
    save_grid(tmp_path / "x.png", np.zeros((2, 4, 4, 1)))
    save_curves(tmp_path / "x.svg", [1], {"a": [1]}, "")
    with pytest.raises(UserError, match="pip install matplotlib, or write an .svg"):
        save_curves(tmp_path / "curves.png", [1], {"a": [1]}, "")
    with pytest.raises(UserError, match="a .jpg is .* pip install pillow, or write a .png"):
        save_grid(tmp_path / "grid.jpg", np.zeros((2, 4, 4, 1)))
    run = Run.new(tmp_path / "run", "digits", Options(), steps=4, batch_size=8, save_every=2)
    run.trainer().run(4)
    run.close()
    assert Drawing(run.folder / "losses.svg").marks and not (run.folder / "losses.png").exists()
    assert "4 x 4 images" not in card(run) and '<img src="data:image/png' in card(run)
    assert "8 x 8 images of the same noise" in (run.folder / "index.html").read_text("utf-8")
    assert run.losses_file.name == "losses.svg" and integrity._is_picture(run.losses_file)
    row = {"column": "samples", "metric": [*METRICS][0], "step": 4, "value": 1.0, "interval": 0.1}
    scores = SimpleNamespace(rows=lambda: [row])
    evaluation._draw(run.folder / "evaluation.png", scores, scores, {})
    assert not (run.folder / "evaluation.png").exists()
    (run.folder / "losses.svg").write_bytes(b"<svg")
    assert not integrity._is_picture(run.losses_file)
