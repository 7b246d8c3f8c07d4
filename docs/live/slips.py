"""The museum of slips: one right program, slip_game.py, and the ways to break it.

    python docs/live/slips.py [SEEDS]      # measures what the panels say, over 5 seeds

The program trains as a generator that yields after each player's step, so that whoever runs it can
look at its names and stop at any time. A slip is a few lines of it put wrong. The page runs both
and what the reader makes of them, in small portions: `begin`, then `go` again and again.
"""
from __future__ import annotations

import difflib
import linecache
import sys
import warnings
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import numpy as np

import minigan as mg

GAME = Path(__file__).with_name("slip_game.py").read_text("utf-8")
Patch = tuple[str, str]

FROZEN = """            with nn.frozen(discriminator):
                g_loss = bce(discriminator(fake), 1.0)
"""
UNFROZEN = "            g_loss = bce(discriminator(fake), 1.0)\n"
D_STEP = """            d_loss.backward()
            d_adam.step()
            d_adam.zero_grad()
            yield "D"                            # has made its step: the panel may look

"""
G_STEP = """            g_loss.backward()
            g_adam.step()
            g_adam.zero_grad()
"""
ADAMS = "".join(line for line in GAME.splitlines(True) if "optim.Adam" in line)
D_LOSS = next(line for line in GAME.splitlines(True) if "d_loss =" in line)
DIGITS = [("mg.data.ring(1280, rng, std=0.1)        # eight clouds",
           "2 * mg.data.digits()[0].reshape(-1, 64) - 1    # from -1 to 1"),
          ("network(2, 2)", "nn.Sequential(network(8, 64), nn.Tanh())"),
          ("network(2, 1)", "network(64, 1)"), ("(64, 2), np", "(64, 8), np")]
POINTS = ["D's loss", "G's loss", "D(x)", "D(G(z))", "points on a cloud", "clouds reached"]
IMAGES = POINTS[:4]


class Slip(NamedTuple):
    """A way to break the program.

    change   the right lines and the wrong ones
    symptom  the number that betrays it
    measure  how it is computed from the program's names
    told     what would have told the reader
    steps    of a run on the page
    shown    steps after which the symptom shows
    given    what both variants have other than slip_game.py
    curves   what is drawn beside the symptom
    at       after whose step the symptom is looked at
    """

    change: list[Patch]
    symptom: str
    measure: str
    told: str
    steps: int = 200
    shown: int = 40
    given: list[Patch] = []
    curves: list[str] = POINTS[:2]
    at: str = "G"


