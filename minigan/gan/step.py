"""One step of the game: the discriminator learns, then the generator."""
from __future__ import annotations

from typing import NamedTuple

from .. import nn, ops
from ..autodiff import Tensor
from ..nn import Module, frozen
from ..optim import Optimizer
from .models import Discriminator
from .objectives import Objective, nonsaturating


# Modules that treat each example as if it came alone. BatchNorm does not, and who knows what a
# subclass does: only these types themselves are meant.
ALONE = {Discriminator, nn.Sequential, nn.Dense, nn.Conv2d, nn.ConvTranspose2d, nn.LayerNorm,
         nn.LeakyReLU, nn.ReLU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Flatten, nn.Reshape}


def judge(discriminator: Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """D's logits of both batches. They go through D separately: in one batch, BatchNorm would
    tell D their mixture. Only where no module looks from one example to another do they go
    together, which gives the same, and takes every weight from memory once instead of twice."""
    together = real.shape[1:] == fake.shape[1:] and real.dtype == fake.dtype
    if not together or any(type(m) not in ALONE or "forward" in vars(m)
                           for m in discriminator.modules()):
        return discriminator(real), discriminator(fake)
    both = discriminator(ops.concatenate([real, fake]))
    return both[:len(real)], both[len(real):]


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

    D learns from a detached copy, so its loss does not push G; G learns through
    a frozen D, for whose weights no gradient is computed.

    BatchNorm's running statistics move at every pass: D's three times, at D(real), at
    D(fake.detach()) and at D(fake) in G's update, in this order; G's once, at G(z). Freezing
    stops gradients, not statistics.
    """
    fake = generator(z)

    d_optimizer.zero_grad()
    real_logits, fake_logits = judge(discriminator, real, fake.detach())
    d_loss = objective.discriminator(real_logits, fake_logits)
    d_loss.backward()
    d_optimizer.step()

    g_optimizer.zero_grad()
    with frozen(discriminator):
        g_loss = objective.generator(discriminator(fake))
        g_loss.backward()
    g_optimizer.step()
    return StepResult(*[t.detach() for t in (d_loss, g_loss, real_logits, fake_logits)])
