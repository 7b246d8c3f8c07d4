"""Softplus in float32 by its formula and without overflow; what a wrong discriminator learns.

    python docs/pictures/stable.py
"""
from __future__ import annotations

import numpy as np
from style import BLUE, GREY, ORANGE, new_figure, save

import minigan as mg

figure = new_figure(9.0, 3.6)
left, right = figure.subplots(1, 2)

x = np.linspace(-40, 110, 800, dtype=np.float32)
with np.errstate(over="ignore"):
    formula = np.log(1 + np.exp(x))
seen = np.isfinite(formula) & (formula > 0)
left.semilogy(x, mg.ops.softplus(mg.tensor(x)).numpy(), color=BLUE, label="stable form")
left.semilogy(x[seen], formula[seen], color=ORANGE, linestyle=(0, (3, 2)), label="formula")
left.axvspan(88.7, 110, color=ORANGE, alpha=0.12, linewidth=0)
left.axvspan(-40, x[seen][0], color=ORANGE, alpha=0.12, linewidth=0)
left.text(99, 1e-9, "infinite", rotation=90, ha="center", color=ORANGE)
left.text(-29, 3e-3, "zero", rotation=90, ha="center", color=ORANGE)
left.set_title("ln(1 + eˣ) in float32", fontsize=12)
left.set_xlabel("x")
left.set_xlim(-40, 110)
left.legend(loc="center", bbox_to_anchor=(0.62, 0.3))

logits = np.linspace(-10, 32, 400, dtype=np.float32)


def gradient(loss):
    a = mg.tensor(logits, requires_grad=True)
    return mg.grad(loss(a).sum(), a)[0].numpy()


def by_probability(a):
    return -mg.ops.log(mg.ops.maximum(1 - mg.ops.sigmoid(a), 1e-7))


def by_logit(a):
    return mg.ops.softplus(a)


right.plot(logits, gradient(by_logit), color=BLUE, label="loss of the logit")
right.plot(logits, gradient(by_probability), color=ORANGE, linestyle=(0, (3, 2)),
           label="loss of the probability")
right.text(25, 0.12, "wrong, sure of it,\nand learning\nnothing", ha="center", color=GREY)
right.set_title("gradient of the loss on a generated input", fontsize=12)
right.set_xlabel("logit: how real the discriminator finds it")
right.set_ylim(-0.05, 1.4)
right.legend(loc="upper left")
save(figure, "stable")
