"""The kernels on the CPU: reference.py's names, faster where a profile asked for it. One that takes
`out` writes to it: an array of the result's shape and dtype in C order, or a tuple of them."""
# ruff: noqa: F401 (a table of which kernel is where)
from __future__ import annotations

import numpy as np

from ..reference import __all__, ema, max_pool_mean, move_statistics
from .elementwise import (bce_with_logits, cos, elu, elu_gradient, exp, keep, leaky_relu,
                          leaky_relu_gradient, log, relu, sigmoid, sigmoid_gradient, sin, softplus,
                          softplus_gradient, tanh, tanh_gradient, where)
from .grouped import conv2d, conv2d_input_gradient, conv2d_weight_gradient
from .indexing import add_at
from .layer_norm import group_norm, group_norm_gradient
from .norm import batch_norm, batch_norm_gradient
from .pool import max_pool, max_pool_gradient, window_spread, window_sum
from .products import banded_matmul, matmul
from .reduce import (cumsum, largest, least, log_softmax, log_softmax_gradient, logsumexp,
                     logsumexp_gradient, softmax, softmax_gradient, total)
from .updates import update

# glibc returns freed memory to the system, and every 4 KB of it cost a page fault when they come
# back, unless it has seen a large block freed before. One that is never touched costs nothing.
np.empty(31 << 20, np.uint8)
