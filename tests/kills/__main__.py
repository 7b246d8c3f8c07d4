"""`python -m tests.kills`: kill runs of every game, resume them, and compare."""
from __future__ import annotations

import argparse
import sys

from . import GAMES, Found, kill

NAME = "python -m tests.kills"


def main() -> int:
    """Exit status 0: every run ended with the bits of one that was left alone; 1: not every one."""
    p = argparse.ArgumentParser(prog=NAME, description=__doc__)
    p.add_argument("games", nargs="*", metavar="GAME", help=f"of {', '.join(GAMES)} (default: all)")
    p.add_argument("--count", type=int, default=200, metavar="N", help="kills in all")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="of each game's first run")
    args = p.parse_args()
    games = args.games or list(GAMES)
    if unknown := [game for game in games if game not in GAMES]:
        p.error(f"there is no game {unknown[0]!r}; there are {', '.join(GAMES)}")
    print("| game | kills | at a file | before the settings | runs | killed twice | broken |\n"
          "|---|--:|--:|--:|--:|--:|--:|", flush=True)
    total = Found()
    for i, game in enumerate(games):
        found = kill(game, (args.count + i) // len(games), args.seed)
        tell(game, found)
        for seed, what in list(found.broken.items())[:20]:
            print(f"{game}, seed {seed}: {what}\n    {NAME} {game} --count 1 --seed {seed}",
                  file=sys.stderr)
        for name in ("kills", "at_files", "early", "runs", "twice"):
            setattr(total, name, getattr(total, name) + getattr(found, name))
        total.broken.update({len(total.broken) + n: "" for n in range(len(found.broken))})
    tell("all", total)
    return bool(total.broken)


def tell(game: str, found: Found) -> None:
    """A line of the table."""
    print(f"| {game} | {found.kills} | {found.at_files} | {found.early} | {found.runs} | "
          f"{found.twice} | {len(found.broken)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
