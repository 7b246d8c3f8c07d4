"""The settings and the data that a new run begins with."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import UserError
from . import own, tables
from .config import Config, Data, fingerprint, folder_of, load
from .options import Options
from .systems import SYSTEMS
from .tables import TABLE

OF_SYSTEM = "data", "steps", "batch_size"  # what is the system's own where it is None
OF_ROWS = "batch_size", "save_every"  # what depends on how many rows there are, or on that
OF_WEIGHTS = "system", "game", "data", "batch_size"  # or that of the run with the weights, if any


def settings(weights_of: Config | None, data_dir: str | Path | None, size: tuple[int, int] | None,
             channels: int | None, **given: Any) -> tuple[Config, Data]:
    """The settings, fields of Config of which some are None, completed; and the data, which are
    loaded. Raises UserError for settings that no run can have."""
    was, again = weights_of, given["system"] is None  # the networks of that run, from its copy
    rows = given["data"] if tables.named(given["data"]) else None  # a CSV file
    if rows is not None:
        given.update(data=TABLE, system=given["system"] or TABLE)
    if was is not None:
        was.check_held()
        if was.system is None:
            raise UserError("weights of a program's run are taken over in that program: "
                            "trainer.load_state_dict, or Run.of with a copy of its folder")
        given.update({name: getattr(was, name) for name in OF_WEIGHTS if given[name] is None})
        if given["data"] == was.data:
            if was.data == TABLE:
                rows = rows or was.data_dir
            else:
                data_dir = data_dir or was.data_dir
        if given["data"] == was.data == "images" and size is None and channels is None:
            *size, channels = was.shape
    system = given["system"] or "digits"
    config = Config(**{"shape": (1, 1, 1), **given, "system": system,
                       "save_every": 1 if given["save_every"] is None else given["save_every"]})
    own.SYSTEM.check("system", system)
    if system not in SYSTEMS:
        again = again and was is not None
        config.own = was.own if again else own.find(system)
        config.source = was.source if again else str(own.source_of(system))
        config.system = own.short(config.system)
    if config.game is None:
        config.game = Options.recipe(system)
    if not isinstance(config.game, Options):
        raise UserError("a run's game is Options, such as Options(objective='hinge'), not "
                        f"{config.game!r}")
    for name in OF_SYSTEM:
        if getattr(config, name) is None:
            setattr(config, name, getattr(config.played, name))
    if TABLE in (config.data, config.system):
        tables.check_named(rows, config.system, data_dir or size or channels)
        return tables.begin(config, rows, was, **{name: given[name] for name in OF_ROWS})
    config.check()
    config.data_dir = folder_of(config.data, data_dir)
    if given["save_every"] is None:
        config.save_every = max(1, config.steps // 10)
    images, labels = load(config.data, data_dir, config.batch_size, size, channels)
    config.shape = images.shape[1:]
    config.classes = 0 if labels is None else int(labels.max()) + 1
    config.fingerprint = fingerprint(images, labels)
    return config, (images, labels)
