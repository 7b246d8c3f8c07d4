"""The arguments of `minigan train` that change the game; by their names the fields of Options."""
from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from ..gan import OBJECTIVES, Options
from ..gan.options import CONDITIONS, MIXES
from ..gan.penalties import PENALTIES
from ..gan.update import RULES
from ..settings import FRACTION, NATURAL, POSITIVE, POSITIVE_NUMBER, TWO_OR_MORE, Kind, one_of


def _codes(text: str) -> tuple[int, int]:
    classes, comma, continuous = text.partition(",")
    return int(classes), int(continuous) if comma else 0


CODES = Kind("a number of classes, or with a number of continuous codes as in 10,2",
             lambda c: TWO_OR_MORE.fits(c[0]) and NATURAL.fits(c[1]), _codes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them as a group. What is not given is None."""
    group = parser.add_argument_group("the game", "What differs from the system's plain game. "
                                      "docs/objectives.md and docs/collapse.md explain and "
                                      "measure it.")
    add = group.add_argument
    add("--objective", metavar="NAME", type=one_of(OBJECTIVES, "objective"),
        help=f"{', '.join(OBJECTIVES)} (default: nonsaturating)")
    add("--penalty", metavar="NAME[:WEIGHT]", action="append",
        help=f"added to D's loss, may be repeated: {', '.join(PENALTIES)}")
    add("--d-steps", type=POSITIVE, metavar="N", help="updates of D in a step (default: 1)")
    add("--rule", type=one_of(RULES, "rule"), metavar="NAME",
        help=f"in which order the players move: {', '.join(RULES)} (default: alternating)")
    add("--conditional", type=one_of(CONDITIONS, "way"), metavar="HOW", nargs="?", const="projection",
        help=f"G makes what class it is told to: {', '.join(CONDITIONS)} (default: projection)")
    add("--codes", type=CODES, metavar="K[,M]",
        help="InfoGAN: a code of K classes, and M continuous ones")
    add("--labels", type=POSITIVE, metavar="N",
        help="semi-supervised: D also learns the classes, from N images' labels")
    add("--d2gan", action="store_true", default=None,
        help="two discriminators, one of which rewards real images, one generated ones")
    add("--discriminators", type=TWO_OR_MORE, metavar="N", help="GMAN: G plays against N of them")
    add("--mix", type=one_of(MIXES, "mix"), metavar="NAME",
        help=f"which of them counts: {', '.join(MIXES)} (default: mean)")
    add("--generators", type=TWO_OR_MORE, metavar="N",
        help="MGAN: N of them, and a classifier that tells them apart")
    add("--pack", type=POSITIVE, metavar="M", help="PacGAN: D sees M images at once")
    add("--unroll", type=POSITIVE, metavar="K", help="G looks ahead by K updates of D")
    add("--label-smoothing", type=FRACTION, metavar="X",
        help="D is told with this share that real images are generated")
    add("--label-noise", type=FRACTION, metavar="X",
        help="the probability that two images exchange their labels")
    add("--instance-noise", type=POSITIVE_NUMBER, metavar="STD", help="added to all that D sees")
    add("--diff-augment", action="store_true", default=None,
        help="all that D sees is shifted, cut and recoloured (DiffAugment)")
    add("--spectral-norm", action="store_true", default=None,
        help="each layer of D divided by its largest stretch")
    add("--clip-weights", type=POSITIVE_NUMBER, metavar="X",
        help="D's weights are cut to [-X, X] after each of its updates")
    add("--max-norm", type=POSITIVE_NUMBER, metavar="X",
        help="each player's gradient is cut to this length")


def given(args: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, as fields of Options."""
    values = {field.name: getattr(args, field.name) for field in fields(Options)}
    if values["penalty"] is not None:
        values["penalty"] = tuple(values["penalty"])
    return {name: value for name, value in values.items() if value is not None}
