"""Groups of parameters, each with a learning rate and a weight decay of its own."""
from __future__ import annotations

from math import inf
from numbers import Real
from typing import Any, Iterable

from ..autodiff import Tensor
from ..backend import plain
from ..replay import Scalar
from ..settings import NOT_NEGATIVE


class Group:
    """Parameters that are trained alike: one of an optimiser's `param_groups`. `group["lr"]`, or
    `group.lr`, may be changed between steps, captured ones too."""

    __slots__ = ("params", "rate", "_decay")

    def __init__(self, params: Any, lr: float, weight_decay: float):
        # no list: the optimiser would hear nothing of what is appended
        self.params = (params,) if isinstance(params, Tensor) else tuple(_listed(params))
        self.rate, self.weight_decay = Scalar(rate("lr", lr)), weight_decay

    @property
    def lr(self) -> float:
        return self.rate.value

    @lr.setter
    def lr(self, lr: float) -> None:
        self.rate.value = rate("lr", lr)

    @property
    def weight_decay(self) -> float:
        return self._decay

    @weight_decay.setter
    def weight_decay(self, decay: float) -> None:
        self._decay = rate("weight_decay", decay)

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in OWN:
            raise AttributeError(f"of a group lr and weight_decay can be set, not {name}: for "
                                 "others make another optimiser")
        setattr(self, name, value)


def rate(name: str, value: Any) -> float:
    """value, if it can be a learning rate or a weight decay. Raises UserError else."""
    NOT_NEGATIVE.check(name, value := plain(value))
    return value


OWN = {"lr", "weight_decay"}  # what a group may have of its own


def grouped(params: Any, lr: float, weight_decay: float) -> list[Group]:
    """One group of parameters, or those of the dicts: "params", and what is their OWN."""
    params = _listed(params)
    if not any(isinstance(group, dict) for group in params):
        params = [{"params": params}]
    for group in params:
        if not isinstance(group, dict) or {*group} - OWN != {"params"}:
            keys = list(group) if isinstance(group, dict) else type(group).__name__
            raise TypeError("a group is a dict of params and, if they are its own, lr and "
                            f"weight_decay, not {keys}: for other settings make another optimiser")
    groups = [Group(**{"lr": lr, "weight_decay": weight_decay, **group}) for group in params]
    tensors = [p for group in groups for p in group.params]
    if len({id(t) for t in tensors}) < len(tensors):
        raise ValueError("a parameter is listed twice: it would be updated twice")
    for p in tensors:
        if isinstance(p, Tensor) and p.creator is not None:
            raise ValueError(f"a parameter of shape {p.shape} was computed from others; "
                             "only leaves can be optimised")
    return groups


def _listed(params: Any) -> list:
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        raise TypeError("an optimiser takes a list of parameters, or module.parameters(), not a "
                        f"{type(params).__name__}")
    return list(params)


def common(name: str, doc: str) -> property:
    """An optimiser's property that is its groups', whom setting it gives the same. Where theirs
    differ, nobody knows which is meant, and reading it raises ValueError."""
    def read(optimizer: Any) -> float:
        values = {getattr(group, name) for group in optimizer.param_groups}
        if len(values) > 1:
            raise ValueError(f"the groups of this optimiser differ in {name}: read and set "
                             f"optimizer.param_groups[i][{name!r}]")
        return values.pop()

    def write(optimizer: Any, value: float) -> None:
        for group in optimizer.param_groups:
            setattr(group, name, value)

    return property(read, write, doc=doc)


# A number that all share, or a list of one for each, as states have it

def joined(values: list) -> Any:
    """The number that all values are, or the list."""
    return values[0] if len({*values}) == 1 else values


def spread(what: str, saved: Any, count: int, kind: type = Real) -> list:
    """The inverse of `joined`, for so many. Raises ValueError for anything else."""
    values = saved if isinstance(saved, list) else [saved] * count
    if len(values) != count:
        raise ValueError(f"{what} of this state are {len(values)}, where there are to be {count}")
    if not all(isinstance(x, kind) and not isinstance(x, bool) and 0 <= x < inf for x in values):
        raise ValueError(f"{what} are numbers of at least 0, not {saved!r}")
    return values


def rates_of(saved: Any, groups: list[Group]) -> list[float]:
    """The learning rates of a state, one for each group."""
    return [float(lr) for lr in spread("the learning rates", saved, len(groups))]
