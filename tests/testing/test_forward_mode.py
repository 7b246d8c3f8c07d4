"""Forward mode and vmap are held against the reverse pass, in PyTorch and JAX."""
from __future__ import annotations

import numpy as np
import pytest

from minigan.testing import GradientError, check_grads, from_jax, from_torch

X = np.random.default_rng(0).normal(size=(3, 4))
NOT_THERE = {"forward mode: not implemented for this function",
             "vmap: not implemented for this function"}


def sine(torch, forward_mode=1.0, value=1.0, gradient=1.0):
    """The sine with rules of its own, off by these factors in forward mode and under vmap."""
    class Cosine(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x.cos()

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def vmap(info, in_dims, x):
            return x.cos() * gradient, in_dims[0]

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, grad):
            return grad * Cosine.apply(ctx.saved_tensors[0])

        @staticmethod
        def jvp(ctx, tangent):
            return tangent * ctx.saved_tensors[0].cos() * forward_mode

        @staticmethod
        def vmap(info, in_dims, x):
            return (Sine.apply(x) if value == 1 else x.sin() * value), in_dims[0]

    return from_torch(Sine.apply)


def test_a_rule_of_torch_that_is_wrong_in_forward_mode_or_under_vmap_is_found():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    assert not check_grads(sine(torch), X, order=1).skipped
    for wrong, part, message in [
            (dict(forward_mode=1.1), "forward mode", "forward mode says .*, the reverse pass"),
            (dict(value=2.0), "vmap", "the values of a batch by vmap are off by"),
            (dict(gradient=1.1), "vmap", "the gradient by input 0 of a batch by vmap is off")]:
        with pytest.raises(GradientError, match=f'{message}(.|\n)*skip="{part}" leaves this out'):
            check_grads(sine(torch, **wrong), X, order=1)
        assert check_grads(sine(torch, **wrong), X, order=1, skip=part).ok


def test_what_torch_cannot_do_is_counted_and_what_it_can_is_right():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Plain(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, grad):
            return 2 * grad

    assert set(check_grads(from_torch(Plain.apply), X, order=1).skipped) == NOT_THERE
    branches = check_grads(from_torch(lambda x: x if x.sum() > 0 else 2 * x), X, order=1)
    assert set(branches.skipped) == {"vmap: not implemented for this function"}
    labels, sizes = torch.tensor([[1, 2]]), [torch.tensor([n]) for n in (3, 2)]
    ctc = check_grads(from_torch(lambda x: torch.nn.functional.ctc_loss(
        x[:, None].log_softmax(-1), labels, *sizes)), X, order=1)
    assert ctc.ok and not set(ctc.skipped) - NOT_THERE
    for f in (lambda x: (x @ x.T).softmax(-1), lambda x: (x.sort().values, x.std()),
              lambda x: torch.relu(x - x[0]), lambda x: x.mul(2).add_(1)):
        assert not check_grads(from_torch(f), X, order=1).skipped


def test_rules_of_jax_are_held_against_each_other():
    jax = pytest.importorskip("jax", reason="JAX is not installed")

    def square(slip, make):
        made = make(lambda x: x * x)
        if make is jax.custom_jvp:
            made.defjvp(lambda primals, tangents: (primals[0] ** 2,
                                                   2 * slip * primals[0] * tangents[0]))
        else:
            made.defvjp(lambda x: (x * x, x), lambda x, grad: (2 * x * grad,))
        return from_jax(made)

    assert not check_grads(square(1, jax.custom_jvp), X, order=1).skipped
    assert set(check_grads(square(1, jax.custom_vjp), X, order=1).skipped) == {
        "forward mode: not implemented for this function"}
    assert set(check_grads(from_jax(lambda x: x if x.sum() > 0 else 2 * x), X, order=1).skipped
               ) == {"vmap: not implemented for this function"}
