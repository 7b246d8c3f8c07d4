"""Optimisers, learning-rate schedules, gradient clipping and the averaging of weights.

An optimiser lays its parameters end to end in one flat array, of which each parameter's data
becomes a view, and keeps its own state (moments, momentum) in flat arrays beside it. A step is
then one elementwise rule on long arrays, which the backend applies slice by slice: the slices
stay in the cache, and small parameters cost nothing extra.
"""
from __future__ import annotations

import copy
import math
from typing import Any, Callable, Iterable, Iterator, Mapping

from . import backend
from .autodiff import Tensor
from .backend import array_module, kernels
from .nn import Module, Parameter
from .scalar import Scalar


class FlatTensors:
    """Tensors of one dtype and device, laid end to end in `array`; their data are views of it."""

    def __init__(self, tensors: Iterable[Tensor]):
        self.tensors = list(tensors)
        if not all(isinstance(t, Tensor) for t in self.tensors) or not self.tensors:
            raise TypeError("expected at least one parameter, such as module.parameters() yields")
        if len({id(t) for t in self.tensors}) < len(self.tensors):
            raise ValueError("a parameter is listed twice: it would be updated twice")
        self.sizes = [t.size for t in self.tensors]
        self.join()

    def join(self) -> None:
        """Lay the tensors end to end, unless they still are where this put them."""
        if hasattr(self, "views") and all(t.data is v for t, v in zip(self.tensors, self.views)):
            return
        kinds = {(backend.of(t.data).name, t.dtype) for t in self.tensors}
        if len(kinds) > 1:
            listed = ", ".join(sorted(f"{dtype} on {device}" for device, dtype in kinds))
            raise ValueError(f"the parameters must be of one dtype on one device, not {listed}")
        data = [t.data for t in self.tensors]
        self.array = array_module(data[0]).concatenate([d.reshape(-1) for d in data])
        ends = [0]
        for size in self.sizes:
            ends.append(ends[-1] + size)
        self.views = [self.array[a:b].reshape(d.shape) for a, b, d in zip(ends, ends[1:], data)]
        for t, view in zip(self.tensors, self.views):
            t._data = view  # the values are the same: no change for a pending backward

    def runs(self) -> Iterator[tuple[slice, list[Tensor]]]:
        """The longest stretches of neighbours that have a gradient."""
        start = stop = 0
        run: list[Tensor] = []
        for t, size in zip(self.tensors, self.sizes):
            if t.grad is None:
                if run:
                    yield slice(start, stop), run
                start, run = stop + size, []
            else:
                run.append(t)
            stop += size
        if run:
            yield slice(start, stop), run


class Optimizer:
    """Base of the optimisers: a subclass names its state arrays and writes its `rule`."""

    state_names: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Tensor], lr: float, weight_decay: float = 0):
        if lr < 0 or weight_decay < 0:
            raise ValueError(f"lr and weight_decay cannot be negative, got {lr} and {weight_decay}")
        self.flat = FlatTensors(params)
        for p in self.flat.tensors:
            if p.creator is not None:
                raise ValueError(f"a parameter of shape {p.shape} was computed from others; "
                                 "only leaves can be optimised")
        self.weight_decay, self._lr, self._steps = weight_decay, Scalar(lr), Scalar(0)
        zeros_like = array_module(self.flat.array).zeros_like
        self.state = {name: zeros_like(self.flat.array) for name in self.state_names}

    @property
    def lr(self) -> float:
        """The learning rate. It may be changed between steps, captured ones too."""
        return self._lr.value

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr.value = lr

    @property
    def steps(self) -> int:
        """How many steps were made. On a GPU this waits for the device."""
        return self._steps.value

    def rule(self, p: Any, g: Any, *state: Any) -> None:
        """Update flat arrays in place: the parameters p and the state, but not g. It may be
        called for several slices at once, by several threads."""
        raise NotImplementedError(f"{type(self).__name__} has no update rule")

    def step(self) -> None:
        """Update every parameter that has a gradient; the others stay as they are."""
        self.flat.join()
        flat = self.flat.array
        self._steps.tick(flat)
        for name, array in self.state.items():  # follow parameters that were moved or converted
            self.state[name] = backend.to_device(array, backend.of(flat).name).astype(
                flat.dtype, copy=False)
        for where, params in self.flat.runs():
            kernels(flat).update(self.rule, flat[where], [p.grad.data for p in params],
                                 *[array[where] for array in self.state.values()])
            for p in params:
                p.mark_changed()

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters."""
        for p in self.flat.tensors:
            p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """A copy: "steps", "lr", and the state arrays as flat numpy.ndarrays."""
        arrays = {name: backend.to_numpy(array) for name, array in self.state.items()}
        return {"steps": self.steps, "lr": self.lr, **arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state_dict of the same optimiser. Raises KeyError or ValueError else."""
        names = {"steps", "lr", *self.state_names}
        if set(state) != names:
            raise KeyError(f"the state of {type(self).__name__} has the keys {sorted(names)}, "
                           f"not {sorted(state)}")
        for name, own in self.state.items():
            if state[name].shape != own.shape:
                raise ValueError(f"state {name!r} is of {state[name].size} parameters, "
                                 f"this optimiser has {own.size}")
        self._steps.value, self._lr.value = int(state["steps"]), float(state["lr"])
        for name, own in self.state.items():
            own[...] = backend.to_device(state[name], backend.of(own).name)


