"""`minigan doctor`: what is installed, which devices answer, and whether they compute what NumPy
computes; where the GPU cannot be used, the reason and the command that helps. With a run: whether
its folder is whole."""
from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import warnings
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

from .. import __version__, backend
from ..autodiff import Tensor
from ..backend.cpu import threads
from ..errors import UserError
from ..files import where_allowed
from ..gan import Run
from ..gan.integrity import findings
from ..ops import conv2d

WRONGLY = "wrongly"  # stands in what minigan says of a device that gives other numbers
WRONG = 1e-2  # of the largest element: rounding stays far below it, that of TF32 too
OLDEST_CUDA, NEWEST_CUDA = 12, 13  # for which there are extras of minigan


class Gpu(NamedTuple):
    """What can be found out about the way to a GPU. What is unknown is ""."""

    packages: dict[str, str]  # CuPy's packages that are installed, and their versions
    driver: str               # its version
    silence: str              # why nvidia-smi does not answer
    takes: str                # the newest CUDA that the driver takes
    built: str                # the CUDA that CuPy is built for
    error: str                # why the backend "cupy" does not load; "" where it does


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("doctor", help="why is there no GPU? of a run: is its folder whole?",
                            description="What is installed, which devices compute; where the GPU "
                            "cannot be used, why, and what helps. With a run: what in its folder "
                            "is missing or damaged, a line each. Exit status: 1 if a device "
                            "computes wrongly or a run is not whole, else 0; a missing GPU is no "
                            "error.")
    p.set_defaults(command=doctor)
    p.add_argument("run", nargs="?", type=Path, metavar="RUN", help="a run folder")
    p.add_argument("--repair", action="store_true",
                   help="of the run, what can be: what was lost is made again, what is damaged for "
                        "good is set aside")


def doctor(args: argparse.Namespace) -> int:
    """`minigan doctor`; returns the exit status."""
    if args.run is not None:
        with closing(Run.open(args.run)) as run:
            return examine(run, args.repair)
    if args.repair:
        raise UserError("--repair needs the folder of a run: minigan doctor RUN --repair")
    gpu = look()
    print(f"minigan {__version__} on Python {platform.python_version()}, {platform.system()} "
          f"{platform.machine()}\n\ninstalled")
    for name, what in installed(gpu).items():
        print(f"  {name:14} {what}")
    print("\ndevices")
    gave, cpu_trouble = checked("numpy")
    print(f"  cpu   {cpu_name()}: {gave or cpu_trouble}")
    takes, trouble = "cpu" if gpu.error else "cuda", gpu.error
    if not trouble:
        gave, trouble = checked("cupy")
        for line in asked(gpu_names).splitlines():
            print(f"  cuda  {line}")
        print(f"        {gave or trouble}")
    print(f"\n--device auto takes: {takes}")
    if trouble:
        reason, help_ = remedy(gpu._replace(error=trouble))
        print(f"\nThe GPU cannot be used: {reason}.\nWhat helps: {help_}")
    return 1 if cpu_trouble or WRONGLY in trouble else 0


def examine(run: Run, repair: bool) -> int:
    """Tell what is wrong in a run folder, and repair it where that is wanted and possible; returns
    the exit status: 0 if it is whole now."""
    with nullcontext() if repair else where_allowed():  # elsewhere nobody writes
        run.take()  # what another process is writing is not whole
    ill = 0
    for found in findings(run):
        if found.remedy and repair:
            found.repair()
            print(f"{found.what}: {found.remedy}")
        else:
            ill += 1
            print(found.what + f" (--repair: {found.remedy})" * bool(found.remedy))
    last = run.saved_steps()[-1:]
    print(f"{run.folder} is " + ("not whole" if ill else
                                 f"whole; the last saved step is {last[0] if last else 0}"))
    return bool(ill)


def why_no_gpu() -> str:
    """Why `--device auto` does not take the GPU though one may be there: a driver answers, or
    somebody installed CuPy. "" where nothing speaks of a GPU, and where it can be used."""
    if not shutil.which("nvidia-smi") and not cupy_packages():
        return ""
    gpu = look()
    return remedy(gpu)[0] if gpu.error and (gpu.driver or gpu.packages) else ""


# What is installed

