"""minigan: backpropagation, and the GANs that run on it, on NumPy or CuPy."""
from __future__ import annotations

from importlib import import_module
from types import ModuleType

from . import interrupts  # noqa: F401 (before the others, whose imports take time)
from . import backend, losses, nn, ops, optim
from .anomaly import AnomalyError, anomaly
from .autodiff import Function, Tensor, as_tensor, grad, no_grad, tensor
from .backend import use
from .checked import checked
from .habits import missing
from .functional import hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .replay import CaptureError, Draws, capture
from .weights import load, save

tensor, grad = checked(tensor), checked(grad)
tensor.__module__ = grad.__module__ = __name__  # where pickle finds them
__version__ = "0.1.0"
__all__ = ["AnomalyError", "CaptureError", "Draws", "Function", "Tensor", "anomaly", "as_tensor",
           "backend", "capture", "data", "export", "gan", "grad", "hessian", "hvp", "jacobian",
           "jvp", "lab", "load", "losses", "metrics", "nn", "no_grad", "ops", "optim", "save",
           "tensor", "testing", "use", "value_and_grad", "viz", "vjp"]


def __getattr__(name: str) -> ModuleType:
    """What the engine does not need (`mg.data`, `mg.viz`, ...) is loaded at its first use."""
    if name in ("data", "export", "gan", "lab", "metrics", "testing", "viz"):
        return import_module(f".{name}", __name__)
    return missing(__name__)(name)