SLIPS = {
    "sigmoid_twice": Slip(
        [("discriminator = network(2, 1)",
          "discriminator = nn.Sequential(network(2, 1), nn.Sigmoid())")],
        "D's lowest answer", "discriminator(fake).min()", "", 100, 60,
        [("lr=4e-3, betas=(0.0, 0.9))", "lr=0.0)       # stands still: D can be perfect")]),
    "own_output": Slip(
        [(FROZEN, "            g_loss = bce(fake, 1.0)\n")],
        "G's step raises D's answers by",
        "(discriminator(generator(z)) - discriminator(fake)).mean()", "", 100, 30),
    "one_sum": Slip(
        [(ADAMS, "adam = mg.optim.Adam([*generator.parameters(), *discriminator.parameters()],\n"
                 "                     lr=4e-3, betas=(0.0, 0.9))\n"),
         ("fake.detach()", "fake"), (D_STEP, ""), (FROZEN, UNFROZEN),
         (G_STEP, "            (d_loss + g_loss).backward()\n            adam.step()\n"
                  "            adam.zero_grad()\n")],
        "G's points moved in its step by", "abs(generator(z) - fake).mean()", "", 100, 60,
        curves=["D(x)", "D(G(z))"]),
    "ones_everywhere": Slip(
        [("fake.detach()), 0.0)", "fake.detach()), 1.0)")],
        "D says “real” to noise",
        "sigmoid(discriminator(np.random.default_rng(1).uniform(-3, 3, (200, 2)))).mean()",
        "", 100, 30),
    "placeholder": Slip(
        [("mg.data.ring(1280, rng, std=0.1)        # eight clouds",
          "rng.uniform(-1, 1, (1280, 2))           # TODO: eight clouds")],
        "real points on a cloud", "on_a_cloud(real)", "", 200, 20),
    "stale": Slip(
        [(FROZEN, UNFROZEN)],
        "gradient that waits in D", "largest_gradient(discriminator)", "", 200, 60),
    "detach": Slip(
        [("fake.detach()", "fake")],
        "gradient that D's step left in G", "largest_gradient(generator)", "", 200, 60, at="D"),
    "saturating": Slip(
        [("g_loss = bce(discriminator(fake), 1.0)", "g_loss = -bce(discriminator(fake), 0.0)")],
        "G's points moved in its step by", "abs(generator(z) - fake).mean()", "", 120, 45,
        [("Adam(generator.parameters(), lr=4e-3, betas=(0.0, 0.9))",
          "SGD(generator.parameters(), lr=0.01)"), ("g_adam", "g_sgd"),
         ("            z =", "            g_sgd.lr = 0.0 if epoch < 3 else 0.01"
          "  # D is two epochs ahead\n            z =")], ["D(G(z))", "points on a cloud"]),
    "assistant": Slip(
        [("g_loss = bce(discriminator(fake), 1.0)", "g_loss = bce(discriminator(fake), 0.0)")],
        "both losses together", "d_loss + g_loss", "", 100, 30),
    "two_ranges": Slip(
        [("2 * mg.data.digits()[0].reshape(-1, 64) - 1    # from -1 to 1",
          "mg.data.digits()[0].reshape(-1, 64)    # from 0 to 1")],
        "generated numbers below all real ones", "(fake < real.min()).mean()", "", 150, 20,
        DIGITS),
    "shape": Slip(
        [("network(8, 64)", "network(8, 100)")],
        "numbers in a generated image", "fake.shape[1]", "", 20, 2, DIGITS),
    "broadcast": Slip(
        [("[:, None]", "")],
        "losses that the mean is taken of", "losses.size", "", 150, 30,
        [(D_LOSS, "            both = mg.ops.concatenate([mg.tensor(real), fake.detach()])\n"
                  "            logits = discriminator(both)\n"
                  "            targets = np.repeat([1.0, 0.0], 64)[:, None]\n"
                  "            losses = mg.ops.softplus(logits) - targets * logits\n"
                  "            d_loss = losses.mean()\n")]),
    "activation_twice": Slip(
        [("rng=rng), nn.LeakyReLU", "rng=rng), nn.ReLU(), nn.LeakyReLU")],
        "exact zeros in D's first layer", "(discriminator[0](real) == 0).mean()", "", 200, 20),
    "epoch": Slip(
        [("        for real in loader:\n", "        for _ in range(64):                      "
          "# the batch size\n            real = points[rng.integers(len(points), size=64)]\n")],
        "epochs", "epoch", "", 200, 60),
}


def patched(text: str, patches: list[Patch]) -> str:
    """The text with lines replaced; each must be there."""
    for old, new in patches:
        if old not in text:
            raise ValueError(f"the program has no {old!r}")
        text = text.replace(old, new)
    return text


def program(name: str, column: str = "right") -> str:
    """The program of a slip: wrong, or right."""
    slip = SLIPS[name]
    right = patched(GAME, slip.given)
    return patched(right, slip.change) if column == "wrong" else right


def marked(name: str) -> dict[str, list[int]]:
    """The numbers of the lines, from 0, in which the two programs differ, in each of them."""
    texts = {column: program(name, column).splitlines() for column in ("wrong", "right")}
    parts = difflib.SequenceMatcher(None, *texts.values(), autojunk=False).get_opcodes()
    changed = [part for part in parts if part[0] != "equal"]
    return {"wrong": [i for _, a, b, _, _ in changed for i in range(a, b)],
            "right": [i for _, _, _, a, b in changed for i in range(a, b)]}


def museum() -> dict[str, dict[str, Any]]:
    """What the page shows of each slip before anything runs."""
    return {name: {"wrong": program(name, "wrong"), "right": program(name), "marked": marked(name),
                   "steps": slip.steps, "curves": slip.curves, "symptom": slip.symptom,
                   "measure": slip.measure, "told": slip.told} for name, slip in SLIPS.items()}


