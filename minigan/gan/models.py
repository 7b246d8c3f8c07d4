"""The networks of the reference systems: pairs of a generator and a discriminator.

Images are (N, H, W, C); `shape` is (H, W, C). Weights are drawn from rng, a
numpy.random.Generator (None: a new, unseeded one).
"""
from __future__ import annotations

import math
from functools import partial
from typing import Any, Callable, Sequence, TypeVar

import numpy as np

from .. import backend, ops
from ..autodiff import Tensor
from ..checked import checked
from ..errors import UserError
from ..nn import (BatchNorm, Conv2d, ConvTranspose2d, Dense, Flatten, LeakyReLU, Module, ReLU,
                  Reshape, Sequential, Sigmoid, Tanh, init)

Shape = tuple[int, int, int]
Rng = np.random.Generator | None
Net = TypeVar("Net", bound=Module)


class ShapeError(UserError):
    """A shape of images that a network cannot make; the message says which it can."""


class Generator(Module):
    """Noise (N, latent) → images. Raises ValueError for noise of another shape."""

    def __init__(self, latent: int, *layers: Module):
        self.latent = latent
        self.body = Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"this generator takes noise of shape (N, {self.latent}), "
                             f"got {z.shape}")
        return self.body(z)


class RowGenerator(Generator):
    """Noise → rows of numbers, of which the first are scalars, through tanh, and the others choices
    among categories: unit vectors, softened. Which category is chosen is decided by as many numbers
    of the noise, the first, which are of the standard Gumbel distribution (`noise.with_gumbel`):
    softmax((logits + g) / temperature) has its largest element where softmax(logits) says, with
    that probability, and a gradient (Jang et al. 2017). The scalars come after the choices and see
    them: who is small may depend on who is a cat. The same noise always is the same row.

    groups   of the choices, in their order: (number of categories, how many choices have it)
    latent   how many numbers the noise has, beside the Gumbel ones
    width    how many numbers the layers make of them
    """

    def __init__(self, scalars: int, groups: Sequence[tuple[int, int]], temperature: float,
                 latent: int, width: int, *layers: Module, rng: Rng = None):
        self.groups, self.temperature = groups, temperature
        self.choices = sum(length * n for length, n in groups)
        super().__init__(self.choices + latent, *layers)
        self.choose = Dense(width, self.choices, rng=rng) if groups else None
        self.fill = Dense(width + self.choices, scalars, rng=rng) if scalars else None

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"this generator takes noise of shape (N, {self.latent}), "
                             f"got {z.shape}")
        made, chosen, start = self.body(z[:, self.choices:]), [], 0
        if self.choose is not None:
            logits = self.choose(made) + z[:, :self.choices]
        for length, n in self.groups:  # those of one length at once
            end = start + length * n
            soft = ops.softmax(logits[:, start:end].reshape(len(z), n, length)
                               * (1 / self.temperature))
            chosen.append(soft.reshape(len(z), length * n))
            start = end
        if self.fill is not None:
            chosen.insert(0, ops.tanh(self.fill(ops.concatenate([made, *chosen], axis=1))))
        return ops.concatenate(chosen, axis=1)


class Discriminator(Module):
    """Images → one logit each, (N, 1): the loss takes the number before the sigmoid."""

    def __init__(self, *layers: Module):
        self.body = Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)

    def probability(self, x: Tensor) -> Tensor:
        """D(x), the probability that x is real, in (0, 1)."""
        return ops.sigmoid(self(x))


def dense_stack(sizes: list[int], slope: float, rng: Rng, batch_norm: bool = False) -> list[Module]:
    """Dense layers from size to size, each followed by (BatchNorm and) LeakyReLU."""
    layers: list[Module] = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers.append(Dense(inputs, outputs, rng=rng))
        if batch_norm:
            layers.append(BatchNorm(outputs))
        layers.append(LeakyReLU(slope))
    return layers


