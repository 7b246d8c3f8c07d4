"""minigan: backpropagation, and the GANs that run on it, on NumPy or CuPy."""
from . import backend, losses, nn, ops, optim
from .autodiff import Function, Tensor, as_tensor, grad, no_grad, tensor
from .backend import use
from .functional import hessian, hvp, jacobian, jvp, value_and_grad, vjp

__version__ = "0.1.0"
__all__ = ["Function", "Tensor", "as_tensor", "backend", "data", "gan", "grad", "hessian", "hvp",
           "jacobian", "jvp", "losses", "metrics", "nn", "no_grad", "ops", "optim", "tensor",
           "testing", "use", "value_and_grad", "viz", "vjp"]
