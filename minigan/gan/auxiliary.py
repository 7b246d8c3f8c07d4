"""Games in which D also answers a second question: which class, which code, which generator.

D returns two Tensors for a sample, the logits and the answer. The players share the loss of the
answers: G, too, wants D to answer well about what it makes.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..autodiff import Tensor
from ..checked import checked
from ..data import few_labels
from ..nn import Module
from ..settings import NATURAL, POSITIVE, TWO_OR_MORE, Kind, Natural, NotNegative, TwoOrMore
from . import noise
from .game import GAN, GameError, Judgement, applied, latent_of, no_conditions
from .option import Option
from .penalties import Sample
from .several import Generators


@checked
class TwoHeads(Module):
    """A discriminator of two answers: a trunk, and what each answer is computed from it by."""

    def __init__(self, trunk: Module, logit: Module, answer: Module):
        self.trunk, self.logit, self.answer = trunk, logit, answer

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(x)
        return self.logit(features), self.answer(features)


class AuxiliaryGAN(GAN):
    """Base of these games: a subclass says what the answers about a sample cost. D sees the
    examples alone, without the conditions. weight is that of the answers in both losses."""

    @checked
    def __init__(self, *args: Any, weight: NotNegative = 1, **options: Any):
        super().__init__(*args, **options)
        self.weight = weight
        if self.pack > 1:
            raise GameError(f"packed examples have no class, code or maker of their own, so "
                            f"{type(self).__name__} takes no pack")

    def real_answers(self, answers: Tensor, real: Sample) -> Tensor | float:
        """The loss of D's answers about a real sample; 0: it is not asked."""
        return 0

    def fake_answers(self, answers: Tensor, fake: Sample) -> Tensor | float:
        """The loss of D's answers about a generated sample; 0: it is not asked."""
        return 0

    def answered(self, sample: Sample) -> tuple[Tensor, Tensor]:
        """D's logits and its answers."""
        output = applied(self.discriminator, sample)
        if not isinstance(output, tuple) or len(output) != 2:
            raise GameError(f"the discriminator of {type(self).__name__} returns logits and "
                            "answers: two_headed(discriminator, answers) makes such a one, or for "
                            "SemiSupervisedGAN Classifier(answering(discriminator, classes))")
        return output

    def d_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Judgement:
        real_seen, fake_seen = self.shown(real[:1], rng), self.shown(fake[:1], rng)
        real_logits, about_real = self.answered(real_seen)
        fake_logits, about_fake = self.answered(fake_seen)
        answers = self.real_answers(about_real, real) + self.fake_answers(about_fake, fake)
        loss = (self.objective.discriminator(*self.labelled(real_logits, fake_logits, rng))
                + answers * self.weight)
        return Judgement(self.penalised(loss, real_seen, fake_seen, rng), real_logits, fake_logits)

    def g_loss(self, real: Sample, fake: Sample, rng: np.random.Generator) -> Tensor:
        fake_logits, about_fake = self.answered(self.shown(fake[:1], rng))
        real_logits = None
        if self.objective.relativistic:
            real_logits, _ = self.answered(self.shown(real[:1], rng))
        loss = self.objective.generator(fake_logits, real_logits)
        return loss + self.fake_answers(about_fake, fake) * self.weight


