"""A generator that looks ahead: its loss is against what D becomes after further updates."""
from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, Mapping

import numpy as np

from ..autodiff import Tensor, grad
from ..nn import Module
from .game import GAN, GameError
from .penalties import Sample, WeightPenalty


class UnrolledGAN(GAN):
    """G's loss is taken after `unroll` steps of gradient descent by D, and differentiated through
    them (Metz et al. 2017, equations 7 to 11). D itself moves as ever; 0 steps are the plain game.
    Places where a penalty looks are constants to G, and a constraint is not applied on the way.

    unroll   steps to look ahead
    unroll_lr  their learning rate
    """

    def __init__(self, *args: Any, unroll: int = 5, unroll_lr: float = 0.1, **options: Any):
        super().__init__(*args, **options)
        if any(isinstance(p, WeightPenalty) for p in self.penalties):
            raise GameError("an unrolled discriminator's weights are computed, where l1 and l2 "
                            "look for parameters: use the optimiser's weight_decay instead")
        self.unroll, self.unroll_lr = unroll, unroll_lr

    def g_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Tensor:
        weights = {name: Tensor(p.data, requires_grad=True)
                   for name, p in self.discriminator.named_parameters()}
        for _ in range(self.unroll):
            with substituted(self.discriminator, weights):
                loss = super().d_loss(real, fake, rng).loss  # of G's graph: nothing is detached
            slopes = grad(loss, weights.values(), create_graph=True)
            weights = {name: w - self.unroll_lr * slope
                       for (name, w), slope in zip(weights.items(), slopes)}
        with substituted(self.discriminator, weights):
            return super().g_loss(real, fake, rng)


@contextmanager
def substituted(module: Module, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """Within it the module computes with other Tensors in place of its parameters, by name: they
    may be computed from something, and gradients flow there."""
    before = []
    for name, t in tensors.items():
        owner, attribute = _owner(module, name)
        before.append((owner, attribute, getattr(owner, attribute)))
        setattr(owner, attribute, t)
    try:
        yield
    finally:
        for owner, attribute, parameter in before:
            setattr(owner, attribute, parameter)


def _owner(module: Module, name: str) -> tuple[Any, str]:
    """The module whose attribute a state's dotted name is, and the attribute's name."""
    *path, attribute = name.split(".")
    owner: Any = module
    for part in path:
        owner = owner[int(part)] if part.isdigit() else getattr(owner, part)
    return owner, attribute
