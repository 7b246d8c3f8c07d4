"""Optimisers, learning-rate schedules, gradient clipping and the averaging of weights.

An optimiser lays its parameters end to end in one flat array, of which each parameter's data
becomes a view, and keeps its own state (moments, momentum) in flat arrays beside it. A step is
then one elementwise rule on long arrays, which the backend applies slice by slice: the slices
stay in the cache, and small parameters cost nothing extra.

Parameters that are to learn at another rate, or to decay otherwise, are a group of their own, as in
PyTorch. A schedule multiplies each group's rate.

>>> from minigan import nn, optim
>>> body, head = nn.Dense(8, 8), nn.Dense(8, 1)
>>> optimizer = optim.Adam([{"params": body.parameters()},
...                         {"params": head.parameters(), "lr": 0.01}], lr=0.001)
>>> optimizer.param_groups[1]["lr"] /= 2
>>> [group["lr"] for group in optimizer.param_groups]
[0.001, 0.005]
"""
from __future__ import annotations

from .average import EMA
from .clipping import clip_grad_norm, clip_grad_value
from .flat import FlatTensors
from .optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from .schedules import (Schedule, cosine_decay, exponential_decay, linear_decay, step_decay, warmup)
from ..habits import missing

__all__ = ["EMA", "SGD", "Adam", "AdamW", "FlatTensors", "Optimizer", "RMSprop", "Schedule",
           "clip_grad_norm", "clip_grad_value", "cosine_decay", "exponential_decay", "linear_decay",
           "step_decay", "warmup"]

__getattr__ = missing(__name__)