def look() -> Gpu:
    """Ask the package metadata, nvidia-smi and CuPy itself."""
    error = asked(lambda: backend.get("cupy") and "")  # "" where it loads
    runtime = getattr(getattr(sys.modules.get("cupy"), "cuda", None), "runtime", None)
    listing, silence = nvidia_smi()
    return Gpu(cupy_packages(), found(r"Driver Version:\s*([\d.]+)", listing), silence,
               version(runtime, "driverGetVersion")
               or found(r"CUDA Version:\s*([\d.]+)", listing),
               version(runtime, "runtimeGetVersion"), error)


def asked(question: Callable[[], str]) -> str:
    """The answer, or in its place the error's first line: a doctor reports errors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CuPy's, of what is told in other words
            return question()
    except Exception as error:
        return first_line(error)


def first_line(error: Exception) -> str:
    """Of its message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def version(runtime: Any, name: str) -> str:
    """A version that CUDA's runtime tells, 12040 being 12.4; "" where it does not."""
    with suppress(Exception):
        number = int(getattr(runtime, name)())
        return f"{number // 1000}.{number % 1000 // 10}" if number else ""
    return ""


def cupy_packages() -> dict[str, str]:
    """CuPy's packages and their versions. `cupy`, `cupy-cuda12x` and their kin all install the
    same folder."""
    named = {((d.metadata or {}).get("Name") or "").lower(): d
             for d in importlib.metadata.distributions()}  # a damaged one has no name
    return {name: str(named[name].version) for name in sorted(named)
            if re.fullmatch(r"cupy(-(cuda|rocm)[\w-]*)?", name)}


def nvidia_smi() -> tuple[str, str]:
    """What it prints; or "" and why it prints nothing."""
    if not shutil.which("nvidia-smi"):
        return "", "nvidia-smi is not installed"
    try:
        done = subprocess.run(["nvidia-smi"], capture_output=True, text=True, errors="replace",
                              timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        return "", f"nvidia-smi does not answer ({type(error).__name__})"
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())[:200]
        return "", f"nvidia-smi fails ({said or f'exit status {done.returncode}'})"
    return done.stdout, ""


def found(pattern: str, text: str) -> str:
    """What the pattern's group finds, or ""."""
    match = re.search(pattern, text)
    return match[1] if match else ""


def installed(gpu: Gpu) -> dict[str, str]:
    """What computes, and by which versions."""
    blas = asked(lambda: "{name} {version}".format_map(
        np.show_config(mode="dicts")["Build Dependencies"]["blas"]))
    packages = " and ".join(f"{name} {version}" for name, version in gpu.packages.items())
    try:
        nvmath = importlib.metadata.version("nvmath-python")
    except importlib.metadata.PackageNotFoundError:
        nvmath = "not installed; only captured steps on a GPU need it (pip install nvmath-python)"
    return {
        "NumPy": f"{np.__version__}, BLAS: {blas}",
        "threads": asked(lambda: f"{threads.count()} (the environment variable "
                                 "MINIGAN_NUM_THREADS sets them)"),
        "CuPy": (packages or "not installed")
                + f", for CUDA {gpu.built}" * bool(gpu.built),
        "NVIDIA driver": (gpu.driver or f"unknown: {gpu.silence or 'nvidia-smi names none'}")
                         + f", takes CUDA up to {gpu.takes}" * bool(gpu.takes),
        "nvmath": nvmath}


# What computes

def checked(name: str) -> tuple[str, str]:
    """What the backend gave, in half a line, and what is the trouble with it: "" if none."""
    try:
        product, convolution = differences(name)
    except Exception as error:
        return "", first_line(error)
    gave = (f"a product differs by {product:.0e} and a convolution by {convolution:.0e} from "
            "what float64 gives")
    right = product < WRONG and convolution < WRONG  # no comparison with nan is true
    return gave, "" if right else f"the device computes {WRONGLY}: {gave}"


