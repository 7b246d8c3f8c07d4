"""Drums or spoken digits, made by WaveGAN in small and judged by their spectrograms.

    python examples/25_sound.py [--words] [--shuffle 2] [--steps 1000] [--count 1000] [--out DIR]

You learn how a GAN makes sound (Donahue et al. 2019): transposed convolutions of signals turn noise
into 1,024 numbers, and within D signals are moved by up to so many samples (phase shuffle; 0: not),
for else it knows generated sounds by where the ripples lie that such layers leave. A classifier of
real spectrograms says what was made. Held against it are sounds with the spectrograms of a Gaussian
and phases drawn by chance. Three wav files and a picture come out. A minute; --words take more.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from spoken_digits import DIGITS, RATE, spoken, write_wav

import minigan as mg
from minigan import nn, ops, viz
from minigan.data import Loader
from minigan.gan import GAN, Trainer, models, noise, penalties, sample
from minigan.metrics import frechet

FRAME, HOP, FLOOR = 64, 32, 0.1  # what is fainter counts as silence
WINDOW, DRUMS = np.hanning(FRAME + 1)[:-1], ("kick", "snare", "hat")


def drums(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """n sounds (n, LENGTH, 1) within ±1, and which drum each is."""
    t, kinds = np.arange(LENGTH) / RATE, rng.integers(3, size=n)

    def fading(shortest: float, longest: float) -> np.ndarray:
        return np.exp(-t / rng.uniform(shortest, longest, (n, 1)))

    hiss = rng.standard_normal((n, LENGTH))
    low, high = rng.uniform(40, 60, (n, 1)), rng.uniform(100, 200, (n, 1))
    pitch = low + (high - low) * fading(0.01, 0.03)
    kick = np.sin(2 * np.pi * np.cumsum(pitch, axis=1) / RATE) * fading(0.04, 0.1)
    kick += rng.uniform(0, 0.2, (n, 1)) * hiss * fading(0.01, 0.05)  # of the beater
    ring = np.sin(2 * np.pi * rng.uniform(120, 260, (n, 1)) * t) * fading(0.02, 0.05)
    snare = ring + rng.uniform(0.2, 0.4, (n, 1)) * hiss * fading(0.03, 0.08)
    hat = np.diff(hiss, n=2, axis=1, append=0, prepend=0) * fading(0.01, 0.04)
    sounds = np.choose(kinds[:, None], [kick, snare, hat])
    sounds *= rng.uniform(0.5, 0.95, (n, 1)) / np.abs(sounds).max(axis=1, keepdims=True)
    return sounds[..., None].astype(np.float32), kinds


def spectra(sounds: np.ndarray) -> np.ndarray:
    """Log spectrograms (N, frames, frequencies) of half-overlapping frames."""
    starts = np.arange(0, LENGTH - FRAME + 1, HOP)[:, None] + np.arange(FRAME)
    return np.log(np.abs(np.fft.rfft(sounds[:, starts, 0] * WINDOW)) + FLOOR).astype(np.float32)


def surrogates(logs: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n sounds with normal log spectrograms, of these ones' mean and covariance, and any phases."""
    drawn = rng.standard_normal((n, len(logs)), np.float32) / np.sqrt(len(logs))
    drawn = np.tensordot(drawn, logs - logs.mean(axis=0), 1) + logs.mean(axis=0)
    loud = np.maximum(np.exp(drawn) - FLOOR, 0)
    frames = np.fft.irfft(loud * np.exp(2j * np.pi * rng.random(loud.shape))) * WINDOW
    sounds = np.zeros((n, LENGTH), np.float32)
    for k in range(frames.shape[1]):
        sounds[:, k * HOP:k * HOP + FRAME] += frames[:, k] / (np.sqrt(2) * np.mean(WINDOW ** 2))
    return np.clip(sounds, -1, 1)[..., None]


class PhaseShuffle(nn.Module):
    """Each signal (L, C) moved by −shuffle … shuffle samples, mirrored at its ends."""

    def draw(self, x: mg.Tensor, rng: noise.Rng) -> mg.Tensor:
        """What D is shown, as it is; the shifts are drawn anew for it."""
        m, n = args.shuffle, len(x)
        self.shifts = noise.drawn(lambda rng: rng.integers(-m, m + 1, n), rng)
        return x

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        m = args.shuffle
        parts = [ops.flip(x[:, 1:m + 1], 1), x, ops.flip(x[:, -m - 1:-1], 1)]
        longer = ops.concatenate(parts, axis=1)[:, None]
        return ops.translate(longer, self.shifts * 0, self.shifts)[:, 0, m:-m]


