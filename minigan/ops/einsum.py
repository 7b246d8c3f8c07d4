"""Sums of products, written with a letter for each axis: a composition of matrix products."""
from __future__ import annotations

import math
from typing import Any, Collection

from ..autodiff import Tensor, as_tensor
from ..backend import array_module
from .linalg import matmul
from .reduce import sum
from .shape import transpose


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """The products of the operands' elements, summed over every letter that the output does not
    name (Einstein's convention, as NumPy has it).

    subscripts  a letter for each axis of each operand, and those of the output: "ij,jk->ik" is the
                matrix product, "ii->i" the diagonal, "ij->" the sum. Without "->" the output has
                the letters that stand there once, in alphabetical order

    Operands are multiplied from left to right. Raises ValueError for subscripts that do not fit,
    for one letter at axes of two lengths, and for "...".
    """
    tensors = [as_tensor(x) for x in operands]
    terms, output = _parsed(subscripts, tensors)
    x, names = tensors[0], terms[0]
    for i in range(1, len(tensors)):
        later = {*output, *"".join(terms[i + 1:])}
        x, names = _reduced(x, names, {*terms[i], *later})
        y, others = _reduced(tensors[i], terms[i], {*names, *later})
        x, names = _product(x, names, y, others, later)
    x, names = _reduced(x, names, output)
    return transpose(x, *[names.index(c) for c in output])


def _parsed(subscripts: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """The letters of each operand, and the output's."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    terms, shapes = left.split(","), ", ".join([str(x.shape) for x in tensors])
    letters = "".join(terms)
    if not arrow:
        output = "".join(sorted([c for c in letters if letters.count(c) == 1]))
    if "." in subscripts:
        raise ValueError(f"einsum {subscripts!r}: give every axis a letter, '...' is not known")
    if [len(term) for term in terms] != [x.ndim for x in tensors]:
        raise ValueError(f"einsum {subscripts!r} needs a letter for each axis of each operand, "
                         f"got shapes {shapes}")
    if letters and not letters.isalpha() or not {*output} <= {*letters} or (
            len({*output}) < len(output)):
        raise ValueError(f"einsum {subscripts!r}: axes are letters, and the output has some of "
                         "the operands', each once")
    lengths = [(c, n) for term, x in zip(terms, tensors) for c, n in zip(term, x.shape)]
    for c in letters:
        if len({n for name, n in lengths if name == c}) > 1:
            raise ValueError(f"einsum {subscripts!r}: {c!r} stands at axes of different lengths "
                             f"in shapes {shapes}")
    return terms, output


def _reduced(x: Tensor, names: str, used: Collection[str]) -> tuple[Tensor, str]:
    """x with each letter once, of those that are used: the others are summed over."""
    for c in names:
        while names.count(c) > 1:  # the diagonal of the first and the last such axis
            i, j = names.index(c), names.rindex(c)
            order = [k for k in range(x.ndim) if k != j]
            order.insert(i, j)
            places = array_module(x.data).arange(x.shape[i])
            x = transpose(x, order)[(slice(None),) * i + (places, places)]
            names = names[:j] + names[j + 1:]
    alone = tuple([i for i, c in enumerate(names) if c not in used])
    if not alone:
        return x, names
    total = sum(x, alone)
    total = total if total.dtype == x.dtype else total.astype(x.dtype)  # of small integers
    return total, "".join([c for c in names if c in used])


def _product(x: Tensor, names: str, y: Tensor, others: str, later: Collection[str]
             ) -> tuple[Tensor, str]:
    """x · y, summed over the letters of both that are not needed later: a matrix product, of a
    batch if both have a letter that is."""
    batch = [c for c in names if c in others and c in later]
    summed = [c for c in names if c in others and c not in later]
    rows, columns = [c for c in names if c not in others], [c for c in others if c not in names]
    length = {**dict(zip(names, x.shape)), **dict(zip(others, y.shape))}

    def matrix(t: Tensor, own: str, first: list[str], second: list[str]) -> Tensor:
        order = [own.index(c) for c in (*batch, *first, *second)]
        sizes = [math.prod([length[c] for c in part]) for part in (first, second)]
        return transpose(t, order).reshape(*[length[c] for c in batch], *sizes)

    z = matmul(matrix(x, names, rows, summed), matrix(y, others, summed, columns))
    left = [*batch, *rows, *columns]
    return z.reshape([length[c] for c in left]), "".join(left)
