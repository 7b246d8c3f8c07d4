"""The kernels' sources as CUDA, without a GPU: NVRTC compiles every one, framed as CuPy frames
them, and CuPy takes every one."""
from __future__ import annotations

import ctypes
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from minigan.backend.cuda import launch, source
from tests import compiled

KERNELS = {**source.ELEMENTWISE, **source.REDUCTION, "join": source.join(3)}
ARCHITECTURES = ("compute_80", "compute_90")

# Enough of CuPy's headers for what the bodies use, where CuPy's own are not installed
PRELUDE = """
template <typename T> struct Array {
    T* data;
    __device__ T& operator[](ptrdiff_t i) { return data[i]; }
    __device__ const T& operator[](ptrdiff_t i) const { return data[i]; }
};
"""
CUPY_PRELUDE = """
#include <cupy/complex.cuh>
#include <cupy/carray.cuh>
#include <cupy/float16.cuh>
template <typename T> using Array = CArray<T, 1, true, true>;
"""
INDEXER = """
struct Indexer {
    ptrdiff_t count, place;
    __device__ ptrdiff_t size() const { return count; }
    __device__ void set(ptrdiff_t i) { place = i; }
    __device__ ptrdiff_t get() const { return place; }
};
"""
ELEMENTWISE = """
    for (ptrdiff_t i = static_cast<ptrdiff_t>(blockIdx.x) * blockDim.x + threadIdx.x;
         i < _ind.size(); i += static_cast<ptrdiff_t>(blockDim.x) * gridDim.x) {{
        _ind.set(i);
        {references}
        {body};
    }}
"""
REDUCTION = """
    __shared__ char _raw[512 * sizeof(_type_reduce)];
    _type_reduce *_sdata = reinterpret_cast<_type_reduce*>(_raw);
    _type_reduce _s = _type_reduce({identity});
    for (ptrdiff_t _j = threadIdx.x; _j < _in_ind.size(); _j += 512) {{
        _in_ind.set(_j);
        {references}
        _type_reduce _a = static_cast<_type_reduce>({map});
        _s = REDUCE(_s, _a);
    }}
    _sdata[threadIdx.x] = _s;
    __syncthreads();
    for (unsigned _block = 256; _block; _block /= 2) {{
        if (threadIdx.x < _block) {{
            _type_reduce _a = _sdata[threadIdx.x], _b = _sdata[threadIdx.x + _block];
            _sdata[threadIdx.x] = REDUCE(_a, _b);
        }}
        __syncthreads();
    }}
    _s = _sdata[0];
    _out_ind.set(blockIdx.x);
    {outputs}
    POST_MAP(_s);
"""


def installed(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(p) for p in spec.submodule_search_locations or ()] if spec else []


@cache
def nvrtc() -> ctypes.CDLL | None:
    """NVIDIA's run-time compiler out of the package nvidia-cuda-nvrtc."""
    found = [path for root in installed("nvidia") for path in root.glob("*/lib/libnvrtc.so.*")]
    return ctypes.CDLL(str(sorted(found)[-1])) if found else None


@cache
def half_precision() -> tuple[str, ...]:
    """The folders of CuPy's headers and of CUDA's cuda_fp16.h, or none of them."""
    roots = [p for root in installed("nvidia") for p in root.glob("*/include")]
    roots += [Path(os.environ[name]) / "include" for name in ("CUDA_PATH", "CUDA_HOME")
              if name in os.environ]
    cuda = [r for r in roots if (r / "cuda_fp16.h").exists()]
    cupy = [r / "_core" / "include" for r in installed("cupy")]
    folders = [*cupy, *cuda, *[r / "cccl" for r in cuda if (r / "cccl").exists()]]
    return tuple([f"-I{f}" for f in folders]) if cupy and cuda else ()


def compile_cuda(source: str, architecture: str, options: tuple[str, ...]) -> str:
    """What NVRTC has to say about a source; nothing if it compiles."""
    library, program, size = nvrtc(), ctypes.c_void_p(), ctypes.c_size_t()
    assert library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0,
                                      None, None) == 0
    flags = [f"--gpu-architecture={architecture}", "-std=c++17", *options]
    code = library.nvrtcCompileProgram(program, len(flags), (ctypes.c_char_p * len(flags))(
        *[flag.encode() for flag in flags]))
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return "" if code == 0 else log.value.decode()


