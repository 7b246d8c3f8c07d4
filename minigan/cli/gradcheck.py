"""`minigan gradcheck`: the gradient of a function in a file or a module, on random inputs."""
from __future__ import annotations

import argparse
import importlib
import inspect
import math
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

import numpy as np

from .. import backend
from ..errors import UserError, did_you_mean
from ..settings import NATURAL, Kind, one_of
from ..testing.differentiable import Differentiable
from ..testing.frameworks import Minigan
from ..testing.gradcheck import KINKS, check_grads
from ..testing.report import GradientError
from ..user_code import place_of, said

LARGEST = 1_000_000  # elements in all inputs together; far fewer prove as much
NARROWEST = 1e-30    # range of the inputs


def _target(text: str) -> tuple[str, str]:
    module, _, name = text.rpartition(":")
    return module, name


def _is_target(parts: tuple[str, str]) -> bool:
    module, name = parts
    return bool(module and name) and not (module.startswith(".") and "/" not in module)


def _shape(text: str) -> tuple[int, ...]:
    return () if text in ("scalar", "()") else tuple(map(int, text.split("x")))


TARGET = Kind("module:function or file.py:function, as in ops.py:swish", _is_target, _target)
SHAPE = Kind("a shape as in 3x4, 4 or scalar", lambda shape: all(n >= 0 for n in shape), _shape)

