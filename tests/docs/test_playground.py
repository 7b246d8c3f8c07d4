"""The playground plays the loop that it shows, and says what it changes."""
from __future__ import annotations

import re
import sys
import time
from itertools import cycle, product

import numpy as np
import pytest
from test_docs_code import ROOT

sys.path.insert(0, str(ROOT / "docs/live"))

import loop  # noqa: E402 (after the path to it)
import playground  # noqa: E402

SMALL = {"g_hidden": 8, "d_hidden": 8}
M = [[x, y] for x in (-1.5, 1.5) for y in (-1, 0, 1)]  # points drawn by hand


def weights() -> dict[str, bytes]:
    return {name: p.numpy().tobytes() for name, p in playground.GAME.parameters().items()}


def test_every_loss_with_every_price_on_every_picture_plays_thirty_steps_of_finite_numbers():
    pictures = cycle([*playground.PICTURES, "drawn"])
    for (loss, price), data in zip(product(loop.LOSSES, loop.PRICES), pictures):
        frame = playground.begin({"data": data, "loss": loss, "price": price, **SMALL}, None, M)
        assert "error" not in frame, frame
        for _ in range(29):
            playground.GAME.step()
        frame = playground.play(0)
        assert frame["moves"] == {"D": 30, "G": 30} and frame["losses"].shape == (30, 3)
        assert frame["surface"].shape == (playground.SIDE ** 2,)
        assert frame["samples"].shape == frame["arrows"].shape == (playground.SHOWN, 2)
        for name in ("losses", "surface", "samples", "arrows", "pull"):
            assert np.isfinite(frame[name]).all(), (loss, price, data, name)
        assert frame["figures"].get("of") == {"ring": 8, "grid": 25}.get(data)


def test_what_is_shown_is_what_runs():
    """To the last bit: the same program with a plain loop around it, and no looks between."""
    text = playground.begin({"data": "moons", "price": "gradient penalty", **SMALL})["text"]
    for _ in range(5):
        playground.play(0)
        playground.move(False)
    plane = playground.plane_of("moons")
    names = {"data": lambda n, rng: plane.inward(plane.draw(n, rng))}
    exec(text, names)
    turns = names["game"]()
    losses = [next(turns)[1].item() for _ in range(20)]
    assert playground.GAME.loss == dict(zip("DG", losses[-2:]))
    for player in ("generator", "discriminator"):
        for name, p in names[player].named_parameters():
            assert p.numpy().tobytes() == weights()[f"{player}.{name}"]


def test_the_loop_is_the_chapters():
    """Its lines but those of the losses, which are functions here, and of the table."""
    chapter = (ROOT / "docs/first_gan.md").read_text("utf-8")
    own = [line.split("#")[0].strip() for line in loop.text(g_hidden=64).splitlines()]
    for line in ("d_adam.zero_grad()", "d_adam.step()", "with mg.nn.frozen(discriminator):",
                 "g_adam.zero_grad()", "g_adam.step()", "mg.nn.Dense(hidden, outputs, rng=rng))"):
        assert line in own and line in chapter
    assert max(map(len, loop.text(price="gradient penalty").splitlines())) < 80


def test_a_half_step_changes_its_own_players_numbers_and_no_bit_of_the_others():
    playground.begin(dict(SMALL))
    for moved, player in ("D", "discriminator"), ("G", "generator"), ("D", "discriminator"):
        before = weights()
        frame = playground.move(True)
        changed = {name for name, bits in weights().items() if bits != before[name]}
        assert frame["moved"] == moved
        assert changed == {c["name"] for c in frame["changes"] if c["largest"] > 0}
        assert changed and all(name.startswith(player) for name in changed)
        row = next(c for c in frame["changes"] if c["name"] == f"{player}.layers.0.weight")
        assert row["largest"] > 0 and row["slope"] > 0 and row["before"] != row["after"]
        before, after = frame["compared"]  # D's losses and G's
        assert after["DG".index(moved)] < before["DG".index(moved)]


def test_a_changed_loss_changes_the_game_and_the_same_seed_gives_the_same_bits():
    def played(text: str | None = None, **choices) -> dict[str, bytes]:
        frame = playground.begin({**SMALL, **choices}, text)
        playground.move(False)
        playground.move(False)
        assert playground.play(0)["loss"]["G"] and "error" not in frame
        return weights()

    text = loop.text(**SMALL)
    first = played(text)
    assert played() == first != played(seed=1)
    turned = text.replace("return bce(discriminator(fake), 1.0)",
                          "return bce(discriminator(fake), 0.0)")
    assert played(turned) != first


