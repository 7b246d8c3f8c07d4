"""Products, norms, indexing, reductions and elementwise operations, for ../benchmark_ops.py."""
from __future__ import annotations

import numpy as np

from .operation import Operation, by


def tensors(family, name, shapes, ours, theirs, dtype=np.float32):
    shapes = shapes if isinstance(shapes, list) else [shapes]
    return Operation(family, f"{name}: {', '.join(map(by, shapes))}",
                     [("t", *shape) for shape in shapes], ours, theirs, dtype)


def products():
    def product(name, x, w, dtype=np.float32):
        return tensors("product", name, [x, w], lambda mg, x, w: x @ w,
                       lambda torch, F, x, w: x @ w, dtype)

    def dense(name, batch, k, m):
        return tensors("product", name, [(batch, k), (k, m), (m,)],
                       lambda mg, x, w, b: mg.ops.affine(x, w, b),
                       lambda torch, F, x, w, b: torch.addmm(b, x, w))

    return [
        product("square", (1024, 1024), (1024, 1024)),
        product("odd lengths", (1023, 777), (777, 513)),
        product("100 rows", (100, 1024), (1024, 1024)),
        product("one row", (1, 4096), (4096, 1024)),
        product("4096 rows", (4096, 128), (128, 64)),
        product("square, float64", (512, 512), (512, 512), np.float64),
        tensors("product", "turned", [(100, 1024), (1024, 1024)], lambda mg, x, w: x @ w.T,
                lambda torch, F, x, w: x @ w.T),
        product("matrix and vector", (2048, 2048), (2048,)),
        product("batched", (64, 64, 64), (64, 64, 64)),
        product("batched, heads", (8, 8, 128, 64), (8, 8, 64, 128)),
        product("batched, tiny", (4096, 8, 8), (4096, 8, 8)),
        product("batched, thin", (256, 4, 256), (256, 256, 4)),
        product("one matrix for a batch", (64, 64, 128), (128, 64)),
        product("batched, float64", (32, 64, 64), (32, 64, 64), np.float64),
        tensors("product", "batched, turned", [(32, 128, 64), (32, 128, 64)],
                lambda mg, x, w: x @ w.swapaxes(1, 2),
                lambda torch, F, x, w: x @ w.transpose(1, 2)),
        dense("dense, batch 1", 1, 1024, 1024),
        dense("dense, batch 100", 100, 784, 128),
        dense("dense, batch 4096", 4096, 256, 256),
    ]


def norms():
    def norm(name, shape, ours, theirs, dtype=np.float32):
        return tensors("norm", name, [shape, shape[-1:], shape[-1:]], ours, theirs, dtype)

    def layer(name, shape, dtype=np.float32):
        return norm(f"layer, {name}", shape, lambda mg, x, w, b: mg.ops.layer_norm(x, w, b),
                    lambda torch, F, x, w, b: F.layer_norm(x, shape[-1:], w, b), dtype)

    def image_norm(name, shape, ours, theirs):
        return Operation("norm", f"{name}: {by(shape)}",
                         [("i", *shape), ("t", shape[-1]), ("t", shape[-1])], ours, theirs)

    def along(name, shape, ours, theirs):
        return tensors("softmax", name, shape, ours, theirs)

    return [
        layer("long rows", (64, 16384)),
        layer("short rows", (4096, 256)),
        layer("float64", (512, 1024), np.float64),
        norm("batch, dense", (128, 1024),
             lambda mg, x, w, b: mg.ops.batch_norm(x, w, b)[0],
             lambda torch, F, x, w, b: F.batch_norm(x, None, None, w, b, True)),
        image_norm("batch", (128, 14, 14, 64),
                   lambda mg, x, w, b: mg.ops.batch_norm(x, w, b)[0],
                   lambda torch, F, x, w, b: F.batch_norm(x, None, None, w, b, True)),
        image_norm("instance", (16, 32, 32, 64),
                   lambda mg, x, w, b: mg.ops.instance_norm(x, w, b),
                   lambda torch, F, x, w, b: F.instance_norm(x, None, None, w, b)),
        image_norm("8 groups", (16, 32, 32, 64),
                   lambda mg, x, w, b: mg.ops.group_norm(x, w, b, 8),
                   lambda torch, F, x, w, b: F.group_norm(x, 8, w, b)),
        along("softmax, long rows", (64, 16384), lambda mg, x: mg.ops.softmax(x),
              lambda torch, F, x: F.softmax(x, -1)),
        along("softmax, short rows", (4096, 10), lambda mg, x: mg.ops.softmax(x),
              lambda torch, F, x: F.softmax(x, -1)),
        along("log_softmax", (1024, 1000), lambda mg, x: mg.ops.log_softmax(x),
              lambda torch, F, x: F.log_softmax(x, -1)),
        along("logsumexp", (64, 65536), lambda mg, x: mg.ops.logsumexp(x),
              lambda torch, F, x: torch.logsumexp(x, -1)),
    ]


