"""A system of the user's own, from a file of Python: mine.py:NAME."""
from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Callable, Mapping

import numpy as np

from .. import backend
from ..autodiff import Tensor, no_grad
from ..errors import BRIEF, UserError, did_you_mean, no_such
from ..nn import Flatten, Module, Reshape, Sequential, Sigmoid, Tanh
from ..settings import POSITIVE, Kind
from ..user_code import executed, member, place_of, said, text_of
from .game import GAN, GameError, sample
from .models import Discriminator, Pair
from .penalties import Sample
from .systems import SYSTEMS, System

FILE = "networks.py"  # in the run folder: the user's file as it was when the run began
RANGES = {Tanh: (-1, 1), Sigmoid: (0, 1)}  # of what a generator makes that ends in such a layer
GIVEN = ("shape", "latent", "rng", "width")  # by name, to a function that takes them


def _is_own(name: Any) -> bool:
    file, _, attribute = name.rpartition(":")
    return file.endswith(".py") and attribute.isidentifier() and "\0" not in file


SYSTEM = Kind("a system", lambda name: isinstance(name, str) and (name in SYSTEMS or _is_own(name)),
              wrong=lambda name: no_such("system", name, SYSTEMS) + ". Networks of your own are "
              "named as in mine.py:pair, the file and a function in it")


def find(name: str, file: Path | None = None, source: str | None = None) -> System:
    """The system of a name: one of SYSTEMS, or from a file of the user's what is there a System, or
    a function that makes a generator and a discriminator. That file may be a copy of the source,
    beside which are the modules that it imports. Raises UserError for a file without, and for
    errors in it."""
    SYSTEM.check("system", name)
    if name in SYSTEMS:
        return SYSTEMS[name]
    path = source_of(name) if file is None else file
    module = executed(text_of(path), path, Path(source or path))
    found = member(module, name.rpartition(":")[2])
    if isinstance(found, System):
        return found
    if isinstance(found, Pair):
        return System(f"networks of {name}", found, data="digits", value_range=None)
    if isinstance(found, (type, Module, tuple)) or not callable(found):
        raise UserError(f"{name} is {BRIEF.repr(found)}, and is to be a System, or a function that "
                        "returns a new generator and a new discriminator")
    made = _Made(found, name)
    return System(f"networks of {name}", Pair(made.generator, made.discriminator), made.latent,
                  data="digits", value_range=None)


def source_of(name: str) -> Path:
    """The user's file that a system's name names. Raises UserError if there is none."""
    file = Path(name.rpartition(":")[0]).expanduser()
    if not file.is_file():
        near = did_you_mean(file.name, [p.name for p in file.parent.glob("*.py")])
        raise UserError(f"there is no file {file}, where the system {name} would be{near}")
    return file.resolve()


def short(name: str) -> str:
    """The name without the file's folder."""
    return name if name in SYSTEMS else Path(name).name


