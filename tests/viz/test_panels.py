import numpy as np
import pytest

from minigan.viz import save_curves, save_panels

pytest.importorskip("matplotlib", reason="panels are drawn with matplotlib")


def test_each_measure_has_a_panel_with_real_data_in_view_and_what_is_far_left_out(tmp_path,
                                                                                  monkeypatch):
    drawn = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig",
                        lambda figure, path, format: (drawn.append(figure), path.touch()))
    for steps in ([1, 2], [5]):
        curves = {name: [2.0, np.nan][:len(steps)] for name in "abcde"}
        save_panels(tmp_path / "a.png", steps, curves, {name: [np.nan] * len(steps) for name in
                                                        curves},
                    {"real": dict.fromkeys(curves, 1.0), "noise": {"a": 1.5}, "blur": {"a": 99.0}})
    for figure in drawn:
        assert [axes.get_title() for axes in figure.axes] == list(curves)
        assert all(axes.get_ylim()[0] < 1 and axes.get_ylim()[1] > 2 for axes in figure.axes)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == [
            "samples", "real", "noise"]
    assert (tmp_path / "a.png").exists()


def test_a_measure_that_is_nowhere_finite_has_an_empty_panel(tmp_path):
    save_panels(tmp_path / "a.png", [1, 2], {"a": [np.nan, np.nan], "b": [np.inf, 1]},
                {"a": [np.nan, np.nan], "b": [0, 0]}, {})
    assert (tmp_path / "a.png").exists()


def test_a_picture_without_a_suffix_is_a_png_and_nothing_is_left_beside_it(tmp_path):
    save_curves(tmp_path / "curves", [1, 2], {"loss": [1.0, 2.0]}, "loss")
    assert (tmp_path / "curves").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="banana"):
        save_curves(tmp_path / "curves.banana", [1, 2], {"loss": [1.0, 2.0]}, "loss")
    assert [path.name for path in tmp_path.iterdir()] == ["curves"]
