"""The laboratory: small GANs on points in the plane, over methods and seeds, measured."""
from __future__ import annotations

from .methods import METHODS, Described
from .recipe import Recipe
from .run import Experiment, LabError, Record, Task, train

__all__ = ["METHODS", "Described", "Experiment", "LabError", "Recipe", "Record", "Task",
           "train"]
