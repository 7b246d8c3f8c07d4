"""CUDA graphs: a stretch of work on the GPU, recorded once and launched as a whole.

CuPy's own code has run all of it on a CUDA runtime that computes nothing; a device has not yet.
"""
from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from traceback import walk_tb
from typing import Any, Callable

import numpy

from ..places import led_by

LIBRARIES = {"cupy", "cupy_backends", "nvmath"}
WORKSPACE = 32 << 20  # bytes that cuBLAS may use; inside a graph it cannot allocate its own

# cublasOperation_t, cudaDataType_t, cublasComputeType_t and cublasGemmAlgo_t, from cuBLAS's headers
N, T = 0, 1
TYPES = {"float32": (0, 68), "float64": (1, 70), "float16": (2, 68)}  # data, compute
TF32 = 77  # for float32, where CUPY_TF32=1 asks for it, as in CuPy's own products
DEFAULT_ALGORITHM = -1


def capture(run: Callable[[list], tuple[Any, list]], arrays: list
            ) -> tuple[Any, list, Callable[[], None]]:
    """run(arrays) recorded and launched once: what it returned, and a function that launches it
    again.

    Memory comes from a pool of the graph's own, which lives as long as the function: the addresses
    in a graph must stay what they were. Raises BackendError for what CUDA cannot record; other
    errors of run are its own, and stay what they are.
    """
    import cupy

    from .. import BackendError

    _prepare()
    pool, stream = cupy.cuda.MemoryPool(), cupy.cuda.Stream(non_blocking=True)
    cupy.cuda.get_current_stream().synchronize()  # what run() reads has been written
    with cupy.cuda.using_allocator(pool.malloc), stream:
        stream.begin_capture()
        try:
            value, left = run(arrays)
            graph = stream.end_capture()
        except BaseException as error:  # also Ctrl-C: a stream that records is of no other use
            with suppress(Exception):  # an invalid capture cannot be ended; it is gone then
                stream.end_capture()
            if not _refused(error):
                raise
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            place = led_by(reversed([*walk_tb(error.__traceback__)]), *LIBRARIES)
            raise BackendError(f"{reason} (by {place}). A captured step must not wait for "
                               "the device, copy from the host, or call what CUDA cannot record"
                               ) from error

    def replay(memory: Any = pool) -> None:  # which it keeps alive
        graph.launch(cupy.cuda.get_current_stream())

    replay()
    return value, left, replay


def _prepare() -> None:
    """cuBLAS imported, with its handle and memory, and called once, which must not first happen
    while a graph is recorded: its memory would be the graph's, and go with it."""
    import cupy

    from .. import BackendError

    try:
        _cublas()
    except BackendError:  # said where a product is recorded; a step may have none
        return
    matmul(cupy.ones((1, 1), "float32"), cupy.ones((1, 1), "float32"))


def _refused(error: BaseException) -> bool:
    """Whether the array library raised it because of the recording: an error of its own, or from
    its own code. A mistake in the arguments is one in every call."""
    if not isinstance(error, Exception) or isinstance(error, (TypeError, ValueError, IndexError)):
        return False
    *_, (innermost, _) = walk_tb(error.__traceback__)
    modules = type(error).__module__, innermost.f_globals.get("__name__", "")  # compiled ones too
    return any(module.partition(".")[0] in LIBRARIES for module in modules)


def is_capturing(x: Any) -> bool:
    """Whether work on CuPy's current stream is being recorded; not for another library's array."""
    cupy = sys.modules.get(type(x).__module__.partition(".")[0])
    return (cupy is not None and cupy.__name__ == "cupy"
            and cupy.cuda.get_current_stream().is_capturing())


def matmul(x: Any, w: Any) -> Any:
    """x @ w for matrices, by a route that can be recorded: CuPy refuses to call cuBLAS then.

    cuBLAS thinks in columns, so it is asked for yᵀ = wᵀ xᵀ. Raises BackendError without
    nvmath-python.
    """
    import cupy

    cublas, handle, workspace = _cublas()
    cublas.set_stream(handle, cupy.cuda.get_current_stream().ptr)
    cublas.set_workspace(handle, workspace.ptr, WORKSPACE)  # set_stream takes it away
    dtype = cupy.result_type(x, w)
    x, w = (a.astype(dtype, copy=False) for a in (x, w))
    y = cupy.empty((x.shape[0], w.shape[1]), dtype)
    data_type, compute_type = TYPES[str(dtype)]
    if str(dtype) == "float32" and os.environ.get("CUPY_TF32") == "1":
        compute_type = TF32
    (w, w_transposed, w_rows), (x, x_transposed, x_rows) = _as_columns(w), _as_columns(x)
    one, zero = _numbers("float64" if str(dtype) == "float64" else "float32")
    cublas.gemm_ex(handle, w_transposed, x_transposed, y.shape[1], y.shape[0], x.shape[1],
                   one.ctypes.data, w.data.ptr, data_type, w_rows, x.data.ptr, data_type, x_rows,
                   zero.ctypes.data, y.data.ptr, data_type, y.shape[1], compute_type,
                   DEFAULT_ALGORITHM)
    return y


def _as_columns(x: Any) -> tuple[Any, int, int]:
    """A matrix in C order is its transpose in columns; one in Fortran order is to be transposed.
    Returns the array, whether to, and the distance of two columns in memory."""
    if x.flags.f_contiguous and not x.flags.c_contiguous:
        return x, T, x.shape[0]
    import cupy

    x = cupy.ascontiguousarray(x)
    return x, N, max(x.shape[1], 1)


@cache
def _cublas() -> tuple[Any, int, Any]:
    """nvmath's cuBLAS, a handle, and its workspace."""
    import cupy

    from .. import BackendError

    try:
        from nvmath.bindings import cublas
    except ImportError as error:
        raise BackendError("matrix products in a captured step need nvmath-python, for CuPy's own "
                           f"cannot be recorded ({error}): pip install nvmath-python") from None
    return cublas, cublas.create(), cupy.cuda.alloc(WORKSPACE)


@cache
def _numbers(dtype: str) -> tuple[Any, Any]:
    """1 and 0 in host memory, where cuBLAS reads the factors."""
    return numpy.ones((), dtype), numpy.zeros((), dtype)
