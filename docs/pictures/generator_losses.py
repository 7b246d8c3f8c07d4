"""The two losses of a generator, and their gradients, by the discriminator's logit.

    python docs/pictures/generator_losses.py
"""
from __future__ import annotations

import numpy as np
from style import BLUE, GREY, ORANGE, new_figure, save

import minigan as mg

logits = np.linspace(-8, 8, 400)


def minimax(a):
    """ln(1 − σ(a)), to be minimised."""
    return -mg.ops.softplus(a)


def nonsaturating(a):
    """−ln σ(a), to be minimised."""
    return mg.ops.softplus(-a)


figure = new_figure(9.0, 3.6)
values, pulls = figure.subplots(1, 2)
for loss, colour, label in [(nonsaturating, BLUE, "non-saturating:  −ln σ(a)"),
                            (minimax, ORANGE, "minimax:  ln(1 − σ(a))")]:
    a = mg.tensor(logits, requires_grad=True)
    y = loss(a)
    values.plot(logits, y.numpy(), color=colour, label=label)
    pulls.plot(logits, -mg.grad(y.sum(), a)[0].numpy(), color=colour, label=label)
values.set_title("the generator's loss", fontsize=12)
values.legend(loc="lower left")
pulls.set_title("how strongly it is pulled up", fontsize=12)
for axes in (values, pulls):
    axes.set_xlabel("a, the logit of a generated sample")
    axes.axvspan(-8, -3, color=GREY, alpha=0.1, linewidth=0)
pulls.text(-7.7, 0.42, "where G is\nwhile it loses", color=GREY)
save(figure, "generator_losses")
