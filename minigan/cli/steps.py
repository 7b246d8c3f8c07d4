"""`minigan steps`: the page on which what a function computes is stepped through."""
from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from types import FrameType
from typing import Any, Callable

from ..autodiff import Tensor
from ..errors import UserError
from ..trace import trace
from ..user_code import place_of, said
from ..viz.stepper import draw
from .gradcheck import TARGET, find, load

EXAMPLE = """\
The function takes no arguments and returns a Tensor of one element. Names on the page are those
of its variables.

example, with the file ops.py:

    import minigan as mg

    def loss():
        w = mg.tensor(2.0, requires_grad=True)
        x = mg.tensor(0.5, requires_grad=True)
        return w * x + mg.ops.sin(x)

$ minigan steps ops.py:loss
"""


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser(
        "steps", help="a page that steps through a computation and its gradients",
        description="Calls a function and writes one HTML file, which needs nothing else: the "
        "graph of what it computed, its values, then its gradients, one node at a time.",
        epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.set_defaults(command=write_steps)
    p.add_argument("target", type=TARGET, metavar="MODULE:FUNCTION", help="or FILE.py:FUNCTION")
    p.add_argument("--out", type=Path, default=Path("steps.html"), metavar="FILE",
                   help="where (default: steps.html)")


def write_steps(args: argparse.Namespace) -> None:
    """`minigan steps`."""
    path, name = sys.path[:], args.target[1]
    try:
        f = find(load(args.target[0]), name)
        y, variables = call(f, name)
        page = draw(trace(y, None, variables, getattr(f, "__globals__", {})), name)
    except ValueError as error:
        raise error if type(error) is UserError else UserError(f"{name}: {error}") from error
    finally:
        sys.path[:] = path
    page.write(args.out)
    print(args.out)


def call(f: Callable[[], Any], name: str) -> tuple[Tensor, dict[str, Any]]:
    """What the function returns, and its variables when it did."""
    variables: dict[str, Any] = {}
    code = getattr(inspect.unwrap(f), "__code__", None)

    def watch(frame: FrameType, event: str, result: Any) -> None:
        if event == "return" and frame.f_code is code:
            variables.update(frame.f_locals)

    before = sys.getprofile()
    try:
        inspect.signature(f).bind()
    except TypeError:
        raise UserError(f"{name}{inspect.signature(f)} takes arguments: name a function without, "
                        "which makes its inputs itself") from None
    sys.setprofile(watch)
    try:
        y = f()
    except (Exception, SystemExit) as error:
        raise UserError(f"{name} raised {said(error)}{place_of(error)}") from error
    finally:
        sys.setprofile(before)
    if not isinstance(y, Tensor):
        raise UserError(f"{name} returned {'nothing' if y is None else type(y).__name__}, not a "
                        "Tensor: return what was computed, such as the loss")
    if y.size != 1:
        raise UserError(f"{name} returned a tensor of shape {y.shape}: return one number, with "
                        ".sum() or .mean(), from which gradients can start")
    return y, variables
