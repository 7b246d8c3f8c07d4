"""The museum of slips: one right program, slip_game.py, and the ways to break it.

The program's `train` is a generator that yields after each player's step, so that whoever runs it,
as slips.py does, can look at its names and stop at any time. A slip is a few of its lines put
wrong. What would have told the reader stands in docs/slips.md.
"""
from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, NamedTuple

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


class Slip(NamedTuple):
    """A way to break the program.

    change   the right lines and the wrong ones
    symptom  the number that betrays it
    measure  how it is computed from the program's names
    steps    of a run on the page
    shown    steps after which the symptom shows
    given    what both variants have other than slip_game.py
    curves   what is drawn beside the symptom
    at       after whose step the symptom is looked at
    """

    change: list[Patch]
    symptom: str
    measure: str
    steps: int
    shown: int
    given: list[Patch] = []
    curves: list[str] = ["D's loss", "G's loss"]
    at: str = "G"


SLIPS = {
    "sigmoid_twice": Slip(
        [("discriminator = network(2, 1)",
          "discriminator = nn.Sequential(network(2, 1), nn.Sigmoid())")],
        "D's lowest answer", "discriminator(fake).min()",
        100, 60,
        [("lr=4e-3, betas=(0.0, 0.9))", "lr=0.0)       # stands still: D can be perfect")]),
    "own_output": Slip(
        [(FROZEN, "            g_loss = bce(fake, 1.0)\n")],
        "G's step raises D's answers by",
        "(discriminator(generator(z)) - discriminator(fake)).mean()",
        100, 30),
    "one_sum": Slip(
        [(ADAMS, "adam = mg.optim.Adam([*generator.parameters(), *discriminator.parameters()],\n"
                 "                     lr=4e-3, betas=(0.0, 0.9))\n"),
         ("fake.detach()", "fake"), (D_STEP, ""), (FROZEN, UNFROZEN),
         (G_STEP, "            (d_loss + g_loss).backward()\n            adam.step()\n"
                  "            adam.zero_grad()\n")],
        "G's points move in its step by", "abs(generator(z) - fake).mean()",
        100, 60, curves=["D(x)", "D(G(z))"]),
    "ones_everywhere": Slip(
        [("fake.detach()), 0.0)", "fake.detach()), 1.0)")],
        "D says “real” to noise",
        "sigmoid(discriminator(np.random.default_rng(1).uniform(-3, 3, (200, 2)))).mean()",
        100, 30),
    "placeholder": Slip(
        [("mg.data.ring(1280, rng, std=0.1)        # eight clouds",
          "rng.uniform(-1, 1, (1280, 2))           # TODO: eight clouds")],
        "real points on a cloud", "on_a_cloud(real)",
        200, 20),
    "stale": Slip(
        [(FROZEN, UNFROZEN)],
        "gradient that waits in D", "largest_gradient(discriminator)",
        200, 60),
    "detach": Slip(
        [("fake.detach()", "fake")],
        "gradient that D's step left in G", "largest_gradient(generator)",
        200, 60,
        at="D"),
    "saturating": Slip(
        [("g_loss = bce(discriminator(fake), 1.0)", "g_loss = -bce(discriminator(fake), 0.0)")],
        "G's points move in its step by", "abs(generator(z) - fake).mean()",
        60,
        45,
        [("Adam(generator.parameters(), lr=4e-3, betas=(0.0, 0.9))",
          "SGD(generator.parameters(), lr=0.01)"), ("g_adam", "g_sgd"),
         ("            z =", "            g_sgd.lr = 0.0 if epoch < 3 else 0.01"
          "  # D is two epochs ahead\n            z =")], ["D(G(z))", "points on a cloud"]),
    "assistant": Slip(
        [("g_loss = bce(discriminator(fake), 1.0)", "g_loss = bce(discriminator(fake), 0.0)")],
        "both losses together", "d_loss + g_loss",
        100, 30),
    "two_ranges": Slip(
        [("2 * mg.data.digits()[0].reshape(-1, 64) - 1    # from -1 to 1",
          "mg.data.digits()[0].reshape(-1, 64)            # from 0 to 1")],
        "generated numbers below all real ones", "(fake < real.min()).mean()",
        150, 20, DIGITS),
    "shape": Slip(
        [("network(8, 64)", "network(8, 100)")],
        "numbers in a generated image", "fake.shape[1]",
        20, 2, DIGITS),
    "broadcast": Slip(
        [("[:, None]", "")],
        "losses that the mean is taken of", "losses.size",
        150, 30,
        [(D_LOSS, "            both = mg.ops.concatenate([mg.tensor(real), fake.detach()])\n"
                  "            logits = discriminator(both)\n"
                  "            targets = np.repeat([1.0, 0.0], 64)[:, None]\n"
                  "            losses = mg.ops.softplus(logits) - targets * logits\n"
                  "            d_loss = losses.mean()\n")]),
    "activation_twice": Slip(
        [("rng=rng), nn.LeakyReLU", "rng=rng), nn.ReLU(), nn.LeakyReLU")],
        "exact zeros in D's first layer", "(discriminator[0](real) == 0).mean()",
        200, 20),
    "epoch": Slip(
        [("        for real in loader:\n", "        for _ in range(64):                      "
          "# the batch size\n            real = points[rng.integers(len(points), size=64)]\n")],
        "epoch", "epoch",
        200, 60),
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
                   "measure": slip.measure} for name, slip in SLIPS.items()}
