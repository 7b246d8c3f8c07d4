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
    the last batches belong to the last weights, and do not fit the average ones. State of another
    dtype than the parameters', such as a count, is copied.

    The first updates move it further, the t-th by at least 9 / (10 + t): otherwise the untrained
    weights that it starts from would be seen in it for thousands of steps.
    """

    def __init__(self, module: Module, decay: Fraction = 0.999):
        self.module, self.decay, self._updates = copy.deepcopy(module), decay, Scalar(0)
        pairs = [(ours, theirs) for (_, ours), (_, theirs) in zip(self.module.named_state(),
                                                                  module.named_state())]
        dtypes = {p.dtype for p in module.parameters()}
        self.copied = [pair for pair in pairs if pair[0].dtype not in dtypes]
        averaged = [pair for pair in pairs if pair[0].dtype in dtypes]
        self.flat, self.sources = (FlatTensors(ours for ours, _ in averaged),
                                   [theirs for _, theirs in averaged])

    def update(self) -> None:
        """Move the average; call it after each step of the original's optimiser."""
        flat = self.flat.join()
        self._updates.tick(flat)
        kernels(flat).update(self._rule, flat, [t.data for t in self.sources])
        for ours, theirs in self.copied:
            ours.data[...] = theirs.data
        for t in (*self.flat.tensors, *[ours for ours, _ in self.copied]):
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
