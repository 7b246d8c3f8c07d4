"""Data to learn from: images, points in the plane, tables, and batches of any."""
from __future__ import annotations

from .columns import Columns
from .digits import digits
from .idx import DataError, read_idx
from .images import image_folder
from .labels import few_labels
from .loader import Batches, Loader, Scaled
from .mixtures import (DISTRIBUTIONS, Distribution, from_points, grid, grid_centers, moons,
                       pinwheel, read_points, ring, ring_centers, spiral)
from .mnist import fashion_mnist, kmnist, mnist
from .stacked import stacked, stacked_mnist
from .table import Table, read_table, write_table

__all__ = ["DISTRIBUTIONS", "IMAGE_SETS", "Batches", "Columns", "DataError", "Distribution",
           "Loader", "Scaled", "Table", "digits", "fashion_mnist", "few_labels", "from_points",
           "grid", "grid_centers", "image_folder", "kmnist", "mnist", "moons", "pinwheel",
           "read_idx", "read_points", "read_table", "ring", "ring_centers", "spiral", "stacked",
           "stacked_mnist", "write_table"]

# What the command line can name: each is called with data_dir= and gives (images, labels), the
# images (N, H, W, C) in either form that Scaled takes.
IMAGE_SETS = {
    "digits": lambda data_dir=None: digits(),  # they come with the package
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "kmnist": kmnist,
    "stacked-digits": lambda data_dir=None: stacked(*digits()),
    "stacked-mnist": stacked_mnist,
    "images": image_folder,
}
