"""The reference systems: networks, noise, data and settings under one name each."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from ..autodiff import Tensor
from ..checked import checked
from ..settings import Positive, PositiveNumber
from . import models, noise


@checked
@dataclass(frozen=True)
class System:
    """A reference system as it is written, and its recipe: the Options by which `minigan train
    NAME` departs from that, so that what it draws is of all kinds. docs/recipes.md has both.
    Or a system of the user's own (own.py)."""

    summary: str
    networks: models.Pair
    latent: Positive = 100  # how many numbers the noise has
    noise: Callable[..., Tensor] = noise.normal
    data: str = "mnist"
    # of generated pixels, to which the data are scaled; None: as the generator's first samples are
    value_range: tuple[float, float] | None = (0, 1)
    batch_size: Positive = 100
    steps: Positive = 10_000
    lr: PositiveNumber = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)  # Adam's
    schedule: Callable[[int, int], float] | None = None  # of lr, as Trainer has it
    recipe: Mapping[str, Any] = field(default_factory=dict, hash=False)


SYSTEMS: dict[str, System] = {
    "digits": System("2 x 256 with BatchNorm in the generator, for the 8 x 8 digits it comes with",
                     models.digits, 32, data="digits", batch_size=64, steps=5_000, lr=5e-4,
                     recipe={"penalty": ("r1:0.1",), "lr": 2e-3, "lr_decay": 1}),
    "mlp": System("3 x 1024 on both sides", models.mlp,
                  recipe={"penalty": ("r1:1",), "lr": 1e-3, "lr_decay": 1}),
    "mlp-small": System("2 x 128 on both sides, uniform noise", models.mlp_small,
                        noise=noise.uniform,
                        recipe={"penalty": ("r1:0.1",), "lr": 4e-3}),
    "mlp-keras": System("2 x 12544 ReLU, tanh, against 4096: 169 million weights",
                        models.mlp_keras, value_range=(-1, 1), batch_size=128,
                        recipe={"width": 512, "penalty": ("r1:1",), "lr": 1e-3}),
    "dense-dcgan": System("dense layers, then three transposed convolutions, against dense layers",
                          models.dense_dcgan, value_range=(-1, 1), batch_size=128,
                          recipe={"width": 32, "instance_noise": 0.3, "noise_until": 1,
                                  "lr": 5e-4, "d_lr": 2e-3}),
    "dcgan": System("transposed convolutions against convolutions, DCGAN's initial weights",
                    models.dcgan, value_range=(-1, 1), batch_size=128, recipe={"lr": 2e-3}),
    "digits-dcgan": System("a small dcgan for the 8 x 8 digits", models.digits_dcgan, 32,
                           data="digits", value_range=(-1, 1), batch_size=64, steps=3_500,
                           lr=5e-4, recipe={"lr": 2e-3}),
    "table": System("2 x 128 with BatchNorm in the generator, for the rows of a CSV file",
                    models.table, 32, data="table", value_range=(-1, 1), batch_size=64,
                    steps=3_000, lr=1e-3, recipe={"penalty": ("r1:0.1",), "lr_decay": 1}),
}
