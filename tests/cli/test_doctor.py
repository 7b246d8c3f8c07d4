"""`minigan doctor`: what it finds, what it says of what is missing, and when it fails."""
from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from minigan import backend
from minigan.cli import doctor, main
from tests.strict import STRICT, StrictArray

SMI = """\
Sat Nov 21 10:00:00 2026
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 550.54.15     Driver Version: 550.54.15     CUDA Version: {cuda}     |
+-----------------------------------------------------------------------------------------+
"""


class Machine:
    """What a machine pretends to have, until the test ends: `install` and `driver` add to it."""

    def __init__(self, monkeypatch):
        self.patch = monkeypatch
        self.install()
        self.driver(None)
        monkeypatch.setitem(sys.modules, "cupy", None)  # makes its import fail
        monkeypatch.delitem(backend._backends, "cupy", raising=False)

    def install(self, **packages):
        """Packages that pip would list; the underscores stand for hyphens."""
        self.patch.setattr(importlib.metadata, "distributions", lambda: [
            SimpleNamespace(metadata={"Name": name.replace("_", "-")}, version=version)
            for name, version in {"numpy": "2.4", "cupy_fan_club": "1", **packages}.items()
        ] + [SimpleNamespace(metadata=None)])  # a folder that a broken installation left

    def driver(self, cuda, status=0, fails=None):
        """nvidia-smi and the newest CUDA it names; None: it is not installed."""
        self.patch.setattr("shutil.which", lambda name: cuda and f"/usr/bin/{name}")

        original = subprocess.run

        def run(command, **options):
            if command != ["nvidia-smi"]:  # Python asks for the processor's name in this way
                return original(command, **options)
            assert options["timeout"]
            if fails:
                raise fails
            said = SMI.format(cuda=cuda) if status == 0 else "NVIDIA-SMI has failed\nsadly"
            return SimpleNamespace(stdout=said, stderr="", returncode=status)

        self.patch.setattr(subprocess, "run", run)

    def cupy(self, built=12090, driver=12040, count=1, eye=np.eye, error=None, **names):
        """A CuPy in name, whose arrays are NumPy's; with `error` its first allocation fails."""
        def failing(*args, **kwargs):
            raise error

        def properties(i):
            return {"name": f"NVIDIA H{i + 1}00".encode(), "totalGlobalMem": 80 * 2 ** 30}

        module = ModuleType("cupy")
        runtime = SimpleNamespace(runtimeGetVersion=lambda: built, driverGetVersion=lambda: driver,
                                  getDeviceCount=lambda: count, getDeviceProperties=properties)
        for name, value in {"cuda": SimpleNamespace(runtime=runtime), "float32": np.float32,
                            "ndarray": type("ndarray", (), {}), "asarray": np.asarray,
                            "asnumpy": np.asarray, "eye": failing if error else eye,
                            **names}.items():
            setattr(module, name, value)
        self.patch.setitem(sys.modules, "cupy", module)

    def working_gpu(self, **names):
        """A GPU that computes: the strict stand-in under CuPy's name."""
        self.cupy(**names)
        loaded = replace(STRICT, name="cupy", xp=sys.modules["cupy"])
        self.patch.setitem(backend._backends, "cupy", loaded)
        self.patch.setitem(backend._by_type, StrictArray, STRICT)


@pytest.fixture
def machine(monkeypatch, restored_backends):
    return Machine(monkeypatch)


def run(capsys, status=0):
    """The output of the command."""
    assert main(["doctor"]) == status
    printed = capsys.readouterr()
    assert printed.err == "" and "Traceback" not in printed.out
    return printed.out


def trouble(capsys, status=0):
    """The reason and the help that it gives, each of them a line."""
    reason, help_ = run(capsys, status).splitlines()[-2:]
    assert reason.startswith("The GPU cannot be used: ") and help_.startswith("What helps: ")
    return reason, help_


def test_it_lists_what_is_installed_and_what_the_cpu_gave(machine, capsys):
    said = run(capsys)
    assert re.search(r"minigan \d.* on Python \d", said)
    assert f"NumPy          {np.__version__}, BLAS: " in said
    assert re.search(r"threads +\d+ ", said) and "CuPy           not installed" in said
    assert re.search(r"cpu   .*: a product differs by \de-0[78] and a convolution by \de-0[78]",
                     said)
    assert "--device auto takes: cpu" in said


