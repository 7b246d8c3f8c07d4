"""The kinds of files that minigan reads: a valid one of each, and how a command reads it."""
from __future__ import annotations

import gzip
import io
import struct
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Callable

import numpy as np
from PIL import Image

from minigan.data import IMAGE_SETS, Columns, read_points, read_table
from minigan.data.idx import read_idx
from minigan.gan import SYSTEMS, Options, Run, models, training_film
from minigan.gan.options import OPTIONS
from minigan.lab import Record, table
from minigan.metrics import Judge
from tests.options import CHANGED

from . import mutate

TINY = {"mlp-small": replace(  # the system that is small here
    SYSTEMS["mlp-small"], latent=3, networks=models.Pair(
        models.mlp_generator, models.mlp_discriminator, width=4, depth=1))}


@dataclass(frozen=True)
class Kind:
    """A kind of file: where it lies in its folder, how it is damaged, and who reads the folder."""

    path: str
    mutated: Callable[[bytes, Random], bytes]
    read: Callable[[Path], object]
    make: Callable[[Path], None]


def run_folder(folder: Path) -> None:
    """A run of two steps of a tiny system."""
    run = Run.new(folder, *TINY, Options(penalty=("r1:0.5",), conditional="projection"),
                  data="digits", steps=2, batch_size=8, save_every=2)
    run.save_losses = lambda: None
    run.trainer().run(2)


def sampled(folder: Path) -> None:
    """As `minigan sample` reads a run."""
    run = Run.open(folder)
    game, _ = run.game()
    run.config.latent(game, 4, 0)


def filmed(folder: Path) -> None:
    """As `minigan walk --training` does."""
    training_film(Run.open(folder))


def resumed(folder: Path) -> None:
    """As `minigan train --resume` does."""
    Run.open(folder).trainer()


def sampled_or_resumed(folder: Path) -> None:
    """Both: what is refused by the one is shown to the other."""
    try:
        sampled(folder)
    except (ValueError, OSError):
        resumed(folder)
        raise
    resumed(folder)


def evaluated(folder: Path) -> None:
    """A run whose best step is kept."""
    run = Run.new(folder, *TINY, data="digits", steps=2, batch_size=8, save_every=1,
                  keep_best="kernel")
    run.save_losses = lambda: None
    run.trainer().run(2)


def best(folder: Path) -> None:
    """As `minigan sample --step best` does."""
    Run.open(folder).game("best")


def record_folder(folder: Path) -> None:
    """A run of the laboratory."""
    final = {"sliced_w1": 0.1, "captured": 8, "high_quality": 0.9, "reverse_kl": 0.2, "w1": 0.1,
             "critic": 0.2, "step": 20, "diverged": False, "spread": 2.0, "modes": 8,
             "seconds": 1.2}
    rows = [{"step": 10, "d_loss": 0.6, "g_loss": None}]
    settings = {"data": "ring", "file": None, "method": "plain", "options": {"lr": 0.001},
                "seed": 0, "recipe": {"steps": 20, "batch": 64, "latent": 4, "lr": 1e-3,
                                      "betas": [0.5, 0.999]}}
    (folder / "plain").mkdir(parents=True)
    Record(settings, rows, final, np.ones((9, 2), np.float32)).save(folder / "plain/seed-0.json")


def tabled(folder: Path) -> None:
    """As `minigan lab` reads what is done."""
    table.markdown(table.rows(table.load(folder)))


def idx_file(name: str, folder: Path) -> None:
    data = b"\0\0\x08\x03" + struct.pack(">3I", 5, 4, 3) + bytes(range(60))
    folder.mkdir()
    (folder / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith("gz") else data)


def csv_file(folder: Path) -> None:
    folder.mkdir()
    (folder / "points.csv").write_text("x,y\n0.5,1\n-1e3,2\n\n3,4\n")


def table_file(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("age,town,note\n" + "".join(
        f"{20 + i % 30}.{i % 7},{'Rome' if i % 3 else ''},x\n" for i in range(60)))


def encoded(path: Path) -> None:
    """As `minigan train --data FILE.csv` reads a table."""
    table = read_table(path)
    columns = Columns.of(table)
    columns.decode(columns.encode(table))


def table_run(folder: Path) -> None:
    """A run of a step on a table."""
    table_file(folder.parent / "table.csv")
    run = Run.new(folder, data=str(folder.parent / "table.csv"), steps=1, batch_size=8)
    run.save_losses = lambda: None
    run.trainer().run(1)


def image_file(name: str, folder: Path) -> None:
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, name.partition(".")[2])
    (folder / name).write_bytes(made.getvalue())


