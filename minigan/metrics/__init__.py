"""How good are the samples."""
from __future__ import annotations

from .neighbours import class_shares, coverage, knn_classify, total_variation

__all__ = ["class_shares", "coverage", "knn_classify", "total_variation"]
