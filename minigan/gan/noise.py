"""What a generator starts from, and all else that is drawn. Drawn with NumPy's generator and moved
to the default device, so that a run sees the same numbers wherever it computes.

`rng` is a generator of NumPy's, or the Draws of a captured step.
"""
from __future__ import annotations

from typing import Callable

import numpy as np

from .. import backend, ops
from ..autodiff import Tensor, as_tensor
from ..checked import checked
from ..ops.elementwise import as_floats
from ..replay import Draws
from ..settings import PositiveNumber

Rng = np.random.Generator | Draws


def drawn(draw: Callable[[np.random.Generator], np.ndarray], rng: Rng) -> Tensor:
    """draw(rng) on the default device. All that is drawn within a training step goes through here.
    What `draw` looks up itself (a width, a probability) it looks up anew in each replay."""
    if rng is None:
        raise TypeError("this game draws random numbers: give the step a generator, such as "
                        "rng=numpy.random.default_rng(0)")
    return rng(draw) if isinstance(rng, Draws) else Tensor(backend.asarray(draw(rng)))


class Masks:
    """A Dropout's `rng`, which draws from a trainer's Draws: its masks are of each replay of a
    captured step, and a resumed run goes on with them."""

    def __init__(self, draws: Draws):
        self.draws = draws

    def random(self, shape: tuple[int, ...], dtype: type) -> backend.Array:
        """What Dropout asks for."""
        return drawn(lambda rng: rng.random(shape, dtype), self.draws).data


def normal(n: int, latent: int, rng: Rng) -> Tensor:
    """n vectors of N(0, 1), (n, latent), float32."""
    return drawn(lambda rng: rng.standard_normal((n, latent), np.float32), rng)


def uniform(n: int, latent: int, rng: Rng) -> Tensor:
    """n vectors of U(−1, 1), (n, latent), float32."""
    return drawn(lambda rng: rng.random((n, latent), np.float32) * 2 - 1, rng)


def with_gumbel(first: int, n: int, latent: int, rng: Rng) -> Tensor:
    """n vectors whose `first` numbers are of the standard Gumbel distribution, by which one among
    categories is chosen (models.RowGenerator), and the others of N(0, 1): (n, latent), float32."""
    def draw(rng: np.random.Generator) -> np.ndarray:
        z = rng.standard_normal((n, latent), np.float32)
        z[:, :first] = rng.gumbel(size=(n, first))
        return z
    return drawn(draw, rng)


def fractions(shape: tuple[int, ...], rng: Rng) -> Tensor:
    """Numbers of U(0, 1), float32."""
    return drawn(lambda rng: rng.random(shape, np.float32), rng)


def one_hot(n: int, classes: int, rng: Rng) -> Tensor:
    """n of the unit vectors of `classes` numbers, (n, classes), float32, all equally likely."""
    return drawn(lambda rng: _unit_vectors(rng.integers(classes, size=n), classes), rng)


@checked
def gumbel_softmax(logits: Tensor, temperature: PositiveNumber | Tensor, rng: Rng,
                   hard: bool = False) -> Tensor:
    """A choice among categories that a gradient flows through: softmax((logits + g) / temperature),
    g of the standard Gumbel distribution (Jang et al. 2017, eq. 2; Maddison et al. 2017).

    logits       (…, categories), and so is the result, of logits' dtype
    temperature  its largest element is category k with probability softmax(logits)[k] at any; near
                 0 the result is almost a unit vector, and its gradient noisy. A captured step is
                 recorded anew for another number: give it a Tensor () among the step's inputs
    rng          of NumPy, or a captured step's Draws: for a G that a Trainer trains, trainer.draws
    hard         True: exactly the unit vector of the largest element, with the gradient of the
                 softmax (straight-through, Bengio et al. 2013). It is not the derivative of what
                 is returned, which is 0 or does not exist: no gradient check holds

    Raises ValueError for logits without a category, and for a temperature that is not one number.
    """
    logits = as_floats(as_tensor(logits))
    shape, dtype = logits.shape, logits.dtype
    if not shape or not shape[-1]:
        raise ValueError(f"gumbel_softmax needs logits (…, categories), got shape {shape}")
    if getattr(temperature, "shape", ()):
        if temperature.size != 1:
            raise ValueError("gumbel_softmax: temperature is a positive number or a Tensor of one "
                             f"element, not of shape {temperature.shape}")
        temperature = ops.reshape(temperature, ())
    if isinstance(temperature, Tensor):
        temperature = temperature.astype(dtype)
    g = drawn(lambda rng: rng.gumbel(size=shape).astype(dtype), rng)
    g = Tensor(backend.to_device(g.data, backend.of(logits.data).name))
    soft = ops.softmax((logits + g) / temperature)
    if not hard:
        return soft
    places = backend.array_module(soft.data).arange(shape[-1])
    chosen = Tensor((soft.data.argmax(axis=-1)[..., None] == places).astype(dtype))
    return chosen + (soft - soft.detach())  # in this order: the difference is exactly 0


def encoded(labels: np.ndarray, classes: int) -> Tensor:
    """Class numbers (n,) as unit vectors, (n, classes), float32."""
    return Tensor(backend.asarray(_unit_vectors(labels, classes)))


def _unit_vectors(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]