class Run:
    """A program that trains, step by step."""

    def __init__(self, name: str, source: str):
        self.slip, self.step, self.symptom = SLIPS[name], 0, None
        self.file = f"<{name}>"
        linecache.cache[self.file] = (len(source), None, source.splitlines(True), self.file)
        self.names: dict[str, Any] = {"__name__": name}
        exec(compile(source, self.file, "exec"), self.names)
        self.game: Iterator[str] = self.names["train"]()

    def go(self, steps: int) -> bool:
        """Make so many steps more; whether they were made, and the program has not ended."""
        for _ in range(steps):
            for player in self.game:
                if player == self.slip.at:
                    with mg.no_grad():
                        self.symptom = number(eval(self.slip.measure, HELPERS, self.seen()))
                if player == "G":
                    break
            else:
                return False
            self.step += 1
        return True

    def seen(self) -> dict[str, Any]:
        """The program's names, with those of its loop."""
        frame = self.game.gi_frame
        return {**self.names, **(frame.f_locals if frame else {})}

    def numbers(self) -> dict[str, float]:
        """The losses, D's answers as probabilities, the clouds, and the symptom."""
        at, rows = self.seen(), {}
        with mg.no_grad():
            for key in ("d_loss", "g_loss"):
                rows[f"{key[0].upper()}'s loss"] = number(at[key])
            rows["D(x)"], rows["D(G(z))"] = (
                number(mg.ops.sigmoid(at["discriminator"](at[key])).mean())
                for key in ("real", "fake"))
            sample = self.sample()
        if sample.shape[1] == 2:
            rows["points on a cloud"] = on_a_cloud(sample)
            rows["clouds reached"] = clouds(sample)
        return {**rows, self.slip.symptom: self.symptom}

    def sample(self) -> np.ndarray:
        """Points or images of noise that is always the same."""
        width = self.seen()["z"].shape[1]
        noise = np.random.default_rng(1).standard_normal((400 if width == 2 else 12, width))
        with mg.no_grad():
            return self.names["generator"](noise.astype(np.float32)).numpy()


def number(value: Any) -> float:
    """A number of Python's."""
    return float(value.numpy() if isinstance(value, mg.Tensor) else value)


def largest_gradient(network: mg.nn.Module) -> float:
    """The largest number in the gradients of a network's weights; 0 where there is none."""
    return max((float(abs(p.grad.numpy()).max()) for p in network.parameters()
                if p.grad is not None), default=0.0)


def distances(points: Any) -> np.ndarray:
    """Of each point to each cloud's middle."""
    return np.linalg.norm(np.asarray(points)[:, None] - mg.data.ring_centers(), axis=2)


def on_a_cloud(points: Any) -> float:
    """The share of points within three standard deviations of a cloud."""
    return float((distances(points).min(axis=1) < 0.3).mean())


def clouds(points: Any) -> int:
    """How many clouds have 2 % of all points or more."""
    near = distances(points)
    hits = np.bincount(near.argmin(axis=1)[near.min(axis=1) < 0.3], minlength=8)
    return int((hits >= 0.02 * len(near)).sum())


HELPERS = {"largest_gradient": largest_gradient, "on_a_cloud": on_a_cloud,
           "sigmoid": mg.ops.sigmoid}
RUNS: dict[tuple[str, str], Run] = {}


def begin(name: str, column: str, source: str) -> dict[str, Any]:
    """Start a program in a column of a slip's panel. Returns the error, if it raised one."""
    RUNS.pop((name, column), None)
    try:
        RUNS[name, column] = Run(name, source)
    except Exception as error:
        return {"error": told(error, f"<{name}>")}
    return {}


def go(name: str, column: str, steps: int) -> dict[str, Any]:
    """Let it make some steps. Returns where it is: step, numbers, sample (points or images), real
    (the batch); or the error."""
    run = RUNS[name, column]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # overflow: the reader sees the numbers
            going = run.go(steps)
        return {"step": run.step, "going": going, "numbers": run.numbers(),
                "sample": run.sample(), "real": np.float32(run.seen()["real"])}
    except Exception as error:
        return {"error": told(error, run.file)}


def told(error: Exception, file: str) -> str:
    """What an error says, with the line of the program that led to it."""
    line, trace = getattr(error, "lineno", None), error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"line {line}: {type(error).__name__}: {error}" if line else f"{error}"


def measured(name: str, column: str, seed: int, *steps: int) -> list[dict[str, float]]:
    """The numbers after so many steps, and after so many; a program that raises has none."""
    run = Run(name, program(name, column).replace("default_rng(0)", f"default_rng({seed})"))
    found = []
    for more in np.diff(steps, prepend=0):
        run.go(more)
        found.append(run.numbers())
    return found


def report(seeds: int, names: list[str]) -> None:
    """Print the numbers of runs from several seeds, when the symptom shows and at the end."""
    for name in names:
        steps = SLIPS[name].shown, SLIPS[name].steps
        for column in ("wrong", "right"):
            try:
                runs = [measured(name, column, seed, *steps) for seed in range(seeds)]
            except ValueError as error:
                print(f"{name}, {column}: {error}")
                continue
            for step, rows in zip(steps, zip(*runs)):
                print(f"{name}, {column}, step {step}")
                for key in rows[0]:
                    print(f"    {key:40}", *(f"{row[key]:8.3f}" for row in rows), flush=True)


if __name__ == "__main__":
    np.seterr(all="ignore")
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 5, sys.argv[2:] or list(SLIPS))
