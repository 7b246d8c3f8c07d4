"""Backpropagation through a network of two layers: by hand, then by the engine.

You learn: what the engine does for you, line by line, and that it does nothing else.

    python examples/01_backprop_by_hand.py
"""
from __future__ import annotations

import numpy as np

import minigan as mg

rng = np.random.default_rng(0)
x = rng.standard_normal((5, 3))   # five examples of three numbers
t = rng.standard_normal((5, 1))   # and what should come out
w1, b1 = rng.standard_normal((3, 4)), np.zeros(4)
w2, b2 = rng.standard_normal((4, 1)), np.zeros(1)

# By hand. Forward: remember what the way back will need.
a = x @ w1 + b1
h = np.tanh(a)
y = h @ w2 + b2
loss = np.mean((y - t) ** 2)

# Backward: the same lines in reverse order. d_z is how much the loss moves per nudge of z.
d_y = 2 * (y - t) / y.size        # the mean of squares
d_w2 = h.T @ d_y                  # y = h @ w2 + b2
d_b2 = d_y.sum(axis=0)            # the bias was used for every example: its gradients add up
d_h = d_y @ w2.T
d_a = d_h * (1 - h * h)           # tanh' = 1 − tanh²
d_w1 = x.T @ d_a                  # a = x @ w1 + b1
d_b1 = d_a.sum(axis=0)

# By the engine: the forward lines alone. It remembers them, and goes back through them itself.
W1, B1, W2, B2 = parameters = [mg.tensor(p, requires_grad=True) for p in (w1, b1, w2, b2)]
engine_loss = mg.losses.mse(mg.ops.tanh(x @ W1 + B1) @ W2 + B2, t)
engine_loss.backward()

print(f"loss   by hand {loss:.15f}   by engine {engine_loss.item():.15f}\n")
print("gradient      by hand               by engine             difference")
largest = 0.0
for name, hand, parameter in zip(["w1", "b1", "w2", "b2"], [d_w1, d_b1, d_w2, d_b2], parameters):
    engine = parameter.grad.numpy()
    for index, value in np.ndenumerate(hand):
        label = f"{name}[{','.join(map(str, index))}]"
        print(f"{label:10} {value:20.15f}  {engine[index]:20.15f}  {engine[index] - value:9.1e}")
    largest = max(largest, float(abs(engine - hand).max()))
print(f"\nlargest difference: {largest:.1e}")
assert largest < 1e-14, "the engine and the hand disagree"
