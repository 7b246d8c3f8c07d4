"""One call of an operation, as a test draws it and a message prints it."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

import numpy as np


@dataclass(frozen=True, repr=False, eq=False)
class Call:
    """The arguments of one call.

    args     arrays: floats are variables, integers and booleans are constants
    options  keyword arguments

    >>> import numpy as np
    >>> call = Call((np.array([[0.0, 1.0]]),), {"axis": 1})
    >>> call
    Call(array([[0., 1.]]), axis=1)
    >>> call.of(np.sum)
    array([1.])
    """

    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def of(self, f: Callable[..., Any]) -> Any:
        """f's result for this call."""
        return f(*self.args, **self.options)

    def __repr__(self) -> str:
        options = [f"{name}={_short(value)}" for name, value in self.options.items()]
        return f"Call({', '.join([*map(_short, self.args), *options])})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What Hypothesis and IPython print: the call as it is written."""
        printer.text(repr(self))


def _short(x: Any) -> str:
    """An argument as it is written; a large one by its kind, and an array's shape."""
    is_array = isinstance(x, np.ndarray)
    text = "" if is_array and x.size > 24 else repr(x)
    if text and text.count("\n") < 3:
        return text
    return f"<{x.dtype} array of shape {x.shape}>" if is_array else f"<{type(x).__name__}>"
