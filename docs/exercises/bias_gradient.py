"""The gradient of a bias

Chapter: broadcasting. 5 minutes.

`AddRow` adds one row to every row of a table, as a layer adds its bias. Its `backward` answers as
if both inputs had the shape of the output. Mend it. What it gets, `grad`, has the table's shape.
"""
# %% start
import minigan as mg


class AddRow(mg.Function):
    """table + row, for a table of shape (n, k) and a row of shape (k,)."""

    def forward(self, table, row):
        return table + row

    def backward(self, grad):
        return grad, grad


# %% solution
import minigan as mg


class AddRow(mg.Function):
    """table + row, for a table of shape (n, k) and a row of shape (k,)."""

    def forward(self, table, row):
        return table + row

    def backward(self, grad):
        return grad, grad.sum(axis=0)      # the row was used n times: n effects add up


# %% check
import numpy as np

from minigan.testing import check_grads


def add_row(table, row):
    return AddRow()(table, row)


rng = np.random.default_rng(0)
for n in 4, 1:
    check_grads(add_row, rng.normal(size=(n, 3)), rng.normal(size=3))
