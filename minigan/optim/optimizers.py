"""SGD, Adam and their kin: each an elementwise rule on flat arrays."""
from __future__ import annotations

from functools import partial
from typing import Any

from ..backend import array_module, each_time, kernels, seen
from ..checked import checked
from ..replay import Scalar
from ..settings import Fraction, NotNegative
from .counts import StepCounts
from .flat import FlatTensors, beside
from .groups import common, grouped
from .saved import Saved

Params = Any  # Tensors in a list or a generator; or dicts, each of a group: params, lr, ...


@checked
class Optimizer(Saved):
    """Base of the optimisers: a subclass names its state arrays and writes its `rule`. Parameters
    come as Tensors, or in groups (see above), for which lr and weight_decay are what is not said.
    """

    state_names: tuple[str, ...] = ()

    def __init__(self, params: Params, lr: NotNegative, weight_decay: NotNegative = 0):
        self.param_groups = grouped(params, lr, weight_decay)
        self.flat = FlatTensors([p for g in self.param_groups for p in g.params], self.state_names)
        self.state, self._counts = self.flat.state, StepCounts(self.flat)
        self.group, self._count = self.param_groups[0], Scalar(0)  # see `rule`

    lr = common("lr", "The learning rate of all groups. It may be changed between steps, captured "
                      "ones too.")
    weight_decay = common("weight_decay", "The weight decay of all groups.")

    @property
    def steps(self) -> int:
        """How many steps the parameters that made most have made. On a GPU this waits for it."""
        return max(count.value for count in {*self._counts.each})

    def rule(self, p: Any, g: Any, *state: Any) -> None:
        """Update flat arrays in place: the parameters p and the state, but not g. It may be
        called for several slices at once, by several threads. `self.group` is the one that p is of
        (lr, weight_decay), `self._count` is of its steps."""
        raise NotImplementedError(f"{type(self).__name__} has no update rule")

    def step(self) -> None:
        """Update every parameter that has a gradient; the others stay as they are."""
        self.flat.join()
        counts = self._counts.tick()  # which may move the arrays
        flat, *state = seen([self.flat.array, *self.state.values()])
        groups = [group for group in self.param_groups for _ in group.params]
        keys = [count and (count, group) for count, group in zip(counts, groups)]
        for where, params, (count, group) in self.flat.runs(keys):
            each_time(partial(vars(self).update, _count=count, group=group))
            kernels(flat).update(self.rule, flat[where], [p.grad.data for p in params],
                                 *[array[where] for array in state])
            for p in params:
                p.mark_changed()

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters."""
        for p in self.flat.tensors:
            p.grad = None


@checked
class SGD(Optimizer):
    """p ← p − lr · b, where b ← momentum · b + g (Sutskever et al. 2013).

    nesterov uses g + momentum · b in place of b. weight_decay adds weight_decay · p to g."""

    state_names = ("momentum_buffer",)

    def __init__(self, params: Params, lr: NotNegative, momentum: NotNegative = 0,
                 weight_decay: NotNegative = 0, nesterov: bool = False):
        super().__init__(params, lr, weight_decay)
        self.momentum, self.nesterov = momentum, nesterov
        if nesterov and not momentum:
            raise ValueError("nesterov is a way to use momentum, and without any does nothing")

    def rule(self, p, g, b):
        g = g + self.group.weight_decay * p
        b *= self.momentum
        b += g
        p -= beside(self.group.rate.on(p), p) * (g + self.momentum * b if self.nesterov else b)


@checked
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1). weight_decay adds weight_decay · p to the gradient.

    With betas β₁, β₂ (by default (0.5, 0.999), DCGAN's choice) the paper keeps the moving averages
    m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g². Here m and v are the sums m ← β₁ m + g and
    v ← β₂ v + g², which saves two passes over the memory; the factors 1 − β and the corrections
    of the bias by the number of the parameter's steps are numbers, and meet in `rate` and `floor`.
    """

    state_names = ("m", "v")
    decoupled = False  # whether weight_decay shrinks the weights, and leaves the gradient alone

    def __init__(self, params: Params, lr: NotNegative = 2e-4,
                 betas: tuple[Fraction, Fraction] = (0.5, 0.999), eps: NotNegative = 1e-8,
                 weight_decay: NotNegative = 0):
        super().__init__(params, lr, weight_decay)
        self.betas, self.eps = betas, eps

    def rule(self, p, g, m, v):
        lr, steps, (beta1, beta2) = self.group.rate.on(p), self._count.on(p), self.betas
        if self.decoupled:
            p *= 1 - beside(lr, p) * self.group.weight_decay
        elif self.group.weight_decay:
            g = g + self.group.weight_decay * p
        to_mean = (1 - beta1) / (1 - beta1 ** steps)              # of m
        to_root = ((1 - beta2) / (1 - beta2 ** steps)) ** 0.5     # of the root of v
        rate, floor = lr * to_mean / to_root, self.eps / to_root
        m *= beta1
        m += g
        change = g * g
        v *= beta2
        v += change
        array_module(p).sqrt(v, out=change)
        change += floor
        array_module(p).divide(m, change, out=change)
        change *= rate
        p -= change


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights and leaves the gradient alone
    (Loshchilov & Hutter 2019)."""

    decoupled = True


@checked
class RMSprop(Optimizer):
    """p ← p − lr · g / (√v + eps), where v ← alpha · v + (1 − alpha) · g²
    (Tieleman & Hinton 2012)."""

    state_names = ("v",)

    def __init__(self, params: Params, lr: NotNegative = 1e-2, alpha: Fraction = 0.99,
                 eps: NotNegative = 1e-8, weight_decay: NotNegative = 0):
        super().__init__(params, lr, weight_decay)
        self.alpha, self.eps = alpha, eps

    def rule(self, p, g, v):
        g = g + self.group.weight_decay * p
        v *= self.alpha
        v += (1 - self.alpha) * g * g
        p -= beside(self.group.rate.on(p), p) * g / (array_module(p).sqrt(v) + self.eps)
