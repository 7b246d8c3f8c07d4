"""What the strict stand-in counts, and what it records, as a GPU would be asked for it."""
from __future__ import annotations

import re

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from tests.compiled import COMPILER
from tests.strict import STRICT, counted, recorded

xp = STRICT.xp


@pytest.fixture
def x():
    return xp.asarray([[1.0, 2.0], [3.0, 4.0]])


def host(x):
    return STRICT.to_numpy(x)


@pytest.mark.parametrize("wait", [
    lambda x: x.item(), float, int, bool, lambda x: x.tolist(), repr, str, lambda x: f"{x:.3f}",
    STRICT.to_numpy, lambda x: x.get(), lambda x: [0] if x > 1 else [1]])
def test_what_waits_for_the_device_is_counted_with_its_place(wait):
    x = xp.asarray(2.0)
    with counted() as counts:
        wait(x)
    assert counts.synchronisations == 1
    assert re.search(r"by \S*test_strict_counts.py:\d+", counts.places[0])


def test_looking_up_by_a_mask_waits_because_its_count_decides_the_shape(x):
    with counted() as counts:
        x[x > 2]
        x[x > 2] = 0
    assert counts.synchronisations == 2 and counts.uploads == 1  # the 0


def test_launches_are_counted_and_views_are_free(x):
    for launches, compute in [
            (1, lambda: x + 1), (1, lambda: x.sum(axis=0)), (1, lambda: x @ x.T), (2, x.var),
            (1, x.copy), (0, lambda: x.T), (0, lambda: x[0]), (0, lambda: x.reshape(4)),
            (1, lambda: x.T.reshape(4)), (0, lambda: x.astype(x.dtype, copy=False)),
            (1, lambda: x.astype("float32")), (0, lambda: xp.empty(3)), (1, lambda: xp.zeros(3)),
            (2, lambda: xp.concatenate([x, x])), (0, lambda: xp.ascontiguousarray(x)),
            (1, lambda: xp.ascontiguousarray(x.T)), (1, lambda: x.__setitem__(0, 1.0)),
            (2, lambda: x.T[None] @ x[None]), (2, lambda: xp.pad(x, 1)),
            (0, lambda: x[:0] + 1), (1, lambda: x.__iadd__(1))]:
        with counted() as counts:
            compute()
        assert counts.launches == launches, (launches, dict(counts.names))
        assert counts.synchronisations == counts.uploads == 0


def test_an_addition_in_place_to_a_view_is_one_launch(x):
    with counted() as counts:
        x[0] += 1
    assert counts.launches == 1


N = 1000


@pytest.mark.parametrize("expected, compute", [
    (12 * N, lambda x, y: x + y), (8 * N, lambda x, y: x * 2.0), (5 * N, lambda x, y: x > 0),
    (12 * N, lambda x, y: x.__iadd__(y)), (8 * N + 4, lambda x, y: x + y[0]),
    (4 * N + 4, lambda x, y: x.sum()), (4 * N + 40, lambda x, y: x.reshape(10, -1).sum(axis=1)),
    (8 * N, lambda x, y: xp.copyto(x, y)), (4 * N, lambda x, y: x.fill(1)),
    (4 * N, lambda x, y: xp.zeros_like(x)), (12 * N, lambda x, y: x.astype("float64")),
    (16 * N, lambda x, y: xp.concatenate([x, y])), (0, lambda x, y: x.reshape(10, -1).T[3:]),
    (0, lambda x, y: x[:0] + y[:0]), (6 * N, lambda x, y: x[::2] + y[::2])])
def test_bytes_are_those_of_operands_and_results_and_views_move_none(expected, compute):
    x, y = xp.ones(N, "float32"), xp.ones(N, "float32")
    with counted() as counts:
        compute(x, y)
    assert counts.bytes == expected


def test_a_product_moves_its_three_matrices():
    a, b = xp.zeros((20, 30), "float32"), xp.zeros((30, 50), "float32")
    with counted() as counts:
        a @ b
    assert counts.bytes == 4 * (20 * 30 + 30 * 50 + 20 * 50)


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler was found")
def test_a_kernel_moves_an_array_again_if_it_writes_to_what_it_reads():
    step = xp.ElementwiseKernel("T g, T rate", "T p, T m, T size",
                                "m = rate * m + g; p -= m; size = g == 0 ? 0 : 1", "step")
    g, p, m, size, rate = [xp.ones(N, "float32") for _ in range(4)] + [xp.ones((), "float32")]
    with counted() as counts:
        step(g, 0.5, p, m, size)
        assert counts.bytes == 4 * N * (1 + 2 + 2 + 1)
        step(g, rate, p, m, size)  # the same and one number more
    assert counts.bytes == 2 * 4 * N * 6 + 4


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler was found")
def test_a_kernels_reduction_moves_its_inputs_and_its_sums():
    sums = xp.ReductionKernel("T x, T y", "T s, T count", "x * y", "a + b", "s = a, count = 1", "0",
                              "sums")
    x, y = xp.ones((N, 8), "float32"), xp.ones(8, "float32")
    with counted() as counts:
        sums(x, y, axis=0)
    assert counts.bytes == 4 * (N * 8 + 8 + 2 * 8)


def test_uploads_are_counted_apart(x):
    with counted() as counts:
        STRICT.from_numpy(np.ones(3))
        xp.asarray(x)
        xp.concatenate([x] * 9)  # CuPy's one kernel for many arrays reads their addresses
    assert (counts.uploads, counts.launches) == (2, 1)


def test_counts_of_the_library_name_its_lines(strict):
    mg.use("strict")
    net = nn.Dense(2, 1)
    with counted() as counts:
        net.state_dict()
    assert counts.synchronisations == 2
    assert "minigan/nn/module.py" in counts.places[0]


# Recording, as a CUDA graph does

def test_what_was_recorded_is_computed_again_into_the_same_memory(x):
    total = xp.zeros(())
    with recorded() as tape:
        y = xp.exp(x) * 2
        total += y.sum()
    before = host(y)
    x[...] = 0
    tape.replay()
    np.testing.assert_array_equal(host(y), np.full((2, 2), 2.0))
    assert float(total) == pytest.approx(before.sum() + 8)


def test_a_python_number_is_baked_into_a_recording(x):
    rate = 2.0
    with recorded() as tape:
        y = x * rate
    rate = 3.0
    tape.replay()
    np.testing.assert_array_equal(host(y), 2 * host(x))


@pytest.mark.parametrize("refused", [lambda x: x.item(), lambda x: STRICT.from_numpy(np.ones(1))])
def test_waits_and_uploads_are_refused_while_recording(x, refused):
    with recorded(), pytest.raises(RuntimeError, match=r"captured, by \S*test_strict"):
        refused(x)
