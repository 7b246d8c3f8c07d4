"""NVRTC's work: CUDA C++ to a shared object, by a C++ compiler and include/on_cpu.h."""
from __future__ import annotations

import hashlib
import os
import re
import tempfile
from functools import cache
from pathlib import Path

from .build import COMPILER, HERE, flags, folder_of, run

KERNEL = re.compile(r"__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?void\s+"
                    r"(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(")
MEETS = re.compile(r"__sync|__shfl|_sync\s*\(|__shared__")  # kernels whose threads meet
DYNAMIC = re.compile(r"extern\s+__shared__\s+([\w:<>\s]+?)\s*(\w+)\s*\[\s*\]\s*;")
PARTITION = re.compile(r"void\s+partition_kernel\(\s*CArray<([\w ]+), 1, true>")
INCLUDE = re.compile(r"^\s*#include.*", re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
# what NVRTC takes and means nothing here: there is one architecture, and numbers below the
# smallest normal one are kept
IGNORED = re.compile(r"-std=|--std=|-arch=|--gpu-architecture=|-ftz=|--device-as-default|"
                     r"--generate-line-info|-lineinfo|--fmad=|-default-device")
COMMAND = [COMPILER, *flags(), "-w", "-fno-gnu-unique", "-fwhole-program", f"-I{HERE / 'include'}"]
HEADERS = ["on_cpu.h", "cupy/complex.cuh", "cupy/carray.cuh", "cupy/atomics.cuh",
           "cupy/math_constants.h"]
INVALID_OPTION, FAILED = 5, 6  # of nvrtcResult


class UnknownOption(Exception):
    """An option of NVRTC that is not there."""


def arguments(options: list[str]) -> tuple[str, ...]:
    """NVRTC's options as the compiler's."""
    kept = []
    for option in options:
        if option.startswith(("-I", "-D", "-U")):
            kept.append(option)
        elif option.startswith("--include-path="):
            kept.append("-I" + option.partition("=")[2])
        elif not IGNORED.match(option):
            raise UnknownOption(f"CUDA on the CPU has no option {option} of NVRTC")
    return tuple(kept)


def translated(source: str, expressions: list[str]) -> tuple[str, list[str]]:
    """The C++ file, and the names of the kernels that the expressions mean."""
    bare = COMMENT.sub(" ", source)
    if partition := PARTITION.search(bare):
        source = "\n".join([*INCLUDE.findall(source), f"#define ELEMENT {partition[1]}",
                            '#include "partition.h"'])
    source = DYNAMIC.sub(r"size_t \2_size; \1* \2 = (\1*)on_cpu_dynamic_shared(&\2_size);", source)
    lowered = [f"expression{k}" for k in range(len(expressions))]
    kernels = dict(zip(lowered, expressions))
    # a template is a kernel only by the expressions that name it
    plain = [name for name in KERNEL.findall(bare)
             if re.search(rf'extern\s+"C"[^;{{}}]*\b{name}\s*\(', bare) or not expressions]
    kernels |= {name: name for name in plain}
    meet = "true" if MEETS.search(bare) else "false"
    table = "".join(f"ON_CPU_KERNEL on_cpu_kernel_{symbol} = "
                    f"on_cpu::described<&{name}, {meet}>();\n" for symbol, name in kernels.items())
    return f"{source}\n{table}", lowered


def compiled(source: str, options: list[str], expressions: list[str]) -> tuple[bytes, list[str]]:
    """The shared object of a source and its kernels' names. Raises RuntimeError with the
    compiler's words, or UnknownOption."""
    text, lowered = translated(source, expressions)
    with tempfile.TemporaryDirectory(prefix="cuda-on-cpu-") as folder:
        path = Path(folder) / "kernel.cpp"
        path.write_text(text)
        options = arguments(options)
        run([*COMMAND, *options, "-include", str(_prelude(options)), "-shared", str(path),
             "-o", f"{folder}/kernel.so"])
        return (Path(folder) / "kernel.so").read_bytes(), lowered


@cache
def _prelude(options: tuple[str, ...]) -> Path:
    """What is included before every kernel: on_cpu.h and the headers that CuPy's kernels begin
    with, already compiled, which makes the rest three times as fast."""
    folder = kernels_folder()
    folder.mkdir(parents=True, exist_ok=True)
    header = folder / f"prelude-{hashlib.sha256(repr(options).encode()).hexdigest()[:16]}.h"
    ready = header.with_name(f"{header.name}.gch")
    if not ready.exists():
        header.write_text("".join(f"#include <{name}>\n" for name in HEADERS))
        work = ready.with_name(f"{ready.name}.{os.getpid()}")
        run([*COMMAND, *options, "-x", "c++-header", str(header), "-o", str(work)])
        work.rename(ready)
    return header


def kernels_folder() -> Path:
    """Where CuPy keeps what it had compiled."""
    return folder_of("kernels", "include/**/*", "src/threads.h", "build.py", "compiler.py")
