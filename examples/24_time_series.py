"""Series that never were: a GAN of 24 moments of several quantities, by the scores of TimeGAN.

    python examples/24_time_series.py [--data sines|elnino] [--gru] [--seed 0] [--full] [--out DIR]

You learn what a good series is: a GRU, differentiated through time, cannot tell it from a real one
(discriminative score, 0 is best), and learns from it to foretell real ones (predictive score).
Five judges have each width, and a distance sees what none of them sees. The series are sines, or
the sea off Peru (needs statsmodels). Three minutes; --full, with TimeGAN's steps, fifteen.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigan as mg
from minigan import nn, ops
from minigan.data import Loader
from minigan.gan import GAN, Trainer, models, penalties, sample

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--data", choices=("sines", "elnino"), default="sines")
parser.add_argument("--gru", action="store_true", help="the generator is a GRU, too")
for option, default in ("steps", 4000), ("series", 10_000), ("judges", 5), ("seed", 0):
    parser.add_argument(f"--{option}", type=int, default=default)
parser.add_argument("--full", action="store_true", help="TimeGAN's numbers of steps")
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()

TIME, LATENT, WIDTH, rng = 24, 16, 128, np.random.default_rng(args.seed)
STEPS, LR = ((2000, 5000), 1e-3) if args.full else ((333, 833), 4e-3)  # of judges, foretellers


def sines(n: int) -> np.ndarray:
    """(n, 24, 5) in [0, 1], each with a frequency and a phase of its own (Yoon et al. 2019)."""
    frequency, phase = rng.uniform(0, 0.1, (2, n, 1, 5))
    return ((np.sin(frequency * np.arange(TIME)[:, None] + phase) + 1) / 2).astype(np.float32)


def elnino() -> np.ndarray:
    """All stretches of 24 months in [0, 1], each month beside the change since the one before."""
    try:
        from statsmodels.datasets import elnino
    except ImportError:
        parser.exit(2, "the sea's temperatures need statsmodels: pip install statsmodels\n")
    months = elnino.load_pandas().data.to_numpy()[:, 1:].ravel()
    both = np.stack([months[1:], np.diff(months)], axis=1).astype(np.float32)
    both = (both - both.min(axis=0)) / np.ptp(both, axis=0)
    return np.lib.stride_tricks.sliding_window_view(both, TIME, 0).swapaxes(1, 2)


real = sines(args.series) if args.data == "sines" else elnino()
N, KINDS, WIDTHS = len(real), real.shape[2], (max(2, real.shape[2] // 2), TIME)  # of judges
# Neighbouring moments say almost the same. The game is played over the principal components of a
# quantity's 24 moments, as many as hold all but a millionth of the variance, each of variance 1.
mean = real.mean(axis=0).T
centred = (real.swapaxes(1, 2) - mean).reshape(-1, TIME)
variance, directions = (a[..., ::-1] for a in np.linalg.eigh(centred.T @ centred / len(centred)))
K = 1 + int((variance.cumsum() < (1 - 1e-6) * variance.sum()).sum())
to = (directions[:, :K] / variance[:K] ** 0.5).astype(np.float32)
back, basis = (directions[:, :K] * variance[:K] ** 0.5).T, mg.tensor(to)
components = (centred @ to).reshape(N, KINDS, K)


class Reader(nn.Module):
    """A GRU, and what it says of its state after each moment: (N, time, inputs or outputs)."""

    def __init__(self, inputs: int, units: int, outputs: int, rng: np.random.Generator):
        self.cell, self.head = nn.GRUCell(inputs, units, rng=rng), nn.Dense(units, outputs, rng=rng)

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        states = [self.cell(x[:, 0])]
        for t in range(1, x.shape[1]):
            states.append(self.cell(x[:, t], states[-1]))
        return self.head(ops.stack(states, axis=1))


class Writer(Reader):
    """A GRU that reads the same noise at each moment: the components of what it says."""

    def forward(self, z: mg.Tensor) -> mg.Tensor:
        moments = super().forward(ops.stack([z] * TIME, axis=1))
        return ops.transpose(moments, 0, 2, 1) @ basis


def fitted(reader: Reader, loss, x: np.ndarray, y: np.ndarray, steps: int, rng) -> Reader:
    optimizer = mg.optim.Adam(reader.parameters(), LR, (0.9, 0.999))

    def step(x: mg.Tensor, y: mg.Tensor) -> None:
        optimizer.zero_grad()
        loss(reader(x), y).backward()
        optimizer.step()
    make = mg.capture(step)
    for _ in range(min(steps, args.steps)):
        chosen = rng.choice(len(x), 256)
        make(mg.tensor(x[chosen]), mg.tensor(y[chosen]))
    return reader


def discriminative(fake: np.ndarray, units: int, seed: int) -> float:
    """|accuracy − ½| on a fifth of the series, which the judge has not seen."""
    rng = np.random.default_rng(seed)
    x, y = np.concatenate([real, fake]), np.repeat(np.float32([1, 0]), N)[:, None]
    train, test = np.split(rng.permutation(len(x)), [len(x) * 4 // 5])
    judge = fitted(Reader(KINDS, units, 1, rng), lambda said, y: mg.losses.bce_with_logits(
        said[:, -1], y), x[train], y[train], STEPS[0], rng)
    return abs(((sample(judge, mg.tensor(x[test]))[:, -1] > 0) == y[test]).mean() - 0.5)


def predictive(fake: np.ndarray) -> float:
    """Mean error, on real series, of what foretells the last quantity by the others from `fake`."""
    rng = np.random.default_rng(0)
    reader = fitted(Reader(KINDS - 1, WIDTHS[0], 1, rng), mg.losses.mae,
                    fake[:, :-1, :-1], fake[:, 1:, -1:], STEPS[1], rng)
    return abs(sample(reader, mg.tensor(real[:, :-1, :-1])) - real[:, 1:, -1:]).mean()


layers = [Writer(LATENT, WIDTH, KINDS, rng)] if args.gru else [
    *models.dense_stack([LATENT, WIDTH, WIDTH, WIDTH], 0.2, rng),
    nn.Dense(WIDTH, KINDS * K, rng=rng), nn.Reshape(KINDS, K)]
game = GAN(models.Generator(LATENT, *layers),
           models.mlp_discriminator((KINDS, K), WIDTH, 2, rng), penalties=[penalties.r1(0.02)])
trainer = Trainer(game, Loader(components, batch_size=128, seed=args.seed), lr=2e-3,
                  betas=(0.5, 0.99), schedule=lambda k, steps: 1 - k / steps, seed=args.seed)
trainer.run(args.steps)

# Each frequency is as strong as it was; one turn for all quantities keeps how they go together
turns = np.exp(2j * np.pi * rng.random((N, TIME // 2 + 1, 1)))
turns[:, [0, -1]] = 1  # the mean and the fastest wave are real numbers
rows = {"real, drawn anew": sines(N)} if args.data == "sines" else {}
rows["phases drawn anew"] = np.fft.irfft(np.fft.rfft(real, axis=1) * turns,
                                         axis=1).astype(np.float32)
normal = rng.multivariate_normal(np.zeros(KINDS * K), np.cov(components.reshape(N, -1).T), N)
made = sample(trainer.average.module, game.latent(N, rng))
for name, u in [("normal numbers", normal), ("GAN", made)]:
    rows[name] = (u.reshape(N, KINDS, K) @ back + mean).swapaxes(1, 2).astype(np.float32)
figure, shown = Figure((9, 2.2), layout="constrained"), {"real": real, **rows}
for axes, (name, made) in zip(figure.subplots(1, len(shown), sharey=True), shown.items()):
    axes.plot(made[:20, :, 0].T, linewidth=0.8)
    axes.set_title(name, fontsize=9)
figure.savefig(args.out / f"24_{args.data}.png", dpi=100)
print(f"twenty of each: 24_{args.data}.png", flush=True)
for name, made in rows.items():
    judged = [[discriminative(made, units, k) for k in range(args.judges)] for units in WIDTHS]
    told = ", ".join(f"{np.median(s):.3f} ({min(s):.3f} to {max(s):.3f})" for s in judged)
    apart = mg.metrics.sliced_wasserstein(real.reshape(N, -1), made.reshape(N, -1))
    print(f"{name:17}  discriminative {told}   predictive {predictive(made):.4f}   "
          f"distance {apart:.4f}", flush=True)
