"""The average of a module's weights over the steps."""
from __future__ import annotations

import copy
from typing import Any

from ..backend import array_module, kernels
from ..nn import Module, Parameter
from ..scalar import Scalar
from .flat import FlatTensors, beside


class EMA:
    """The exponential moving average of a module's weights (Yazıcı et al. 2019): `module` is a
    copy that moves by 1 − decay towards the original at each update(). Samples of a generator's
    average are better than its own. What is not trained (running statistics) is copied.

    The first updates move it further, the t-th by at least 9 / (10 + t): otherwise the untrained
    weights that it starts from would be seen in it for thousands of steps.
    """

    def __init__(self, module: Module, decay: float = 0.999):
        self.module, self.decay, self._updates = copy.deepcopy(module), decay, Scalar(0)
        self.flat = FlatTensors(self.module.parameters())
        self.sources = list(module.parameters())
        self.statistics = [(ours, theirs) for (_, ours), (_, theirs)
                           in zip(self.module.named_state(), module.named_state())
                           if not isinstance(theirs, Parameter)]

    def update(self) -> None:
        """Move the average; call it after each step of the original's optimiser."""
        self.flat.join()
        self._updates.tick(self.flat.array)
        rate = beside(self._rate(self._updates.on(self.flat.array)), self.flat.array)

        def rule(average, weights):
            change = weights - average
            change *= rate
            average += change

        kernels(self.flat.array).update(rule, self.flat.array, [p.data for p in self.sources])
        for t in self.flat.tensors:
            t.mark_changed()
        for ours, theirs in self.statistics:
            ours.data[...] = theirs.data
            ours.mark_changed()

    def _rate(self, updates: Any) -> Any:
        first = 9 / (10 + updates)
        if isinstance(first, float):
            return max(1 - self.decay, first)
        return array_module(first).maximum(first, 1 - self.decay)

    @property
    def updates(self) -> int:
        """How often update() was called. On a GPU this waits for the device."""
        return self._updates.value

    @updates.setter
    def updates(self, updates: int) -> None:
        self._updates.value = updates
