"""How good are the samples."""
from __future__ import annotations

from .modes import Modes, mode_figures
from .neighbours import class_shares, coverage, knn_classify, total_variation
from .transport import MissingPackage, sliced_wasserstein, wasserstein1

__all__ = ["MissingPackage", "Modes", "class_shares", "coverage", "knn_classify", "mode_figures",
           "sliced_wasserstein", "total_variation", "wasserstein1"]
