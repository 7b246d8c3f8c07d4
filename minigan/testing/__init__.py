"""Gradient checks that anyone can use on an operation of their own.

`gradtest` and `strategies` need Hypothesis and load at their first use.
"""
from __future__ import annotations

from importlib import import_module
from typing import Any

from .differentiable import Differentiable, from_jax, from_numpy, from_torch
from .gradcheck import check_grads
from .modules import from_layer, from_module
from .numerical import adjoint_test, numerical_jacobian, numerical_jvp
from .report import GradientError, Report

WITH_HYPOTHESIS = {"gradtest": ".properties", "strategies": ".strategies"}

__all__ = ["Differentiable", "GradientError", "Report", "adjoint_test", "check_grads",
           "from_jax", "from_layer", "from_module", "from_numpy", "from_torch", "gradtest",
           "numerical_jacobian", "numerical_jvp", "strategies"]


def __getattr__(name: str) -> Any:
    if name not in WITH_HYPOTHESIS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(WITH_HYPOTHESIS[name], __name__)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ImportError(f"minigan.testing.{name} needs Hypothesis: pip install hypothesis"
                          ) from error
    return module if name == "strategies" else getattr(module, name)
