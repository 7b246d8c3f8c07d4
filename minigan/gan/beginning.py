"""The settings and the data that a new run begins with."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UserError
from . import own
from .config import Config, Data
from .options import Options
from .systems import SYSTEMS
from .tables import TABLE, TableConfig, named

OF_SYSTEM = "data", "steps"  # what is the system's own where it is None
OF_WEIGHTS = "system", "game", "data", "batch_size"  # or that of the run with the weights, if any


def settings(weights_of: Config | None, data_dir: str | Path | None, size: tuple[int, int] | None,
             channels: int | None, **given: Any) -> tuple[Config, Data]:
    """The settings, fields of Config of which some are None, completed; and the data, which are
    loaded. Raises UserError for settings that no run can have."""
    was, where = weights_of, data_dir
    again = was is not None and given["system"] is None  # the networks of that run, from its copy
    if named(given["data"]):
        where = given["data"]
        given.update(data=TABLE, system=given["system"] or TABLE)
    if was is not None:
        was.check_held()
        if was.system is None:
            raise UserError("weights of a program's run are taken over in that program: "
                            "trainer.load_state_dict, or Run.of with a copy of its folder")
        given.update({name: getattr(was, name) for name in OF_WEIGHTS if given[name] is None})
        if given["data"] == was.data:
            where = where or was.data_dir
            if was.data == "images" and size is None and channels is None:
                *size, channels = was.shape
    system = given["system"] or "digits"
    played = was.played if again else own.find(system)
    given.update({name: getattr(played, name) for name in OF_SYSTEM if given[name] is None})
    if given["game"] is None:
        given["game"] = Options.recipe(system)
    if not isinstance(given["game"], Options):
        raise UserError("a run's game is Options, such as Options(objective='hinge'), not "
                        f"{given['game']!r}")
    every = given["save_every"]
    kind = TableConfig if TABLE in (given["data"], system) else Config
    config = kind(**{**given, "shape": (1, 1, 1), "system": own.short(system),
                     "save_every": 1 if every is None else every})
    if system not in SYSTEMS:
        config.own, config.source = played, was.source if again else str(own.source_of(system))
    data = config.begin(where, was, data_dir=data_dir, size=size, channels=channels)
    if every is None:
        config.save_every = max(1, config.steps // 10)
    return config, data
