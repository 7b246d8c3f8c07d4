"""What holds parameters: modules, layers and their initial weights."""
from . import init
from .conv import (AdaptiveAvgPool2d, AvgPool2d, Conv1d, Conv2d, Conv3d, ConvTranspose1d,
                   ConvTranspose2d, ConvTranspose3d, MaxPool2d, PixelShuffle, Upsample)
from .layers import (ELU, Dense, Dropout, Embedding, Flatten, LeakyReLU, LogSoftmax, ReLU, Reshape,
                     Sigmoid, Softmax, Softplus, Tanh)
from .module import Module, Parameter, Sequential, frozen
from .norm import (BatchNorm, GroupNorm, InstanceNorm, LayerNorm, SpectralNorm,
                   spectrally_normalised)
from .recurrent import GRUCell
from .shapes import summary
from ..habits import missing

__all__ = ["AdaptiveAvgPool2d", "AvgPool2d", "BatchNorm", "Conv1d", "Conv2d", "Conv3d",
           "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Dense", "Dropout", "ELU",
           "Embedding", "Flatten", "GRUCell", "GroupNorm", "InstanceNorm", "LayerNorm",
           "LeakyReLU", "LogSoftmax", "MaxPool2d", "Module", "Parameter", "PixelShuffle", "ReLU",
           "Reshape", "Sequential", "Sigmoid", "Softmax", "Softplus", "SpectralNorm", "Tanh",
           "Upsample", "frozen", "init", "spectrally_normalised", "summary"]

__getattr__ = missing(__name__)
