"""The benchmarks of single operations and of growth: what they time is the same in both libraries,
and what they print is what they measured."""
from __future__ import annotations

import sys
from functools import partial

import numpy as np
import pytest
from programs import EXAMPLES, run_example

sys.path.insert(0, str(EXAMPLES))

import benchmark  # noqa: E402
import benchmark_growth  # noqa: E402
import benchmark_ops  # noqa: E402
from benchmark_libraries.growing import CURVES, dense, image  # noqa: E402
from benchmark_libraries.of_images import conv, pooling, transposed  # noqa: E402
from benchmark_libraries.operations import operations  # noqa: E402

run = partial(run_example, "benchmark.py", main=benchmark.main)


def test_there_are_more_than_sixty_shapes_each_with_a_name_of_its_own():
    names = [(op.name, op.family) for op in operations()]
    assert len(names) == len(set(names)) > 60


@pytest.mark.parametrize("operation", [
    dense(3, 4), image(5), conv("", (2, 5, 6, 4), (3, 2, 2, 6), groups=2, stride=2, padding=1),
    transposed("", (2, 3, 4, 6), (3, 3, 1, 6), groups=6, stride=2),
    *[op for op in operations() if op.name.startswith(("softmax, short", "column", "x + row"))],
    *[op for op in pooling() if "stride 1" in op.name]], ids=lambda op: op.name)
def test_both_libraries_compute_the_same(operation):
    pytest.importorskip("torch")
    results = []
    for library in (benchmark_ops.Ours, benchmark_ops.Theirs):
        there = library(1)
        forward, backward = there.calls(operation)
        y = forward()
        results.append(there.arrays(operation, y, backward(y)))
    benchmark_ops.compare(operation, *results)
    results[1][-1][0] += 1
    with pytest.raises(SystemExit, match="differ by"):
        benchmark_ops.compare(operation, *results)


def answering(times):
    """Processes that give these times, ms, one after the other, and no arrays."""
    class Process:
        def __init__(self):
            self.times, self.asked = list(times), []

        def send(self, what):
            self.asked.append(what)

        def recv(self):
            return [np.zeros(1, np.float32)] if isinstance(self.asked[-1], str) else (
                self.times.pop(0))

    return Process()


def test_a_ratio_is_that_of_neighbours_and_the_slowest_stands_first(monkeypatch, capsys):
    ours, theirs = answering([2, 9, 2, 8, 8, 8]), answering([1, 3, 2, 4, 4, 4])
    rows = benchmark_ops.measure(dense(3, 4), [ours, theirs], 3, 0.1)
    assert [(row["pass"], row["ratio"], row["least"], row["most"]) for row in rows] == [
        ("forward", 2, 1, 3), ("backward", 2, 2, 2)]
    rows[0]["ratio"] = 1
    benchmark_ops.show(rows, markdown=True)
    head, rule, first, second, _, summary = capsys.readouterr().out.splitlines()
    assert head.count("|") == rule.count("|") == first.count("|") == second.count("|")
    assert "backward" in first and "forward" in second
    assert summary == "2 rows: median 1.50, the largest 2.00; above 3: 0, above 1.2: 1"


def test_a_word_that_no_operation_has_is_one_line_with_the_families():
    status, output, error = run("ops", "nothing-of-this-name")
    assert (status, output) == (2, "")
    assert error.startswith("benchmark.py: no operation is called nothing-of-this-name; families")
    assert error.count("\n") == 1 and "pooling" in error


def test_growth_is_asked_of_every_size_and_drawn(monkeypatch, tmp_path):
    monkeypatch.setattr(benchmark_growth, "libraries", lambda threads: [])
    monkeypatch.setattr(benchmark_growth, "point", lambda op, *_: [2.0, 1.0])
    status, output, error = run("growth", "--threads", "1", "--svg", str(tmp_path / "growth.svg"))
    assert (status, error) == (0, "") and len(output.splitlines()) == len(CURVES)
    assert "4096: 2.00" in output and "slopes 0.00 and 0.00" in output
    assert (tmp_path / "growth.svg").read_text().count("<path") > 20


def test_a_slope_is_the_power_that_the_last_three_sizes_grow_with():
    assert benchmark_growth.slope({1: 70.0, 2: 3.0, 4: 12.0, 8: 48.0}) == pytest.approx(2)
