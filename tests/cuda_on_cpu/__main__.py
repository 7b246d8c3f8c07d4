"""`python -m tests.cuda_on_cpu`: every test that a GPU is for, on CuPy that computes on the CPU.

    --part      those that CI has time for
    --sanitize  the kernels' tests with AddressSanitizer, which finds what is read or written beyond
                an array's end, or after it was let go; takes many times as long

What else is given goes to pytest.
"""
from __future__ import annotations

import os
import subprocess
import sys

from .build import COMPILER

KERNELS = ["tests/backend/test_cuda_kernels.py", "tests/cuda_on_cpu"]
ALL = [*KERNELS, "tests/gpu", "tests/ops", "tests/nn", "tests/gan",
       *[f"tests/test_{name}.py" for name in (
           "autodiff", "functional", "graph", "losses", "optim", "stale_updates", "step_counts",
           "tensor", "training_tools")]]
PART = [*KERNELS, "tests/gpu/test_gpu_moves.py", "tests/gpu/test_gpu_parity.py",
        "tests/gpu/test_gpu_training.py", "-k",
        "not (dense or thousand or training_in or folder or resumed or order_in_which"
        " or SGD or RMSprop or AdamW or (equals_numpys and float64))"]


def main(words: list[str]) -> int:
    chosen, environment = ALL, dict(os.environ)
    if "--part" in words:
        chosen = PART
        words.remove("--part")
    if "--sanitize" in words:
        chosen = KERNELS
        words.remove("--sanitize")
        if COMPILER is None:
            print("there is no g++ to compile with", file=sys.stderr)
            return 2
        library = subprocess.run([COMPILER, "-print-file-name=libasan.so"], capture_output=True,
                                 text=True, check=True).stdout.strip()
        environment |= {"CUDA_ON_CPU_SANITIZE": "1", "LD_PRELOAD": library,
                        "ASAN_OPTIONS": "detect_leaks=0"}  # Python's own are many
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-m", "gpu", "--cuda-on-cpu",
                           *chosen, *words], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
