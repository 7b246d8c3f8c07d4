"""The laboratory: small GANs on points in the plane, over methods and seeds, measured."""
from __future__ import annotations

from .experiment import Experiment, LabError, Record, Task, train
from .methods import METHODS
from .plane import PLANE

__all__ = ["METHODS", "PLANE", "Experiment", "LabError", "Record", "Task", "train"]
