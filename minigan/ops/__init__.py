"""HOW each operation is differentiated: one family a file, NumPy's names throughout."""
from ..checked import checked
from ..habits import missing
from . import operators, protocols  # noqa: F401 (bind the operators and more to Tensor)
from .accumulate import cumsum, prod, std
from .activation import elu, leaky_relu, relu, sigmoid, softplus, tanh
from .choice import abs, clip, maximum, minimum, where
from .conv import conv2d, conv_transpose2d
from .conv_nd import conv1d, conv3d, conv_transpose1d, conv_transpose3d
from .elementwise import (add, astype, cos, divide, exp, log, multiply, negative, sin, sqrt,
                          subtract)
from .einsum import einsum
from .linalg import affine, matmul
from .logic import (all, any, argmax, argmin, bitwise_and, bitwise_or, bitwise_xor, floor_divide,
                    invert, remainder)
from .norm import batch_norm, group_norm, instance_norm, layer_norm
from .pool import (adaptive_avg_pool2d, avg_pool2d, max_pool2d, pixel_shuffle, upsample_bilinear,
                   upsample_nearest)
from .powers import power
from .reduce import max, mean, min, sum, var
from .shape import (broadcast_to, concatenate, embedding, expand_dims, flatten, flip, getitem, pad,
                    reshape, split, squeeze, stack, swapaxes, transpose)
from .softmax import log_softmax, logsumexp, softmax
from .translate import translate

__all__ = [
    "abs", "adaptive_avg_pool2d", "add", "affine", "all", "any", "argmax", "argmin", "astype",
    "avg_pool2d", "batch_norm", "bitwise_and", "bitwise_or", "bitwise_xor", "broadcast_to", "clip",
    "concatenate", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "cos", "cumsum", "divide", "einsum", "elu", "embedding", "exp",
    "expand_dims", "flatten", "flip", "floor_divide", "getitem", "group_norm", "instance_norm",
    "invert", "layer_norm", "leaky_relu", "log", "log_softmax", "logsumexp", "matmul", "max",
    "max_pool2d", "maximum", "mean", "min", "minimum", "multiply", "negative", "pad",
    "pixel_shuffle", "power", "prod", "relu", "remainder", "reshape", "sigmoid", "sin", "softmax",
    "softplus", "split", "sqrt", "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "tanh",
    "translate", "transpose", "upsample_bilinear", "upsample_nearest", "var", "where",
]

for _name in __all__:  # within this package the operations are called without it
    globals()[_name] = protocols.operations[_name] = checked(globals()[_name])
    globals()[_name].__module__ = __name__  # where pickle finds it
__getattr__ = missing(__name__)
