"""How good are the samples."""
from __future__ import annotations

from .classes import class_shares, gan_test, gan_train, inception_score, total_variation
from .frechet import frechet, frechet_infinity
from .judge import Judge, train_judge
from .kernel import kernel_distance, kernel_distance_by_subsets
from .modes import Modes, mode_figures, stacked_modes
from .neighbours import (coverage, density_coverage, knn_classify, memorisation_test,
                         precision_recall)
from .parzen import parzen_log_likelihood
from .similarity import ms_ssim, pairwise_ms_ssim, vendi_score
from .transport import MissingPackage, sliced_wasserstein, wasserstein1
from .two_sample import classifier_two_sample, one_nearest_neighbour_accuracy

__all__ = ["Judge", "MissingPackage", "Modes", "class_shares", "classifier_two_sample", "coverage",
           "density_coverage", "frechet", "frechet_infinity", "gan_test", "gan_train",
           "inception_score", "kernel_distance", "kernel_distance_by_subsets", "knn_classify",
           "memorisation_test", "mode_figures", "ms_ssim", "one_nearest_neighbour_accuracy",
           "pairwise_ms_ssim", "parzen_log_likelihood", "precision_recall", "sliced_wasserstein",
           "stacked_modes", "total_variation", "train_judge", "vendi_score", "wasserstein1"]
