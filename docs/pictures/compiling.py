"""How long the arrays of a captured step live, and where they lie.

    python docs/pictures/compiling.py
"""
from __future__ import annotations

import numpy as np
from matplotlib.patches import Rectangle
from style import BLUE, GREEN, GREY, INK, ORANGE, new_figure, save

import minigan as mg
from minigan.nn import Dense, LeakyReLU, Sequential

BATCH, NOISE, WIDTH, PIXELS = 100, 64, 128, 784
rng = np.random.default_rng(0)


def network(inputs: int, outputs: int) -> Sequential:
    return Sequential(Dense(inputs, WIDTH, rng=rng), LeakyReLU(), Dense(WIDTH, WIDTH, rng=rng),
                      LeakyReLU(), Dense(WIDTH, outputs, rng=rng))


generator, discriminator = network(NOISE, PIXELS), network(PIXELS, 1)
g_adam = mg.optim.Adam(generator.parameters())
d_adam = mg.optim.Adam(discriminator.parameters())
ones, zeros = mg.tensor(np.ones((BATCH, 1), "f")), mg.tensor(np.zeros((BATCH, 1), "f"))
bce = mg.losses.bce_with_logits


def step(real, z):
    fake = generator(z)
    d_adam.zero_grad()
    loss = bce(discriminator(real), ones) + bce(discriminator(fake.detach()), zeros)
    loss.backward()
    d_adam.step()
    g_adam.zero_grad()
    bce(discriminator(fake), ones).backward(inputs=generator.parameters())
    g_adam.step()
    return loss.detach()


captured = mg.capture(step)
for _ in range(3):
    captured(mg.tensor(rng.random((BATCH, PIXELS)).astype("f")),
             mg.tensor(rng.normal(size=(BATCH, NOISE)).astype("f")))
plan = captured.replay.plan
arrays = [(first, last, size, offset) for first, last, size, offset, share in
          zip(plan.first, plan.last, plan.sizes, plan.offsets, plan.shares) if last >= 0]
longest, total = max(last for _, last, *_ in arrays), sum(plan.sizes)
print(f"{len(captured.kernels())} calls, {len(plan.sizes)} arrays of {total / 1e6:.2f} MB together "
      f"in {plan.size / 1e6:.2f} MB")

figure = new_figure(11.0, 4.4)
lives, places = figure.subplots(1, 2)
for line, (first, last, size, _) in enumerate(sorted(arrays)):
    large = size > 1e5
    lives.plot([first, last + 0.6], [line, line], color=ORANGE if large else BLUE,
               linewidth=2.2 if large else 1)
lives.invert_yaxis()
lives.set(xlabel="call of the list", ylabel="array, in the order in which they are made",
          title="how long each array is needed")
colours = [BLUE, ORANGE, GREEN, GREY]
for n, (first, last, size, offset) in enumerate(sorted(arrays)):
    places.add_patch(Rectangle((first, offset / 1e6), last + 0.8 - first, size / 1e6,
                               facecolor=colours[n % 4], alpha=0.75, edgecolor="white",
                               linewidth=0.4))
places.set(xlim=(0, longest + 1), ylim=(0, plan.size / 1e6), xlabel="call of the list",
           ylabel="place in memory, MB", title=f"where it lies: {total / 1e6:.1f} MB of arrays in "
           f"{plan.size / 1e6:.1f} MB")
places.title.set_color(INK)
save(figure, "compiling")
