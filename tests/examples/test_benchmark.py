"""The benchmark counts the work of a step, and every library does the same work."""
from __future__ import annotations

import json
import math
import re
import shutil
import sys
from functools import partial

import numpy as np
import pytest
from programs import EXAMPLES, run_example

import minigan as mg
from minigan import backend
from minigan.gan import noise
from tests.strict import counted

sys.path.insert(0, str(EXAMPLES))

import benchmark  # noqa: E402
import benchmark_steps  # noqa: E402


run = partial(run_example, "benchmark.py", main=benchmark.main)


@pytest.fixture
def timed(monkeypatch):
    """Every library takes 2 ms for a step, and no process."""
    monkeypatch.setattr(benchmark, "in_own_process", lambda *run: {"ms": 2.0})


def test_the_work_of_a_dense_step_is_the_hand_count():
    g = [100 * 128, 128 * 128, 128 * 784]
    d = [784 * 128, 128 * 128, 128 * 1]
    forward = sum(g) + 2 * sum(d) + sum(d)                   # D's update, and D once more in G's
    d_update = 2 * (sum(d) + d[1] + d[2])                    # by the weights, by the inputs
    g_update = sum(d) + sum(g) + g[1] + g[2]                 # through D; by the weights; the inputs
    assert math.isclose(benchmark.gflop_of_step("mlp128"),
                        2e-9 * 100 * (forward + d_update + g_update))
    assert math.isclose(benchmark.gflop_of_step("mlp128", 1024),
                        10.24 * benchmark.gflop_of_step("mlp128"))


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


# Other libraries' losses of two steps, from our weights on our numbers

def of_two_steps(workload, batch, monkeypatch):
    """Our networks' parameters at the start, G's and D's; the real batch; and of each step the
    noise, WGAN-GP's shares and both losses."""
    networks = benchmark_steps.minigan_networks(workload)
    start = [[p.numpy() for p in network.parameters()] for network in networks]
    monkeypatch.setattr(benchmark_steps, "minigan_networks", lambda workload: networks)
    step = benchmark_steps.minigan_step(workload, batch)
    rng, draws = np.random.default_rng(0), mg.Draws(np.random.default_rng(0))  # as it draws them
    shape = (784,) if workload in benchmark_steps.HIDDEN else (28, 28, 1)
    real = rng.random((batch, *shape), np.float32)
    steps = []
    for _ in range(2):
        z = rng.standard_normal((batch, 100), np.float32)
        share = noise.fractions((batch, 1), draws).numpy() if workload == "wgan-gp" else np.zeros(1)
        steps.append((z, share.astype(np.float32), [loss.item() for loss in step()]))
    return start, real, steps


@pytest.mark.parametrize("workload", benchmark_steps.BATCH)
def test_jaxs_step_has_our_losses(workload, monkeypatch):
    jax = pytest.importorskip("jax")
    from benchmark_libraries import jitted

    start, real, steps = of_two_steps(workload, 8, monkeypatch)
    update = jax.jit(jitted.update_of(workload, benchmark_steps.HIDDEN.get(workload)))
    state = (*map(jitted.at_rest, start), 1.0)
    for z, share, ours in steps:
        state, theirs = update(state, real, z, share)
        np.testing.assert_allclose(theirs, ours, rtol=1e-3)


@pytest.mark.parametrize("workload, options", [
    ("mlp128", {"tuned": True}), ("mlp128", {"compiled": True}), ("wgan-gp", {})], ids=str)
def test_pytorchs_step_has_our_losses_and_leaves_the_discriminator_trainable(
        workload, options, monkeypatch):
    torch = pytest.importorskip("torch")
    if "compiled" in options and not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler, g++")
    start, real, steps = of_two_steps(workload, 8, monkeypatch)
    networks = benchmark_steps.torch_networks(workload)
    for network, parameters in zip(networks, start):
        for theirs, ours in zip(network.parameters(), parameters, strict=True):
            theirs.data = torch.from_numpy(ours.T.copy())
    monkeypatch.setattr(benchmark_steps, "torch_networks", lambda workload: networks)
    uniform = iter([real, *[share for _, share, _ in steps]])
    monkeypatch.setattr(torch, "rand", lambda *shape: torch.from_numpy(next(uniform)))
    normal = iter([z for z, _, _ in steps])
    monkeypatch.setattr(torch, "randn", lambda *shape: torch.from_numpy(next(normal)))
    step = benchmark_steps.torch_step(workload, 8, **options)
    for _, _, ours in steps:
        np.testing.assert_allclose([loss.item() for loss in step()], ours, rtol=1e-3)
    assert all(p.requires_grad for network in networks for p in network.parameters())


def test_the_markdown_is_a_table_with_a_line_for_each_workload(timed):
    status, output, _ = run("mlp128", "dcgan", "--rounds", "2", "--markdown")
    head, rule, row, another = output.splitlines()
    assert status == 0 and row.startswith("| mlp128 |") and another.startswith("| dcgan |")
    assert head.startswith("| workload | GFLOP | limit, GFLOP/s | minigan, ms | share of limit |")
    assert head.count("|") == rule.count("|") == row.count("|")


def test_the_shares_of_a_step_are_a_whole():
    status, output, _ = run("shares", "mlp128")
    shares = {kind: int(share) for kind, share in re.findall(r"\| (.*?) \| (\d+) % \|", output)}
    assert status == 0 and 97 <= sum(shares.values()) <= 103
    assert min(shares["products of dense layers"], shares["Adam"]) > 0


