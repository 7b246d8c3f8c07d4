"""JAX's side of the comparison: the operations, how errors are planted, and its check."""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

NAME = "jax.test_util.check_grads"


def version() -> str:
    import jax

    return f"JAX {jax.__version__}"


def operations() -> dict[str, Callable]:
    """By the names of cases; options are those of the case's typical call."""
    import jax
    import jax.numpy as jnp

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


def values(f: Callable, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """f's value, for NumPy."""
    import jax

    with jax.enable_x64(True):
        return np.asarray(f(*map(jax.numpy.asarray, arrays)))


def caught(f: Callable, arrays: Sequence[np.ndarray]) -> bool:
    """Whether check_grads in reverse mode, to second order and else as it is, finds something."""
    import jax
    from jax.test_util import check_grads

    with jax.enable_x64(True):
        np.random.seed(0)  # its directions come from NumPy's global generator
        try:
            check_grads(f, tuple(jax.numpy.asarray(x) for x in arrays), order=2, modes=["rev"])
        except Exception:  # whatever is raised is a finding
            return True
    return False


class Lib:
    """What errors are written with; the rest are the arrays' own methods. There are no strides
    that one could see, no change in place, and no way to know what else is asked for."""

    def __init__(self):
        import jax
        import jax.numpy as jnp

        self.jax, self.where, self.ones_like = jax, jnp.where, jnp.ones_like

    def constant(self, x: np.ndarray) -> Any:
        return self.jax.numpy.asarray(x)

    def float32(self, x: Any) -> Any:
        return x.astype("float32").astype(x.dtype)

    def transpose(self, x: Any) -> Any:
        return x.transpose()

    def roll(self, x: Any) -> Any:
        return self.jax.numpy.roll(x, -1)

    def reverse(self, x: Any) -> Any:
        return self.jax.numpy.flip(x, -1)

    def stop(self, x: Any) -> Any:
        return self.jax.lax.stop_gradient(x)

    def identity(self, wrong: Callable, forward: Callable = lambda x: x) -> Callable:
        """x; its gradient is wrong(grad, x)."""
        tampered = self.jax.custom_vjp(forward)
        tampered.defvjp(lambda x: (forward(x), x), lambda x, grad: (wrong(grad, x),))
        return tampered

    def once(self, f: Callable) -> Callable:
        """f of an input that can be differentiated once: a callback has no derivative."""
        def through_host(grad, x):
            return self.jax.pure_callback(lambda g: g, self.jax.ShapeDtypeStruct(
                grad.shape, grad.dtype), grad)

        tampered = self.identity(through_host)
        return lambda x, *rest: f(tampered(x), *rest)

    def whole(self, f: Callable, through: Callable) -> Callable:
        """f, differentiated in the reverse pass at what `through` makes of its inputs."""
        rebuilt = self.jax.custom_vjp(f)
        rebuilt.defvjp(lambda *xs: (f(*xs), xs),
                       lambda xs, grad: self.jax.vjp(f, *map(through, xs))[1](grad))
        return rebuilt
