"""CUDA on the CPU does what a GPU does, as far as it says it does: threads that meet, launches,
recordings, refusals. These run with `-m gpu --cuda-on-cpu`; most would be right on a GPU too."""
from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.gpu

SUM = r"""
extern "C" __global__ void sum(const float* x, float* y) {
    __shared__ float part[64];
    part[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
    __syncthreads();
    for (int half = 32; half; half /= 2) {
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        %s
    }
    if (threadIdx.x == 0) y[blockIdx.x] = part[0];
}
"""


@pytest.fixture
def cupy(request):
    cupy = pytest.importorskip("cupy")
    if not request.config.option.cuda_on_cpu:
        pytest.skip("of CUDA on the CPU, which --cuda-on-cpu takes")
    return cupy


def launched(cupy, source, grid, block, *args, name="f", **options):
    cupy.RawKernel(source, name)(grid, block, args, **options)
    return [x for x in args if isinstance(x, cupy.ndarray)][-1].get()


def test_threads_of_a_block_wait_for_each_other(cupy):
    x = np.arange(192, dtype="f")
    y = launched(cupy, SUM % "__syncthreads();", (3,), (64,), cupy.asarray(x), cupy.empty(3, "f"),
                 name="sum")
    np.testing.assert_array_equal(y, x.reshape(3, 64).sum(1))


def test_a_missing_barrier_is_no_silent_right_answer(cupy):
    x = np.arange(192, dtype="f")
    y = launched(cupy, SUM % "", (3,), (64,), cupy.asarray(x), cupy.empty(3, "f"), name="sum")
    assert (y != x.reshape(3, 64).sum(1)).all()


def test_shared_memory_begins_as_nan_in_every_block(cupy):
    y = launched(cupy, r"""extern "C" __global__ void f(float* y) {
        __shared__ float x[1]; y[blockIdx.x] = x[0]; x[0] = 1; __syncthreads(); }""",
                 (3,), (1,), cupy.zeros(3, "f"))
    assert np.isnan(y).all()


def test_dynamic_shared_memory_is_as_long_as_the_launch_says_and_no_longer_than_a_gpus(cupy):
    source = r"""extern "C" __global__ void f(int* y) {
        extern __shared__ int x[]; x[threadIdx.x] = threadIdx.x; __syncthreads();
        y[threadIdx.x] = x[blockDim.x - 1 - threadIdx.x]; }"""
    y = launched(cupy, source, (1,), (100,), cupy.zeros(100, "i"), shared_mem=400)
    assert y.tolist() == list(range(99, -1, -1))
    with pytest.raises(Exception, match="invalid argument"):
        launched(cupy, source, (1,), (100,), cupy.zeros(100, "i"), shared_mem=64 << 10)


def test_lanes_of_a_warp_give_each_other_their_values(cupy):
    y = launched(cupy, r"""extern "C" __global__ void f(float* y) {
        int i = threadIdx.x; float x = i; unsigned all = 0xffffffffu;
        y[i] = __shfl_down_sync(all, x, 1); y[64 + i] = __shfl_up_sync(all, x, 2);
        y[128 + i] = __shfl_xor_sync(all, x, 16); y[192 + i] = __shfl_sync(all, x, 5);
        y[256 + i] = __shfl_down_sync(all, x, 4, 8); }""", (1,), (64,), cupy.zeros(320, "f"))
    i = np.arange(64)
    lane, first = i % 32, i // 32 * 32
    down, up, mixed, fifth, eighths = y.reshape(5, 64)
    np.testing.assert_array_equal(down, np.where(lane < 31, i + 1, i))
    np.testing.assert_array_equal(up, np.where(lane >= 2, i - 2, i))
    np.testing.assert_array_equal(mixed, first + (lane ^ 16))
    np.testing.assert_array_equal(fifth, first + 5)
    np.testing.assert_array_equal(eighths, np.where(i % 8 < 4, i + 4, i))


def test_lanes_vote(cupy):
    y = launched(cupy, r"""extern "C" __global__ void f(unsigned* y) {
        int i = threadIdx.x; unsigned all = 0xffffffffu;
        y[i] = __ballot_sync(all, i % 3 == 0); y[64 + i] = __any_sync(all, i == 40);
        y[128 + i] = __all_sync(all, i < 32); y[192 + i] = __syncthreads_count(i % 2); }""",
                 (1,), (64,), cupy.zeros(256, "u4"))
    votes, anyone, everyone, odd = y.reshape(4, 64)
    assert votes[0] == sum(1 << i for i in range(0, 32, 3))
    assert anyone.tolist() == everyone[::-1].tolist() == [0] * 32 + [1] * 32
    assert (odd == 32).all()


def test_atomic_additions_add_all(cupy):
    for dtype in ("f", "d", "e", "i"):
        x = cupy.zeros(3, dtype)
        cupy.add.at(x, cupy.asarray([0, 2, 2, 0, 2]), cupy.ones(5, dtype))
        assert x.get().tolist() == [2, 0, 3]


