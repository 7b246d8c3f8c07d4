"""cuBLAS's work: products of matrices that lie anywhere in memory, by NumPy."""
from __future__ import annotations

import ctypes

import numpy as np

TYPES = [np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.float16)]  # cudaDataType


class Matrix(ctypes.Structure):
    """As in cublas.cpp; strides in elements."""

    _fields_ = [("data", ctypes.c_void_p), ("type", ctypes.c_int),
                *[(name, ctypes.c_int64) for name in ("rows", "columns", "row_stride",
                                                      "column_stride", "batch_stride")]]

    def array(self, batch: int) -> np.ndarray:
        dtype = TYPES[self.type]
        strides = self.batch_stride, self.row_stride, self.column_stride
        return np.asarray(_Interface({
            "data": (self.data or 0, False), "typestr": dtype.str, "version": 3,
            "shape": (batch, self.rows, self.columns),
            "strides": tuple([s * dtype.itemsize for s in strides])}))


class _Interface:
    """Memory that NumPy takes for an array's."""

    def __init__(self, interface: dict):
        self.__array_interface__ = interface


def product(a: Matrix, b: Matrix, c: Matrix, alpha: float, beta: float, batch: int) -> None:
    """c = alpha a b + beta c; halves are added up as floats."""
    if not (batch and c.rows and c.columns):
        return
    result = c.array(batch)
    if a.columns == 0:
        total = np.zeros(result.shape, result.dtype)
    else:
        x, y = a.array(batch), b.array(batch)
        if x.dtype == np.float16:
            x, y = x.astype(np.float32), y.astype(np.float32)
        total = x @ y
    if alpha != 1:
        total = total * total.dtype.type(alpha)
    result[...] = total if beta == 0 else total + total.dtype.type(beta) * result
