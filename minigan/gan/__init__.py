"""Generative adversarial networks: models, objectives, penalties, games and the trainer."""
from . import augment, models, noise, objectives, penalties
from .auxiliary import ACGAN, MGAN, Classifier, InfoGAN, SemiSupervisedGAN, TwoHeads
from .bigan import Bidirectional, BiGAN
from .conditional import (Conditional, ConditionalGenerator, Projection, answering, projection,
                          two_headed)
from .game import GAN, GameError, sample
from .objectives import OBJECTIVES, Objective, minimax, nonsaturating
from .options import Options
from .config import Config
from .evaluation import evaluate
from .films import training_film, walk
from .nearest import neighbours
from .page import report
from .run import Run, RunError
from .several import GMAN, Generators, d2gan
from .systems import SYSTEMS, System
from .trainer import Trainer
from .unrolled import UnrolledGAN
from .update import Players, StepResult, alternating, extragradient, simultaneous, train_step

__all__ = ["ACGAN", "BiGAN", "Bidirectional", "Classifier", "Conditional", "ConditionalGenerator",
           "Config", "GAN", "GMAN", "GameError", "Generators", "InfoGAN", "MGAN", "OBJECTIVES",
           "Objective", "Options", "Players", "Projection", "Run", "RunError", "SYSTEMS",
           "SemiSupervisedGAN", "StepResult", "System", "Trainer", "TwoHeads", "UnrolledGAN",
           "alternating", "answering", "augment", "d2gan", "evaluate", "extragradient", "minimax",
           "models", "neighbours", "noise", "nonsaturating", "objectives", "penalties",
           "projection", "report", "sample", "simultaneous", "train_step", "training_film",
           "two_headed", "walk"]
