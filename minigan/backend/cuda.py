"""The kernels on CuPy. Imported only when "cupy" is asked for.

Thin so far: CuPy understands reference.py as it stands, so the reference is what runs.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from . import reference

if TYPE_CHECKING:
    from . import Backend


def load() -> Backend:
    """The CuPy backend, after a real product on a real device has shown that it computes.

    Importing CuPy succeeds on a machine without a GPU or a driver, so the import proves nothing.
    """
    from . import Backend, BackendError

    install = "pip install 'minigan[cuda12]' for CUDA 12 or 'minigan[cuda13]' for CUDA 13"
    try:
        import cupy
    except ImportError as error:
        raise BackendError(f"the backend 'cupy' needs CuPy, which is not installed ({error}): "
                           f"{install}") from None
    try:
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
    return Backend("cupy", cupy, cupy.ndarray, reference, cupy.asarray, cupy.asnumpy)
