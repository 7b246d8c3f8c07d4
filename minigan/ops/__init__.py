"""HOW each operation is differentiated: one family a file, NumPy's names throughout."""
from . import operators  # noqa: F401 (binds the operators to Tensor)
from .activation import elu, leaky_relu, relu, sigmoid, softplus, tanh
from .elementwise import (abs, add, astype, clip, cos, divide, exp, log, maximum, minimum, multiply,
                          negative, power, sin, sqrt, subtract, where)
from .linalg import affine, matmul
from .reduce import log_softmax, logsumexp, max, mean, min, softmax, sum, var
from .shape import (broadcast_to, concatenate, expand_dims, flip, getitem, pad, reshape, split,
                    squeeze, stack, swapaxes, transpose)

__all__ = [
    "abs", "add", "affine", "astype", "broadcast_to", "clip", "concatenate", "cos", "divide",
    "elu", "exp", "expand_dims", "flip", "getitem", "leaky_relu", "log", "log_softmax",
    "logsumexp", "matmul", "max", "maximum", "mean", "min", "minimum", "multiply", "negative",
    "pad", "power", "relu", "reshape", "sigmoid", "sin", "softmax", "softplus", "split", "sqrt",
    "squeeze", "stack", "subtract", "sum", "swapaxes", "tanh", "transpose", "var", "where",
]