def test_nothing_of_a_gpu_is_no_error_and_says_what_would_be_needed(machine, capsys):
    reason, help_ = trouble(capsys)
    assert "no NVIDIA driver answers (nvidia-smi is not installed), and CuPy is not" in reason
    assert "until nvidia-smi shows it" in help_ and "pip install 'minigan[cuda12]'" in help_


@pytest.mark.parametrize("cuda, extra", [("12.4", "cuda12"), ("13.0", "cuda13"),
                                         ("14.1", "cuda13")])
def test_a_driver_without_cupy_names_the_extra_for_its_cuda(cuda, extra, machine, capsys):
    machine.driver(cuda)
    reason, help_ = trouble(capsys)
    assert f"CuPy is not installed; the driver takes CUDA up to {cuda}" in reason
    assert help_ == f"What helps: pip install 'minigan[{extra}]'"


def test_a_driver_from_before_cuda_12_is_to_be_updated(machine, capsys):
    machine.driver("11.4")
    reason, help_ = trouble(capsys)
    assert "takes CUDA up to 11.4, CuPy needs 12 at least" in reason and "update" in help_


@pytest.mark.parametrize("ways, says", [
    ({"cuda": None}, "nvidia-smi is not installed"),
    ({"cuda": "12.4", "status": 9}, "nvidia-smi fails (NVIDIA-SMI has failed sadly)"),
    ({"cuda": "12.4", "fails": subprocess.TimeoutExpired("nvidia-smi", 30)},
     "nvidia-smi does not answer (TimeoutExpired)"),
])
def test_cupy_without_a_driver_says_what_became_of_nvidia_smi(ways, says, machine, capsys):
    machine.install(cupy_cuda12x="14.2.0")
    machine.cupy(driver=0, error=RuntimeError("cudaErrorInsufficientDriver: CUDA driver version"))
    machine.driver(**ways)
    reason, help_ = trouble(capsys)
    assert f"no NVIDIA driver answers ({says})" in reason
    assert "install its driver" in help_ and "pip" not in help_


def test_a_driver_too_old_for_the_cupy_that_is_installed_names_the_one_that_fits(machine, capsys):
    machine.install(cupy_cuda13x="14.2.0")
    machine.cupy(built=13000, driver=12040, error=RuntimeError("cudaErrorInsufficientDriver: "))
    machine.driver("12.4")
    reason, help_ = trouble(capsys)
    assert "cupy-cuda13x is built for CUDA 13.0, the driver takes CUDA up to 12.4" in reason
    assert "pip uninstall -y cupy-cuda13x && pip install 'minigan[cuda12]'; or update" in help_


def test_two_cupys_are_to_be_replaced_by_one(machine, capsys):
    machine.install(cupy_cuda13x="14.2.0", cupy_cuda12x="14.2.0")
    machine.driver("13.0")
    machine.patch.setitem(sys.modules, "cupy", ModuleType("cupy"))  # a ruin
    reason, help_ = trouble(capsys)
    assert "cupy-cuda12x and cupy-cuda13x are installed together and overwrite each" in reason
    assert help_ == ("What helps: pip uninstall -y cupy-cuda12x cupy-cuda13x && "
                     "pip install 'minigan[cuda13]'")


@pytest.mark.parametrize("error, says, helps", [
    (MemoryError("Out of memory allocating 512 bytes (allocated so far: 0 bytes)."),
     "the GPU's memory is full", "nvidia-smi lists the programs that hold it"),
    (RuntimeError("cudaErrorMemoryAllocation: out of memory"), "memory is full", "nvidia-smi"),
    (RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected"),
     "the driver shows CuPy no GPU", "CUDA_VISIBLE_DEVICES"),
    (RuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient"),
     "the driver is too old for this CuPy", "update NVIDIA's driver"),
    (ImportError("libcublas.so.12: cannot open shared object file: No such file or directory"),
     "CuPy lacks CUDA's libraries", "pip install 'cupy-cuda12x[ctk]'"),
    (ImportError("Failure finding \"libcublasLt.so.13 or libcublasLt.so.12\": No such file"),
     "CuPy lacks CUDA's libraries", "pip install 'cupy-cuda12x[ctk]'"),
    (RuntimeError("the moon is full\nand more"), "the moon is full", "cupy.show_config()"),
    (RuntimeError(), "RuntimeError", "cupy.show_config()"),
])
def test_what_cupy_says_is_put_into_words(error, says, helps, machine, capsys):
    machine.install(cupy_cuda12x="14.2.0")
    machine.driver("12.4")
    machine.cupy(error=error)
    reason, help_ = trouble(capsys)
    assert says in reason and helps in help_


