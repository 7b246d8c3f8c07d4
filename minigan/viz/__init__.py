"""Pictures of samples and of training runs, drawn from NumPy arrays, and pages of computations."""
from __future__ import annotations

from .curves import save_curves
from .film import save_film
from .grid import image_grid, save_grid
from .panels import save_panels
from .scatter import save_scatter
from .stepper import steps

__all__ = ["image_grid", "save_curves", "save_film", "save_grid", "save_panels",
           "save_scatter", "steps"]
