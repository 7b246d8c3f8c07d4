"""The game: who plays, what each player sees and what each minimises.

A sample is a tuple of Tensors: the examples, (N, …), and the conditions that D sees beside them,
if there are any. A latent is one, too: the noise, and the conditions that G sees.
"""
from __future__ import annotations

import inspect
from typing import Any, Callable, Iterable, NamedTuple, Sequence

import numpy as np

from .. import nn, ops
from ..autodiff import Tensor, no_grad
from ..checked import checked
from ..nn import Module
from ..settings import FRACTION, POSITIVE, Positive, Probability
from . import noise
from .models import Discriminator
from .objectives import Objective, nonsaturating
from .option import GameError, Option
from .penalties import GradientPenalty, Sample, logits_of

Augment = Callable[[Tensor, np.random.Generator], Tensor]


class Judgement(NamedTuple):
    """What D makes of a real and a generated sample."""

    loss: Tensor
    real_logits: Tensor
    fake_logits: Tensor


@checked
class GAN(Module):
    """A generator against a discriminator (Goodfellow et al. 2014).

    objective    what they minimise: one of `objectives`
    penalties    added to D's loss: of `penalties`
    constraint   done to D after each of its steps, such as `penalties.clip_weights`
    augment      done to all that D sees, real and generated, in both players' updates: `augment`
    pack         how many examples D sees at once (PacGAN, Lin et al. 2018): D gets them joined
                 along the last axis, and N / pack of them
    label_noise  the probability with which a real and a generated example exchange their labels
    noise        what G starts from: a function of `noise`

    Other games are subclasses that say what else the players see and minimise. As a Module it has
    the parameters and the state of all networks. Raises GameError for what does not go together.
    """

    def __init__(self, generator: Module, discriminator: Module,
                 objective: Objective = nonsaturating, penalties: Iterable[Callable] = (),
                 constraint: Callable[[Module], None] | None = None,
                 augment: Augment | None = None, pack: Positive = 1, label_noise: Probability = 0,
                 noise: Callable[..., Tensor] = noise.normal):
        self.generator, self.discriminator, self.noise = generator, discriminator, noise
        self.objective, self.penalties, self.constraint = objective, tuple(penalties), constraint
        self.augment, self.pack, self.label_noise = augment, pack, label_noise
        if hasattr(discriminator, "latent") and not hasattr(generator, "latent"):
            raise GameError("the generator comes first, and the discriminator second: of these two "
                            f"only the second, {type(discriminator).__name__}, has a latent, how "
                            "many numbers the noise has that it starts from")
        if any(isinstance(p, GradientPenalty) for p in self.penalties):
            check_judges_alone(discriminator)

    def anneal(self, done: float) -> None:
        """What changes in the course of the training (a penalty's weight, noise) becomes what it is
        when this share of the steps is done. The trainer calls it before each step."""
        for part in (*self.penalties, self.augment):
            if hasattr(part, "anneal"):
                part.anneal(done)

    def latent(self, n: int, rng: np.random.Generator, conditions: Sample = ()) -> Sample:
        """What G starts from: noise, and the conditions of a real sample, if it has any."""
        return (self.noise(n, latent_of(self.generator), rng), *conditions)

    def generate(self, latent: Sample) -> Sample:
        """A generated sample."""
        return (applied(self.generator, latent), *latent[1:])

    def d_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Judgement:
        """What D minimises. fake is detached: this loss does not push G."""
        real, fake = self.shown(real, rng), self.shown(fake, rng)
        real_logits, fake_logits = judge(self.discriminator, real, fake)
        loss = self.objective.discriminator(*self.labelled(real_logits, fake_logits, rng))
        return Judgement(self.penalised(loss, real, fake, rng), real_logits, fake_logits)

    def g_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Tensor:
        """What G minimises, through D, which is frozen."""
        fake_logits = logits_of(self.discriminator(*self.shown(fake, rng)))
        if not self.objective.relativistic:
            return self.objective.generator(fake_logits)
        real_logits = logits_of(self.discriminator(*self.shown(real, rng)))
        return self.objective.generator(fake_logits, real_logits)

    def shown(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """A sample as D sees it: augmented and packed."""
        x = sample[0] if self.augment is None else self.augment(sample[0], rng)
        return tuple([packed(t, self.pack) for t in (x, *sample[1:])])

    def labelled(self, real: Tensor, fake: Tensor, rng: np.random.Generator
                 ) -> tuple[Tensor, Tensor]:
        """The logits of both kinds as D is told that they are of them."""
        if not self.label_noise:
            return real, fake
        wrong = noise.fractions(real.shape, rng) < self.label_noise
        return ops.where(wrong, fake, real), ops.where(wrong, real, fake)

    def penalised(self, loss: Tensor, real: Sample, fake: Sample, rng: np.random.Generator
                  ) -> Tensor:
        """loss and all penalties."""
        for penalty in self.penalties:
            loss = loss + penalty(self.discriminator, real, fake, rng)
        return loss


def latent_of(generator: Module) -> int:
    """How many numbers the generator's noise has: its attribute latent, or of a Sequential what its
    first layer, a Dense, takes. Raises GameError if it does not say."""
    if hasattr(generator, "latent"):
        return generator.latent
    first = generator
    while isinstance(first, nn.Sequential) and len(first):
        first = first[0]
    if isinstance(first, nn.Dense):
        return first.weight.shape[0]
    raise GameError(f"{type(generator).__name__} does not say how many numbers its noise has: "
                    "generator.latent = 100 does, or models.Generator(100, *layers)")


def applied(network: Module, sample: Sequence[Tensor]) -> Any:
    """network(*sample). Raises GameError for a network that takes more, or fewer, conditions than
    the sample has."""
    try:
        return network(*sample)
    except TypeError:
        if takes(network, sample):
            raise
    n = len(sample) - 1
    raise GameError(
        f"{type(network).__name__} was called with {n} condition{'s' * (n != 1)} beside its input, "
        "and takes another number of them. They are what a loader gives beside the examples, as in "
        "Loader(images, classes), or what the game draws, as InfoGAN does; Conditional, "
        "ConditionalGenerator and projection make networks that take one")


def takes(network: Module, sample: Sequence[Tensor]) -> bool:
    """Whether the network's forward has as many arguments as the sample has parts."""
    try:
        inspect.signature(network.forward).bind(*sample)
    except TypeError:
        return False
    return True


@checked
def sample(generator: Module, z: Tensor | Sample, batch_size: Positive = 500) -> np.ndarray:
    """Examples of a latent in host memory, from the generator in evaluation mode, batch by batch.
    A latent is the noise (N, …), or a tuple of it and the conditions."""
    latent, was_training = z if isinstance(z, tuple) else (z,), generator.training
    generator.eval()
    try:
        with no_grad():
            return np.concatenate([generator(*[t[i:i + batch_size] for t in latent]).numpy()
                                   for i in range(0, max(1, len(latent[0])), batch_size)])
    finally:
        generator.train(was_training)


def no_conditions(game: GAN, conditions: Sample) -> None:
    """Raise GameError for conditions that the game would not look at."""
    if conditions:
        raise GameError(f"{type(game).__name__} has no use for labels: give the loader the "
                        "examples alone")


def packed(x: Tensor, m: int) -> Tensor:
    """(N, …, C) → (N / m, …, m · C): m neighbours become one, joined along the last axis."""
    if m == 1:
        return x
    if len(x) % m:
        raise GameError(f"{len(x)} examples cannot be packed by {m}: choose a batch size that is a "
                        f"multiple of {m}")
    middle = x.shape[1:-1]
    x = x.reshape(len(x) // m, m, *middle, x.shape[-1])
    return ops.concatenate([x[:, i] for i in range(m)], axis=-1)


def check_judges_alone(discriminator: Module) -> None:
    """Raise GameError if D looks from one example to another, where a penalty asks for the slope
    by each."""
    for module in discriminator.modules():
        if isinstance(module, nn.BatchNorm):
            raise GameError(
                f"a gradient penalty asks how steep D is at each example, but {module!r} in the "
                "discriminator lets all examples of a batch change each other's logits: use "
                "LayerNorm, InstanceNorm or no normalisation there (Gulrajani et al. 2017, §4)")


# Modules that treat each example as if it came alone. BatchNorm does not, and who knows what a
# subclass does: only these types themselves are meant.
ALONE = {Discriminator, nn.Sequential, nn.Dense, nn.Conv1d, nn.Conv2d, nn.Conv3d,
         nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.LayerNorm, nn.LeakyReLU,
         nn.ReLU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Flatten, nn.Reshape}


def judge(discriminator: Module, real: Sample, fake: Sample) -> tuple[Tensor, Tensor]:
    """D's logits of both samples. They go through D separately: in one batch, BatchNorm would
    tell D their mixture. Only where no module looks from one example to another do they go
    together, which gives the same, and takes every weight from memory once instead of twice."""
    together = all(r.shape[1:] == f.shape[1:] and r.dtype == f.dtype for r, f in zip(real, fake))
    if not together or any(type(m) not in ALONE or "forward" in vars(m)
                           for m in discriminator.modules()):
        return logits_of(applied(discriminator, real)), logits_of(applied(discriminator, fake))
    both = logits_of(applied(discriminator, [ops.concatenate([r, f]) for r, f in zip(real, fake)]))
    return both[:len(real[0])], both[len(real[0]):]


def check_packs(m: int, batch: int) -> None:
    """Raise GameError for a batch that cannot be packed by m."""
    if batch % m or batch < 2 * m:
        raise GameError(f"{batch} examples cannot be packed by {m}: choose a batch size that is a "
                        f"multiple of {m}, {2 * m} at least")


OPTIONS = (
    Option("pack", 1, POSITIVE, "PacGAN: D sees N examples at once",
           without=("conditional", "codes", "labels", "generators"),
           because="packed examples have no class, code or maker of their own", batch=check_packs,
           part=lambda parts, m: parts.update(pack=m)),
    Option("label_noise", 0, FRACTION, "the probability that two examples exchange their labels",
           "X", part=lambda parts, share: parts.update(label_noise=share)),
)
