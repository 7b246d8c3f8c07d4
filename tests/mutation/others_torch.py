"""PyTorch's side of the comparison: the operations, how errors are planted, and its checks."""
from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

NAME = "torch.autograd: gradcheck and gradgradcheck"


def version() -> str:
    import torch

    return f"PyTorch {torch.__version__}"


def operations() -> dict[str, Callable]:
    """By the names of cases; options are those of the case's typical call."""
    import torch
    from torch.nn import functional

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


def values(f: Callable, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """f's value, for NumPy."""
    import torch

    return f(*map(torch.from_numpy, arrays)).numpy()


def caught(f: Callable, arrays: Sequence[np.ndarray]) -> bool:
    """Whether gradcheck or gradgradcheck, as they are, find something wrong with f."""
    import torch

    torch.manual_seed(0)
    inputs = [torch.from_numpy(x.copy()).requires_grad_() for x in arrays]
    try:
        return not (torch.autograd.gradcheck(f, inputs) and
                    torch.autograd.gradgradcheck(f, inputs))
    except Exception:  # whatever is raised is a finding
        return True


class Lib:
    """What errors are written with; the rest are the arrays' own methods."""

    def __init__(self):
        import torch
        from torch.autograd.function import once_differentiable

        self.where, self.ones_like, self.flip = torch.where, torch.ones_like, torch.flip
        self.torch, self.once_differentiable = torch, once_differentiable

    def constant(self, x: np.ndarray) -> Any:
        return self.torch.from_numpy(x)

    def float32(self, x: Any) -> Any:
        return x.to(self.torch.float32).to(x.dtype)

    def transpose(self, x: Any) -> Any:
        return x.permute(*reversed(range(x.ndim)))

    def roll(self, x: Any) -> Any:
        return self.torch.roll(x, -1)

    def reverse(self, x: Any) -> Any:
        return self.torch.flip(x, (-1,))

    def stop(self, x: Any) -> Any:
        return x.detach()

    def strided(self, x: Any) -> bool:
        return not x.is_contiguous()

    def in_graph(self) -> bool:
        return self.torch.is_grad_enabled()

    def change(self, x: Any) -> None:
        x.data.add_(1)

    def identity(self, wrong: Callable, forward: Callable = lambda x: x.clone()) -> Callable:
        """x; its gradient is wrong(grad, x)."""
        class Tampered(self.torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return forward(x)

            @staticmethod
            def backward(ctx, grad):
                return wrong(grad, ctx.saved_tensors[0])

        return Tampered.apply

    def once(self, f: Callable) -> Callable:
        """f of an input that can be differentiated once."""
        class Once(self.torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.clone()

            @staticmethod
            @self.once_differentiable
            def backward(ctx, grad):
                return grad

        return lambda x, *rest: f(Once.apply(x), *rest)

    def whole(self, f: Callable, through: Callable, alone: float = 1) -> Callable:
        """f, differentiated in backward at what `through` makes of its inputs; where not all
        gradients are asked for, `alone` times as large."""
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
                    grads = torch.autograd.grad(f(*xs), xs, grad, create_graph=True)
                factor = 1 if all(ctx.needs_input_grad) else alone
                return tuple(factor * g for g in grads)

        return Rebuilt.apply