def cuda_program(name: str, letters: dict[str, str], number: int = 0) -> str:
    """A kernel's source as CuPy makes it: typed parameters, references, the loop."""
    inputs, outputs = [compiled.parse(params) for params in KERNELS[name][:2]]
    references = {p: f"{c}{p.c_type} &{p.name} = _raw_{p.name}[{{}}.get()];"
                  for ps, c in ((inputs, "const "), (outputs, "")) for p in ps
                  if not p.raw and p.dtype is None}
    args = [f"{c}Array<{p.c_type}> {p.name if p.raw else '_raw_' + p.name}"
            if p.raw or p in references else f"const {p.c_type} {p.name}"
            for ps, c in ((inputs, "const "), (outputs, "")) for p in ps]
    types = "".join(f"typedef {c} {letter};\n" for letter, c in letters.items())

    def refer(ps, index):
        return "\n".join([references[p].format(index) for p in ps if p in references])

    if name not in source.REDUCTION:
        code, indices = KERNELS[name][2], "Indexer _ind"
        loop = ELEMENTWISE.format(references=refer([*inputs, *outputs], "_ind"), body=code)
    else:
        _, _, mapped, joined, post, identity, kind, preamble = KERNELS[name]
        types += (f"{preamble}\ntypedef {kind} _type_reduce;\n#define REDUCE(a, b) ({joined})\n"
                  f"#define POST_MAP(a) ({post})\n")
        indices = "Indexer _in_ind, Indexer _out_ind"
        loop = REDUCTION.format(references=refer(inputs, "_in_ind"), map=mapped,
                                identity=identity, outputs=refer(outputs, "_out_ind"))
    return (f"{types}extern \"C\" __global__ void minigan_{name}_{number}("
            f"{', '.join([*args, indices])}) {{{loop}}}")


def complaints(name: str, types: tuple[str, ...], prelude: str, options: tuple[str, ...]) -> str:
    """What NVRTC says about a kernel, for each architecture and each dtype of T (and of U). The
    dtypes share a program, since most of a compilation is its start."""
    letters = [{"T": t, "U": u} for t in types for u in ("bool", t)]
    if " U " not in KERNELS[name][0] + " ":
        letters = [{"T": t} for t in types]
    program = prelude + INDEXER + "".join([
        f"namespace choice_{i} {{\n{cuda_program(name, choice, i)}\n}}\n"
        "#undef REDUCE\n#undef POST_MAP\n" for i, choice in enumerate(letters)])
    return "".join([compile_cuda(program, architecture, options)
                    for architecture in ARCHITECTURES])


needs_nvrtc = pytest.mark.skipif(nvrtc() is None, reason="nvidia-cuda-nvrtc is not installed")


@needs_nvrtc
@pytest.mark.parametrize("name", KERNELS)
def test_nvrtc_compiles_every_kernel(name):
    assert complaints(name, ("float", "double"), PRELUDE, ()) == ""


@needs_nvrtc
@pytest.mark.skipif(not half_precision(), reason="the headers of CuPy and CUDA's cuda_fp16.h "
                    "(CUDA_PATH, or the package nvidia-cuda-runtime) are not both installed")
@pytest.mark.parametrize("name", KERNELS)
def test_nvrtc_compiles_every_kernel_with_cupys_headers_and_half_precision(name):
    assert complaints(name, ("float", "float16"), CUPY_PRELUDE, half_precision()) == ""


@needs_nvrtc
def test_nvrtc_refuses_what_is_no_cuda():
    program = cuda_program("sigmoid", {"T": "float"}).replace("fabs", "absolutely")
    assert "absolutely" in compile_cuda(PRELUDE + INDEXER + program, "compute_90", ())


@pytest.mark.parametrize("name", KERNELS)
def test_cupy_takes_every_kernel(name):
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    made = (launch.join_kernel(cupy, 3) if name == "join" else
            launch.kernel(cupy, name))  # parses the parameters, and needs no device
    for ours, theirs in zip(KERNELS[name], (made.in_params, made.out_params)):
        assert [(p.name, p.raw, p.dtype) for p in compiled.parse(ours)] == [
            (p.name, p.raw, p.dtype) for p in theirs]
