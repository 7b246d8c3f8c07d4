"""Compiles the stand-ins for CUDA's libraries, once for each state of their sources."""
from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .elf import symbols

HERE = Path(__file__).parent
COMPILER = shutil.which("g++")
FLAGS = ["-std=c++17", "-O1", "-fPIC", "-ffp-contract=off"]

# libraries by the names that the loader looks for, and their sources; the first is all others' base
LIBRARIES = {
    "libcuda.so.1": ["core.cpp", "threads.cpp", "driver.cpp"],
    "libcudart_on_cpu.so": ["runtime.cpp", "thrust.cpp"],
    "libnvrtc.so.12": ["nvrtc.cpp"],
    "libcublasLt.so.12": ["cublaslt.cpp"],
    "libcublas.so.12": ["cublas.cpp"],
}


class CannotBuild(Exception):
    """There is no compiler for it, or another machine than it is written for."""


def sanitized() -> bool:
    """Whether everything is compiled with AddressSanitizer."""
    return os.environ.get("CUDA_ON_CPU_SANITIZE") == "1"


def flags() -> list[str]:
    return [*FLAGS, *(["-fsanitize=address"] if sanitized() else [])]


def folder_of(kind: str, *sources: str) -> Path:
    """A folder for what is made of some sources as they are now."""
    if COMPILER is None:
        raise CannotBuild("there is no g++ to build CUDA on the CPU with")
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise CannotBuild("CUDA on the CPU is written for Linux on x86-64")
    state = hashlib.sha256(_compiler_version() + " ".join(flags()).encode())
    for path in sorted(path for pattern in sources for path in HERE.glob(pattern)):
        if path.is_file():
            state.update(path.name.encode() + path.read_bytes())
    home = os.environ.get("CUDA_ON_CPU_CACHE") or Path.home() / ".cache" / "minigan-cuda-on-cpu"
    return Path(home) / f"{kind}-{state.hexdigest()[:16]}"


def _compiler_version() -> bytes:
    return subprocess.run([COMPILER, "--version"], capture_output=True, check=True).stdout


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")


def build(wanted: dict[str, set[str]]) -> Path:
    """The folder of the libraries. `wanted` says which names of a library its
    callers link with: those that its sources lack become functions that say so and fail."""
    folder = folder_of("lib", "src/*", "build.py", "load.py")
    if folder.exists():
        return folder
    # two processes may build at once: each in a folder of its own, and either's is as good
    work = folder.with_name(f"{folder.name}.{os.getpid()}")
    work.mkdir(parents=True, exist_ok=True)
    base = next(iter(LIBRARIES))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sources = [source for library in LIBRARIES.values() for source in library]
        list(pool.map(lambda source: _compile(HERE / "src" / source, work), sources))
    for name, sources in LIBRARIES.items():
        objects = [work / f"{source}.o" for source in sources]
        there = {k for o in objects for k, offset in symbols(o, "symtab", r"\w+").items()}
        if missing := sorted(wanted.get(name, set()) - there):
            stubs = work / f"{name}.missing.cpp"
            stubs.write_text('namespace on_cpu { int missing(const char*); }\nextern "C" {\n'
                             + "".join(f'int {m}() {{ return on_cpu::missing("{m}"); }}\n'
                                       for m in missing) + "}\n")
            objects.append(_compile(stubs, work))
        link = [] if name == base else [f"-L{work}", f"-l:{base}", "-Wl,-rpath,$ORIGIN"]
        run([COMPILER, *flags(), "-shared", f"-Wl,-soname,{name}", "-o", str(work / name),
             *map(str, objects), *link, "-ldl"])
    try:
        work.rename(folder)
    except OSError:
        shutil.rmtree(work)
    return folder


def _compile(source: Path, folder: Path) -> Path:
    target = folder / f"{source.name}.o"
    run([COMPILER, *flags(), "-c", str(source), "-o", str(target)])
    return target
