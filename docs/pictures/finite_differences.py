"""The error of three difference quotients of sin at 1, against the step size.

    python docs/pictures/finite_differences.py
"""
from __future__ import annotations

import numpy as np
from style import BLUE, GREEN, GREY, ORANGE, new_figure, save


def forward(f, x, h):
    return (f(x + h) - f(x)) / h


def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


def richardson(f, x, h):
    return (4 * central(f, x, h / 2) - central(f, x, h)) / 3


figure = new_figure()
axes = figure.subplots()
steps = np.logspace(-15, 0, 400)
for rule, colour, label in [(forward, BLUE, "forward"), (central, ORANGE, "central"),
                            (richardson, GREEN, "Richardson")]:
    errors = np.abs(rule(np.sin, 1.0, steps) - np.cos(1.0))
    errors = np.where(errors > 0, errors, np.nan)
    axes.loglog(steps, errors, color=colour, alpha=0.25, linewidth=0.8)
    # the upper envelope: the largest error among this step and the next smaller ones
    envelope = [np.nanmax(errors[max(i - 12, 0):i + 1]) for i in range(len(steps))]
    axes.loglog(steps, envelope, color=colour, label=label)

axes.text(3e-12, 2e-3, "rounding error:\nthe step is too small", color=GREY)
axes.text(1e-5, 2e-2, "truncation error:\nthe step is too big", color=GREY, ha="center")
axes.set_xlim(1e-15, 1)
axes.set_ylim(1e-16, 10)
axes.set_xlabel("step h")
axes.set_ylabel("error of the measured slope")
axes.legend(loc="lower left")
save(figure, "finite_differences")