class Pair:
    """A generator and a discriminator for each other: called, it makes both, G first.

    generator      a function of (shape=, latent=, rng=) and perhaps more
    discriminator  one of (shape=, rng=) and the same
    latent         how many numbers the noise has, if not as many as that function says
    options        of both, such as width
    """

    def __init__(self, generator: Callable[..., Generator],
                 discriminator: Callable[..., Discriminator], latent: int | None = None,
                 **options: Any):
        self.generator = partial(generator, **options, **_given(latent=latent))
        self.discriminator = partial(discriminator, **options)
        self.__doc__ = generator.__doc__

    @checked
    def __call__(self, shape: Shape | None = None, latent: int | None = None, rng: Rng = None,
                 **options: Any) -> tuple[Generator, Discriminator]:
        options.update(_given(shape=shape), rng=rng or np.random.default_rng())
        return (self.generator(**options, **_given(latent=latent)), self.discriminator(**options))


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def mlp_generator(shape: Shape = (28, 28, 1), width: int = 1024, depth: int = 3, latent: int = 100,
                  rng: Rng = None) -> Generator:
    """Dense layers with LeakyReLU 0.2 on both sides; the generator ends in a sigmoid."""
    return Generator(latent, *dense_stack([latent] + [width] * depth, 0.2, rng),
                     Dense(width, math.prod(shape), rng=rng), Sigmoid(), Reshape(*shape))


def mlp_discriminator(shape: Shape = (28, 28, 1), width: int = 1024, depth: int = 3,
                      rng: Rng = None) -> Discriminator:
    """Dense layers with LeakyReLU 0.2."""
    return Discriminator(Flatten(), *dense_stack([math.prod(shape)] + [width] * depth, 0.2, rng),
                         Dense(width, 1, rng=rng))


def keras_generator(shape: Shape = (28, 28, 1), width: int = 12544, latent: int = 100,
                    rng: Rng = None) -> Generator:
    """Two wide ReLU layers, tanh, against one layer of 4096; width 12544 is 169 million weights."""
    return Generator(latent, Dense(latent, width, rng=rng), ReLU(), Dense(width, width, rng=rng),
                     ReLU(), Dense(width, math.prod(shape), rng=rng), Tanh(), Reshape(*shape))


def keras_discriminator(shape: Shape = (28, 28, 1), width: int = 12544, rng: Rng = None
                        ) -> Discriminator:
    """One layer of 4096, whatever the generator's width."""
    return mlp_discriminator(shape, 4096, 1, rng)


def digits_generator(shape: Shape = (8, 8, 1), width: int = 256, latent: int = 32, rng: Rng = None
                     ) -> Generator:
    """For small images: a generator with batch normalisation, which on the 8 × 8 digits makes the
    difference between a few kinds of digit and all of them."""
    return Generator(latent, *dense_stack([latent, width, width], 0.2, rng, batch_norm=True),
                     Dense(width, math.prod(shape), rng=rng), Sigmoid(), Reshape(*shape))


def table_generator(shape: Sequence[int] = (1,), width: int = 128, latent: int = 32,
                    rng: Rng = None, scalars: int | None = None,
                    groups: Sequence[tuple[int, int]] = ()) -> Generator:
    """Two layers with BatchNorm, for rows of a table: a RowGenerator. Where nobody says what the
    numbers of a row are, all of them are scalars."""
    layers = dense_stack([latent, width, width], 0.2, rng, batch_norm=True)
    if scalars is None:
        return Generator(latent, *layers, Dense(width, math.prod(shape), rng=rng), Tanh(),
                         Reshape(*shape))
    return RowGenerator(scalars, groups, 0.5, latent, width, *layers, rng=rng)


def dcgan_generator(shape: Shape = (28, 28, 1), latent: int = 100, width: int = 64,
                    kernel: int = 5, rng: Rng = None) -> Generator:
    """The convolutional pair (Radford et al. 2016), of two steps between H/4 × W/4 and H × W.

    Before a BatchNorm the generator has no biases: the mean that is subtracted takes them with
    it. Its noise is spread to H/4 × W/4 pixels of 2 · width channels, and each transposed
    convolution doubles height and width; the discriminator goes the same way back.
    """
    rows, columns, channels = quarter(shape)
    return dcgan_weights(Generator(
        latent, Dense(latent, rows * columns * 2 * width, bias=False, rng=rng),
        BatchNorm(rows * columns * 2 * width), LeakyReLU(0.2), Reshape(rows, columns, 2 * width),
        ConvTranspose2d(2 * width, width, kernel, stride=2, padding="same", bias=False, rng=rng),
        BatchNorm(width), LeakyReLU(0.2),
        ConvTranspose2d(width, channels, kernel, stride=2, padding="same", rng=rng), Tanh()), rng)


