"""What the engine refuses, and what it says then: mistakes that would give wrong numbers."""
from __future__ import annotations

from typing import Any, Container, Iterable, Sequence

from . import backend
from .failures import in_words, is_from_inside, shown  # noqa: F401 (shown is autodiff's)

Tensor = Function = Any  # of autodiff.py, which imports this


def check_float(data: backend.Array) -> None:
    """Raise for what is no floating point array, and so has no gradient."""
    if data.dtype.kind != "f":
        raise TypeError(f"only floating point tensors have gradients, not {data.dtype}; "
                        "make it one with .astype('float32')")


def check_failure(function: Function, inputs: Sequence[Tensor], error: Exception) -> None:
    """Raise, if the array library could not compute a forward pass, what says why: the inputs are
    on several devices, or their shapes and dtypes do not fit."""
    devices = sorted({backend.of(x.data).name for x in inputs})
    if len(devices) > 1 and isinstance(error, TypeError):
        raise TypeError(f"{type(function).__name__} got data on {' and '.join(devices)}: mg.tensor("
                        "array) puts an array on the device in use, module.to(device) moves a "
                        "module there") from None
    if is_from_inside(error):
        raise in_words(type(function).__name__, inputs, vars(function), error) from error


def check_unchanged(node: Function) -> None:
    """Raise if backward is going to read a tensor that was changed since the forward pass."""
    for i, (x, version) in enumerate(zip((*node.inputs, node.output), node._versions)):
        read = node.reads != "nothing"
        if node.reads == "the other factor":
            read = i < 2 and node.needs[1 - i]
        if x._version[0] != version and read:
            raise RuntimeError(
                f"backward of {type(node).__name__} needs its tensor of shape {x.shape} as it "
                "was in the forward pass, but it was changed since (by an optimiser's step, "
                "load_state_dict, or an assignment to .data): call backward before the "
                "change, or run the forward pass again after it")


def check_used(outputs: Sequence[Tensor], inputs: Sequence[Tensor], path: Container[int]) -> None:
    """Raise for a gradient that would be zero because there is no graph, or no path in it."""
    for y in outputs:
        if not y.requires_grad and all(y is not x for x in inputs):
            raise no_graph("mg.grad", y)
    for i, x in enumerate(inputs):
        if id(x) not in path and all(x is not y for y in outputs):
            why = "" if x.requires_grad else " (and it does not require a gradient)"
            raise ValueError(f"mg.grad by input {i}, of shape {x.shape}: no path leads from it to "
                             f"the outputs{why}; say allow_unused=True if zeros are meant")


def leaf_ids(inputs: Iterable[Tensor]) -> set[int]:
    """The ids of backward's inputs. Raises for one that it would pass by, as no leaf."""
    ids = set()
    for x in inputs:
        if x.creator is not None:
            raise ValueError(f"backward(inputs=) got a tensor of shape {x.shape} that was computed "
                             "from others: .grad is of leaves; mg.grad differentiates by anything")
        ids.add(id(x))
    return ids


def no_graph(what: str, y: Tensor) -> ValueError:
    return ValueError(
        f"{what} from a tensor of shape {y.shape} that has no graph: make an input with "
        "requires_grad=True, leave no_grad(), or, if it is or was computed from a gradient, take "
        "that one with create_graph=True")


def not_one_number(output: Tensor) -> ValueError:
    return ValueError(f"a gradient starts from one number, but this tensor has shape "
                      f"{output.shape}: reduce it with .sum() or .mean(), or say which "
                      "combination with grad= (grad_outputs= in mg.grad)")


def too_few(node: Function, gradients: Sequence[Tensor | None]) -> RuntimeError:
    return RuntimeError(f"{type(node).__name__}.backward returned {len(gradients)} gradients for "
                        f"{len(node.inputs)} inputs: one for each is wanted, None where none is "
                        "needed")


def unfit(grad: Any, x: Tensor, node: Function) -> RuntimeError:
    """For what an operation gave as the gradient of its input x."""
    if grad is None or isinstance(grad, type(node.output)):
        what = (f"{'nothing' if grad is None else f'shape {grad.shape}'} for its input of shape "
                f"{x.shape}: a gradient must have the shape of its input")
    else:
        what = (f"{type(grad).__name__}, not a Tensor: write it with the operations of minigan, or "
                "it could not be differentiated again")
    return RuntimeError(f"{type(node).__name__}.backward returned {what}")