class SGD(Optimizer):
    """p ← p − lr · b, where b ← momentum · b + g (Sutskever et al. 2013).

    nesterov uses g + momentum · b in place of b. weight_decay adds weight_decay · p to g.
    """

    state_names = ("momentum_buffer",)

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0,
                 weight_decay: float = 0, nesterov: bool = False):
        super().__init__(params, lr, weight_decay)
        self.momentum, self.nesterov = momentum, nesterov

    def rule(self, p, g, b):
        g = g + self.weight_decay * p
        b *= self.momentum
        b += g
        p -= beside(self._lr.on(p), p) * (g + self.momentum * b if self.nesterov else b)


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1). weight_decay adds weight_decay · p to the gradient.

    With betas β₁, β₂ (by default (0.5, 0.999), DCGAN's choice) the paper keeps the moving averages
    m ← β₁ m + (1 − β₁) g and v ← β₂ v + (1 − β₂) g². Here m and v are the sums m ← β₁ m + g and
    v ← β₂ v + g², which saves two passes over the memory; the factors 1 − β and the corrections
    of the bias are numbers, and meet in `rate` and `floor`.
    """

    state_names = ("m", "v")

    def __init__(self, params: Iterable[Tensor], lr: float = 2e-4,
                 betas: tuple[float, float] = (0.5, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0):
        super().__init__(params, lr, weight_decay)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are in [0, 1), not {betas}")
        self.betas, self.eps = betas, eps

    def rule(self, p, g, m, v):
        self.adapt(p, g + self.weight_decay * p if self.weight_decay else g, m, v)

    def adapt(self, p, g, m, v):
        """The rule without weight decay."""
        (beta1, beta2), steps = self.betas, self._steps.on(p)
        to_mean = (1 - beta1) / (1 - beta1 ** steps)              # of m
        to_root = ((1 - beta2) / (1 - beta2 ** steps)) ** 0.5     # of the root of v
        rate, floor = self._lr.on(p) * to_mean / to_root, self.eps / to_root
        # p −= lr · mean / (√mean square + eps)
        kernels(p).adam(p, g, m, v, beta1, beta2, beside(rate, p), beside(floor, p))


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights and leaves the gradient alone
    (Loshchilov & Hutter 2019)."""

    def rule(self, p, g, m, v):
        p *= 1 - beside(self._lr.on(p), p) * self.weight_decay
        self.adapt(p, g, m, v)


class RMSprop(Optimizer):
    """p ← p − lr · g / (√v + eps), where v ← alpha · v + (1 − alpha) · g²
    (Tieleman & Hinton 2012)."""

    state_names = ("v",)

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-2, alpha: float = 0.99,
                 eps: float = 1e-8, weight_decay: float = 0):
        super().__init__(params, lr, weight_decay)
        self.alpha, self.eps = alpha, eps

    def rule(self, p, g, v):
        g = g + self.weight_decay * p
        v *= self.alpha
        v += (1 - self.alpha) * g * g
        p -= beside(self._lr.on(p), p) * g / (array_module(p).sqrt(v) + self.eps)


def clip_grad_norm(params: Iterable[Tensor], max_norm: float) -> Tensor:
    """Scale all gradients together so that their joint Euclidean norm is at most max_norm
    (Pascanu et al. 2013). Returns the norm before."""
    params = [p for p in params if p.grad is not None]
    if not params:
        raise ValueError("no parameter has a gradient: call backward() first")
    xp = array_module(params[0].data)
    norm = xp.sqrt(sum((p.grad.data * p.grad.data).sum() for p in params))
    scale = xp.minimum(max_norm / (norm + 1e-6), 1)  # computed without waiting for a GPU
    for p in params:
        p.grad = Tensor(p.grad.data * scale.astype(p.dtype))
    return Tensor(backend.result(norm))


