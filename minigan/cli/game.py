"""The arguments of `minigan train` that change the game; by their names the fields of Options."""
from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from ..gan import OBJECTIVES, Options
from ..gan.options import CONDITIONS, MIXES
from ..gan.penalties import PENALTIES
from ..gan.update import RULES
from .arguments import fraction, natural, positive, positive_number, two_or_more


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them as a group. What is not given is None."""
    group = parser.add_argument_group("the game", "What differs from the system's plain game. "
                                      "docs/objectives.md and docs/collapse.md explain and "
                                      "measure it.")
    add = group.add_argument
    add("--objective", metavar="NAME", choices=OBJECTIVES,
        help=f"{', '.join(OBJECTIVES)} (default: nonsaturating)")
    add("--penalty", metavar="NAME[:WEIGHT]", action="append",
        help=f"added to D's loss, may be repeated: {', '.join(PENALTIES)}")
    add("--d-steps", type=positive, metavar="N", help="updates of D in a step (default: 1)")
    add("--rule", choices=RULES, metavar="NAME",
        help=f"in which order the players move: {', '.join(RULES)} (default: alternating)")
    add("--conditional", choices=CONDITIONS, metavar="HOW", nargs="?", const="projection",
        help=f"G makes what class it is told to: {', '.join(CONDITIONS)} (default: projection)")
    add("--codes", type=codes, metavar="K[,M]",
        help="InfoGAN: a code of K classes, and M continuous ones")
    add("--labels", type=positive, metavar="N",
        help="semi-supervised: D also learns the classes, from N images' labels")
    add("--d2gan", action="store_true", default=None,
        help="two discriminators, one of which rewards real images, one generated ones")
    add("--discriminators", type=two_or_more, metavar="N", help="GMAN: G plays against N of them")
    add("--mix", choices=MIXES, metavar="NAME",
        help=f"which of them counts: {', '.join(MIXES)} (default: mean)")
    add("--generators", type=two_or_more, metavar="N",
        help="MGAN: N of them, and a classifier that tells them apart")
    add("--pack", type=positive, metavar="M", help="PacGAN: D sees M images at once")
    add("--unroll", type=positive, metavar="K", help="G looks ahead by K updates of D")
    add("--label-smoothing", type=fraction, metavar="X",
        help="D is told with this share that real images are generated")
    add("--label-noise", type=fraction, metavar="X",
        help="the probability that two images exchange their labels")
    add("--instance-noise", type=positive_number, metavar="STD", help="added to all that D sees")
    add("--diff-augment", action="store_true", default=None,
        help="all that D sees is shifted, cut and recoloured (DiffAugment)")
    add("--spectral-norm", action="store_true", default=None,
        help="each layer of D divided by its largest stretch")
    add("--clip-weights", type=positive_number, metavar="X",
        help="D's weights are cut to [-X, X] after each of its updates")
    add("--max-norm", type=positive_number, metavar="X",
        help="each player's gradient is cut to this length")


def given(args: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, as fields of Options."""
    values = {field.name: getattr(args, field.name) for field in fields(Options)}
    if values["penalty"] is not None:
        values["penalty"] = tuple(values["penalty"])
    return {name: value for name, value in values.items() if value is not None}


def codes(text: str) -> tuple[int, int]:
    """(classes, continuous codes), from K or K,M."""
    classes, comma, continuous = text.partition(",")
    try:
        return two_or_more(classes), natural(continuous) if comma else 0
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"expected a number of classes, or with a number of "
                                         f"continuous codes as in 10,2, got {text!r}") from None
