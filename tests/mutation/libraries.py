"""What an error needs to know of a library that it is planted in: minigan, PyTorch or JAX.

    tampered(wrong)              x ↦ x, with the gradient wrong(gradient, x)
    rebuilt(f, through, wrong)   f, computed again in its backward at through(x) for each input x
                                 and differentiated there; wrong(gradients, needs) has the last word
    constant(array, like)        an array of NumPy in the dtype of `like`
    factor(condition, value, like)   `value` where the condition holds, 1 elsewhere
    raw(x)                       x without its graph, with NumPy's, PyTorch's or JAX's own methods
    computed(x)                  whether x is the result of an operation
    stop(x), float32(x)          x cut off from the graph; x rounded to float32, in its own dtype
    strided(x), in_graph()       is its memory not contiguous; will the gradient be differentiated

Arithmetic, comparisons, indices and the other methods the arrays of all three have. And what is
needed to compare the libraries' checks: `operations`, by the names of cases and with the options of
their typical calls; their `values`, for NumPy; a `pair` of a NumPy function and its vjp as an
operation; whether the library's checks, as they are, have `caught` an error in f; the names of
errors that `cannot` be expressed.
"""
from __future__ import annotations

from functools import cache, partial
from importlib.util import find_spec
from typing import Any, Callable, Sequence

import numpy as np

from minigan.autodiff import Function, Tensor, _grad_mode, _mode, grad, no_grad
from minigan.testing import check_grads

from ..cases import CASES

F = Callable[..., Any]
Wrong = Callable[[Any, Any], Any]  # (gradient, the array it belongs to) → wrong gradient


class Minigan:
    """The library under test."""

    checks = "check_grads, one call"
    cannot: frozenset[str] = frozenset()

    def operations(self) -> dict[str, F]:
        return {str(case): partial(case.f, **case.typical.options) for case in CASES}

    def values(self, f: F, arrays: Sequence[np.ndarray]) -> np.ndarray:
        return f(*map(Tensor, arrays)).numpy()

    def caught(self, f: F, arrays: Sequence[np.ndarray]) -> bool:
        return raises(lambda: check_grads(f, *arrays))

    def tampered(self, wrong: Wrong) -> F:
        class Tampered(Function):
            view = True

            def forward(self, x):
                return x

            def backward(self, grad):
                return wrong(grad, self.inputs[0])

        return lambda x: Tampered()(x)

    def rebuilt(self, f: F, through: F, wrong: Callable) -> F:
        class Rebuilt(Function):
            def forward(self, *arrays):
                with no_grad():
                    return f(*map(Tensor, arrays)).data.copy()

            def backward(self, grad_output):
                graph = _mode.grad_enabled
                with _grad_mode(True):
                    xs = [through(x) if graph and x.requires_grad else x for x in self.inputs]
                    xs = [x if graph and x.requires_grad else Tensor(x.data, requires_grad=True)
                          for x in xs]
                    gradients = grad(f(*xs), xs, grad_output, create_graph=graph)
                with _grad_mode(graph):
                    return wrong(gradients, self.needs)

        return lambda *xs: Rebuilt()(*xs)

    def constant(self, array: np.ndarray, like: Tensor) -> Tensor:
        return Tensor(np.asarray(array, like.dtype))

    def factor(self, condition: Tensor, value: float, like: Tensor) -> Tensor:
        condition = condition.data if isinstance(condition, Tensor) else condition
        return self.constant(np.where(condition, value, 1), like)

    def raw(self, x: Tensor) -> np.ndarray:
        return x.data

    def computed(self, x: Tensor) -> bool:
        return x.creator is not None

    def stop(self, x: Tensor) -> Tensor:
        return x.detach()

    def float32(self, x: Tensor) -> Tensor:
        return x.astype("float32").astype(x.dtype)

    def strided(self, x: Tensor) -> bool:
        return not x.data.flags.c_contiguous

    def in_graph(self) -> bool:
        return _mode.grad_enabled


