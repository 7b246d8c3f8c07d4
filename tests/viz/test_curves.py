import gc
import sys

import numpy as np
import pytest

from minigan.viz import curves, save_curves

pytest.importorskip("matplotlib", reason="curves are drawn with matplotlib")


@pytest.mark.parametrize("name, start", [("loss.png", b"\x89PNG"), ("loss.svg", b"<svg xmlns")])
def test_curves_are_written_in_the_format_of_the_suffix(tmp_path, name, start):
    save_curves(tmp_path / "run" / name, range(3), {"a": [1, 2, 3], "b": [3, 2, 1]}, ylabel="loss")
    assert (tmp_path / "run" / name).read_bytes().startswith(start)
    assert [path.name for path in (tmp_path / "run").iterdir()] == [name]


def test_names_and_axes_are_written_on_the_plot_and_many_points_drawn_twice(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig",
                        lambda figure, path, format: (drawn.append(figure), path.touch()))
    noise = np.random.default_rng(0).normal(size=500)
    save_curves(tmp_path / "a.png", np.arange(500), {"D": noise, "G": noise}, ylabel="loss")
    save_curves(tmp_path / "b.png", np.arange(5), {"D": noise[:5]}, ylabel="loss")
    many, few = (figure.axes[0] for figure in drawn)
    assert [text.get_text() for text in many.get_legend().get_texts()] == ["D", "G"]
    assert (many.get_xlabel(), many.get_ylabel()) == ("step", "loss")
    assert (len(many.lines), len(few.lines)) == (4, 1)


def test_a_diverged_run_can_still_be_drawn(tmp_path):
    values = np.r_[np.ones(300), np.inf, np.nan, np.full(50, np.nan)]
    save_curves(tmp_path / "loss.png", np.arange(352), {"loss": values}, ylabel="loss")
    assert (tmp_path / "loss.png").exists()


def test_smoothing_keeps_a_constant_to_its_ends_and_around_gaps():
    values = np.full(1000, 3.0)
    values[400:420] = np.nan
    np.testing.assert_allclose(curves._smooth(values), values, rtol=1e-12)


def test_smoothing_quiets_noise():
    noise = np.random.default_rng(0).normal(size=2000)
    assert curves._smooth(noise).std() < 0.2


def test_a_long_curve_is_drawn_by_stretches_that_keep_every_peak():
    values = np.random.default_rng(0).normal(size=99_999)
    values[[5, 77_777]], values[40_000:41_000] = (50, -60), np.nan
    starts, means, least, most = curves.stretches(values)
    assert len(starts) <= 2000 and most[starts.searchsorted(5, "right") - 1] == 50
    assert least[starts.searchsorted(77_777, "right") - 1] == -60
    np.testing.assert_allclose(means[3], values[starts[3]:starts[4]].mean())
    assert np.isnan([means, least, most]).all(axis=0).sum() == 20  # wholly within the gap
    for few in curves.stretches(values[:2000])[1:]:
        np.testing.assert_array_equal(few, values[:2000])


def test_a_drawn_figure_is_not_kept_where_nobody_collects_garbage(tmp_path):
    def figures():
        return sum(type(x).__name__ == "Figure" for x in gc.get_objects())

    was, before = gc.isenabled(), figures()
    gc.disable()
    try:
        for _ in range(2):
            save_curves(tmp_path / "loss.png", range(300), {"a": range(300)}, ylabel="loss")
        assert figures() <= before
    finally:
        (gc.enable if was else gc.disable)()


def test_a_curve_of_another_length_than_the_steps_is_refused_by_its_name(tmp_path):
    with pytest.raises(ValueError, match="'fake' has 2 values for 3 steps"):
        save_curves(tmp_path / "loss.png", range(3), {"fake": [1, 2]}, ylabel="loss")
    assert list(tmp_path.iterdir()) == []


def test_drawing_leaves_pyplot_alone(tmp_path):
    before = "matplotlib.pyplot" in sys.modules
    save_curves(tmp_path / "loss.png", range(3), {"a": [1, 2, 3]}, ylabel="loss")
    assert ("matplotlib.pyplot" in sys.modules) == before
