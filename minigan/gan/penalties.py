"""What D's loss is raised by, so that D does not grow steep; and other limits on D.

A penalty is called with the discriminator, a real and a generated sample and a generator of random
numbers, and returns one number. A sample is a tuple: the examples, (N, …), and the conditions that
D sees beside them, if any. Slopes are of D's logits by the examples, one slope for each example: a
discriminator that looks from one example to another (BatchNorm) has none.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Callable, Iterable

import numpy as np

from .. import losses, ops
from ..autodiff import Tensor, grad
from ..backend import array_module
from ..errors import no_such
from ..nn import Module
from ..settings import NOT_NEGATIVE, POSITIVE_NUMBER, SHARE, Kind
from . import noise
from .option import Option

Sample = tuple[Tensor, ...]
Place = Callable[[Sample, Sample, np.random.Generator], Sample]


def logits_of(output: Any) -> Tensor:
    """D's logits, where D may return (logits, what else it was asked for)."""
    return output[0] if isinstance(output, tuple) else output


def squared_slopes(discriminator: Module, sample: Sample) -> Tensor:
    """‖∂D/∂x‖² for each example x, (N,); differentiable by D's weights."""
    x = Tensor(sample[0].data, requires_grad=True)
    logits = logits_of(discriminator(x, *sample[1:]))
    slope, = grad(logits.sum(), x, create_graph=True)  # examples do not meet: row by row
    return (slope * slope).reshape(len(x), -1).sum(axis=1)


def at_real(real: Sample, fake: Sample, rng: np.random.Generator) -> Sample:
    return real


def at_fake(real: Sample, fake: Sample, rng: np.random.Generator) -> Sample:
    return fake


def at_both(real: Sample, fake: Sample, rng: np.random.Generator) -> Sample:
    _check_pairs(real, fake)
    return tuple(ops.concatenate([r, f]).detach() for r, f in zip(real, fake))


def between(real: Sample, fake: Sample, rng: np.random.Generator) -> Sample:
    """A random place on the line from each real example to a generated one: one number for each
    pair, not for each pixel. The conditions are the real ones'."""
    _check_pairs(real, fake)
    x, y = real[0].data, fake[0].data
    share = noise.fractions((len(x),) + (1,) * (x.ndim - 1), rng).astype(x.dtype).data
    return (Tensor(x + share * (y - x)), *real[1:])


def around_real(real: Sample, fake: Sample, rng: np.random.Generator) -> Sample:
    """Real examples, moved by noise half as wide as they are spread."""
    x = real[0].data
    step = noise.normal(len(x), math.prod(x.shape[1:]), rng).astype(x.dtype).data.reshape(x.shape)
    return (Tensor(x + 0.5 * x.std() * step), *real[1:])


def to_zero(squares: Tensor) -> Tensor:
    """Slopes are to be 0."""
    return squares


def to_one(squares: Tensor) -> Tensor:
    """Slopes are to be 1: the square of the distance."""
    return (_root(squares) - 1) ** 2


def below_one(squares: Tensor) -> Tensor:
    """Slopes are to be at most 1."""
    return ops.relu(_root(squares) - 1) ** 2


@dataclass(unsafe_hash=True)
class Penalty:
    """Base: weight times what a subclass measures.

    fall, until   the weight falls at an even rate, within the share `until` of the steps, to the
                  share `fall` of what it was: what keeps D calm at first keeps it blunt in the end
    """

    weight: float
    fall: float = field(default=1, kw_only=True)
    until: float = field(default=0.7, kw_only=True)

    def __post_init__(self):
        NOT_NEGATIVE.check("the weight of a penalty", self.weight)
        SHARE.check("fall", self.fall)
        SHARE.check("until", self.until)
        self.left = 1.0  # of the weight

    def anneal(self, done: float) -> None:
        """Let the weight be what it is when this share of the steps is done."""
        self.left = self.fall ** min(1, done / self.until)

    def __call__(self, discriminator: Module, real: Sample, fake: Sample,
                 rng: np.random.Generator) -> Tensor:
        measured = self.measured(discriminator, real, fake, rng)
        if self.fall == 1:
            return measured * self.weight
        dtype = measured.dtype  # a draw keeps what it refers to
        return measured * noise.drawn(lambda rng: np.asarray(self.weight * self.left, dtype), rng)

    def measured(self, discriminator: Module, real: Sample, fake: Sample,
                 rng: np.random.Generator) -> Tensor:
        """What is weighted, one number."""
        raise NotImplementedError


@dataclass(unsafe_hash=True)
class GradientPenalty(Penalty):
    """weight · E[measure(‖∂D/∂x‖²)] over the examples x of a place.

    The second derivative comes in here: D's update needs the gradient, by the weights, of a
    gradient by the examples.
    """

    place: Place
    measure: Callable[[Tensor], Tensor]

    def measured(self, discriminator, real, fake, rng):
        return ops.mean(self.measure(squared_slopes(discriminator, self.place(real, fake, rng))))


def gradient_penalty(weight: float = 10) -> GradientPenalty:
    """WGAN-GP's: E[(‖∂D/∂x‖ − 1)²] between real and generated (Gulrajani et al. 2017, eq. 3)."""
    return GradientPenalty(weight, between, to_one)


def one_sided(weight: float = 10) -> GradientPenalty:
    """WGAN-LP's: only slopes above 1 are penalised (Petzka et al. 2018, equation 8)."""
    return GradientPenalty(weight, between, below_one)


def r1(gamma: float = 1) -> GradientPenalty:
    """γ/2 · E[‖∂D/∂x‖²] at real examples (Mescheder et al. 2018, equation 9)."""
    return GradientPenalty(gamma / 2, at_real, to_zero)


