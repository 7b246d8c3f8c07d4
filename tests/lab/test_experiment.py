"""A run: its record, its repetition, and what becomes of one that diverges."""
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from minigan.gan import Options
from minigan.lab import Experiment, LabError, Record, experiment as module, train
from minigan.lab.processes import is_done, place
from tests.laboratory import TINY, task as tiny


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(module, "SAMPLES", 60)


def without_seconds(record):
    return {k: v for k, v in record.final.items() if k != "seconds"}


def test_the_same_task_gives_the_same_figures_and_another_seed_others():
    first, again, other = (train(tiny("ring", "r1", seed, 6)) for seed in (0, 0, 1))
    assert first.rows == again.rows and without_seconds(first) == without_seconds(again)
    np.testing.assert_array_equal(first.samples, again.samples)
    assert first.rows != other.rows


def test_watching_changes_nothing():
    task = tiny("ring", "instance-noise", 0, 6)
    looked = []

    def look(experiment, result):
        looked.append(experiment.figures(experiment.samples()))
        experiment.critic()

    assert train(task, [look]).rows == train(task).rows
    assert len(looked) == 6


def test_rows_hold_losses_and_figures_over_time():
    pytest.importorskip("scipy", reason="for the exact distances")
    record = train(tiny("grid", "plain", 0, 45))
    assert [row["step"] for row in record.rows] == [1, *range(2, 45, 2), 45]
    assert record.rows[-1].keys() == {"step", "d_loss", "g_loss", "captured", "high_quality",
                                      "reverse_kl", "sliced_w1", "w1", "critic", "critic_w1"}
    assert record.final["modes"] == 25 and not record.final["diverged"]


def test_a_run_is_measured_at_even_places_and_thrice_before_the_first():
    assert sorted(module.places(4000)) == [25, 50, 100, *range(200, 4001, 200)]
    assert sorted(module.places(3)) == [1, 2, 3]


def test_data_without_modes_are_judged_by_distance_alone():
    record = train(tiny("spiral", "plain", 0, 6))
    assert "captured" not in record.final and record.final["modes"] is None
    assert record.final["sliced_w1"] > 0


def test_without_scipy_there_are_the_sliced_distances(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    final = train(tiny("spiral", "plain", 0, 6)).final
    assert "w1" not in final and final["sliced_w1"] > 0


def test_a_run_that_diverges_ends_early_and_its_record_is_json(tmp_path):
    wild = replace(TINY, lr=1e30)
    record = train(replace(tiny("ring", Options(objective="kl"), 0, 60), system=wild))
    assert record.final["diverged"] and record.final["step"] < 60
    record.save(tmp_path / "a.json")
    json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)  # NaN is no JSON
    assert Record.load(tmp_path / "a.json").final["diverged"]


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = train(tiny("ring", "plain", 0, 6))
    record.save(tmp_path / "a.json")
    read = Record.load(tmp_path / "a.json")
    assert (read.settings, read.rows, read.final) == (record.settings, record.rows, record.final)
    np.testing.assert_array_equal(read.samples, record.samples)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.npz"]


def test_a_damaged_record_is_told_by_its_path(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(LabError, match="a.json is no run of the laboratory"):
        Record.load(tmp_path / "a.json")


def test_a_run_is_done_if_it_is_there_with_the_same_settings(tmp_path):
    task = tiny("ring", Options(objective="hinge", penalty=("r1:0.5",)), 0, 6)
    assert not is_done(task, tmp_path)
    train(task).save(place(task, tmp_path))
    assert is_done(task, tmp_path)
    with pytest.raises(LabError, match="with steps 6, not 7"):
        is_done(replace(task, steps=7), tmp_path)


def test_a_file_of_points_is_learned_and_a_changed_one_is_another(tmp_path):
    path = tmp_path / "mine.csv"
    np.savetxt(path, np.random.default_rng(0).normal(5, 2, (30, 2)), delimiter=",")
    task = tiny(str(path), "plain", 0, 6)
    experiment = Experiment(task)
    assert set(map(tuple, experiment.real)) <= set(map(tuple, np.loadtxt(
        path, delimiter=",")))
    before = task.settings()
    path.write_text(path.read_text() + "1,2\n")
    assert before["data"] == "mine" and task.settings() != before


def test_a_folder_of_an_earlier_version_goes_on(tmp_path):
    task = tiny("ring", "plain", 0, 6)
    record = train(task)
    numbers = {**record.settings["recipe"], "width": 128, "warm_up": 300, "ema": 0.999}
    record.settings = {**record.settings, "described": None, "recipe": numbers}
    del record.settings["options"]
    record.save(place(task, tmp_path))
    assert is_done(task, tmp_path)


def test_large_numbers_keep_their_differences(tmp_path):
    path = tmp_path / "times.csv"  # seconds since 1970, which float32 knows to two minutes
    points = 1.7e9 + np.random.default_rng(0).uniform(0, 60, (300, 2))
    np.savetxt(path, points, "%.6f", delimiter=",")
    plane = Experiment(tiny(str(path), "plain")).plane
    seen = plane.inward(plane.draw(300, np.random.default_rng(1)))
    assert seen.dtype == np.float32 and len(np.unique(seen[:, 0])) > 150
    np.testing.assert_allclose(seen.std(axis=0), 1, atol=0.2)
    back = plane.outward(seen)
    assert np.abs(back - 1.7e9).max() < 61 and len(np.unique(back[:, 0])) > 150


def test_a_method_by_name_and_options_of_that_name_are_two(tmp_path):
    named = tiny("ring", "minimax", 0, 6)
    mine = tiny("ring", Options(objective="minimax"), 0, 6)
    assert place(named, tmp_path) == place(mine, tmp_path)
    train(named).save(place(named, tmp_path))
    with pytest.raises(LabError, match="is a run with options .*lr.*choose another --out"):
        is_done(mine, tmp_path)


@pytest.mark.parametrize("options", [{"codes": (4, 1)}, {"generators": 3}])
def test_a_game_whose_generator_is_told_something_is_measured(options):
    record = train(tiny("ring", Options(**options), 0, 3))
    assert record.samples.shape == (60, 2) and record.rows
