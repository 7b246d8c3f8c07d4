"""A generator that looks ahead: its loss is against what D becomes after further updates."""
from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, Mapping

import numpy as np

from ..autodiff import Tensor, grad
from ..backend.nested import replaced
from ..checked import checked
from ..nn import Module, Parameter
from ..settings import POSITIVE, Natural, PositiveNumber
from .game import GAN, GameError
from .option import Option
from .penalties import Sample, WeightPenalty


@checked
class UnrolledGAN(GAN):
    """G's loss is taken after `unroll` steps of gradient descent by D, and differentiated through
    them (Metz et al. 2017, equations 7 to 11). D itself moves as ever; 0 steps are the plain game.
    Places where a penalty looks are constants to G, and a constraint is not applied on the way.
    What D's layers keep beside their weights (BatchNorm's statistics, SpectralNorm's vectors) moves
    along while looking ahead, and is put back with the weights.

    unroll   steps to look ahead
    unroll_lr  their learning rate
    """

    def __init__(self, *args: Any, unroll: Natural = 5,
                 unroll_lr: PositiveNumber = 0.1, **options: Any):
        super().__init__(*args, **options)
        if any(isinstance(p, WeightPenalty) for p in self.penalties):
            raise GameError("an unrolled discriminator's weights are computed, where l1 and l2 "
                            "look for parameters: use the optimiser's weight_decay instead")
        self.unroll, self.unroll_lr = unroll, unroll_lr

    def g_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Tensor:
        if not self.unroll:
            return super().g_loss(real, fake, rng)
        weights = {name: Tensor(p.data, requires_grad=True)
                   for name, p in self.discriminator.named_parameters()}
        with unmoved(self.discriminator):
            for _ in range(self.unroll):
                with substituted(self.discriminator, weights):
                    loss = super().d_loss(real, fake, rng).loss  # of G's graph: nothing is detached
                slopes = grad(loss, weights.values(), create_graph=True, allow_unused=True)
                weights = {name: w - self.unroll_lr * slope
                           for (name, w), slope in zip(weights.items(), slopes)}
            with substituted(self.discriminator, weights):
                return super().g_loss(real, fake, rng)


@contextmanager
def unmoved(module: Module) -> Iterator[None]:
    """At its end the module's state that is not trained is what it was before, in place."""
    before = [(t, t.data.copy(), t._version[0]) for _, t in module.named_state()
              if not isinstance(t, Parameter)]
    try:
        yield
    finally:
        for t, data, version in before:
            if t._version[0] != version:  # of a constant nothing is said: the backward needs it
                t.data[...] = data
                t.mark_changed()


@contextmanager
def substituted(module: Module, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """Within it the module computes with other Tensors in place of its parameters, by name: they
    may be computed from something, and gradients flow there. A parameter that the module has in
    several places is replaced in all of them."""
    own = dict(module.named_parameters())
    new = {id(own[name]): t for name, t in tensors.items()}
    before = []
    for part in module.modules():
        for attribute, value in list(vars(part).items()):
            other = replaced(lambda v: new.get(id(v), v), value)
            if other is not value:
                before.append((part, attribute, value))
                setattr(part, attribute, other)
    try:
        yield
    finally:
        for part, attribute, value in before:
            setattr(part, attribute, value)


OPTIONS = (
    Option("unroll", 0, POSITIVE, "G looks ahead by N updates of D", game=lambda n, net, parts:
           UnrolledGAN(net.generator(), net.discriminator(), unroll=n, **parts)),
)
