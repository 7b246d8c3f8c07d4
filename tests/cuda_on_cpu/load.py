"""Puts the stand-ins where an unmodified CuPy finds CUDA's libraries, in this process only.

The loader takes a library that is loaded already when another asks for its name: so that of the
driver, NVRTC and cuBLAS. The runtime is no library of its own to be found: CuPy's extension
modules hold a copy of it each. They are loaded here, before Python imports them, and the first
instruction of each of those functions is overwritten, in memory, by a jump to the stand-in's.
"""
from __future__ import annotations

import ctypes
import importlib.util
import mmap
import os
import sys
import traceback
from pathlib import Path

from . import blas, compiler
from .build import LIBRARIES, CannotBuild, build, sanitized
from .elf import symbols

WITH_RUNTIME = ["cupy_backends/cuda/api/runtime", "cupy/cuda/cub", "cupy/cuda/thrust"]
# the runtime's functions, and thrust's that CuPy's modules export
REDIRECTED = r"cuda[A-Z]\w*|_Z\d+thrust_(?:sort|argsort|lexsort)\w+"

_kept: list = []  # what the libraries call must live as long as they do


def module_file(name: str) -> Path:
    """The file of one of CuPy's extension modules, found without importing CuPy."""
    package, _, rest = name.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise CannotBuild("CuPy is not installed")
    return next(Path(spec.origin).parent.glob(f"{rest}.*.so"))


def start() -> None:
    """Load everything, once. Raises CannotBuild, with the reason, where that cannot be."""
    if _kept:
        return
    if "cupy" in sys.modules:
        raise CannotBuild("CuPy was imported before CUDA on the CPU could be put below it")
    files = {name: module_file(name) for name in WITH_RUNTIME}
    tables = {name: symbols(file, "symtab", REDIRECTED) for name, file in files.items()}
    cublas = symbols(module_file("cupy_backends/cuda/libs/cublas"), "dynsym", r"cublas\w+")
    wanted = {"libcudart_on_cpu.so": {f for table in tables.values() for f in table},
              "libcublas.so.12": set(cublas)}
    folder = build(wanted)
    os.environ["CUPY_ACCELERATORS"] = ""  # CUB's kernels are compiled for GPUs
    os.environ["CUPY_CACHE_DIR"] = str(compiler.kernels_folder())
    os.environ["CUDA_PATH"] = str(folder)
    libraries = {name: ctypes.CDLL(str(folder / name), ctypes.RTLD_GLOBAL)
                 for name in LIBRARIES}
    _connect(libraries)
    for name, file in files.items():
        _redirect(file, tables[name], libraries["libcudart_on_cpu.so"])
    import cupy

    # CuPy asks for NVRTC now, and not when a test may have loaded NVIDIA's own
    if cupy.cuda.nvrtc.getVersion() != (12, 9):
        raise CannotBuild("another NVRTC is loaded already")
    if sanitized():
        cupy.cuda.set_allocator(None)  # in CuPy's pool an array's end is within a larger block


def _connect(libraries: dict[str, ctypes.CDLL]) -> None:
    """Give the libraries the two functions of theirs that are Python's."""
    nvrtc = libraries["libnvrtc.so.12"]
    done = nvrtc.on_cpu_compiled
    done.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, *[ctypes.c_char_p] * 3)
    def compile(program, source, options, expressions):
        options, expressions = [x.decode().splitlines() for x in (options, expressions)]
        try:
            image, lowered = compiler.compiled(source.decode(), options, expressions)
        except (RuntimeError, compiler.UnknownOption) as error:
            done(program, b"", 0, str(error).encode())
            return (compiler.INVALID_OPTION if isinstance(error, compiler.UnknownOption)
                    else compiler.FAILED)
        done(program, image, len(image), b"")
        for name in lowered:
            nvrtc.on_cpu_lowered(ctypes.c_void_p(program), name.encode())
        return 0

    pointer = ctypes.POINTER(blas.Matrix)

    @ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer, pointer, ctypes.c_double, ctypes.c_double,
                      ctypes.c_int64)
    def product(a, b, c, alpha, beta, batch):
        try:
            blas.product(a[0], b[0], c[0], alpha, beta, batch)
        except Exception:
            traceback.print_exc()
            return 1
        return 0

    nvrtc.on_cpu_set_compiler(compile)
    libraries["libcublas.so.12"].on_cpu_set_product(product)
    _kept.extend([compile, product])


def _redirect(file: Path, functions: dict[str, int], to: ctypes.CDLL) -> None:
    """Send every call of the functions of an extension module to those of the same name."""
    handle = ctypes.PyDLL(str(file), ctypes.RTLD_LOCAL)._handle
    base = ctypes.c_size_t.from_address(handle).value  # the first field of glibc's link_map
    for name, offset in functions.items():
        target = ctypes.cast(getattr(to, name), ctypes.c_void_p).value
        _write(base + offset, b"\xff\x25\0\0\0\0" + target.to_bytes(8, "little"))


def _write(address: int, code: bytes) -> None:
    """Overwrite instructions: jmp *(%rip), and the address."""
    page = mmap.PAGESIZE
    first = address // page * page
    length = address + len(code) - first
    for protection in (mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC,
                       mmap.PROT_READ | mmap.PROT_EXEC):
        if ctypes.CDLL(None).mprotect(ctypes.c_void_p(first), ctypes.c_size_t(length), protection):
            raise OSError("the memory of CuPy's modules cannot be written to")
        if protection & mmap.PROT_WRITE:
            ctypes.memmove(address, code, len(code))
