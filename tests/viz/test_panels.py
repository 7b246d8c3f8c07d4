import numpy as np
import pytest

from minigan.viz import save_panels

pytest.importorskip("matplotlib", reason="panels are drawn with matplotlib")


def test_each_measure_has_a_panel_with_real_data_in_view_and_what_is_far_left_out(tmp_path,
                                                                                  monkeypatch):
    drawn = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig",
                        lambda figure, path: (drawn.append(figure), path.touch()))
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
