"""evaluation.json: the figures that a run is known by, each with all that it depends on."""
from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any, Callable, Iterable

from ..errors import UserError
from ..files import where_allowed, write_text
from ..locks import turn
from ..metrics.table import METRICS, Figure
from ..settings import NATURAL, NUMBER, TEXT, TWO_OR_MORE, check_fields, optional

FIELDS = {"column": TEXT, "step": optional(NATURAL), "weights": optional(TEXT), "n": TWO_OR_MORE,
          "seed": NATURAL, "data": optional(TEXT), "reference": TEXT, "judge": optional(TEXT),
          "metric": TEXT, "how": TEXT, "value": NUMBER, "interval": optional(NUMBER)}
_FIGURE = ("value", "interval")


class Scores:
    """The figures of a run folder, which are read when it is made. Raises UserError for a damaged
    file."""

    def __init__(self, folder: Path):
        self.path = folder / "evaluation.json"
        self._known: dict[str, dict[str, Any]] = {}  # by all but the figure
        try:
            rows = json.loads(self.path.read_text("utf-8"))["figures"]
            for row in rows:
                row = {**dict.fromkeys(FIELDS), **check_fields(row, FIELDS, more=False)}
                self._known[_key(row)] = row
        except FileNotFoundError:
            pass
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            raise UserError(f"{self.path} is damaged: {error}; delete it, and minigan evaluate "
                            "makes its figures anew, but not those of --keep-best") from None

    def rows(self) -> Iterable[dict[str, Any]]:
        """All of them, in the order in which they were made."""
        return self._known.values()

    def figures(self, names: Iterable[str], score: Callable[[str], Figure | str],
                **about: Any) -> dict[str, Figure | str]:
        """The figures of measures, of what `about` says; those that are not known are asked of
        score, and written."""
        found, new = {}, False
        for name in names:
            key = {**about, "metric": name, "how": METRICS[name].how}
            row = self._known.get(_key(key))
            found[name] = Figure(row["value"], row["interval"]) if row else score(name)
            if row is None and isinstance(found[name], Figure):
                self._known[_key(key)] = {**key, **found[name]._asdict()}
                new = True
        if new:
            with where_allowed(), turn(self.path.parent, ".evaluation.lock"):
                # those that another process has written since
                self._known = {**Scores(self.path.parent)._known, **self._known}
                write_text(self.path, json.dumps({"figures": list(self.rows())}, indent=1) + "\n")
        return found


def weights_mark(path: Path) -> str:
    """What tells a weights file from another of the same step."""
    return f"{zlib.crc32(path.read_bytes()):08x}"


def _key(row: dict[str, Any]) -> str:
    return json.dumps({k: v for k, v in row.items() if k not in _FIGURE}, sort_keys=True)
