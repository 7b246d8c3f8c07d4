"""One step of the game: the discriminator learns, then the generator."""
from __future__ import annotations

from typing import NamedTuple

from ..autodiff import Tensor
from ..nn import Module, frozen
from ..optim import Optimizer
from .objectives import Objective, nonsaturating


class StepResult(NamedTuple):
    """What a step computed; Tensors, so that nobody waits for a GPU until a number is read."""

    d_loss: Tensor
    g_loss: Tensor
    real_logits: Tensor  # D on the real batch, before its update
    fake_logits: Tensor  # D on the generated batch, before its update


def train_step(generator: Module, discriminator: Module, g_optimizer: Optimizer,
               d_optimizer: Optimizer, real: Tensor, z: Tensor,
               objective: Objective = nonsaturating) -> StepResult:
    """Update D once on a real and a generated batch, then G once through the new D.

    Real and generated images go through D separately: in one batch, BatchNorm would tell D
    their mixture. D learns from a detached copy, so its loss does not push G; G learns through
    a frozen D, for whose weights no gradient is computed.

    BatchNorm's running statistics move at every pass: D's three times, at D(real), at
    D(fake.detach()) and at D(fake) in G's update, in this order; G's once, at G(z). Freezing
    stops gradients, not statistics.
    """
    fake = generator(z)

    d_optimizer.zero_grad()
    real_logits, fake_logits = discriminator(real), discriminator(fake.detach())
    d_loss = objective.discriminator(real_logits, fake_logits)
    d_loss.backward()
    d_optimizer.step()

    g_optimizer.zero_grad()
    with frozen(discriminator):
        g_loss = objective.generator(discriminator(fake))
        g_loss.backward()
    g_optimizer.step()
    return StepResult(*[t.detach() for t in (d_loss, g_loss, real_logits, fake_logits)])
