"""What a run plays: the table of all options, and the game and the trainer that they make."""
from __future__ import annotations

from dataclasses import make_dataclass
from functools import partial
from typing import Any, Callable, Iterable, Mapping

import numpy as np

from ..data import Loader
from ..errors import UserError, no_such
from . import (augment, auxiliary, conditional, game, networks, objectives, own, penalties,
               several, sharded, unrolled, update)
from .game import GAN
from .networks import Networks
from .option import GameError, Option, argument
from .systems import System
from .trainer import Callback, Trainer

OPTIONS: tuple[Option, ...] = (
    *objectives.OPTIONS, *penalties.OPTIONS, *augment.OPTIONS, *game.OPTIONS, *networks.OPTIONS,
    *update.OPTIONS, *sharded.OPTIONS, *conditional.OPTIONS, *auxiliary.OPTIONS, *several.OPTIONS,
    *unrolled.OPTIONS)


_Fields = make_dataclass("_Fields", [(option.name, Any, option.default) for option in OPTIONS],
                         frozen=True, repr=False)


def default_of(name: str) -> Any:
    """What an option is by default; None for what is no option."""
    return next((option.default for option in OPTIONS if option.name == name), None)


class Options(_Fields):
    """What a run's game differs in from a system's plain one; by default nothing. Raises UserError
    for what no option can be, and GameError for what does not go together.
    """

    def __init__(self, **fields: Any):
        for name in fields.keys() - {option.name for option in OPTIONS}:
            raise GameError(no_such("option", name, [option.name for option in OPTIONS]))
        super().__init__(**fields)
        for option in OPTIONS:
            option.check(getattr(self, option.name))
        given = self.given()
        games = [option.name for option in OPTIONS if option.game and option.name in given]
        if len(games) > 1:
            raise GameError(f"{' and '.join(games)} are games of their own, of which a run plays "
                            "one")
        for option in OPTIONS:
            if option.name not in given:
                continue
            if option.needs and option.needs not in given:
                raise GameError(f"{option.name} is of {option.needs}, and does nothing without: "
                                f"give {option.needs}, too")
            for other in option.without:
                if other in given:
                    raise GameError(f"{option.name} goes without {other}: {option.because}")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Options:
        """From the fields by name; JSON makes lists of tuples."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value
                      for name, value in settings.items()})

    @classmethod
    def recipe(cls, system: str, **given: Any) -> Options:
        """A system's recipe, with the options given beside or in place of its own. Raises as
        Options does."""
        recipe = own.find(system).recipe
        try:
            return cls(**{**recipe, **given})
        except UserError as error:
            cls(**given)  # what is wrong with these alone is told as such
            more = " and ".join(name for name in recipe if name not in given)
            raise GameError(f"{error}. {more} is of the recipe of {system}, which --recipe "
                            "as-written leaves out (in Python: Options instead of "
                            "Options.recipe)") from None

    def given(self) -> dict[str, Any]:
        """The fields that are not what they are by default."""
        fields = {option.name: getattr(self, option.name) for option in OPTIONS}
        return {o.name: fields[o.name] for o in OPTIONS if fields[o.name] != o.default}

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.given().items())
        return f"Options({given})"

    @property
    def words(self) -> list[str]:
        """The arguments of `minigan train` that give these options."""
        found = []
        for option in OPTIONS:
            value = getattr(self, option.name)
            for one in value if option.repeated else [value] * (value != option.default):
                text = ",".join(map(str, one)) if isinstance(one, tuple) else str(one)
                found += [argument(option.name), text][:1 if one is True else 2]
        return found

    @property
    def name(self) -> str:
        """Such as hinge+r1=0.5+pack=2, which can be a folder's name."""
        words = [self.objective, *(text.replace(":", "=") for text in self.penalty)]
        for name, value in self.given().items():
            if name not in ("objective", "penalty"):
                value = ",".join(map(str, value)) if isinstance(value, tuple) else value
                words.append(name.replace("_", "-") + f"={value}" * (value is not True))
        return "+".join(words)

    def build(self, system: System, shape: tuple[int, ...], classes: int,
              rng: np.random.Generator) -> GAN:
        """The game between a system's networks, on examples of a shape, with labels of so many
        classes (0: without). Raises GameError for data that an option is not for."""
        parts: dict[str, Any] = {"noise": system.noise}
        net, make = Networks(self, system, shape, classes, rng), None
        for option in OPTIONS:
            value = getattr(self, option.name)
            if value == option.default and option.name != "objective":
                continue
            if option.conditions and not classes:
                raise GameError(f"{option.name} needs classes, and these data have none: take "
                                "digits, an MNIST set, or a folder of images with a folder in it "
                                "for each class, and no image beside them")
            if option.images and len(shape) != 3:
                raise GameError(f"{option.name} is for images, not for examples of shape {shape}")
            if option.part:
                option.part(parts, value)
            if option.game:
                make = partial(option.game, value, net)
        return make(parts) if make else GAN(net.generator(), net.discriminator(), **parts)

    def conditions(self) -> list[Callable[[np.ndarray, int, np.random.Generator], np.ndarray]]:
        """What the loader gives beside the examples, functions of (labels, classes, rng): one, if
        the game is to know of their classes, or none."""
        given = self.given()
        return [partial(option.conditions, given[option.name]) for option in OPTIONS
                if option.conditions and option.name in given]

    def check_batch(self, size: int) -> None:
        """Raise GameError for a batch size that an option cannot do with."""
        sharded.check_shards(self.shards, size)
        for option in OPTIONS:
            if option.batch:  # each shard is a batch to the game
                option.batch(getattr(self, option.name), size // self.shards)

    def trainer(self, game: GAN, system: System, loader: Loader, seed: Any = 0,
                callbacks: Iterable[Callback] = ()) -> Trainer:
        """The trainer that plays the game."""
        lr, (beta1, beta2) = self.lr or system.lr, system.betas
        betas = (beta1 if self.beta1 is None else self.beta1, beta2)
        schedule = self.lr_decay and partial(update.last_decay, self.lr_decay)
        return Trainer(game, loader, (self.d_lr or lr, lr), update.RULES[self.rule], self.d_steps,
                       max_norm=self.max_norm, seed=seed, callbacks=callbacks, betas=betas,
                       schedule=schedule or system.schedule, shards=self.shards,
                       batch_norm=self.batch_norm)


Options.__doc__ = (Options.__doc__ or "") + "".join(  # python -OO leaves docstrings out
    f"\n    - {option.name}: {option.help}" for option in OPTIONS)