EXAMPLE = """\
The function takes Tensors and returns a Tensor or several; or it is made by from_numpy, from_torch
or from_jax of minigan.testing. Its other arguments keep their defaults.

example, with the file ops.py:

    import minigan as mg

    def swish(x, beta=1.0):
        return x * mg.ops.sigmoid(beta * x)

$ minigan gradcheck ops.py:swish --shape 3x4

exit status: 0 right, 1 a wrong gradient, 2 a mistake in the command or an error in the function
"""


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser("gradcheck", help="check the gradient of a function of yours",
                            usage="minigan gradcheck MODULE:FUNCTION --shape 3x4 [--shape ...] "
                                  "[option ...]",
                            description="Check the gradient of a function on random inputs.",
                            epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.set_defaults(command=gradcheck)
    p.add_argument("target", type=TARGET, metavar="MODULE:FUNCTION",
                   help="as in ops:swish, package.ops:swish, ops.py:swish or ops:Layer.forward")
    p.add_argument("--shape", type=SHAPE, action="append", required=True, metavar="3x4",
                   help="of an input, one --shape for each; 4 is a vector, scalar or () a number")
    p.add_argument("--dtype", type=one_of(["float16", "float32", "float64"], "dtype"),
                   default="float64", help="float16, float32 or float64 (default: float64)")
    p.add_argument("--range", type=float, nargs=2, default=[-2, 2], metavar=("LOW", "HIGH"),
                   help="what the inputs are drawn from, evenly (default: -2 2)")
    p.add_argument("--wrt", type=NATURAL, nargs="+", metavar="I",
                   help="the inputs to differentiate by, counted from 0 (default: all)")
    p.add_argument("--order", type=int, choices=[1, 2, 3], default=2,
                   help="of the highest derivatives to check (default: 2)")
    p.add_argument("--directions", type=int, default=8, metavar="N",
                   help="how many random ones (default: 8)")
    p.add_argument("--kinks", type=one_of(KINKS, "treatment of kinks"), default=KINKS[0],
                   help="what to do where the slopes on both sides differ: "
                        f"{', '.join(KINKS)} (default: {KINKS[0]})")
    p.add_argument("--seed", type=NATURAL, default=0, metavar="N",
                   help="of inputs, directions and cotangents (default: 0)")


def gradcheck(args: argparse.Namespace) -> int:
    """`minigan gradcheck`; returns the exit status."""
    inputs, path = draw(args.shape, args.dtype, *args.range, args.seed), sys.path[:]
    for i in args.wrt or ():
        if i >= len(inputs):
            raise UserError(f"--wrt {i}: the inputs are counted from 0 and there are "
                            f"{len(inputs)}, one for each --shape")
    name = args.target[1]
    try:
        f = find(load(args.target[0]), name)
        check_count(f, name, len(inputs))
        check_values(f, name, inputs)
        print(check_grads(f, *inputs, wrt=args.wrt, order=args.order, directions=args.directions,
                          kinks=args.kinks, seed=args.seed))
    except GradientError as error:
        print(error)
        return 1
    except (Exception, SystemExit) as error:
        if type(error) is UserError:
            raise
        place = place_of(error)
        if not place and isinstance(error, ValueError):  # check_grads about its arguments
            raise UserError(str(error)) from error
        raise UserError(f"{name} raised {said(error)}{place}") from error
    finally:
        sys.path[:] = path
    return 0


# The function

def load(module: str) -> ModuleType:
    """The module of that name, in the current folder first, or the one in that file."""
    folder, name = Path.cwd(), module
    if module.endswith(".py") or "/" in module or os.sep in module:
        folder, name = locate(Path(module))
    expected = folder.joinpath(*name.split(".")).with_suffix(".py")
    sys.path.insert(0, str(folder))
    try:
        loaded = importlib.import_module(name)
    except SystemExit:
        raise UserError(f"{module} ends the program when it is imported: put what it runs under "
                         'if __name__ == "__main__"') from None
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{name}.".startswith(f"{missing}."):
            near = did_you_mean(expected.stem, [p.stem for p in expected.parent.glob("*.py")])
            raise UserError(f"no module {name!r} in {folder}, nor an installed one{near}"
                             ) from None
        raise UserError(f"{module} cannot be imported: {said(error)}{place_of(error)}") from error
    found = getattr(loaded, "__file__", None)
    if expected.is_file() and (not found or not expected.samefile(found)):
        raise UserError(f"the name {name!r} is taken by {found or 'a built-in module'}: rename "
                         f"{expected.name}")
    return loaded


def locate(file: Path) -> tuple[Path, str]:
    """The folder to import a file from, and its name there: dotted in a package."""
    if file.is_dir():
        raise UserError(f"{file} is a folder: name a file in it, as in {file / 'ops.py'}:function")
    if not file.is_file():
        near = did_you_mean(file.name, [p.name for p in file.parent.glob("*.py")])
        raise UserError(f"no file {file}{near}")
    if file.suffix != ".py" or "." in file.stem:
        raise UserError(f"{file} cannot be imported: its name should be one word and .py")
    folder, name = file.resolve().parent, file.stem
    while (folder / "__init__.py").is_file():
        folder, name = folder.parent, f"{folder.name}.{name}"
    return folder, name


def find(module: ModuleType, path: str) -> Callable[..., Any]:
    """The function at a dotted path in a module."""
    found, label = module, f"module {module.__name__}"
    if getattr(module.__spec__, "origin", "") is None:
        label = f"{module.__name__}, a folder without __init__.py,"
    for name in path.split("."):
        try:
            found, above, label = getattr(found, name), found, name
        except AttributeError:
            raise UserError(f"{label} has no {name!r}{did_you_mean(name, dir(found))}") from None
        except Exception as error:  # of a module that loads its parts late, or of a property
            raise UserError(f"{path} cannot be reached: {said(error)}{place_of(error)}") from error
    if isinstance(found, type):
        raise UserError(f"{path} is a class: name a function that calls it, such as "
                         f"def f(x): return {label}()(x)")
    if not callable(found):
        near = did_you_mean(label, [n for n, f in vars(above).items() if callable(f)])
        raise UserError(f"{path} is of type {type(found).__name__} and no function{near}")
    return found


def check_count(f: Callable[..., Any], name: str, count: int) -> None:
    """Raise unless the function can be called with so many inputs."""
    try:
        signature = inspect.signature(f.f if isinstance(f, Differentiable) else f)
    except (TypeError, ValueError):  # written in C: only a call can tell
        return
    try:
        signature.bind(*range(count))
    except TypeError:
        parameters = signature.parameters.values()
        named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
        if named:
            raise UserError(f"{name} cannot be called without {' and '.join(named)} by name: give "
                             "a default") from None
        taken = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        least, most = sum(p.default is p.empty for p in taken), len(taken)
        if any(p.kind is p.VAR_POSITIONAL for p in parameters):
            number = f"{least} or more inputs"
        else:
            number = f"{f'{least} to ' if least < most else ''}{most} input{'s' * (most != 1)}"
        raise UserError(f"{name}{signature} takes {number}, not {count}: give a --shape for "
                         "each") from None


def check_values(f: Callable[..., Any], name: str, inputs: list[np.ndarray]) -> None:
    """Call the function once: what is no question of gradients is told before these are asked."""
    framework = f.framework if isinstance(f, Differentiable) else Minigan(backend.current())
    function = f.f if isinstance(f, Differentiable) else f
    with framework.context(), np.errstate(all="ignore"):
        try:
            outputs = framework.outputs(function(*[framework.array(x.copy()) for x in inputs]))
        except GradientError as error:
            raise UserError(f"{name}: {error}") from error
        except TypeError as error:
            if isinstance(f, Differentiable):
                raise
            raise UserError(f"{name} raised {said(error)}{place_of(error)}; it is called with "
                             "Tensors: wrap functions of other arrays in from_numpy, from_torch "
                             "or from_jax of minigan.testing") from error
        if not all(np.isfinite(framework.numpy(y)).all() for y in outputs):
            low, high = min(x.min() for x in inputs), max(x.max() for x in inputs)
            raise UserError(f"{name} is not finite on inputs from {low:g} to {high:g}: choose "
                             "others with --range")


# The inputs

def draw(shapes: list[tuple[int, ...]], dtype: str, low: float, high: float,
         seed: int) -> list[np.ndarray]:
    """Inputs between low and high, of about three digits."""
    largest = float(np.finfo(dtype).max) / 2
    if not (-largest <= low < high <= largest and high - low >= NARROWEST):
        raise UserError(f"--range {low:g} {high:g}: LOW must be below HIGH, and both must be "
                         f"numbers that {dtype} can hold")
    size = sum(math.prod(shape) for shape in shapes)
    if not size:
        raise UserError("the inputs have no elements, so there is nothing to compare")
    if size > LARGEST:
        raise UserError(f"{size:,} elements are too many to check (at most {LARGEST:,}): a "
                         "gradient that is wrong is wrong on small inputs too")
    rng = np.random.default_rng(seed)
    digits = 2 - math.floor(math.log10(high - low))
    return [np.clip(np.round(rng.uniform(low, high, shape), digits), low, high).astype(dtype)
            for shape in shapes]

