"""A run on several ranks: all train, and rank 0 alone writes."""
from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from ..ranks import Alone, RankError, check_alike, together
from .fields import dotted
from .trainer import Trainer

if TYPE_CHECKING:
    from .run import Run


def check_shared(shards: int, ranks: Alone) -> None:
    """Raise RankError for shards that so many ranks cannot share."""
    if ranks.size > 1 and shards == 1:
        raise RankError(f"{ranks.size} ranks share the shards of a batch, and here a batch is one "
                        "part: begin a run with --shards 8, or train this one without mpiexec")
    if ranks.size > shards:
        raise RankError(f"{ranks.size} ranks cannot share {shards} shards: start {shards} ranks at "
                        "most")


def begun(run: Run, ranks: Alone, machine: str, writing: Callable[[], Trainer],
          reading: Callable[[], Trainer]) -> Trainer:
    """The run's trainer on this rank, after rank 0 has written what a run begins with. Raises
    UserError on all ranks for what is wrong on one, and for ranks that would not do the same."""
    check_shared(run.config.game.shards, ranks)
    check_alike(ranks, {"the software": machine, **_settings(run)})
    trainer = together(ranks, writing if ranks.rank == 0 else lambda: None)
    trainer = together(ranks, reading if ranks.rank else lambda: trainer)
    check_alike(ranks, {"the state": mark(trainer)})
    return trainer


def _settings(run: Run) -> dict[str, Any]:
    kept, config = run.config.kept(), run.config
    game = kept.pop("game")
    return {**kept, **game, "steps": config.steps, "save_every": config.save_every,
            "fingerprint": config.fingerprint}


def mark(trainer: Trainer) -> str:
    """What tells a trainer's state from others."""
    state = dotted(trainer.state_dict())
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    mark = zlib.crc32(repr([value for name, value in state.items() if name not in arrays]).encode())
    for array in arrays.values():
        mark = zlib.crc32(np.ascontiguousarray(array), mark)
    return f"{mark:08x}"
