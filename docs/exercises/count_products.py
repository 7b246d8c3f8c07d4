"""What a step of a GAN costs

Chapter: matmul. 5 minutes.

G and D are networks of three equal layers each; a layer's forward is one matrix product. How many
products does each of these take, forward and backward together, if nothing is computed in vain?
The noise and the real images ask for no gradient.

- `d_real`: D on real images, and the gradients of D's weights
- `d_fake`: G makes samples within `no_grad()`, D judges them; the gradients of D's weights
- `g`: G makes samples, a frozen D judges them; the gradients of G's weights
- `g_unfrozen`: the same where D was not frozen
"""
# %% start
products = {"d_real": ..., "d_fake": ..., "g": ..., "g_unfrozen": ...}
# %% solution
# d_real: 3 forward; back 3 for the weights, and 2 to get from layer to layer. d_fake: 3 more, G's
# forward. g: 6 forward; back through D 3, in G 3 for the weights and 2 between its layers.
# g_unfrozen: and 3 for weights of D that nobody moves.
products = {"d_real": 8, "d_fake": 11, "g": 14, "g_unfrozen": 17}
# %% check
import numpy as np

import minigan as mg


class Product(mg.Function):
    """x @ w, which notes in the list what it was computed for."""

    def __init__(self, done, why):
        self.done, self.why = done, why

    def forward(self, x, w):
        self.done.append(self.why)
        return x @ w

    def backward(self, grad):
        x, w = self.inputs
        return (Product(self.done, "to get through a layer")(grad, w.T) if self.needs[0] else None,
                Product(self.done, "for weights")(x.T, grad) if self.needs[1] else None)


def network(weights, x, done):
    for w in weights:
        x = Product(done, "forward")(x, w)
    return x


def counted(step):
    """What the products of a step are for."""
    done, x = [], mg.tensor(np.ones((2, 2)))
    g, d = ([mg.tensor(np.eye(2), requires_grad=step != "g" or player == "g") for _ in range(3)]
            for player in "gd")
    if step != "d_real":
        x = network(g, x, done)
    if step == "d_fake":
        x = x.detach()
    network(d, x, done).sum().backward()
    return done


for step in "d_real", "d_fake", "g", "g_unfrozen":
    said, done = products.get(step, ...), counted(step)
    assert said is not ..., f"products[{step!r}] is still ...: count forward, then layer by layer"
    forward, through, weights = map(done.count, ("forward", "to get through a layer",
                                                 "for weights"))
    hint = ("Which inputs ask for no gradient?" if step.startswith("d") else
            "Which layers must the gradient get through, and whose weights are asked for?")
    assert said == len(done), (
        f"{step}: not {said}. Its forward alone takes {forward}; count for each layer one product "
        f"to get through it, where that is needed, and one for its weights. {hint}")