def moves():
    rng = np.random.default_rng(1)
    repeated, words = rng.integers(0, 1000, 100_000), rng.integers(0, 10_000, (64, 128))
    hundred, mask = rng.integers(0, 100, 1_000_000), rng.random((1024, 1024)) < 0.5
    columns = rng.integers(0, 512, 512)

    def move(name, shapes, ours, theirs):
        return tensors("moving", name, shapes, ours, theirs)

    def t(torch, array):
        return torch.from_numpy(array)

    return [
        move("rows, 100 times each", (1000, 64), lambda mg, x: x[repeated],
             lambda torch, F, x: x[t(torch, repeated)]),
        move("numbers, 10,000 times each", (100,), lambda mg, x: x[hundred],
             lambda torch, F, x: x[t(torch, hundred)]),
        move("columns", (2048, 512), lambda mg, x: x[:, columns],
             lambda torch, F, x: x[:, t(torch, columns)]),
        move("embedding", (10_000, 128), lambda mg, x: mg.ops.embedding(words, x),
             lambda torch, F, x: F.embedding(t(torch, words), x)),
        move("mask", (1024, 1024), lambda mg, x: x[mask],
             lambda torch, F, x: x[t(torch, mask)]),
        move("where", [(1024, 1024), (1024, 1024)], lambda mg, x, y: mg.ops.where(mask, x, y),
             lambda torch, F, x, y: torch.where(t(torch, mask), x, y)),
        move("cumsum, rows", (1024, 1024), lambda mg, x: mg.ops.cumsum(x, -1),
             lambda torch, F, x: x.cumsum(-1)),
        move("cumsum, columns", (1024, 1024), lambda mg, x: mg.ops.cumsum(x, 0),
             lambda torch, F, x: x.cumsum(0)),
        move("pad", (128, 28, 28, 32),
             lambda mg, x: mg.ops.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))),
             lambda torch, F, x: F.pad(x, (0, 0, 2, 2, 2, 2))),
        move("concatenate, rows", [(1024, 512)] * 3, lambda mg, *xs: mg.ops.concatenate(xs),
             lambda torch, F, *xs: torch.cat(xs)),
        move("concatenate, columns", [(4096, 100), (4096, 10)],
             lambda mg, *xs: mg.ops.concatenate(xs, 1),
             lambda torch, F, *xs: torch.cat(xs, 1)),
        move("flip", (1024, 1024), lambda mg, x: mg.ops.flip(x, 1),
             lambda torch, F, x: x.flip(1)),
        move("turn and add", [(1024, 1024), (1024, 1024)], lambda mg, x, y: x.T + y,
             lambda torch, F, x, y: x.T + y),
    ]


def reductions():
    def reduction(name, axis, ours, theirs, shape=(256, 64, 256)):
        return tensors("reduction", f"{name}, axis {axis}", shape, ours, theirs)

    def total(axis):
        return reduction("sum", axis, lambda mg, x: x.sum(axis),
                         lambda torch, F, x: x.sum(axis))

    return [
        *map(total, (0, 1, 2, None)),
        reduction("sum", (0, 1), lambda mg, x: x.sum((0, 1)), lambda torch, F, x: x.sum((0, 1))),
        reduction("mean", -1, lambda mg, x: x.mean(-1), lambda torch, F, x: x.mean(-1)),
        reduction("var", 0, lambda mg, x: x.var(0), lambda torch, F, x: x.var(0, False)),
        reduction("var", -1, lambda mg, x: x.var(-1), lambda torch, F, x: x.var(-1, False)),
        reduction("max", -1, lambda mg, x: x.max(-1), lambda torch, F, x: x.amax(-1)),
        reduction("max", 0, lambda mg, x: x.max(0), lambda torch, F, x: x.amax(0)),
        reduction("prod", -1, lambda mg, x: mg.ops.prod(x, -1), lambda torch, F, x: x.prod(-1),
                  (4096, 64)),
    ]


def elementwise():
    shape = (1024, 1024)

    def one(name, ours, theirs, dtype=np.float32):
        return tensors("elementwise", name, shape, ours, theirs, dtype)

    def two(name, ours, theirs, shapes=(shape, shape)):
        return tensors("elementwise", name, list(shapes), ours, theirs)

    return [
        two("x + y", lambda mg, x, y: x + y, lambda torch, F, x, y: x + y),
        two("x · y", lambda mg, x, y: x * y, lambda torch, F, x, y: x * y),
        two("x / y", lambda mg, x, y: x / y, lambda torch, F, x, y: x / y),
        two("x + row", lambda mg, x, y: x + y, lambda torch, F, x, y: x + y, (shape, (1024,))),
        two("x · column", lambda mg, x, y: x * y, lambda torch, F, x, y: x * y,
            (shape, (1024, 1))),
        two("maximum", lambda mg, x, y: mg.ops.maximum(x, y),
            lambda torch, F, x, y: torch.maximum(x, y)),
        one("square", lambda mg, x: x ** 2, lambda torch, F, x: x ** 2),
        one("abs", lambda mg, x: mg.ops.abs(x), lambda torch, F, x: x.abs()),
        one("clip", lambda mg, x: mg.ops.clip(x, -1, 1), lambda torch, F, x: x.clamp(-1, 1)),
        one("exp", lambda mg, x: mg.ops.exp(x), lambda torch, F, x: x.exp()),
        one("exp, float64", lambda mg, x: mg.ops.exp(x), lambda torch, F, x: x.exp(), np.float64),
        one("log |x|", lambda mg, x: mg.ops.log(mg.ops.abs(x)),
            lambda torch, F, x: x.abs().log()),
        one("sin", lambda mg, x: mg.ops.sin(x), lambda torch, F, x: x.sin()),
        one("tanh", lambda mg, x: mg.ops.tanh(x), lambda torch, F, x: x.tanh()),
        one("sigmoid", lambda mg, x: mg.ops.sigmoid(x), lambda torch, F, x: x.sigmoid()),
        one("softplus", lambda mg, x: mg.ops.softplus(x), lambda torch, F, x: F.softplus(x)),
        one("relu", lambda mg, x: mg.ops.relu(x), lambda torch, F, x: x.relu()),
        one("leaky_relu", lambda mg, x: mg.ops.leaky_relu(x),
            lambda torch, F, x: F.leaky_relu(x, 0.2)),
        one("elu", lambda mg, x: mg.ops.elu(x), lambda torch, F, x: F.elu(x)),
    ]
