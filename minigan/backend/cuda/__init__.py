"""The kernels on CuPy, fused: reference.py's names, most of them one launch.

The code is written against the array module of its arguments, so that the tests run it without a
GPU; source.py holds what is compiled. What has no floats of one dtype goes to reference.py,
which CuPy understands as it stands.
"""
from __future__ import annotations

import math
import os
import sys
from functools import wraps
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from .. import reference
from ..arrays import in_single, repeats, same_floats, xp_of
from ..reference import (  # noqa: F401 (what is not faster here)
    __all__, banded_matmul, cos, cumsum, elu, elu_gradient, exp, group_norm, group_norm_gradient,
    largest, least, log, log_softmax, log_softmax_gradient, logsumexp, logsumexp_gradient, max_pool,
    max_pool_gradient, max_pool_mean, relu, sin, softmax, softmax_gradient, tanh, total, where,
    window_spread, window_sum)
from . import graph, source
from .convolution import conv2d, conv2d_input_gradient, conv2d_weight_gradient  # noqa: F401
from .launch import gemm, join_kernel, kernel

if TYPE_CHECKING:
    from .. import Backend

# which of a machine's ranks this process is, as mpiexec tells what it starts
LOCAL_RANK = "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"


def take_device(cupy: Any) -> None:
    """One of several ranks computes on the device of its number."""
    rank = next((int(os.environ[name]) for name in LOCAL_RANK if name in os.environ), None)
    if rank is not None:
        cupy.cuda.Device(rank % cupy.cuda.runtime.getDeviceCount()).use()


def load() -> Backend:
    """The CuPy backend, after a real product on a real device has shown that it computes.

    Importing CuPy succeeds on a machine without a GPU or a driver, so the import proves nothing.
    """
    from .. import Backend, BackendError

    install = "pip install 'minigan[cuda12]' for CUDA 12 or 'minigan[cuda13]' for CUDA 13"
    try:
        import cupy
    except Exception as error:
        if isinstance(error, ImportError) and error.name == "cupy":
            raise BackendError(f"the backend 'cupy' needs CuPy, which is not installed ({error}): "
                               f"{install}") from None
        reason = str(error.__cause__ or error).strip().partition("\n")[0]  # CuPy's own is a page
        raise BackendError(f"CuPy is installed, but its import fails ({reason}): are two CuPy "
                           f"packages installed? Remove them all, then {install}") from None
    try:
        take_device(cupy)
        eye = cupy.eye(2, dtype=cupy.float32)
        answers = bool((eye @ eye == eye).all())
    except Exception as error:  # CUDA's, cuBLAS's and the driver's errors share no base class
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BackendError(f"the backend 'cupy' finds no CUDA device that computes ({reason}): "
                           f"check nvidia-smi and that CuPy matches the driver ({install}), "
                           "or use 'numpy'") from None
    if not answers:
        raise BackendError("the backend 'cupy' multiplied two 2 x 2 matrices wrongly: "
                           "the CUDA device or its driver is faulty; use 'numpy'")
    return Backend("cupy", cupy, cupy.ndarray, sys.modules[__name__], cupy.asarray, cupy.asnumpy,
                   graph.capture)


def _one_launch(specification, *floats):
    """A kernel of the reference, as the one whose body has its name in source.py: for arguments
    that are floats of one dtype, all or those of these positions."""
    @wraps(specification)
    def launch(*args):
        if not same_floats(*([args[i] for i in floats] or args)):
            return specification(*args)
        return kernel(xp_of(args[0]), specification.__name__)(*args)

    return launch


sigmoid, sigmoid_gradient = map(_one_launch, (reference.sigmoid, reference.sigmoid_gradient))
softplus, softplus_gradient = map(_one_launch, (reference.softplus, reference.softplus_gradient))
tanh_gradient = _one_launch(reference.tanh_gradient)
bce_with_logits = _one_launch(reference.bce_with_logits)
leaky_relu = _one_launch(reference.leaky_relu)
leaky_relu_gradient = _one_launch(reference.leaky_relu_gradient, 0, 2)  # whatever x is made of
keep = _one_launch(reference.keep, 0)


def matmul(x, w):
    """x @ w; a column times a row is no sum."""
    if x.shape[-1] == 1:
        return x * w
    return gemm(x, w) if x.ndim == w.ndim == 2 else x @ w


@in_single
def batch_norm(x, weight, bias, eps):
    """The reference's in two launches, in three for images."""
    if x.size == 0 or x.ndim < 2 or not same_floats(x, weight, bias):
        return reference.batch_norm(x, weight, bias, eps)
    mean, var = _statistics(x)
    return kernel(xp_of(x), "batch_norm")(x, weight, bias, mean, var, eps), mean, var


