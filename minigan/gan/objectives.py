"""What the two networks minimise (Goodfellow et al. 2014).

The game is min over G, max over D of V = E[ln D(x)] + E[ln(1 − D(G(z)))]. Everything is written in
logits, D = σ(logit), where −ln σ(l) is softplus(−l) and −ln(1 − σ(l)) is softplus(l): no sigmoid is
taken, so nothing saturates by rounding.
"""
from __future__ import annotations

from typing import Callable, NamedTuple

from ..autodiff import Tensor
from ..ops import mean, softplus


class Objective(NamedTuple):
    """A loss for each player; each is one number, to be minimised."""

    discriminator: Callable[[Tensor, Tensor], Tensor]  # (logits of real, logits of generated)
    generator: Callable[[Tensor], Tensor]              # (logits of generated)


def value(real: Tensor, fake: Tensor) -> Tensor:
    """V(D, G) from D's logits on both kinds of data: −2 ln 2 where D cannot tell them apart."""
    return -(mean(softplus(-real)) + mean(softplus(fake)))


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """−V: the binary cross-entropy with ones for real and zeros for generated data."""
    return -value(real, fake)


def minimax_generator_loss(fake: Tensor) -> Tensor:
    """E[ln(1 − D(G(z)))], the generator's part of V. Its slope, −D, vanishes where G loses."""
    return -mean(softplus(fake))


def nonsaturating_generator_loss(fake: Tensor) -> Tensor:
    """−E[ln D(G(z))]. Its slope by the logit, −(1 − D), is steepest where G loses."""
    return mean(softplus(-fake))


minimax = Objective(discriminator_loss, minimax_generator_loss)
nonsaturating = Objective(discriminator_loss, nonsaturating_generator_loss)