def networks(rng: np.random.Generator, *shuffle: nn.Module) -> tuple:
    """Dense layers to places of 32 channels, two steps of stride 4, and the same way back."""
    places, options = LENGTH // 16, {"kernel_size": 16, "stride": 4, "padding": "same", "rng": rng}
    return models.Generator(
        64, nn.Dense(64, 256, rng=rng), nn.BatchNorm(256), nn.ReLU(),
        nn.Dense(256, places * 32, rng=rng), nn.Reshape(places, 32), nn.BatchNorm(32), nn.ReLU(),
        nn.ConvTranspose1d(32, 16, **options), nn.BatchNorm(16), nn.ReLU(),
        nn.ConvTranspose1d(16, 1, **options), nn.Tanh()
    ), models.Discriminator(
        nn.Conv1d(1, 16, **options), nn.LeakyReLU(0.2), *shuffle,
        nn.Conv1d(16, 32, **options), nn.LeakyReLU(0.2), *shuffle,
        nn.Flatten(), *models.dense_stack([places * 32, 128], 0.2, rng), nn.Dense(128, 1, rng=rng))


def report(name: str, sounds: np.ndarray) -> None:
    """What the judge takes sounds for and how sure it is, and how far their spectrograms, in ten
    times and eight bands, are from the real ones (Fréchet)."""
    coarse = [logs[:, :-1, 1:].reshape(len(logs), 10, -1, 8, 4).mean((2, 4)).reshape(-1, 80)
              for logs in (spectra(real), spectra(sounds))]
    said = ops.softmax(mg.tensor(sample(judge, mg.tensor(spectra(sounds))))).numpy()
    shares = [f"{kind} {(said.argmax(axis=1) == k).mean():4.0%} " for k, kind in enumerate(NAMES)]
    print(f"{name:20s}", *shares, f"sure {said.max(axis=1).mean():.1%}  distance "
          f"{frechet(*coarse):.2f}", flush=True)


parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--words", action="store_true", help="spoken digits in place of drums")
parser.add_argument("--shuffle", type=int, default=2)
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--count", type=int, default=1000, help="how many sounds of a kind")
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()
make, LENGTH, NAMES = (spoken, 2000, DIGITS) if args.words else (drums, 1024, DRUMS)

rng = np.random.default_rng(args.seed)
(train, kinds), (real, _), (others, truth) = (make(args.count * n, rng) for n in (3, 1, 1))
judge = nn.Sequential(nn.Flatten(), nn.Dense(spectra(real)[0].size, 64, rng=rng), nn.LeakyReLU(0.2),
                      nn.Dense(64, len(NAMES), rng=rng))
optimizer = mg.optim.Adam(judge.parameters(), lr=1e-3)
batches = Loader(spectra(train), kinds, batch_size=64, seed=0)
for x, kind in (batch for _ in NAMES[2:] for batch in batches):  # an epoch, or of words eight
    optimizer.zero_grad()
    mg.losses.cross_entropy(judge(x), kind).backward()
    optimizer.step()
right = (sample(judge, mg.tensor(spectra(others))).argmax(axis=1) == truth).mean()
print(f"the classifier knows {right:.1%} of the others")
report("others of the real", others)
report("phases by chance", surrogate := surrogates(spectra(train[:1000]), args.count, rng))

shuffle = [PhaseShuffle()] if args.shuffle else []
generator, discriminator = networks(np.random.default_rng(args.seed), *shuffle)
fixed = noise.normal(args.count, generator.latent, np.random.default_rng(1))
game = GAN(generator, discriminator, penalties=[penalties.r1(1)],
           augment=shuffle[0].draw if shuffle else None)
trainer = Trainer(game, Loader(train, batch_size=16, seed=args.seed), lr=2e-3, seed=args.seed,
                  schedule=lambda done, steps: 1 - done / steps)
trainer.steps = args.steps  # over which lr falls to 0
for fifth in range(1, 6):
    trainer.run(args.steps * fifth // 5)
    report(f"WaveGAN, step {trainer.step}", made := sample(trainer.average.module, fixed))

args.out.mkdir(parents=True, exist_ok=True)
for name, sounds in ("real", others), ("surrogate", surrogate), ("made", made):
    write_wav(args.out / f"25_{name}.wav", sounds[:16])
pictures = spectra(np.concatenate([x[:8] for x in (others, surrogate, made)])).swapaxes(1, 2)
viz.save_grid(args.out / "25_sound.png", pictures[:, ::-1, :, None], (-2.3, 2.5), 8, scale=3)
print(f"wrote {args.out / '25_sound.png'}, and 25_real.wav, 25_surrogate.wav and 25_made.wav")