def class_loss(answers: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy of class logits (N, K) with classes as unit vectors (N, K)."""
    check_classes(answers, classes)
    return -ops.mean((ops.log_softmax(answers) * classes).sum(axis=1))


def check_classes(answers: Tensor, classes: Tensor) -> None:
    """Raise GameError unless there is an answer for each class."""
    if answers.shape != classes.shape:
        raise GameError(f"D answers with shape {answers.shape} about classes of shape "
                        f"{classes.shape}, and both are to be (N, K): noise.encoded(labels, K) "
                        "makes classes of labels, two_headed(discriminator, K) a D that answers so")


class ACGAN(AuxiliaryGAN):
    """D also says which class an example is of, real or generated, and G wants its examples to be
    recognised (Odena et al. 2017, equations 2 and 3). Samples are (x, classes as unit vectors)."""

    def real_answers(self, answers, real):
        return class_loss(answers, real[1])

    def fake_answers(self, answers, fake):
        return class_loss(answers, fake[1])


class SemiSupervisedGAN(AuxiliaryGAN):
    """A classifier of K + 1 classes, of which the last is "generated" (Salimans et al. 2016, §5).

    D returns K logits l as its answer; the last class's is 0, for only differences count, and so
    the logit of being real is ln Σ eˡ. Samples are (x, classes as unit vectors); a row of zeros is
    an example without a label, which teaches only that it is real.
    """

    def latent(self, n, rng, conditions=()):
        return super().latent(n, rng)  # G is told no class

    def real_answers(self, answers, real):
        if len(real) < 2:
            raise GameError("a SemiSupervisedGAN's loader gives classes beside the examples, a row "
                            "of zeros for each without a label: Loader(images, few_labels(labels, "
                            "100, rng))")
        check_classes(answers, real[1])
        labelled = real[1].sum()
        total = -(ops.log_softmax(answers) * real[1]).sum()
        return total / ops.maximum(labelled, 1)


@checked
class Classifier(Module):
    """A discriminator for SemiSupervisedGAN: a network of K logits."""

    def __init__(self, network: Module):
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        classes = self.network(x)
        return ops.logsumexp(classes, axis=-1, keepdims=True), classes


@checked
class InfoGAN(AuxiliaryGAN):
    """G is given a code beside its noise, and D's second answer guesses the code from what G made:
    a lower bound of the mutual information of the two (Chen et al. 2016, equations 5 and 6).

    categorical   classes of a code that is a unit vector, all equally likely
    continuous    how many further codes there are, each of U(−1, 1); the guess is a normal
                  distribution whose mean and log standard deviation D answers

    continuous_weight  of the continuous codes beside the categorical one. Their part of the bound
                  grows without end, the more exactly they are written into the pixels, and with a
                  weight of 1 they take the place of the classes

    G's input is (z, code); D's answer has categorical + 2 · continuous numbers.
    """

    def __init__(self, *args: Any, categorical: TwoOrMore = 10, continuous: Natural = 0,
                 continuous_weight: NotNegative = 0.1, **options: Any):
        super().__init__(*args, **options)
        self.categorical, self.continuous = categorical, continuous
        self.continuous_weight = continuous_weight

    def latent(self, n, rng, conditions=()):
        no_conditions(self, conditions)
        code = noise.one_hot(n, self.categorical, rng)
        if self.continuous:
            code = ops.concatenate([code, noise.uniform(n, self.continuous, rng)], axis=1)
        return (self.noise(n, latent_of(self.generator), rng), code)

    def fake_answers(self, answers, fake):
        k, m, code = self.categorical, self.continuous, fake[1]
        if answers.shape[1] != k + 2 * m:
            raise GameError(f"D answers with {answers.shape[1]} numbers, where {k} for the classes "
                            f"and 2 for each of {m} continuous codes are asked for, {k + 2 * m}")
        loss = class_loss(answers[:, :k], code[:, :k])
        if m:
            mean, log_std = answers[:, k:k + m], answers[:, k + m:]
            distance = (code[:, k:] - mean) * ops.exp(-log_std)
            density = 0.5 * distance * distance + log_std + 0.5 * math.log(2 * math.pi)
            loss = loss + ops.mean(density.sum(axis=1)) * self.continuous_weight
        return loss


@checked
class MGAN(AuxiliaryGAN):
    """Several generators, and a classifier that says which of them made an example: each wants to
    be told from the others, which drives them apart (Hoang et al. 2018, equation 5). weight is
    their β. The generator is `Generators`; D's answer has a number for each."""

    def __init__(self, generator: Module, *args: Any, **options: Any):
        if not isinstance(generator, Generators):
            raise GameError(f"an MGAN's generator is several: Generators([...]), not {generator!r}")
        super().__init__(generator, *args, **options)

    def latent(self, n, rng, conditions=()):
        no_conditions(self, conditions)
        makers = noise.encoded(self.generator.makers(n), len(self.generator.members))
        return (self.noise(n, self.generator.latent, rng), makers)

    def fake_answers(self, answers, fake):
        return class_loss(answers, fake[1])


def _read_codes(text: str) -> tuple[int, int]:
    classes, comma, continuous = text.partition(",")
    return int(classes), int(continuous) if comma else 0


def _are_codes(codes: Any) -> bool:
    return (isinstance(codes, tuple) and len(codes) == 2 and TWO_OR_MORE.fits(codes[0])
            and NATURAL.fits(codes[1]))


def _infogan(codes: tuple[int, int], net: Any, parts: dict[str, Any]) -> InfoGAN:
    k, m = codes
    return InfoGAN(net.generator(k + m), net.discriminator(answers=k + 2 * m),
                   categorical=k, continuous=m, **parts)


def _mgan(n: int, net: Any, parts: dict[str, Any]) -> MGAN:
    members = [net.generator() for _ in range(n)]
    several = Generators(members, getattr(members[0], "latent", net.system.latent))
    return MGAN(several, net.discriminator(answers=n), **parts)


def _shared_out(generators: int, batch: int) -> None:
    if batch < 2 * generators:
        raise GameError(f"{generators} generators cannot share a batch of {batch}: each is to "
                        f"make 2 examples at least, so choose a batch size of {2 * generators}")


OPTIONS = (
    Option("codes", None, Kind("a number of classes, at least 2, or with a number of continuous "
                               "codes as in 10,2", _are_codes, _read_codes),
           "InfoGAN: a code of K classes, and M continuous ones", "K[,M]", game=_infogan),
    Option("labels", 0, POSITIVE,
           "semi-supervised: D also learns the classes, from N examples' labels",
           conditions=lambda n, labels, classes, rng: few_labels(labels, n, rng, classes),
           game=lambda n, net, parts: SemiSupervisedGAN(net.generator(), net.classifier(),
                                                        **parts)),
    Option("generators", 1, TWO_OR_MORE, "MGAN: N of them, and a classifier that tells them apart",
           game=_mgan, batch=_shared_out),
)
