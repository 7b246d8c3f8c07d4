"""The table, on records made by hand."""
from __future__ import annotations

import csv
import math

import numpy as np
import pytest

from minigan.lab import Record, table
from minigan.viz.figure import save_figure


def record(method="plain", seed=0, **final):
    final = {"captured": 8, "high_quality": 0.9, "reverse_kl": 0.01, "w1": 0.1, "sliced_w1": 0.05,
             "modes": 8, "spread": 1.0, "diverged": False, "seconds": 12.0, "step": 100, **final}
    if final["diverged"]:
        for name in ("captured", "high_quality", "reverse_kl", "w1", "sliced_w1"):
            del final[name]
    settings = {"method": method, "seed": seed, "recipe": {"steps": 100}}
    return Record(settings, [], final, np.zeros((2, 2)))


@pytest.fixture
def runs():
    return {"plain": [record(captured=7, high_quality=0.5), record(seed=1),
                      record(seed=2, diverged=True)],
            "mine": [record("mine", high_quality=0.98)]}


def test_rows_are_medians_and_the_worst_seed_and_how_many_collapsed(runs):
    heading, plain, mine = table.rows(runs)
    assert heading == ["method", "seeds", "steps", "modes of 8", "worst", "high quality", "worst",
                       "reverse KL", "worst", "W1", "worst", "collapsed", "seconds"]
    assert plain == ["plain", "3", "100", "7", "0", "50.0%", "0.0%", "0.010", "inf", "0.100",
                     "inf", "1", "12"]
    assert mine[3:7] == ["8", "8", "98.0%", "98.0%"]


@pytest.mark.parametrize("final, expected", [
    ({}, False), ({"reverse_kl": math.log(2) - 1e-6}, False), ({"reverse_kl": math.log(2)}, True),
    ({"diverged": True}, True), ({"modes": None, "w1": 0.49}, False),
    ({"modes": None, "w1": 0.5}, True)])
def test_a_run_has_collapsed_if_half_of_the_modes_or_more_are_as_good_as_lost(final, expected):
    assert table.collapsed(record(**final).final) is expected


def test_data_without_modes_have_a_column_of_distances():
    found = table.rows({"plain": [record(modes=None)]})
    assert found[0][3:5] == ["W1", "worst"] and found[1][3] == "0.100"


def test_markdown_is_aligned():
    assert table.markdown([["a", "long"], ["name", "1"]]) == (
        "| a    | long |\n| ---- | ---: |\n| name |    1 |\n")


def test_all_forms_of_the_table_are_written_and_read_back(tmp_path, runs):
    pytest.importorskip("matplotlib")
    for method, records in runs.items():
        for r in records:
            r.save(tmp_path / method / f"seed-{r.settings['seed']}.json")
    read = table.load(tmp_path)
    assert list(read) == ["plain", "mine"]  # those that the library knows stand first
    table.save(tmp_path, read, "ring")
    assert (tmp_path / "table.md").read_text() == table.markdown(table.rows(runs))
    with open(tmp_path / "table.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["method"], line["seed"], line["captured"], line["collapsed"]) for line in lines
            ] == [("plain", "0", "7", "False"), ("plain", "1", "8", "False"),
                  ("plain", "2", "", "True"), ("mine", "0", "8", "False")]
    assert (tmp_path / "table.png").read_bytes().startswith(b"\x89PNG")


def test_a_title_is_drawn_as_it_is_written(tmp_path, runs):
    pytest.importorskip("matplotlib")
    picture = table.picture(runs, "$_$ and Stra\udcdfe")  # no formula, and a byte of Latin-1
    save_figure(tmp_path / "table.png", picture)
    assert picture.get_suptitle().startswith(r"\$_\$ and Stra\udcdfe: a dot")
