"""Words of brackets: three ways to train a writer whose every letter is a choice.

    python examples/26_text.py [--steps 2400] [--seed 0] [--out DIR]

You learn what to do where a sample is made of choices, through which no gradient flows. The
language has 132 words, all balanced words of twelve brackets, and nothing about it is estimated:
the writer, a GRU, tells the probability of each of the 4,096 words there are. It is trained by
maximum likelihood, and against a discriminator by two routes around the choice: Gumbel-softmax,
where a hard choice borrows the gradient of a soft one, and REINFORCE, which asks the discriminator
for its opinion only, and for no gradient. Two minutes.
"""
from __future__ import annotations

import argparse
import time
from itertools import product
from pathlib import Path
from typing import Callable

import numpy as np
from matplotlib.figure import Figure

import minigan as mg
from minigan import nn, ops
from minigan.gan.noise import gumbel_softmax
from minigan.gan.penalties import r1
from minigan.optim import EMA, Adam
from minigan.replay import Draws

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--steps", type=int, default=2400)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()

LENGTH, BATCH, LR, UNITS = 12, 256, 3e-3, 32
letters = np.array(list(product((0, 1), repeat=LENGTH)))  # 0 opens, 1 closes
heights = (1 - 2 * letters).cumsum(axis=1)
balanced = (heights.min(axis=1) >= 0) & (heights[:, -1] == 0)
every = np.eye(2, dtype=np.float32)[letters]              # (4096, 12, 2), a unit vector a letter
WORDS = balanced.sum()


class Writer(nn.Module):
    """Writes letter by letter: what it has written so far is all that it reads."""

    def __init__(self, rng: np.random.Generator):
        self.cell, self.head = nn.GRUCell(2, UNITS, rng=rng), nn.Dense(UNITS, 2, rng=rng)

    def forward(self, before: mg.Tensor, choose: Callable) -> tuple[mg.Tensor, mg.Tensor]:
        """Words (N, 12, 2) of what `choose` makes of a place and its logits, and the logarithm of
        the probability of each. before: zeros (N, 2)."""
        letter, state, word, log_p = before, None, [], []
        for t in range(LENGTH):
            state = self.cell(letter, state)
            logits = self.head(state)
            letter = choose(t, logits)
            word.append(letter)
            log_p.append((ops.log_softmax(logits) * letter).sum(axis=1))
        return ops.stack(word, axis=1), ops.stack(log_p, axis=1).sum(axis=1)

    def log_p(self, words: mg.Tensor) -> mg.Tensor:
        """Of words that are there already."""
        return self(words[:, 0] * 0, lambda t, logits: words[:, t])[1]


class Training:
    """A writer and, but for maximum likelihood, a discriminator."""

    def __init__(self):
        rng = np.random.default_rng(args.seed)
        self.writer, self.draws = Writer(rng), Draws(np.random.default_rng(args.seed))
        self.d = nn.Sequential(nn.Flatten(), nn.Dense(2 * LENGTH, 128, rng=rng), nn.LeakyReLU(),
                               nn.Dense(128, 128, rng=rng), nn.LeakyReLU(),
                               nn.Dense(128, 1, rng=rng))
        self.average = EMA(self.writer, 0.99)
        self.moves = [Adam(part.parameters(), LR, (0.5, 0.99)) for part in (self.d, self.writer)]

    def descend(self, optimizer: Adam, loss: mg.Tensor) -> None:
        optimizer.zero_grad()
        loss.backward(inputs=optimizer.flat.tensors)
        optimizer.step()

    def likelihood(self, real: mg.Tensor, temperature: mg.Tensor) -> None:
        self.descend(self.moves[1], -self.writer.log_p(real).mean())
        self.average.update()

    def gumbel(self, real: mg.Tensor, temperature: mg.Tensor) -> None:
        words, _ = self.writer(real[:, 0] * 0, lambda t, logits: gumbel_softmax(
            logits, temperature, self.draws, hard=True))
        self.judge(real, words.detach(), r1(4))  # D's slope is what G goes by: it must be smooth
        with nn.frozen(self.d):
            self.descend(self.moves[1], ops.softplus(-self.d(words)).mean())
        self.average.update()

    def reinforce(self, real: mg.Tensor, temperature: mg.Tensor) -> None:
        words, log_p = self.writer(real[:, 0] * 0, lambda t, logits: gumbel_softmax(
            logits.detach(), 1, self.draws, hard=True))
        self.judge(real, words, r1(0.04))
        with mg.no_grad():  # e^logit is D's opinion of how much more often the data has the word
            ratio = ops.exp(ops.clip(self.d(words)[:, 0], -10, 5))
            reward = ratio / ratio.mean() - 1  # the baseline: 1, the mean
        self.descend(self.moves[1], -(reward * log_p).mean())
        self.average.update()

    def judge(self, real: mg.Tensor, words: mg.Tensor, penalty: Callable) -> None:
        """D's step."""
        loss = ops.softplus(-self.d(real)).mean() + ops.softplus(self.d(words)).mean()
        self.descend(self.moves[0], loss + penalty(self.d, (real,), (words,), None))


def trained(name: str, step: Callable, training: Training) -> np.ndarray:
    """The probabilities of all words after the training; prints what they are worth."""
    rng, start = np.random.default_rng(args.seed), time.time()
    captured, real = mg.capture(step, training.draws), every[balanced]
    for k in range(args.steps):
        left = 1 - k / args.steps
        for optimizer in training.moves:
            optimizer.lr = LR * left
        captured(mg.tensor(real[rng.integers(WORDS, size=BATCH)]),
                 mg.tensor(np.float32(0.3 + 0.7 * left)))
    with mg.no_grad():
        log_p = training.average.module.log_p(mg.tensor(every)).numpy().astype(float)
    p = np.exp(log_p)
    report(name, p, f"({time.time() - start:.0f} s)")
    return p


def report(name: str, p: np.ndarray, took: str = "") -> None:
    p = p[balanced]
    print(f"{name:20}  valid {p.sum():6.1%}   words {(p > 0.1 / WORDS).sum():3} of {WORDS}   "
          f"KL {-np.log(WORDS * p).mean():.3f}   {took}", flush=True)


report("chance", np.full(len(every), 1 / len(every)))
figure = Figure((7, 3.5), layout="constrained")
axes = figure.subplots()
for name in ("likelihood", "gumbel", "reinforce"):
    training = Training()
    p = trained(name, getattr(training, name), training)
    axes.plot(np.sort(WORDS * p[balanced])[::-1], label=f"{name}, {p[balanced].sum():.1%} valid")
axes.axhline(1, color="0.7", linewidth=0.8)
axes.set(xlabel="the 132 words, each writer's likeliest first", ylabel="probability · 132",
         ylim=(0, None))
axes.legend(frameon=False)
path = args.out / "26_text.png"
figure.savefig(path, dpi=100)
print(f"how likely each word is: {path}")