def r2(gamma: float = 1) -> GradientPenalty:
    """γ/2 · E[‖∂D/∂x‖²] at generated examples (Mescheder et al. 2018, equation 10)."""
    return GradientPenalty(gamma / 2, at_fake, to_zero)


def r1_and_r2(gamma: float = 1) -> GradientPenalty:
    """R1 + R2, in one pass over both."""
    return GradientPenalty(gamma, at_both, to_zero)  # γ/2 of each mean is γ of the joint one


def dragan(weight: float = 10) -> GradientPenalty:
    """E[(‖∂D/∂x‖ − 1)²] around real examples (Kodali et al. 2017, their algorithm 1)."""
    return GradientPenalty(weight, around_real, to_one)


def zero_centred(weight: float = 10) -> GradientPenalty:
    """E[‖∂D/∂x‖²] between real and generated (Thanh-Tung et al. 2019)."""
    return GradientPenalty(weight, between, to_zero)


@dataclass(unsafe_hash=True)
class WeightPenalty(Penalty):
    """weight · measure(D's parameters)."""

    measure: Callable[[Iterable[Tensor]], Tensor]

    def measured(self, discriminator, real, fake, rng):
        return self.measure(discriminator.parameters())


def l1(weight: float = 1e-4) -> WeightPenalty:
    """weight · Σ |w|, which makes weights exactly 0."""
    return WeightPenalty(weight, losses.l1)


def l2(weight: float = 1e-4) -> WeightPenalty:
    """weight · Σ w², which keeps weights small."""
    return WeightPenalty(weight, losses.l2)


@dataclass(unsafe_hash=True)
class Consistency(Penalty):
    """weight · E[(D(x) − D(T(x)))²] for real and generated examples: what T does to an example,
    a function of (x, rng), says nothing about whether it is real (Zhang et al. 2020; with both
    kinds Zhao et al. 2021, bCR)."""

    transform: Callable[[Tensor, np.random.Generator], Tensor]

    def anneal(self, done: float) -> None:
        super().anneal(done)
        if hasattr(self.transform, "anneal"):
            self.transform.anneal(done)

    def measured(self, discriminator, real, fake, rng):
        def change(x: Tensor, *conditions: Tensor) -> Tensor:
            before = logits_of(discriminator(x, *conditions))
            after = logits_of(discriminator(self.transform(x, rng), *conditions))
            return losses.mse(before, after)

        return change(*real) + change(*fake)


PENALTIES: dict[str, Callable[[float], Any]] = {
    "gradient": gradient_penalty, "one-sided": one_sided, "r1": r1, "r2": r2, "r1r2": r1_and_r2,
    "dragan": dragan, "zero-centred": zero_centred, "l1": l1, "l2": l2,
}


def clip_weights(limit: float = 0.01) -> Callable[[Module], None]:
    """WGAN's limit on D: after each of its steps every weight is cut to [−limit, limit]
    (Arjovsky et al. 2017, algorithm 1, line 7)."""
    return partial(_clip, limit)


def _clip(limit: float, discriminator: Module) -> None:
    for p in discriminator.parameters():
        p.data[...] = array_module(p.data).clip(p.data, -limit, limit)
        p.mark_changed()


def _root(squares: Tensor) -> Tensor:
    """√, whose slope at 0 is taken to be 0, where that of √ is infinite: relu cuts it off."""
    return ops.sqrt(ops.relu(squares))


def _check_pairs(real: Sample, fake: Sample) -> None:
    """Raise ValueError unless there are as many generated examples as real ones, of one shape."""
    if real[0].shape != fake[0].shape:
        raise ValueError(f"a penalty at real and generated examples needs as many of each, "
                         f"of one shape, got {real[0].shape} and {fake[0].shape}")


def read(text: str) -> Penalty:
    """The penalty of NAME, NAME:WEIGHT or NAME:WEIGHT:LAST, whose weight falls to LAST. Raises
    ValueError for weights that are none, and KeyError for an unknown name."""
    name, *numbers = text.split(":")
    penalty, weights = PENALTIES[name], [float(number) for number in numbers]
    if len(weights) < 2:
        return penalty(*weights)
    if len(weights) > 2 or not all(0 < w < math.inf for w in weights):
        raise ValueError(f"expected NAME, NAME:WEIGHT or NAME:WEIGHT:LAST, not {text}")
    return replace(penalty(weights[0]), fall=weights[1] / weights[0])


def _is_one(text: Any) -> bool:
    try:
        read(text)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return True


def _wrong(text: Any) -> str:
    name, colon, weights = str(text).partition(":")
    return (no_such("penalty", name, PENALTIES) if name not in PENALTIES else
            f"the weight of penalty {name} is a number of at least 0, or two positive ones of "
            "which the second, that the first falls to, is not larger, as in "
            f"{name}:0.1:0.003, not {weights!r}")


OPTIONS = (
    Option("penalty", (), Kind("NAME or NAME:WEIGHT", _is_one, wrong=_wrong),
           f"added to D's loss: {', '.join(PENALTIES)}. A weight falls to LAST within 0.7 of the "
           "steps. May be given again", "NAME[:WEIGHT[:LAST]]", repeated=True,
           part=lambda parts, texts: parts.update(penalties=[read(text) for text in texts])),
    Option("clip_weights", None, POSITIVE_NUMBER,
           "D's weights are cut to [-X, X] after each of its updates", "X",
           part=lambda parts, limit: parts.update(constraint=clip_weights(limit))),
)
