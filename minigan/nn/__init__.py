"""What holds parameters: modules, layers and their initial weights."""
from . import init
from .conv import AvgPool2d, Conv2d, ConvTranspose2d, MaxPool2d, PixelShuffle, Upsample
from .layers import Dense, Dropout, Flatten, LeakyReLU, ReLU, Reshape, Sigmoid, Softplus, Tanh
from .module import Module, Parameter, Sequential, frozen
from .norm import BatchNorm, InstanceNorm, LayerNorm, SpectralNorm, spectrally_normalised
from ..habits import missing

__all__ = ["AvgPool2d", "BatchNorm", "Conv2d", "ConvTranspose2d", "Dense", "Dropout", "Flatten",
           "InstanceNorm", "LayerNorm", "LeakyReLU", "MaxPool2d", "Module", "Parameter",
           "PixelShuffle", "ReLU", "Reshape", "Sequential", "Sigmoid", "Softplus", "SpectralNorm",
           "Tanh", "Upsample", "frozen", "init", "spectrally_normalised"]

__getattr__ = missing(__name__)
