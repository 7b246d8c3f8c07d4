"""What was trained here, for those who work with something else."""
from .pytorch import to_torch

__all__ = ["to_torch"]
