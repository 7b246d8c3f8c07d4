"""`python -m tests.fuzz`: damage files of every kind, and count how they are answered."""
from __future__ import annotations

import argparse
import resource
import sys

from . import fuzz
from .kinds import KINDS

LARGEST = 4 * 2 ** 30  # bytes of memory that the process may have: a reader that asks for more
NAME = "python -m tests.fuzz"


def main() -> int:
    """Exit status 0: every file is read or refused in a sentence; 1: not every one."""
    p = argparse.ArgumentParser(prog=NAME, description=__doc__)
    p.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)} (default: all)")
    p.add_argument("--count", type=int, default=20_000, metavar="N", help="files of each kind")
    p.add_argument("--seed", type=int, default=0, metavar="N",
                   help="of the first file; the next one has the next seed")
    args = p.parse_args()
    if unknown := [kind for kind in args.kinds if kind not in KINDS]:
        p.error(f"there is no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST, LARGEST))
    broken = 0
    print("| files | read | refused | broken |\n|---|--:|--:|--:|", flush=True)
    for kind in args.kinds or KINDS:
        found = fuzz(kind, args.count, args.seed)
        print(f"| {kind} | {found.read:,} | {found.refused:,} | {len(found.broken):,} |",
              flush=True)
        for seed, what in list(found.broken.items())[:20]:
            print(f"{kind}, seed {seed}: {what}\n    {NAME} {kind} --count 1 --seed {seed}",
                  file=sys.stderr)
        broken += len(found.broken)
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
