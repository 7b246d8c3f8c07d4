"""How often the fused kernels launch, that they are made once and can be replayed, and what the
compiled stand-ins for CuPy's kernels refuse."""
from __future__ import annotations

import numpy as np
import pytest
from placed import use
from test_cuda_kernels import F, adam, assert_same, needs_compiler, numbers, on_device

from minigan import backend
from minigan.backend import cuda
from minigan.backend.cuda import launch
from minigan.backend.geometry import Window
from minigan.optim import Adam, AdamW
from tests import compiled
from tests.strict import StrictArray, counted, recorded

IMAGES, WEIGHT = np.ones((8, 6, 6, 4), F), np.ones(4, F)
HALVED = Window((4, 4), (2, 2), ((1, 1), (1, 1)))
SAME = Window((3, 3), padding=((1, 1), (1, 1)))


@pytest.fixture(autouse=True)
def on_the_stand_in(restored_backends):
    use("strict")


def launches(name, *args):
    """What the kernel launches on arrays that lie in order."""
    args = [on_device(a) for a in args]
    with counted() as counts:
        getattr(cuda, name)(*args)
    assert not counts.uploads and not counts.synchronisations and not counts.nondeterministic
    return counts.launches


@needs_compiler
@pytest.mark.parametrize("expected, name, args", [
    (1, "sigmoid", (IMAGES,)), (1, "softplus", (IMAGES,)), (1, "leaky_relu", (IMAGES, 0.2)),
    (1, "leaky_relu_gradient", (IMAGES, IMAGES > 0, 0.2)), (1, "bce_with_logits", (IMAGES, IMAGES)),
    (1, "keep", (IMAGES, IMAGES > 0)),
    (1, "sigmoid_gradient", (IMAGES, IMAGES)), (1, "tanh_gradient", (IMAGES, IMAGES)),
    (1, "softplus_gradient", (IMAGES, IMAGES)),
    (2, "batch_norm", (IMAGES[0, 0], WEIGHT, WEIGHT, 1e-5)),
    (3, "batch_norm", (IMAGES, WEIGHT, WEIGHT, 1e-5)),
    (3, "batch_norm_gradient", (IMAGES[0, 0], IMAGES[0, 0], WEIGHT, 1e-5)),
    (5, "batch_norm_gradient", (IMAGES, IMAGES, WEIGHT, 1e-5)),
    (1, "move_statistics", (WEIGHT.copy(), WEIGHT.copy(), WEIGHT, WEIGHT, 0.1, 8)),
    (2, "conv2d", (IMAGES, np.ones((4, 4, 4, 8), F), HALVED, 1)),
    (3, "conv2d", (IMAGES, np.ones((4, 4, 4, 8), F), HALVED, 1, np.ones(8, F))),
    (2, "conv2d", (IMAGES, np.ones((3, 3, 4, 1), F), SAME, 1, np.ones(1, F))),
    (2, "conv2d_input_gradient", (np.ones((8, 3, 3, 8), F), np.ones((4, 4, 4, 8), F), HALVED, 1,
                                  (6, 6), WEIGHT)),
    (2, "conv2d_input_gradient", (np.ones((8, 6, 6, 1), F), np.ones((3, 3, 4, 1), F), SAME, 1,
                                  (6, 6))),
    (2, "conv2d_weight_gradient", (IMAGES, np.ones((8, 3, 3, 8), F), HALVED, 1)),
    (2, "conv2d_weight_gradient", (IMAGES, np.ones((8, 6, 6, 1), F), SAME, 1)),
    (1, "matmul", (IMAGES[0, 0], IMAGES[0, 0].T)),
    *[(2, "update", (adam(kind, StrictArray(np.array(0.1)), StrictArray(np.array(3.0)),
                          weight_decay=decay).rule, np.ones(9, F), [StrictArray(np.ones(9, F))],
                     np.ones(9, F), np.ones(9, F))) for kind in (Adam, AdamW) for decay in (0, 1)],
    (1, "ema", (*np.ones((2, 9), F), 0.9, np.array(3.0))),
    (1, "update", (lambda p, g: None, np.ones(36, F), [StrictArray(WEIGHT)] * 9)),
], ids=lambda value: value if isinstance(value, str) else "")
def test_launches(expected, name, args):
    assert launches(name, *args) == expected


@needs_compiler
def test_a_kernel_is_made_once():
    xp = backend.array_module(StrictArray(np.ones(1)))
    assert launch.kernel(xp, "sigmoid") is launch.kernel(xp, "sigmoid")


@needs_compiler
def test_recorded_kernels_are_replayed_into_the_same_memory():
    host = {"x": numbers(0, (3, 5, 5, 4), F), "w": numbers(1, (3, 3, 4, 8), F),
            "m": numbers(2, (8,), F), "v": np.ones(8, F), "lr": np.array(0.1),
            "steps": np.array(1.0)}
    new = {"x": numbers(3, (3, 5, 5, 4), F), "lr": np.array(0.3), "steps": np.array(2.0)}

    def step(x, w, m, v, lr, steps):
        y = cuda.conv2d(x, w, SAME, 1, m)
        normal, mean, var = cuda.batch_norm(y, v, m, 1e-5)
        back = cuda.conv2d_input_gradient(normal, w, SAME, 1, (5, 5))
        cuda.move_statistics(m, v, mean, var, 0.1, 75)
        cuda.ema(v, var, 0.9, steps)
        cuda.update(adam(Adam, lr, steps).rule, m, [mean], m.copy(), v)
        return back, cuda.leaky_relu(back, 0.2), var, m, v

    arrays = {name: StrictArray(a.copy()) for name, a in host.items()}
    with recorded() as tape:
        replayed = step(**arrays)
    for name, a in {**host, **new}.items():
        arrays[name]._host[...] = a
    tape.replay()
    assert_same(replayed, tuple([y._host for y in step(
        **{name: StrictArray(a.copy()) for name, a in {**host, **new}.items()})]), 0)


# What the compiled kernels refuse, as CuPy does

@needs_compiler
@pytest.mark.parametrize("params, args, error, message", [
    ("T x", (np.ones(2),), TypeError, "not a ndarray"),
    ("T x, T t", (StrictArray(np.ones(2)), StrictArray(np.ones(2, F))), TypeError, "mismatched"),
    ("T x, U t", (StrictArray(np.ones(2)), 1.0), KeyError, "U"),
    ("raw T x", (StrictArray(np.ones(2)),), ValueError, "Loop size is undecided"),
    ("T x", (1.0,), ValueError, "Loop size is undecided"),
    ("T x", (), TypeError, "takes 1 arguments")])
def test_the_stand_in_refuses_what_cupy_refuses(params, args, error, message):
    with pytest.raises(error, match=message):
        compiled.ElementwiseKernel(params, "T y", "y = 1", "one")(*args)
