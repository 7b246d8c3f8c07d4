"""What an optimiser saves and goes on from."""
from __future__ import annotations

from typing import Any, Mapping

from .. import backend
from ..backend import Array
from ..checked import checked
from ..nn.module import check_arrays, check_names
from .counts import StepCounts
from .groups import Group, joined, rates_of


class Saved:
    """The part of an Optimizer that does so."""

    state_names: tuple[str, ...]
    state: dict[str, Array]
    param_groups: list[Group]
    _counts: StepCounts

    def state_dict(self) -> dict[str, Any]:
        """A copy: "steps", a number, or a list with one for each parameter where they differ; "lr",
        or a list with one for each group; and the state arrays as flat numpy.ndarrays."""
        arrays = {name: backend.to_numpy(array) for name, array in self.state.items()}
        return {"steps": self._counts.saved(), "lr": joined([g.lr for g in self.param_groups]),
                **arrays}

    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raise KeyError or ValueError for a state_dict of another optimiser."""
        check_names(self, ("steps", "lr", *self.state_names), state)
        check_arrays(self, self.state, state)
        self._counts.of(state["steps"])
        rates_of(state["lr"], self.param_groups)

    @checked
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state_dict of the same optimiser; with an error, nothing is changed."""
        self.check_state_dict(state)
        self._counts.load(state["steps"])
        for group, lr in zip(self.param_groups, rates_of(state["lr"], self.param_groups)):
            group.lr = lr
        for name, own in self.state.items():
            own[...] = backend.to_device(state[name], backend.of(own).name)