BROKEN = [  # a line of the loop, what stands in its place, what is said
    ("    return bce(discriminator(fake), 1.0)", "    return bce(discriminater(fake), 1.0)",
     "NameError: name 'discriminater' is not defined"),
    ("        d_adam.step()", "        d_adam.step(", "SyntaxError: '(' was never closed"),
    ("        g_adam.step()", "        g_adam.step(generator(real.T))", "Dense"),
    ('        yield "G", loss                 # and here', "        yield loss",
     'game() is to yield "D" or "G" and the loss of the move'),
    ("        fake = generator(noise(128))", "        return", "the game has ended"),
    ("def g_loss(fake):", "def loss_of_g(fake):", "the loop has no g_loss"),
]


@pytest.mark.parametrize("line, instead, said", BROKEN)
def test_a_loop_that_breaks_says_its_line_and_the_game_before_it_stays(line, instead, said):
    playground.begin(dict(SMALL))
    playground.play(0)
    game, text = playground.GAME, loop.text(**SMALL)
    number = text.splitlines().index(line) + 1
    frame = playground.begin(dict(SMALL), text.replace(line, instead))
    assert said in frame["error"] and "surface" not in frame
    nowhere = said.startswith("the ")
    assert frame["line"] == (None if nowhere else number)
    assert playground.GAME is game and playground.play(0)["moves"]["G"] == 2


def test_points_drawn_while_it_plays_are_real_from_then_on():
    assert "draw some points" in playground.begin({"data": "drawn", **SMALL}, None, [])["error"]
    frame = playground.begin({"data": "drawn", **SMALL}, None, [[1, 1], [1.1, 1]])
    assert np.abs(frame["real"] - 1).max() < 0.5
    playground.play(0)
    frame = playground.draw([[-2, 0.5]])
    assert frame["moves"]["G"] == 1 and np.abs(frame["real"] - [-2, 0.5]).max() < 0.5
    assert abs(playground.GAME.data(9, np.random.default_rng(0))[:, 0] + 2).max() < 0.5


def test_what_the_loop_prints_comes_with_the_frame():
    text = loop.text(**SMALL).replace("        real =", "        print('hello')\n        real =")
    assert playground.begin(dict(SMALL), text)["printed"] == "hello\n"  # when it was tried
    assert playground.play(0)["printed"] == "hello\n"


def test_looking_takes_no_chance_from_the_game():
    chancy = loop.text(**SMALL).replace(
        "return bce(discriminator(fake), 1.0)",
        "return bce(discriminator(fake), 1.0) + 0 * float(rng.random())")
    ends = []
    for looks in (0, 3):
        assert "error" not in playground.begin({"data": "ring"}, chancy)
        playground.GAME.step()
        for _ in range(looks):
            playground.GAME.look()
        playground.GAME.step()
        ends.append(weights())
    assert ends[0] == ends[1]


def played_in_the_page(page) -> float:
    """For a browser's tests: plays on a page of Playwright's, which is at playground.html, and
    returns how many steps a second it made."""

    def press(action: str) -> None:
        page.locator(f'[data-action="{action}"]').click()

    def wait_for(where: str, text: str) -> None:
        page.locator(where, has_text=re.compile(text)).wait_for()

    def steps() -> int:
        return int(re.search(r"Step (\d+)", numbers.text_content())[1])

    numbers = page.locator(".play-numbers")
    press("half")
    wait_for(".play-numbers", "^Step 0, and D has moved")
    wait_for(".play-changes", "Numbers of D have changed")
    assert page.locator(".play-changes tr.same").count() == 6  # of G's
    press("play")
    wait_for(".play-numbers", r"^Step \d+\..* steps a second")
    before, start = steps(), time.perf_counter()
    page.wait_for_timeout(5000)
    rate = (steps() - before) / (time.perf_counter() - start)
    press("play")
    page.locator("[data-action=play]", has_text="Play").wait_for()
    assert page.locator(".play-changes").is_hidden()

    page.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("1 / 0\n")
    press("restart")
    wait_for(".play-printed", "Line 1 of the loop: ZeroDivisionError")
    page.locator("select[name=loss]").select_option("hinge")  # which writes the loop anew
    wait_for(".play-numbers", "^Step 0. Losses: D –, G –")
    wait_for(".cm-content", "relu")
    press("mine")
    wait_for(".cm-content", "1 / 0")
    return rate