class Torch:
    """PyTorch."""

    checks = "torch.autograd: gradcheck and gradgradcheck"
    cannot = frozenset({"wrong for a reversed cotangent", "wrong if the cotangent is read-only"})

    def __init__(self) -> None:
        import torch

        self.torch, self.stop, self.raw = torch, torch.Tensor.detach, torch.Tensor.detach
        self.version = f"PyTorch {torch.__version__}"

    def operations(self) -> dict[str, F]:
        torch, functional = self.torch, self.torch.nn.functional

        def conv2d(x, w, b):  # stride (1, 2), padding "same", groups 2, on an image of (3, 4)
            x = functional.pad(x.permute(0, 3, 1, 2), (0, 0, 0, 1))
            y = functional.conv2d(x, w.permute(3, 2, 0, 1), b, stride=(1, 2), groups=2)
            return y.permute(0, 2, 3, 1)

        return {"multiply": torch.mul, "divide": torch.div, "exp": torch.exp, "log": torch.log,
                "tanh": torch.tanh, "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
                "matmul": torch.matmul, "sum": lambda x: x.sum(-1), "max": lambda x: x.amax(-1),
                "var": lambda x: x.var(-1, correction=0), "logsumexp": lambda x: x.logsumexp(-1),
                "softmax": lambda x: x.softmax(-1), "conv2d": conv2d,
                "losses.bce": functional.binary_cross_entropy}

    def values(self, f: F, arrays: Sequence[np.ndarray]) -> np.ndarray:
        return f(*map(self.torch.from_numpy, arrays)).numpy()

    def caught(self, f: F, arrays: Sequence[np.ndarray], twice: bool = True) -> bool:
        check, inputs = self.torch.autograd, [self.torch.tensor(x, requires_grad=True)
                                              for x in arrays]
        self.torch.manual_seed(0)
        return raises(lambda: (check.gradcheck(f, inputs),
                               twice and check.gradgradcheck(f, inputs)))

    def pair(self, f: F, vjp: F, arrays: Sequence[np.ndarray]) -> F:
        torch = self.torch

        class Pair(torch.autograd.Function):
            @staticmethod
            def forward(ctx, *xs):
                ctx.save_for_backward(*xs)
                return torch.as_tensor(np.array(f(*[x.detach().numpy() for x in xs])))

            @staticmethod
            def backward(ctx, grad):
                gradients = vjp(*[x.detach().numpy() for x in ctx.saved_tensors],
                                grad.detach().numpy())
                return tuple(torch.as_tensor(np.array(g)) for g in gradients)

        return Pair.apply

    def tampered(self, wrong: Wrong) -> F:
        class Tampered(self.torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x.clone()

            @staticmethod
            def backward(ctx, grad):
                return wrong(grad, ctx.saved_tensors[0])

        return Tampered.apply

    def rebuilt(self, f: F, through: F, wrong: Callable) -> F:
        torch = self.torch

        class Rebuilt(torch.autograd.Function):
            @staticmethod
            def forward(ctx, *xs):
                ctx.save_for_backward(*xs)
                return f(*xs).clone()

            @staticmethod
            def backward(ctx, grad):
                with torch.enable_grad():
                    xs = [through(x) if x.requires_grad else x.detach() for x in ctx.saved_tensors]
                    xs = [x if x.requires_grad else x.requires_grad_() for x in xs]
                    gradients = torch.autograd.grad(f(*xs), xs, grad, create_graph=True)
                    return tuple(wrong(gradients, ctx.needs_input_grad))

        return Rebuilt.apply

    def constant(self, array: np.ndarray, like: Any) -> Any:
        return self.torch.tensor(array, dtype=like.dtype)

    def factor(self, condition: Any, value: float, like: Any) -> Any:
        return self.torch.where(condition, value, 1.0).to(like.dtype)

    def computed(self, x: Any) -> bool:
        return x.grad_fn is not None

    def float32(self, x: Any) -> Any:
        return x.float().to(x.dtype)

    def strided(self, x: Any) -> bool:
        return not x.is_contiguous()

    def in_graph(self) -> bool:
        return self.torch.is_grad_enabled()


class Jax:
    """JAX. There are no strides that one could see, no change in place, and no way to know what
    else is asked for."""

    checks = "jax.test_util.check_grads"
    cannot = frozenset({
        "wrong only for a strided input", "wrong only for a strided cotangent",
        "wrong where no graph is made", "wrong where a graph is made", "wrong if asked for alone",
        "input changed by backward", "wrong for a cotangent of strides 0",
        "wrong for a reversed cotangent", "wrong if the cotangent is read-only",
        "gradient of the first input of that shape", "gradient of the last input",
        "wrong if the input was computed", "wrong if two inputs are one object",
        *[f"wrong if exactly {which} asked for" for which in [
            "the first is", "the last is", "all but the first are", "all but the last are"]]})

    def __init__(self) -> None:
        import jax

        self.jax, self.stop = jax, jax.lax.stop_gradient
        self.version = f"JAX {jax.__version__}"

    def operations(self) -> dict[str, F]:
        jax, jnp = self.jax, self.jax.numpy

        def conv2d(x, w, b):
            return b + jax.lax.conv_general_dilated(
                x, w, (1, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"),
                feature_group_count=2)

        def bce(p, t):
            return -(t * jnp.log(p) + (1 - t) * jnp.log(1 - p)).mean()

        return {"multiply": jnp.multiply, "divide": jnp.divide, "exp": jnp.exp, "log": jnp.log,
                "tanh": jnp.tanh, "leaky_relu": lambda x: jax.nn.leaky_relu(x, 0.2),
                "matmul": jnp.matmul, "sum": lambda x: x.sum(-1), "max": lambda x: x.max(-1),
                "var": lambda x: x.var(-1), "logsumexp": lambda x: jax.nn.logsumexp(x, -1),
                "softmax": lambda x: jax.nn.softmax(x, -1), "conv2d": conv2d, "losses.bce": bce}

    def values(self, f: F, arrays: Sequence[np.ndarray]) -> np.ndarray:
        with self.jax.enable_x64(True):
            return np.asarray(f(*map(self.jax.numpy.asarray, arrays)))

    def pair(self, f: F, vjp: F, arrays: Sequence[np.ndarray]) -> F:
        callback, like = self.jax.pure_callback, [self.jax.ShapeDtypeStruct(x.shape, np.float64)
                                                  for x in [f(*arrays), *arrays]]
        pair = self.jax.custom_vjp(lambda *xs: callback(
            lambda *xs: np.asarray(f(*map(np.asarray, xs))), like[0], *xs))
        pair.defvjp(lambda *xs: (pair(*xs), xs), lambda xs, grad: tuple(callback(
            lambda *xs: tuple(map(np.asarray, vjp(*map(np.array, xs)))), tuple(like[1:]),
            *xs, grad)))
        return pair

    def caught(self, f: F, arrays: Sequence[np.ndarray], twice: bool = True) -> bool:
        from jax.test_util import check_grads

        with self.jax.enable_x64(True):
            np.random.seed(0)  # its directions come from NumPy's global generator
            return raises(lambda: check_grads(f, tuple(map(self.jax.numpy.asarray, arrays)),
                                              order=1 + twice, modes=["rev"]))

    def tampered(self, wrong: Wrong) -> F:
        tampered = self.jax.custom_vjp(lambda x: x)
        tampered.defvjp(lambda x: (x, x), lambda x, grad: (wrong(grad, x),))
        return tampered

    def rebuilt(self, f: F, through: F, wrong: Callable) -> F:
        rebuilt = self.jax.custom_vjp(f)
        rebuilt.defvjp(lambda *xs: (f(*xs), xs), lambda xs, grad: tuple(
            wrong(self.jax.vjp(f, *map(through, xs))[1](grad), [True] * len(xs))))
        return rebuilt

    def constant(self, array: np.ndarray, like: Any) -> Any:
        return self.jax.numpy.asarray(array, like.dtype)

    def factor(self, condition: Any, value: float, like: Any) -> Any:
        return self.jax.numpy.where(condition, value, 1.0).astype(like.dtype)

    def raw(self, x: Any) -> Any:
        return x

    def float32(self, x: Any) -> Any:
        return x.astype("float32").astype(x.dtype)


LIBRARIES = {"minigan": Minigan, "torch": Torch, "jax": Jax}
INSTALLED = [name for name in LIBRARIES if find_spec(name)]


@cache
def library(name: str) -> Any:
    """The description of one of LIBRARIES, which is imported now."""
    return LIBRARIES[name]()


def raises(check: Callable[[], Any]) -> bool:
    """Whatever is raised is a finding."""
    try:
        check()
    except Exception:
        return True
    return False
