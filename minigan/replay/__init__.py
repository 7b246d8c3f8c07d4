"""A training step recorded once and played again, and what changes from one replay to the next:
its random draws, and its numbers."""
from .capture import CaptureError, capture
from .draws import Draws
from .scalar import Scalar

__all__ = ["CaptureError", "Draws", "Scalar", "capture"]
