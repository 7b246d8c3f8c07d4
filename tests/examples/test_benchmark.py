"""The benchmark counts the work of a step, and every library does the same work."""
from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import benchmark  # noqa: E402
import benchmark_steps  # noqa: E402


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(EXAMPLES / "benchmark.py"), *arguments],
                          capture_output=True, text=True, encoding="utf-8")


def test_the_work_of_a_dense_step_is_the_hand_count():
    g = [100 * 128, 128 * 128, 128 * 784]
    d = [784 * 128, 128 * 128, 128 * 1]
    forward = sum(g) + 2 * sum(d) + sum(d)                   # D's update, and D once more in G's
    d_update = 2 * (sum(d) + d[1] + d[2])                    # by the weights, by the inputs
    g_update = sum(d) + sum(g) + g[1] + g[2]                 # through D; by the weights; the inputs
    assert math.isclose(benchmark.gflop_of_step("mlp128"),
                        2e-9 * 100 * (forward + d_update + g_update))


def test_the_work_of_a_convolutional_step_is_the_hand_count():
    # taps of 7 and of 14 windows along an axis, less those beyond the border: 2 at one end of the
    # image, 1 at the other
    small, large = (7 * 5 - 3) ** 2, (14 * 5 - 3) ** 2
    g = [100 * 6272, small * 128 * 64, large * 64 * 1]
    d = [large * 1 * 64, small * 64 * 128, 6272 * 1]
    forward = sum(g) + 2 * sum(d) + sum(d)
    d_update = 2 * (sum(d) + d[1] + d[2])
    g_update = sum(d) + sum(g) + g[1] + g[2]
    assert math.isclose(benchmark.gflop_of_step("dcgan"),
                        2e-9 * 128 * (forward + d_update + g_update))


@pytest.mark.parametrize("workload", benchmark_steps.BATCH)
def test_pytorchs_networks_have_as_many_parameters_as_ours_in_every_layer(workload):
    pytest.importorskip("torch")
    for ours, theirs in zip(benchmark_steps.minigan_networks(workload),
                            benchmark_steps.torch_networks(workload)):
        assert ([p.size for p in ours.parameters()]
                == [p.numel() for p in theirs.parameters()])


@pytest.mark.parametrize("tuned", [False, True])
def test_pytorchs_step_runs_and_leaves_the_discriminator_trainable(tuned):
    torch = pytest.importorskip("torch")
    step = benchmark_steps.torch_step("mlp128", tuned)
    step()
    assert torch.is_grad_enabled() and step() is None


def test_the_markdown_is_a_table_with_a_line_for_each_workload():
    done = run("mlp128", "--rounds", "2", "--steps", "1", "--markdown")
    assert done.returncode == 0, done.stderr
    head, rule, row = done.stdout.splitlines()
    assert head.startswith("| workload | GFLOP | limit, GFLOP/s | minigan, ms | share of limit |")
    assert head.count("|") == rule.count("|") == row.count("|")


def test_the_memory_of_a_step_is_part_of_the_peak():
    done = run("mlp128", "--rounds", "1", "--steps", "1", "--memory", "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    if not math.isnan(row["minigan, peak MiB"]):
        assert 0 < row["minigan, added MiB"] < row["minigan, peak MiB"]


def test_an_unknown_workload_is_named_beside_the_known_ones():
    done = run("mlp12")
    assert done.returncode == 2
    assert done.stderr == ("benchmark.py: workload 'mlp12' is unknown; known are "
                           "mlp1024, mlp128, dcgan, dense-dcgan\n")


def test_a_library_that_is_not_installed_is_one_line():
    pytest.importorskip("numpy")
    if benchmark_steps.importlib.util.find_spec("chainer"):
        pytest.skip("it is installed")
    done = run("mlp128", "--against", "chainer", "--rounds", "1", "--steps", "1")
    assert done.returncode == 1
    assert done.stderr == ("benchmark.py: chainer failed: ModuleNotFoundError: "
                           "No module named 'chainer'\n")