def clip_grad_value(params: Iterable[Tensor], value: float) -> None:
    """Limit every element of every gradient to [−value, value]."""
    for p in params:
        if p.grad is not None:
            p.grad = Tensor(array_module(p.grad.data).clip(p.grad.data, -value, value))


class Schedule:
    """Sets an optimiser's learning rate to its first one times factor(steps so far).

    factor is a function such as those below. Call step() once after each optimiser's step.
    """

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]):
        self.optimizer, self.factor = optimizer, factor
        self.initial_lr, self.steps = optimizer.lr, 0
        optimizer.lr = self.initial_lr * factor(0)

    def step(self) -> None:
        """Move on by one step."""
        self.steps += 1
        self.optimizer.lr = self.initial_lr * self.factor(self.steps)

    def state_dict(self) -> dict[str, float]:
        """Where the schedule is."""
        return {"initial_lr": self.initial_lr, "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Go on from there."""
        self.initial_lr, self.steps = state["initial_lr"], int(state["steps"])
        self.optimizer.lr = self.initial_lr * self.factor(self.steps)


def step_decay(every: int, gamma: float = 0.1) -> Callable[[int], float]:
    """Times gamma after every so many steps."""
    return lambda step: gamma ** (step // every)


def exponential_decay(gamma: float) -> Callable[[int], float]:
    """Times gamma after each step."""
    return lambda step: gamma ** step


def linear_decay(total: int) -> Callable[[int], float]:
    """From 1 down to 0 in `total` steps, in a straight line."""
    return lambda step: max(0.0, 1 - step / total)


def cosine_decay(total: int) -> Callable[[int], float]:
    """From 1 down to 0 in `total` steps, along half a cosine (Loshchilov & Hutter 2017)."""
    return lambda step: 0.5 * (1 + math.cos(math.pi * min(step / total, 1)))


def warmup(steps: int, then: Callable[[int], float] = lambda step: 1.0) -> Callable[[int], float]:
    """Up to 1 in a straight line over `steps` steps, and on with another schedule."""
    return lambda step: (step + 1) / steps if step < steps else then(step - steps)


class EMA:
    """The exponential moving average of a module's weights (Yazıcı et al. 2019): `module` is a
    copy that moves by 1 − decay towards the original at each update(). Samples of a generator's
    average are better than its own. What is not trained (running statistics) is copied.

    The first updates move it further, the t-th by at least 9 / (10 + t): otherwise the untrained
    weights that it starts from would be seen in it for thousands of steps.
    """

    def __init__(self, module: Module, decay: float = 0.999):
        self.module, self.decay, self._updates = copy.deepcopy(module), decay, Scalar(0)
        self.flat = FlatTensors(self.module.parameters())
        self.sources = list(module.parameters())
        self.statistics = [(ours, theirs) for (_, ours), (_, theirs)
                           in zip(self.module.named_state(), module.named_state())
                           if not isinstance(theirs, Parameter)]

    def update(self) -> None:
        """Move the average; call it after each step of the original's optimiser."""
        self.flat.join()
        self._updates.tick(self.flat.array)
        rate = beside(self._rate(self._updates.on(self.flat.array)), self.flat.array)

        def rule(average, weights):
            change = weights - average
            change *= rate
            average += change

        kernels(self.flat.array).update(rule, self.flat.array, [p.data for p in self.sources])
        for t in self.flat.tensors:
            t.mark_changed()
        for ours, theirs in self.statistics:
            ours.data[...] = theirs.data
            ours.mark_changed()

    def _rate(self, updates: Any) -> Any:
        first = 9 / (10 + updates)
        if isinstance(first, float):
            return max(1 - self.decay, first)
        return array_module(first).maximum(first, 1 - self.decay)

    @property
    def updates(self) -> int:
        """How often update() was called. On a GPU this waits for the device."""
        return self._updates.value

    @updates.setter
    def updates(self, updates: int) -> None:
        self._updates.value = updates


def beside(x: Any, p: Any) -> Any:
    """A number, or a 0-d array of a device, as it is computed with beside p: in p's dtype."""
    return x.astype(p.dtype) if backend.is_array(x) else x