def dcgan_discriminator(shape: Shape = (28, 28, 1), width: int = 64, kernel: int = 5,
                        rng: Rng = None) -> Discriminator:
    """From H × W to H/4 × W/4 pixels by convolutions of stride 2, and a logit of what is there."""
    rows, columns, channels = quarter(shape)
    return dcgan_weights(Discriminator(
        Conv2d(channels, width, kernel, stride=2, padding="same", rng=rng), LeakyReLU(0.2),
        Conv2d(width, 2 * width, kernel, stride=2, padding="same", rng=rng),
        BatchNorm(2 * width), LeakyReLU(0.2),
        Flatten(), Dense(rows * columns * 2 * width, 1, rng=rng)), rng)


def dense_dcgan_generator(shape: Shape = (28, 28, 1), latent: int = 100, width: int = 128,
                          rng: Rng = None) -> Generator:
    """Dense layers up to H/4 × W/4 pixels of 2 · width channels and three transposed convolutions,
    against dense layers; BatchNorm and LeakyReLU 0.3 on both sides.

    The weights start as Glorot's, the default of the layers: DCGAN's N(0, 0.02²) has his variance
    where fan-in and fan-out are 2,500 on average, while the first layer here takes 100 numbers
    to 128.
    """
    rows, columns, channels = quarter(shape)
    sizes = [latent, width, 2 * width, 4 * width, 8 * width, rows * columns * 2 * width]
    return Generator(
        latent, *dense_stack(sizes, 0.3, rng, batch_norm=True), Reshape(rows, columns, 2 * width),
        ConvTranspose2d(2 * width, width, 5, stride=2, padding="same", rng=rng),
        BatchNorm(width), LeakyReLU(0.3),
        ConvTranspose2d(width, (width + 1) // 2, 5, stride=2, padding="same", rng=rng),
        BatchNorm((width + 1) // 2), LeakyReLU(0.3),
        ConvTranspose2d((width + 1) // 2, channels, 7, padding="same", rng=rng), Tanh())


def dense_dcgan_discriminator(shape: Shape = (28, 28, 1), width: int = 128, rng: Rng = None
                              ) -> Discriminator:
    """Dense layers with BatchNorm and LeakyReLU 0.3."""
    return Discriminator(
        Flatten(), *dense_stack([math.prod(shape), 8 * width, 4 * width, 2 * width], 0.3, rng,
                                batch_norm=True), Dense(2 * width, 1, rng=rng))


def quarter(shape: Shape) -> Shape:
    """(H/4, W/4, C), where two transposed convolutions of stride 2 start from. Raises ShapeError
    if there is no such thing."""
    height, width, channels = shape
    if height % 4 or width % 4:
        raise ShapeError(
            f"this generator doubles width and height twice, so both must be divisible by 4, but "
            f"the images are {width}x{height} (width x height); {width + -width % 4}x"
            f"{height + -height % 4} would do (--image-size)")
    return height // 4, width // 4, channels


def dcgan_weights(network: Net, rng: Rng) -> Net:
    """The network with DCGAN's initial weights: N(0, 0.02²) (Radford et al. 2016, §4), and as in
    its authors' code N(1, 0.02²) for BatchNorm's scales. Biases stay 0."""
    rng = rng or np.random.default_rng()
    for module in network.modules():
        if isinstance(module, (BatchNorm, Conv2d, ConvTranspose2d, Dense)):
            weight = init.normal_002(module.weight.shape, rng)
            centre = 1 if isinstance(module, BatchNorm) else 0
            module.weight.data = backend.asarray(weight + np.float32(centre))
    return network


mlp = Pair(mlp_generator, mlp_discriminator)
mlp_small = Pair(mlp_generator, mlp_discriminator, width=128, depth=2)
mlp_keras = Pair(keras_generator, keras_discriminator)
digits = Pair(digits_generator, partial(mlp_discriminator, shape=(8, 8, 1), width=256, depth=2))
dcgan = Pair(dcgan_generator, dcgan_discriminator)
# in the transposed convolutions each pixel is reached by as many taps of a 4 × 4 kernel of stride 2
# as its neighbours are
digits_dcgan = Pair(dcgan_generator, dcgan_discriminator, 32, shape=(8, 8, 1), width=32, kernel=4)
table = Pair(table_generator, partial(mlp_discriminator, width=128, depth=2))
dense_dcgan = Pair(dense_dcgan_generator, dense_dcgan_discriminator)
