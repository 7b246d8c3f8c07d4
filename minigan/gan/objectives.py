"""What the two networks minimise, as functions of the discriminator's logits.

An objective has three parts, each a function of one logit: D's loss on a real example, D's loss on
a generated one, and G's loss on a generated one. D minimises E[on_real] + E[on_fake], G minimises
E[generator]; the larger a logit, the more real D takes the example for.

In the game of Goodfellow et al. 2014, min over G, max over D of
V = E[ln D(x)] + E[ln(1 − D(G(z)))], D is σ(logit), −ln σ(l) is softplus(−l) and −ln(1 − σ(l)) is
softplus(l): no sigmoid is taken, so nothing saturates by rounding.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Callable, TypeVar

from ..autodiff import Tensor
from ..checked import checked
from ..ops import exp, mean, relu, softplus, tanh
from ..settings import FRACTION, Fraction, one_of
from .option import Option

Loss = Callable[[Tensor], Tensor]  # logits ↦ losses, one for each
Made = TypeVar("Made", bound="Objective")


@checked
@dataclass(frozen=True)
class Objective:
    """A loss for each player: `discriminator(real, fake)` and `generator(fake)`, of logits of
    any shape, each one number to be minimised."""

    on_real: Loss
    on_fake: Loss
    on_generated: Loss  # G's; of the same logits as on_fake
    made: tuple = field(default=(), init=False, repr=False, compare=False)  # for pickles

    relativistic = False  # whether G's loss, too, needs the logits of real examples

    def __deepcopy__(self, memo: dict) -> Objective:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple:
        """Pickled by its name, since lambdas are not pickled, or by the function that made it and
        its arguments, or as what it is."""
        for name, known in _names().items():
            if known is self:
                return _named, (name,)
        return self.made or (type(self), (self.on_real, self.on_fake, self.on_generated))

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """D's loss."""
        return mean(self.on_real(real)) + mean(self.on_fake(fake))

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """G's loss."""
        return mean(self.on_generated(fake))