def test_templates_are_kernels_by_the_names_that_are_asked_for(cupy):
    module = cupy.RawModule(code="template <typename T> __global__ void f(T* x, T y) { *x += y; }",
                            options=("-std=c++17",), name_expressions=["f<float>", "f<int>"])
    for name, dtype in (("f<float>", np.float32), ("f<int>", np.int32)):
        x = cupy.ones(1, dtype)
        module.get_function(name)((1,), (1,), (x, dtype(2)))
        assert x.get().tolist() == [3]


@pytest.mark.parametrize("grid, block", [((1,), (1025,)), ((1, 70000), (1,))])
def test_launches_that_no_gpu_does_are_refused(cupy, grid, block):
    with pytest.raises(Exception, match="invalid argument"):
        launched(cupy, 'extern "C" __global__ void f(int* x) {}', grid, block, cupy.zeros(1, "i"))


def test_parameters_beyond_4096_bytes_do_not_compile(cupy):
    kernel = cupy.ElementwiseKernel(
        ", ".join(f"raw T x{k}" for k in range(200)), "T y", "y = x199[i]", "many")
    with pytest.raises(Exception, match="parameters may take 4096 bytes"):
        kernel(*[cupy.ones((2, 2))[:, :1]] * 200, cupy.empty(2))


def test_what_does_not_compile_is_said_in_the_compilers_words(cupy):
    with pytest.raises(cupy.cuda.compiler.CompileException, match="nonsense"):
        cupy.RawKernel('extern "C" __global__ void f() { nonsense(1); }', "f").compile()
    with pytest.raises(Exception, match="no option --made-up"):
        cupy.RawKernel('extern "C" __global__ void f() {}', "f", ("--made-up",)).compile()


def test_what_is_not_there_says_its_name_and_fails(cupy, capfd):
    from cupy_backends.cuda.libs import cublas

    handle = cupy.cuda.device.get_cublas_handle()
    x = cupy.ones((2, 2))
    with pytest.raises(Exception):  # noqa: B017 (cuBLAS's own, which is compiled)
        cublas.dtrsm(handle, 0, 0, 0, 0, 2, 2, np.ones(1).ctypes.data, x.data.ptr, 2, x.data.ptr, 2)
    assert "CUDA on the CPU has no cublasDtrsm_v2" in capfd.readouterr().err
    with pytest.raises(Exception):  # noqa: B017
        cupy.cuda.runtime.deviceGetLimit(0)
    assert "CUDA on the CPU has no cudaDeviceGetLimit" in capfd.readouterr().err
    with pytest.raises(ImportError, match="curand"):
        cupy.random.seed(0)


def test_copies_beyond_the_memory_are_refused(cupy):
    x = cupy.cuda.alloc(512)
    host = np.zeros(1 << 20, "u1")
    with pytest.raises(Exception, match="invalid argument"):
        cupy.cuda.runtime.memcpy(x.ptr, host.ctypes.data, host.nbytes, 1)
    with pytest.raises(Exception, match="invalid argument"):
        cupy.cuda.runtime.memcpy(host.ctypes.data, host.ctypes.data, 16, 3)


def test_memory_that_is_new_is_full_of_nan(cupy):
    with cupy.cuda.using_allocator(None):  # without CuPy's pool, which gives old memory again
        assert np.isnan(cupy.empty(10).get()).all()


def test_a_recording_is_done_when_it_is_launched_and_not_before(cupy):
    x, stream = cupy.zeros(4), cupy.cuda.Stream(non_blocking=True)
    x += 1
    x[...] = 0
    with stream:
        stream.begin_capture()
        x += 1
        graph = stream.end_capture()
    assert x.get().tolist() == [0] * 4
    for _ in range(3):
        graph.launch()
    assert x.get().tolist() == [3] * 4


@pytest.mark.parametrize("what", ["wait", "wait for all", "read"])
def test_a_recording_refuses_to_wait(cupy, what):
    x, stream = cupy.ones(4), cupy.cuda.Stream(non_blocking=True)
    x + 1
    with stream:
        stream.begin_capture()
        x + 1
        with pytest.raises(Exception):  # noqa: B017 (CuPy's or the runtime's)
            {"wait": stream.synchronize, "wait for all": cupy.cuda.runtime.deviceSynchronize,
             "read": x.get}[what]()
        if what == "read":  # CuPy itself refuses, and the recording goes on
            stream.end_capture()
            return
        with pytest.raises(Exception, match="previous error during capture"):
            x + 1
        with pytest.raises(Exception, match="previous error during capture"):
            stream.end_capture()
    assert (x + 1).get().tolist() == [2] * 4


def test_the_order_in_which_threads_run_changes_nothing(cupy):
    program = ("from tests.cuda_on_cpu import load; load.start(); import cupy;"
               "x = cupy.arange(9000, dtype='f').reshape(90, 100);"
               "print(float(x.sum()), float(cupy.cumsum(x).max()), x.std(0).sum(), x.argmax())")
    outputs = {subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                              check=True, env={**os.environ, **more}).stdout
               for more in ({}, {"CUDA_ON_CPU_BACKWARDS": "1"})}
    assert len(outputs) == 1
