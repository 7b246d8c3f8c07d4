"""Name the slip

Chapter: mismatch. 6 minutes.

`slip(claimed, measured)` gets the two Jacobians that a failed check compares, square matrices, and
is to name what happened: `"wrong sign"`, `"transposed"`, `"a sum forgotten"` (only the diagonal is
there), `"detached"`, `"a mean for a sum"` (1/n of what was measured, n the number of rows), or
`"unknown"`. The picture of this chapter shows them.
"""
# %% start
import numpy as np


def slip(claimed, measured):
    if np.allclose(claimed, -measured):
        return "wrong sign"
    return "unknown"


# %% solution
import numpy as np


def slip(claimed, measured):
    patterns = {"wrong sign": -measured,
                "transposed": measured.T,
                "a sum forgotten": np.diag(np.diag(measured)),
                "detached": 0 * measured,
                "a mean for a sum": measured / len(measured)}
    for name, pattern in patterns.items():
        if np.allclose(claimed, pattern):
            return name
    return "unknown"


# %% check
import numpy as np

for n in 3, 5:
    measured = np.random.default_rng(n).normal(size=(n, n)).round(2)
    tilted = measured.copy()
    tilted[0, 0] = 0.0
    shown = {"wrong sign": -measured, "transposed": measured.T, "detached": 0 * measured,
             "a sum forgotten": measured * np.eye(n), "a mean for a sum": measured / n,
             "unknown": measured + 1.0}
    pairs = [*((name, claimed, measured) for name, claimed in shown.items()),
             ("unknown", tilted, measured), ("unknown", measured / (n + 1), measured)]
    for name, claimed, of in pairs:
        claimed = claimed + 0.0             # no -0.0
        found = slip(claimed.copy(), of.copy())
        assert found == name, (f"claimed\n{claimed.round(2)}\nmeasured\n{of}\nis {name!r}, and "
                               f"your slip says {found!r}")