class RelativisticAverage(Objective):
    """A logit says how much more real an example is than the other kind on average: l − E[l of the
    other kind] (Jolicoeur-Martineau 2019, equations 7 and 8). G plays D's part with the kinds
    exchanged, so it also pulls the real examples' logits down."""

    relativistic = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return mean(self.on_real(real - mean(fake))) + mean(self.on_fake(fake - mean(real)))

    def generator(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return mean(self.on_generated(fake - mean(real))) + mean(self.on_fake(real - mean(fake)))


def relativistic(objective: Objective) -> RelativisticAverage:
    """The relativistic average form of an objective."""
    return made_by(RelativisticAverage(objective.on_real, objective.on_fake, objective.on_real),
                   relativistic, objective)


@checked
def smoothed(objective: Objective, share: Fraction = 0.1) -> Objective:
    """One-sided label smoothing (Salimans et al. 2016, §3.4): D is told that a real example is
    generated with this share. Generated ones stay what they are: to call them a bit real would
    reward D for trusting the places where G puts them. Raises ValueError for a share outside
    [0, 1)."""
    return made_by(replace(objective, on_real=lambda v: ((1 - share) * objective.on_real(v)
                                                         + share * objective.on_fake(v))),
                   smoothed, objective, share)


def value(real: Tensor, fake: Tensor) -> Tensor:
    """V(D, G) from D's logits on both kinds of data: −2 ln 2 where D cannot tell them apart."""
    return -minimax.discriminator(real, fake)


def f_gan(activation: Loss, conjugate: Loss) -> Objective:
    """The game of an f-divergence (Nowozin et al. 2016, equations 4 and 6): D maximises
    E[T] − E[f*(T)] with T = activation(logit), a lower bound of D_f(real ‖ generated).

    activation   an increasing map from the logits onto the domain of f*
    conjugate    f*(activation(l)) as a function of the logit; written out, e.g. ln(eˡ) is l

    G maximises E[T], their §3.2, where minimising −E[f*(T)] would give it little to go by.
    """
    return made_by(Objective(lambda v: -activation(v), conjugate, lambda v: -activation(v)),
                   f_gan, activation, conjugate)


def made_by(objective: Made, function: Callable, *args: Any) -> Made:
    """The objective, which from now on is pickled as function(*args)."""
    object.__setattr__(objective, "made", (function, args))
    return objective


# E[ln(1 − D(G(z)))] is G's part of V; its slope by the logit, −D, vanishes where G loses
minimax = Objective(lambda v: softplus(-v), softplus, lambda v: -softplus(v))
# −E[ln D(G(z))] has the slope −(1 − D), steepest where G loses
nonsaturating = Objective(lambda v: softplus(-v), softplus, lambda v: softplus(-v))
# Mao et al. 2017, equation 9: real examples are to have the logit 1, generated ones 0
least_squares = Objective(lambda v: (v - 1) ** 2 * 0.5, lambda v: v * v * 0.5,
                          lambda v: (v - 1) ** 2 * 0.5)
# Arjovsky et al. 2017, equation 3: D, a critic now, must be kept from growing steep
wasserstein = Objective(lambda v: -v, lambda v: v, lambda v: -v)
# Lim & Ye 2017, Miyato et al. 2018 (equations 16, 17): no reward for logits beyond ±1
hinge = Objective(lambda v: relu(1 - v), lambda v: relu(1 + v), lambda v: -v)

# with l − E[l of the other kind], which changes its sign where the kinds are exchanged, the targets
# are 1 and −1 (Jolicoeur-Martineau 2019, RaLSGAN), not 1 and 0
symmetric_least_squares = Objective(lambda v: (v - 1) ** 2 * 0.5, lambda v: (v + 1) ** 2 * 0.5,
                                    lambda v: (v - 1) ** 2 * 0.5)

# f-GAN's tables 1, 2, 5 and 6, f(u) of the likelihood ratio u = p / q. Pearson's conjugate is that
# of f on all real u, an upper bound where T < −2; jensen_shannon's f is of twice the divergence
kl = f_gan(lambda v: v, lambda v: exp(v - 1))                                # u ln u
reverse_kl = f_gan(lambda v: -exp(-v), lambda v: v - 1)                      # −ln u
pearson = f_gan(lambda v: v, lambda v: v * v * 0.25 + v)                     # (u − 1)²
neyman = f_gan(lambda v: 1 - exp(-v), lambda v: 2 - 2 * exp(-0.5 * v))       # (1 − u)² / u
squared_hellinger = f_gan(lambda v: 1 - exp(-v), lambda v: exp(v) - 1)       # (√u − 1)²
jensen_shannon = f_gan(lambda v: math.log(2) - softplus(-v),                 # u ln u
                       lambda v: softplus(v) - math.log(2))            # − (u + 1) ln((u + 1)/2)
total_variation = f_gan(lambda v: 0.5 * tanh(v), lambda v: 0.5 * tanh(v))    # |u − 1| / 2

OBJECTIVES: dict[str, Objective] = {
    "minimax": minimax, "nonsaturating": nonsaturating, "least-squares": least_squares,
    "wasserstein": wasserstein, "hinge": hinge,
    "relativistic": relativistic(nonsaturating), "relativistic-hinge": relativistic(hinge),
    "relativistic-least-squares": relativistic(symmetric_least_squares),
    "kl": kl, "reverse-kl": reverse_kl, "pearson": pearson, "neyman": neyman,
    "squared-hellinger": squared_hellinger, "jensen-shannon": jensen_shannon,
    "total-variation": total_variation,
}


def _names() -> dict[str, Any]:
    return {**globals(), **OBJECTIVES}


def _named(name: str) -> Objective:
    return _names()[name]


OPTIONS = (
    Option("objective", "nonsaturating", one_of(OBJECTIVES, "objective"),
           f"what the players minimise: {', '.join(OBJECTIVES)}", "NAME",
           part=lambda parts, name: parts.update(objective=OBJECTIVES[name])),
    Option("label_smoothing", 0, FRACTION,
           "D is told with this share that real examples are generated", "X",
           part=lambda parts, share: parts.update(objective=smoothed(parts["objective"], share))),
)