def pictures(folder: Path) -> None:
    """As `minigan train --data images` does."""
    IMAGE_SETS["images"](data_dir=folder, size=(8, 8))


def of_csv(data: bytes, rng: Random) -> bytes:
    """In its bytes, or a cell of it."""
    if rng.random() < 0.5:
        return mutate.damaged(data, rng)
    lines = data.decode().split("\n")
    at = rng.randrange(len(lines))
    cells = lines[at].split(",")
    cells[rng.randrange(len(cells))] = str(mutate.odd(rng))
    lines[at] = rng.choice((",", ";", '"', ",,")).join(cells)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def words() -> tuple:
    """What stands in settings and is right somewhere."""
    values = [list(v) if isinstance(v, tuple) else v for v in CHANGED.values()]
    return (*(o.name for o in OPTIONS), *values, *SYSTEMS, "digits", "mnist", "images", "r1:nan",
            "r1:1e400", "gradient:1:2", "l2:-1", [10, 2], [10 ** 9, 0], 10, 64)


WORDS = words()
STATE = ("run.settings", "progress.step", "progress.loader", "progress.rng", "d_optimizer.lr",
         "d_optimizer.steps", "d_optimizer.m", "game.x", "epoch", "position", "bit_generator",
         "MT19937", "PCG64",
         [2, 2], [-1] * 6, [1.5] * 6)
JUDGE = ("data", "mnist", "accuracy", "tested", "checksum", "body.0.weight", "head.bias", 1.5)
SCORES = ("choosing", "kernel", "coverage", "step", "value", "how", None, 898, 2, 1e308)
FIGURES = ("method", "seed", "recipe", "steps", "diverged", "modes", "w1", "spread", "plain", 8)


def _of(mutator: Callable, words: tuple) -> Callable[[bytes, Random], bytes]:
    return partial(mutator, words=words)


WEIGHTS = "weights/step-000002.safetensors"
KINDS = {
    "config": Kind("config.json", _of(mutate.mutated_json, WORDS), sampled_or_resumed, run_folder),
    "weights": Kind(WEIGHTS, _of(mutate.mutated_safetensors, STATE), sampled, run_folder),
    "state": Kind("state.safetensors", _of(mutate.mutated_safetensors, STATE), resumed, run_folder),
    "judge": Kind("judge", _of(mutate.mutated_safetensors, JUDGE),
                  lambda folder: Judge.load("digits", folder / "judge"),
                  lambda folder: Judge.load("digits").save(folder / "judge")),
    "metrics": Kind("metrics.jsonl", _of(mutate.mutated_lines, ("step", "d_loss", "g_loss")),
                    resumed, run_folder),
    "evaluation": Kind("evaluation.json", _of(mutate.mutated_json, SCORES), best, evaluated),
    "picture": Kind("samples/step-000002.png", mutate.damaged, filmed, run_folder),
    "record": Kind("plain/seed-0.json", _of(mutate.mutated_json, FIGURES), tabled, record_folder),
    "samples": Kind("plain/seed-0.npz", mutate.damaged, tabled, record_folder),
    "idx": Kind("x-ubyte", mutate.damaged, lambda folder: read_idx(folder / "x-ubyte"),
                partial(idx_file, "x-ubyte")),
    "idx-gz": Kind("x-ubyte.gz", mutate.damaged, lambda folder: read_idx(folder / "x-ubyte.gz"),
                   partial(idx_file, "x-ubyte.gz")),
    "csv": Kind("points.csv", of_csv, lambda folder: read_points(folder / "points.csv"), csv_file),
    "table": Kind("table.csv", of_csv, lambda folder: encoded(folder / "table.csv"),
                  lambda folder: table_file(folder / "table.csv")),
    "columns": Kind("config.json", _of(mutate.mutated_json, WORDS),
                    lambda folder: Run.open(folder).table(4), table_run),
    **{suffix: Kind(f"x.{suffix}", mutate.damaged, pictures, partial(image_file, f"x.{suffix}"))
       for suffix in ("png", "gif", "bmp", "jpeg")},
}
