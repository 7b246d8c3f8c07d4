"""Digits spoken by espeak-ng in many voices, for example 25, and sounds written to a file.

    python examples/spoken_digits.py [--seed 0] [--out spoken_digits.wav]

You learn how a set of sounds is made where there is none: a synthesiser says a word at any speed
and pitch, and says which word it was. This writes sixteen of them to listen to.
"""
from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np

DIGITS = "zero one two three four five six seven eight nine".split()
VOICES = "m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5".split()  # men and women, as espeak-ng has them
THEIRS, RATE, LENGTH = 22050, 4000, 2000  # numbers a second of espeak-ng's, and here; of a sound


def spoken(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """n digits (n, LENGTH, 1) within ±1, and which they are: some voice's, fast or slow, high or
    low, from where it sets in. Without espeak-ng the program ends, and says why."""
    if not shutil.which("espeak-ng"):
        print("spoken digits need the program espeak-ng: apt-get install espeak-ng",
              file=sys.stderr)
        sys.exit(2)
    kinds, sounds = rng.integers(10, size=n), np.zeros((n, THEIRS * LENGTH // RATE))
    for sound, kind in zip(sounds, kinds):
        voice, speed, pitch = rng.choice(VOICES), rng.integers(180, 260), rng.integers(20, 80)
        said = subprocess.run(["espeak-ng", "--stdout", "-v", f"en-us+{voice}", "-s", str(speed),
                               "-p", str(pitch), DIGITS[kind]], capture_output=True, check=True)
        samples = np.frombuffer(said.stdout[44:], "<i2")  # behind the head of a wav file
        samples = samples[np.argmax(np.abs(samples) > 500):][:len(sound)]
        sound[:len(samples)] = samples
    sounds = np.fft.irfft(np.fft.rfft(sounds)[:, :LENGTH // 2 + 1], LENGTH)  # none above RATE / 2
    sounds *= rng.uniform(0.5, 0.95, (n, 1)) / np.abs(sounds).max(axis=1, keepdims=True)
    return sounds[..., None].astype(np.float32), kinds


def write_wav(path: Path, sounds: np.ndarray) -> None:
    """Sounds (N, length, 1) within ±1, one after another with an eighth of a second between."""
    samples = np.pad(sounds[..., 0], ((0, 0), (0, RATE // 8))).ravel()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("spoken_digits.wav"))
    args = parser.parse_args()
    sounds, kinds = spoken(16, np.random.default_rng(args.seed))
    write_wav(args.out, sounds)
    print(f"{args.out}:", *[DIGITS[kind] for kind in kinds])


if __name__ == "__main__":
    main()
