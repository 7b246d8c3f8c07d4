"""CuPy's random numbers: fewer kinds than NumPy's, and other streams from the same seed."""
from __future__ import annotations

from typing import Any

import numpy as np

from . import device
from .array import StrictArray
from .signatures import GENERATOR, bind


class Generator:
    """What `default_rng` gives."""

    def __init__(self, seed: Any = None):
        self._host = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed)))

    def __getattr__(self, name: str) -> Any:
        if name not in GENERATOR:
            raise AttributeError(f"CuPy's Generator has no {name}, or tests/strict/signatures.py "
                                 "does not list it")
        draw = getattr(self._host, name)

        def method(*args: Any, **kwargs: Any) -> StrictArray:
            options = bind(name, GENERATOR[name], args, kwargs)
            dtype = options.pop("dtype", np.float64) if name == "uniform" else np.float64
            out = options.pop("out", None)

            def compute() -> Any:
                drawn = np.asarray(draw(**options))
                return drawn.astype(dtype) if name == "uniform" else drawn
            result = StrictArray(device.run(f"random.{name}", compute))
            if out is None:
                return result
            out[...] = result
            return out
        return method


class RandomModule:
    """cupy.random."""

    Generator = Generator

    @staticmethod
    def default_rng(seed: Any = None) -> Generator:
        return seed if isinstance(seed, Generator) else Generator(seed)