@in_single
def batch_norm_gradient(grad, x, weight, eps):
    """The reference's in three launches, in five for images."""
    if x.size == 0 or x.ndim < 2 or not same_floats(grad, x, weight):
        return reference.batch_norm_gradient(grad, x, weight, eps)
    (mean, var), count = _statistics(x), math.prod(x.shape[:-1])
    if x.ndim == 2:
        by_weight, by_bias = _reduced("batch_norm_sums", 0, grad, x, mean, var, eps)
    else:
        parts = _reduced("batch_norm_sums", _inner(x), grad, x, mean, var, eps)
        by_weight, by_bias = _reduced("sum_of_pairs", 0, *parts)
    by_x = kernel(xp_of(x), "batch_norm_gradient")(grad, x, weight, mean, var, by_weight, by_bias,
                                                   eps, count)
    return by_x, by_weight, by_bias


def move_statistics(running_mean, running_var, mean, var, momentum, count):
    """The reference's, in one launch."""
    arrays = running_mean, running_var, mean, var
    if not same_floats(*arrays):
        return reference.move_statistics(*arrays, momentum, count)
    kernel(xp_of(mean), "move_statistics")(mean, var, momentum, count / (count - 1), running_mean,
                                           running_var)


def _statistics(x):
    """Mean and biased variance over all axes but the last; for images, of each of them first:
    CuPy gives a block of threads 32 channels, so a single pass would leave most of a GPU idle."""
    if x.ndim == 2:
        return _reduced("moments", 0, x, len(x))
    each = math.prod(x.shape[1:-1])
    parts = _reduced("moments", _inner(x), x, each)
    return _reduced("moments_of_parts", 0, *parts, each, each * len(x))


def _reduced(name, axis, first, *args):
    """The two results of a reduction kernel; CuPy would return only the first of them. Each has
    its own memory: of a gradient that is part of another array, the engine makes a copy."""
    xp = xp_of(first)
    shape = first.shape[-1:] if axis == 0 else (len(first), first.shape[-1])
    results = xp.empty(shape, first.dtype), xp.empty(shape, first.dtype)
    kernel(xp, name)(first, *args, *results, axis=axis)
    return results


def _inner(x):
    """The axes between the first and the last."""
    return tuple(range(1, x.ndim - 1))


def add_at(shape, index, x):
    """The reference's without its atomic additions: the positions that repeated indices name are
    sorted, and each element adds up the run of its own, in the order in which they came."""
    xp = xp_of(x)
    if not repeats(index):
        return reference.add_at(shape, index, x)
    position = xp.arange(math.prod(shape)).reshape(shape)[index].reshape(-1)
    order = xp.argsort(position, kind="stable")
    return kernel(xp, "sum_of_runs")(position[order], order, xp.ascontiguousarray(x),
                                     position.size, xp.empty(shape, x.dtype))


def ema(average, x, decay, updates):
    """The reference's, in one launch."""
    if not same_floats(average, x):
        return reference.ema(average, x, decay, updates)
    kernel(xp_of(x), "ema")(x, 1 - decay, updates, average)


def update(rule, param, grads, *state):
    """The reference's. A rule that is in FUSED, by its name, is done by its fused body. CuPy's
    concatenate would copy the pieces one by one, or, from nine on, their addresses from the host,
    which no captured step may do; here it is one launch."""
    pieces = [g.reshape(-1) for g in grads]
    grad = pieces[0] if len(pieces) == 1 else _joined(pieces)
    fused = FUSED.get(f"{rule.__module__}.{rule.__qualname__}")
    if fused is not None and same_floats(param, grad, *state):
        fused(rule.__self__, param, grad, *state)
    else:
        rule(param, grad, *state)


def _adam(optimizer, p, g, m, v):
    """Adam's rule in two launches: what is the same for all parameters, and the rest."""
    xp, decay = xp_of(p), optimizer.group.weight_decay
    added, shrinking = (0, decay) if optimizer.decoupled else (decay, 0)
    keep, rate, floor = [xp.empty((), p.dtype) for _ in range(3)]
    kernel(xp, "adam_rates")(optimizer.group.rate.on(p), optimizer._count.on(p),
                             *optimizer.betas, optimizer.eps, shrinking, keep, rate, floor)
    kernel(xp, "adam")(g, *optimizer.betas, added, keep, rate, floor, p, m, v)


FUSED = {"minigan.optim.optimizers.Adam.rule": _adam}


def _joined(pieces):
    """Flat arrays end to end, JOINED of them in a launch."""
    xp = xp_of(pieces[0])
    if not same_floats(*pieces):
        return xp.concatenate(pieces)
    y, start = xp.empty(sum([piece.size for piece in pieces]), pieces[0].dtype), 0
    for k in range(0, len(pieces), source.JOINED):
        some = pieces[k:k + source.JOINED]
        ends = list(accumulate([piece.size for piece in some]))
        target = y[start:start + ends[-1]]
        if len(some) == 1:
            target[...] = some[0]
        else:
            join_kernel(xp, len(some))(*some, *ends, target)
        start += ends[-1]
    return y