def test_a_gpu_that_computes_is_listed_with_what_it_gave(machine, capsys):
    machine.install(cupy_cuda12x="14.2.0", nvmath_python="0.9")
    machine.driver("12.4")
    machine.working_gpu(count=2)
    said = run(capsys)
    assert "CuPy           cupy-cuda12x 14.2.0, for CUDA 12.9" in said
    assert "NVIDIA driver  550.54.15, takes CUDA up to 12.4" in said
    assert "cuda  NVIDIA H100, 80 GiB\n" in said
    assert "cuda  NVIDIA H200, 80 GiB, not used (CUDA_VISIBLE_DEVICES chooses)\n" in said
    assert said.count("a product differs by ") == 2
    assert said.endswith("--device auto takes: cuda\n")


def test_a_gpu_that_multiplies_wrongly_is_an_error(machine, capsys):
    machine.install(cupy_cuda12x="14.2.0")
    machine.driver("12.4")
    machine.cupy(eye=lambda n, dtype: np.full((n, n), np.nan, dtype))
    reason, help_ = trouble(capsys, status=1)
    assert "it computes wrongly" in reason and "restart the machine" in help_


@pytest.mark.parametrize("wrong", [2.0, np.nan])
@pytest.mark.parametrize("name", ["matmul", "conv2d"])
def test_a_gpu_whose_products_or_convolutions_are_wrong_is_an_error(name, wrong, machine, capsys):
    machine.install(cupy_cuda12x="14.2.0")
    machine.driver("12.4")
    machine.working_gpu()
    original = getattr(STRICT.kernels, name)
    machine.patch.setattr(STRICT.kernels, name, lambda *args: original(*args) * wrong)
    reason, _ = trouble(capsys, status=1)
    assert "it computes wrongly" in reason


def test_a_gpu_that_fails_in_the_check_is_diagnosed_and_no_error(machine, capsys):
    def failing(*args):
        raise MemoryError("Out of memory allocating 1,024 bytes")

    machine.install(cupy_cuda12x="14.2.0")
    machine.driver("12.4")
    machine.working_gpu()
    machine.patch.setattr(STRICT.kernels, "conv2d", failing)
    assert "memory is full" in trouble(capsys)[0]


def test_a_cpu_that_computes_wrongly_is_an_error(machine, capsys):
    machine.patch.setattr(doctor, "differences", lambda name: (0.0, 0.5))
    assert "cpu" in run(capsys, status=1)


def test_a_wrong_number_of_threads_is_told_and_no_traceback(machine, capsys):
    def count():
        raise backend.BackendError("MINIGAN_NUM_THREADS must be a number")

    machine.patch.setattr(doctor.threads, "count", count)
    assert "threads        MINIGAN_NUM_THREADS must be a number" in run(capsys, status=1)


def test_auto_says_why_it_leaves_a_gpu_alone(machine, capsys, tmp_path):
    machine.driver("12.4")
    tiny = ["train", "--steps", "1", "--batch-size", "4", "--out"]
    assert main([*tiny, str(tmp_path / "a")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "device: cpu (CuPy is not installed; the driver takes CUDA up to 12.4; see minigan doctor)")

    machine.driver(None)  # where nothing speaks of a GPU nothing is said of it
    assert main([*tiny, str(tmp_path / "b")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "device: cpu"


def test_cuda_that_cannot_be_had_is_one_line(machine, capsys, tmp_path):
    machine.install(cupy_cuda12x="14.2.0")
    machine.cupy(driver=0, error=RuntimeError("cudaErrorNoDevice: no device\nand more"))
    assert main(["train", "--device", "cuda", "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr()
    assert told.out == "" and len(told.err.splitlines()) == 1 and "cudaErrorNoDevice" in told.err
    assert not (tmp_path / "run").exists()
