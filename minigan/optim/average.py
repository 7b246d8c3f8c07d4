"""The average of a module's weights over the steps."""
from __future__ import annotations

import copy

from ..backend import Array, kernels
from ..checked import checked
from ..nn import Module
from ..replay import Scalar
from ..settings import Fraction
from .flat import FlatTensors


@checked
class EMA:
    """The exponential moving average of a module's state (Yazıcı et al. 2019): `module` is a copy
    that moves by 1 − decay towards the original at each update(). Samples of a generator's average
    are better than its own. BatchNorm's running statistics are averaged like the weights: those of
    the last batches belong to the last weights, and do not fit the average ones.

    The first updates move it further, the t-th by at least 9 / (10 + t): otherwise the untrained
    weights that it starts from would be seen in it for thousands of steps.
    """

    def __init__(self, module: Module, decay: Fraction = 0.999):
        self.module, self.decay, self._updates = copy.deepcopy(module), decay, Scalar(0)
        self.flat, self.sources = (FlatTensors(t for _, t in self.module.named_state()),
                                   [t for _, t in module.named_state()])

    def update(self) -> None:
        """Move the average; call it after each step of the original's optimiser."""
        flat = self.flat.join()
        self._updates.tick(flat)
        kernels(flat).update(self._rule, flat, [t.data for t in self.sources])
        for t in self.flat.tensors:
            t.mark_changed()

    def _rule(self, average: Array, weights: Array) -> None:
        kernels(average).ema(average, weights, self.decay, self._updates.on(average))

    @property
    def updates(self) -> int:
        """How often update() was called. On a GPU this waits for the device."""
        return self._updates.value

    @updates.setter
    def updates(self, updates: int) -> None:
        self._updates.value = updates