def test_an_unknown_workload_is_named_beside_the_known_ones():
    assert run("mlp12") == (2, "", "benchmark.py: workload 'mlp12' is unknown; known are "
                                   "mlp1024, mlp128, wgan-gp, dcgan, dense-dcgan\n")


def test_a_library_that_is_not_installed_is_one_line():
    if benchmark_steps.importlib.util.find_spec("chainer"):
        pytest.skip("it is installed")
    status, output, error = run("mlp128", "--against", "chainer", "--rounds", "1", "--steps", "1")
    assert (status, output) == (1, "")
    assert error == ("benchmark.py: chainer failed: ModuleNotFoundError: "
                     "No module named 'chainer'\n")


# What can be tested of the GPU's part without one

def test_a_machine_without_a_gpu_is_told_so_in_one_line():
    try:
        backend.get("cuda")
    except backend.BackendError:
        status, output, error = run("mlp128", "--device", "cuda", "--against", "torch")
        assert (status, output) == (2, "") and error.count("\n") == 1
        assert error.startswith("benchmark.py: the backend 'cupy' ")
    else:
        pytest.skip("there is a GPU")


@pytest.mark.parametrize("arguments, what", [(["--memory"], "--memory"),
                                             (["--against", "chainer"], "chainer")])
def test_what_does_not_run_on_a_gpu_is_refused_in_one_line(arguments, what):
    assert run("mlp128", "--device", "cuda", *arguments) == (
        2, "", f"benchmark.py: {what} is for --device cpu\n")


def test_batch_sizes_make_a_row_each_that_names_its_own(timed):
    _, output, _ = run("mlp128", "--batch-size", "100", "20", "--rounds", "1", "--json")
    rows = [json.loads(line) for line in output.splitlines()]
    assert [row["workload"] for row in rows] == ["mlp128", "mlp128, batch 20"]
    assert rows[1]["GFLOP"] == pytest.approx(rows[0]["GFLOP"] / 5, abs=1e-3)


def test_a_row_of_the_gpus_table_has_eager_and_captured_beside_each_library():
    runs = {"minigan": [{"ms": 3.0}, {"ms": 5.0}], "minigan-captured": [{"ms": 0.5}, {"ms": 0.7}],
            "torch": [{"ms": 2.0}, {"ms": 4.0}], "numpy": [{"ms": 20.0}, {"ms": 20.0}]}
    row = benchmark.speed_row("mlp128", 128, "cuda", runs)
    assert row["workload"] == "mlp128, batch 128" and row["limit, GFLOP/s"] == 51200
    assert row["minigan, ms"] == 4 and row["minigan-captured, ms"] == 0.6
    assert row["ratio to torch"] == 1.38 and row["range (torch)"] == "1.25 – 1.50"
    assert row["ratio to torch, captured"] == 0.21
    assert row["minigan-captured's share of limit"] == pytest.approx(
        benchmark.gflop_of_step("mlp128", 128) / 51200 * 1e3 / 0.6, rel=0.1)


def test_an_eager_and_a_captured_step_train_the_same_on_a_device(strict, monkeypatch):
    monkeypatch.setitem(backend._ALIASES, "cuda", "strict")
    made = []
    original = benchmark_steps.minigan_networks
    monkeypatch.setattr(benchmark_steps, "minigan_networks",
                        lambda name: made.append(original(name)) or made[-1])
    for library in ("minigan", "minigan-captured"):
        step = benchmark_steps.STEPS[library]("mlp128", 2, "cuda")
        for _ in range(4):
            step()
    eager, captured = ({f"{i}.{key}": x for i, network in enumerate(pair)
                        for key, x in network.state_dict().items()} for pair in made)
    for key, x in eager.items():
        np.testing.assert_array_equal(captured[key], x, err_msg=key)


def test_noise_is_drawn_on_the_device_and_the_step_uploads_and_waits_for_nothing(
        strict, monkeypatch):
    monkeypatch.setitem(backend._ALIASES, "cuda", "strict")
    step = benchmark_steps.minigan_step("mlp128", 4, "cuda")
    step()
    with counted() as counts:
        step()
    assert counts.uploads == counts.synchronisations == 0, counts


def test_the_median_of_events_counts_the_steps_between_them_after_a_warm_up():
    clock = [0.0]

    class Event:
        def record(self):
            self.time = clock[0]

        def synchronize(self):
            self.waited = True

    events, durations = [], iter([100.0] * benchmark_steps.GPU_WARM_UP + [1.0, 9.0, 2.0])

    def step():
        clock[0] += next(durations)

    ms = benchmark_steps.median_ms_of_events(
        step, 3, lambda: events.append(Event()) or events[-1], lambda a, b: b.time - a.time)
    assert ms == 2 and len(events) == 4 and events[-1].waited
    assert not any(hasattr(event, "waited") for event in events[:-1])


@pytest.mark.parametrize("on", [False, True])
def test_tf32_is_pinned_in_both_libraries(on, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("CUPY_TF32", "unset")  # put back after the test
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    try:
        benchmark_steps.pin_tf32("torch", on)
        assert torch.backends.cuda.matmul.allow_tf32 is torch.backends.cudnn.allow_tf32 is on
        assert benchmark_steps.os.environ["CUPY_TF32"] == str(int(on))
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
