"""Runs on the rows of a CSV file: the settings, and what is written of them."""
from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from ..data import DataError, read_table
from ..data.columns import Category, Columns
from ..data.table import Table, write_table
from ..errors import UserError, brief
from ..files import replacing
from . import noise
from .config import Config, fingerprint, folder_of
from .models import Pair
from .systems import SYSTEMS, System

TOLD = 5         # names of columns
TABLE = "table"  # the data and the system of such a run


class TableConfig(Config):
    """What a Config is, of rows of a CSV file, data_dir: `columns` says how its cells are numbers,
    so that rows of numbers are cells again from the run alone."""

    value_range = 0.0, 1.0  # nothing is scaled

    def begin(self, where: str | Path | None, was: Config | None, **of_images: Any
              ) -> tuple[np.ndarray, None]:
        """With the columns of that run, if there is one. Of few rows a batch is of all."""
        if where is None or where == of_images["data_dir"]:
            raise UserError("the system table learns from the rows of a CSV file: --data FILE.csv")
        if self.system != TABLE:
            raise UserError("the rows of a CSV file are for the system table, not for "
                            f"{self.system}")
        if any(of_images.values()):
            raise UserError("a folder, an image size and channels are of images, and a table is "
                            "named by --data FILE.csv alone")
        table = read_table(where)
        columns = Columns.from_json(was.columns) if was and was.columns else Columns.of(table)
        if not columns.width:
            raise DataError(f"{where}: all columns are constant, so there is nothing to learn")
        rows = columns.encode(table)
        self.columns, self.shape = columns.as_json(), (columns.width,)
        self.data_dir, self.fingerprint = folder_of(TABLE, where), fingerprint(rows, None, "rows")
        if self.batch_size is None:
            self.batch_size = min(self.played.batch_size, len(rows))
        self.check()
        self.check_rows(len(rows), "rows", was)
        return rows, None

    @cached_property
    def described(self) -> Columns:
        """The columns."""
        return Columns.from_json(self.columns)

    def check(self) -> None:
        super().check()
        if (self.system, self.data, tuple(self.shape)) != (TABLE, TABLE, (self.described.width,)):
            raise UserError("columns are of a run of the system table, and as many numbers as they "
                            f"take, {self.described.width}, and this is one of {self.system}, "
                            f"{self.data} and {self.shape}")
        if not self.data_dir:
            raise UserError("a run on a table has its file among its settings, and these have none")

    @property
    def played(self) -> System:
        own, of = SYSTEMS[TABLE], self.described
        pair = Pair(partial(own.networks.generator, scalars=of.scalars, groups=of.groups),
                    own.networks.discriminator)
        return replace(own, networks=pair, noise=partial(noise.with_gumbel, of.width - of.scalars))

    @property
    def said(self) -> str:
        """What it learns from, in half a line."""
        columns = self.described.columns
        texts = [column.name for column in columns if isinstance(column, Category)]
        more = f" and {len(texts) - TOLD} more" * (len(texts) > TOLD)
        return (f"{(self.fingerprint or 'rows').partition(', ')[0]} of {len(columns)} columns, "
                f"{len(columns) - len(texts)} of numbers"
                + (f" and {len(texts)} of a few texts ({', '.join(texts[:TOLD])}{more})"
                   if texts else ""))

    def load(self) -> tuple[np.ndarray, None]:
        """The rows as numbers. Raises DataError if they are not those that the run began with."""
        if not Path(self.data_dir).exists():
            raise DataError(f"the run's table, {self.data_dir}, is not there: bring it back, or "
                            "say where it is (--resume --data FILE.csv)")
        try:
            rows = self.described.encode(read_table(self.data_dir))
            found = fingerprint(rows, None, "rows")
            if self.fingerprint not in (None, found):
                raise DataError(f"{found}, and they were {self.fingerprint}")
        except DataError as error:
            raise DataError(f"the rows of {self.data_dir} are not those that the run began with: "
                            f"bring those back, or start another run ({brief(error)})") from None
        self.fingerprint = found
        return rows, None

    def check_images(self, what: str) -> None:
        raise UserError(f"{what} of images, and this run makes rows of a table: minigan sample RUN "
                        "--csv FILE.csv writes them")


def named(data: Any) -> bool:
    """Whether data of this name are the rows of a CSV file."""
    return str(data).lower().endswith(".csv")


def save_table(path: str | Path, table: Table) -> None:
    """Write a CSV file, whole or not at all."""
    with replacing(path) as temporary:
        write_table(temporary, table)