class _Made:
    """Networks made by a function of the user's, which returns both at once: the discriminator of a
    call is kept for who asks for it next, of the same shape."""

    def __init__(self, function: Callable[..., Any], name: str):
        self.function, self.name, self.last, self.kept = function, name, (), None
        try:
            parameters = inspect.signature(function).parameters
        except (TypeError, ValueError):
            parameters = {}
        more = [p.name for p in parameters.values() if p.default is p.empty and p.name not in GIVEN
                and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        if more:
            raise UserError(f"{name} is called with {', '.join(GIVEN[:3])}, as far as it takes "
                            f"them, and cannot be called without {' and '.join(more)}: give a "
                            "default")
        every = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self.takes = {name for name in GIVEN if every or name in parameters}
        self.latent = 100
        if "latent" in parameters and parameters["latent"].default is not inspect.Parameter.empty:
            self.latent = parameters["latent"].default
            POSITIVE.check(f"the default of latent in {name}", self.latent)

    def generator(self, **given: Any) -> Module:
        made, self.kept = self.both(given)
        self.shape = given["shape"]
        return made

    def discriminator(self, **given: Any) -> Module:
        made, self.kept = self.kept, None
        return made if made is not None and given["shape"] == self.shape else self.both(given)[1]

    def both(self, given: Mapping[str, Any]) -> tuple[Module, Module]:
        """The two, newly made. Raises GameError if the function cannot make these."""
        for name, value, why in (("width", None, "--width is given"),
                                 ("latent", self.latent, "the generator is to be told more")):
            if given.get(name, value) != value and name not in self.takes:
                raise GameError(f"{why}, and {self.name} takes no {name}: give it an argument of "
                                "that name")
        try:
            made = self.function(**{k: v for k, v in given.items() if k in self.takes})
        except UserError:
            raise
        except (Exception, SystemExit) as error:
            raise UserError(f"{self.name} raised {said(error)}{place_of(error)}") from error
        if not isinstance(made, (tuple, list)) or [isinstance(m, Module) for m in made] != [True,
                                                                                            True]:
            raise UserError(f"{self.name} returned {BRIEF.repr(made)}, and is to return a "
                            "generator and a discriminator, which are Modules")
        if any(new is old for new, old in zip(made, self.last)):
            raise UserError(f"{self.name} returned the same network twice: it is to make new ones "
                            "each time that it is called")
        self.last = generator, discriminator = made
        if type(discriminator) is Sequential:  # of which games with classes can ask more
            discriminator = Discriminator(*discriminator.layers)
        return generator, discriminator


def shown_range(game: GAN, latent: Sample) -> tuple[float, float]:
    """The range of pixels of a generator that does not say it: (-1, 1), as tanh has it, if its
    first samples go below 0, else (0, 1)."""
    return (-1, 1) if _painted(game, latent).min() < 0 else (0, 1)


def check_networks(game: GAN, latent: Sample, told: Sample, shape: tuple[int, ...],
                   value_range: tuple[float, float], data: str) -> None:
    """Raise GameError for networks that do not go with each other and with images of a shape and a
    range. The game is of no further use: what BatchNorm knows of it is of these few images."""
    images = _painted(game, latent)
    if images.shape[1:] != tuple(shape):
        raise GameError(f"the generator makes images of shape {images.shape[1:]}, and {data} are "
                        f"of {tuple(shape)}: take other data, or let it end in a layer nn.Reshape("
                        f"{', '.join(map(str, shape))})")
    last = _last(game.generator)
    if RANGES.get(type(last), value_range) != tuple(value_range):
        raise GameError("the generator ends in {}, whose pixels are from {} to {}, and {} are from "
                        "{} to {}: Scaled(images, range) brings them there".format(
                            type(last).__name__, *RANGES[type(last)], data, *value_range))
    if isinstance(_last(game.discriminator), Sigmoid):
        raise GameError("the discriminator ends in a Sigmoid, and is to give the number before it, "
                        "the logit: leave the Sigmoid out, the loss has it")
    with no_grad():
        fake = _asked("generator", lambda: game.generate(latent))
    real = (Tensor(backend.asarray(images)), *told)
    judged = _asked("discriminator", lambda: game.d_loss(real, fake, np.random.default_rng(0)))
    n = len(images) // game.pack
    if type(game) is GAN and judged.real_logits.shape != (n, 1):
        raise GameError(f"the discriminator makes {judged.real_logits.shape} of {n} images, and is "
                        f"to make a logit of each, ({n}, 1)")


def _last(network: Module) -> Module:
    """The last layer that computes something, if layers are called in their order."""
    return [m for m in network.modules() if not isinstance(m, (Flatten, Reshape))][-1]


def _painted(game: GAN, latent: Sample) -> np.ndarray:
    return _asked("generator", lambda: sample(game.generator, latent))


def _asked(network: str, call: Callable[[], Any]) -> Any:
    """What a network answers. Raises GameError if it raises."""
    try:
        return call()
    except GameError:
        raise
    except Exception as error:
        raise GameError(f"the {network} does not take what it is given: {said(error)}"
                        f"{place_of(error)}") from error
