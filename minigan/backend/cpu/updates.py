"""An optimiser's rule on the CPU, block by block on all threads."""
from __future__ import annotations

import numpy as np

from .. import thresholds
from . import threads


def update(rule, param, grads, *state):
    """The reference's. Much of it goes block by block, on all threads."""
    pieces = [g.reshape(-1) for g in grads]
    if param.size >= thresholds.SHARED_PASS:
        return _update_in_blocks(rule, param, pieces, *state)
    rule(param, pieces[0] if len(pieces) == 1 else np.concatenate(pieces), *state)


def _update_in_blocks(rule, param, pieces, *state):
    """A block within one piece of the gradient reads it where it is; one that spans several has
    them joined first."""
    ends, step = np.cumsum([piece.size for piece in pieces]), thresholds.PASS_BLOCK

    def task(start):
        stop, parts = min(start + step, param.size), []
        i = int(np.searchsorted(ends, start, side="right"))  # the piece that the block starts in
        while start < stop:
            first = int(ends[i]) - pieces[i].size
            parts.append(pieces[i][start - first:stop - first])
            start, i = start + parts[-1].size, i + 1
        grad = parts[0] if len(parts) == 1 else np.concatenate(parts)
        block = slice(stop - grad.size, stop)
        rule(param[block], grad, *[array[block] for array in state])

    threads.share(task, range(0, param.size, step))
