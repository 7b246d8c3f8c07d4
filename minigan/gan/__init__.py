"""Generative adversarial networks: models, objectives, the training step and the trainer."""
from . import models, noise, objectives
from .objectives import Objective, minimax, nonsaturating
from .run import Config, Run, RunError
from .step import StepResult, train_step
from .systems import SYSTEMS, System
from .trainer import Trainer, sample

__all__ = ["Config", "Objective", "Run", "RunError", "SYSTEMS", "StepResult", "System", "Trainer",
           "minimax", "models", "noise", "nonsaturating", "objectives", "sample", "train_step"]