def differences(name: str) -> tuple[float, float]:
    """The largest difference of a small product and of a small convolution, in float32, from
    NumPy's in float64, as parts of the largest element."""
    rng, library = np.random.default_rng(0), backend.get(name)
    a, b = rng.normal(size=(64, 48)), rng.normal(size=(48, 32))
    x, w = rng.normal(size=(2, 9, 8, 3)), rng.normal(size=(3, 2, 3, 4))
    tensors = [Tensor(library.from_numpy(array.astype(np.float32))) for array in (a, b, x, w)]
    windows = sum(x[:, i:i + 7, j:j + 7] @ w[i, j] for i in range(3) for j in range(2))
    pairs = [(tensors[0] @ tensors[1], a @ b), (conv2d(tensors[2], tensors[3]), windows)]
    first, second = (float(np.max(abs(y.numpy() - expected)) / np.max(abs(expected)))
                     for y, expected in pairs)
    return first, second


def cpu_name() -> str:
    """The processor's name and the machine's memory, as far as the system tells."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            name = found(r"model name\s*:\s*(.*)", file.read()) or name
        gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
        return f"{name}, {gib:.0f} GiB"
    except (OSError, ValueError, AttributeError):  # no Linux
        return name


def gpu_names() -> str:
    """A line for each GPU that CUDA shows. minigan computes on the first."""
    cuda = backend.get("cupy").xp.cuda
    lines = []
    for i in range(cuda.runtime.getDeviceCount()):
        properties = cuda.runtime.getDeviceProperties(i)
        lines.append(f"{properties['name'].decode()}, "
                     f"{properties['totalGlobalMem'] / 2 ** 30:.0f} GiB"
                     + (", not used (CUDA_VISIBLE_DEVICES chooses)" if i else ""))
    return "\n".join(lines)


# What helps

UPDATE = "update NVIDIA's driver (https://www.nvidia.com/drivers)"

SYMPTOMS = [  # what stands in the error, the reason, what helps
    ("out ?of ?memory|MemoryAllocation|ALLOC_FAILED", "the GPU's memory is full",
     "nvidia-smi lists the programs that hold it: end those that are done"),
    ("InsufficientDriver", "the driver is too old for this CuPy", UPDATE),
    ("NoDevice|InvalidDevice|no CUDA-capable", "the driver shows CuPy no GPU",
     "nvidia-smi -L must list one, and the environment variable CUDA_VISIBLE_DEVICES must not "
     "hide it"),
    (WRONGLY, "it computes wrongly, so the device or its driver is faulty",
     f"restart the machine; then {UPDATE}"),
    (r"libnvrtc|libcublas|libcudart|DynamicLib|shared object|CUDA headers|CUDA_PATH|\.dll",
     "CuPy lacks CUDA's libraries", "pip install '{package}[ctk]', which brings them"),
]


def remedy(gpu: Gpu) -> tuple[str, str]:
    """Why the GPU cannot be used, in a sentence, and the command or the deed that helps."""
    names = list(gpu.packages)
    takes, built = (int(version.partition(".")[0] or 0) for version in (gpu.takes, gpu.built))
    extra = min(max(takes, OLDEST_CUDA), NEWEST_CUDA)  # an older one runs as well
    install = f"pip install 'minigan[cuda{extra}]'"
    if len(names) > 1:
        return (f"{' and '.join(names)} are installed together and overwrite each other's files",
                f"pip uninstall -y {' '.join(names)} && {install}")
    if not takes and not gpu.driver:
        return (f"no NVIDIA driver answers ({gpu.silence or 'CuPy finds none'})"
                + ("" if names else ", and CuPy is not installed"),
                "if this machine has an NVIDIA GPU, install its driver until nvidia-smi shows it "
                "(a container is started with access to it: docker run --gpus all)"
                + ("" if names else f"; then {install}"))
    up_to = f"the driver takes CUDA up to {gpu.takes}"
    if 0 < takes < OLDEST_CUDA:
        return f"{up_to}, CuPy needs {OLDEST_CUDA} at least", UPDATE
    if not names:
        return "CuPy is not installed" + f"; {up_to}" * bool(takes), install
    if 0 < takes < built:
        return (f"{names[0]} is built for CUDA {gpu.built}, {up_to}",
                f"pip uninstall -y {names[0]} && {install}; or {UPDATE}")
    for pattern, reason, help_ in SYMPTOMS:
        if re.search(pattern, gpu.error, re.I):
            return reason, help_.format(package=names[0])
    return gpu.error, 'python -c "import cupy; cupy.show_config()" shows what CuPy finds'
