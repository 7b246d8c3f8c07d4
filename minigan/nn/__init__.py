"""What holds parameters: modules, layers and their initial weights."""
from . import init
from .layers import (BatchNorm, Dense, Dropout, Flatten, LayerNorm, LeakyReLU, ReLU, Reshape,
                     Sigmoid, Softplus, Tanh)
from .module import Module, Parameter, Sequential, frozen

__all__ = ["BatchNorm", "Dense", "Dropout", "Flatten", "LayerNorm", "LeakyReLU", "Module",
           "Parameter", "ReLU", "Reshape", "Sequential", "Sigmoid", "Softplus", "Tanh", "frozen",
           "init"]
