"""The slips of docs/slips.md that run in the page: they differ by little, and what tells, tells."""
from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from test_docs_code import ROOT

import minigan as mg

sys.path.append(str(ROOT / "docs/live"))

import slip_table  # noqa: E402 (after the path to it)
import slips  # noqa: E402
from slip_table import SLIPS, marked, program  # noqa: E402

PAGE = (ROOT / "docs/slips.md").read_text("utf-8")
# What the symptom is of the wrong and of the right program, from ... to, when it is to show; with
# room around what five seeds gave
TELLS = {
    "sigmoid_twice": ((0, 0.05), (-np.inf, -3)),
    "own_output": ((-0.8, -0.1), (0, 0.5)),
    "one_sum": ((0, 0.05), (0.08, 1)),
    "ones_everywhere": ((0.99, 1), (0.2, 0.7)),
    "placeholder": ((0.2, 0.7), (0.9, 1)),
    "stale": ((0.25, 0.45), (0, 0)),
    "detach": ((0.005, 2), (0, 0)),
    "saturating": ((0, 0.03), (0.05, 1)),
    "assistant": ((0, 0.1), (1.386, 4)),
    "two_ranges": ((0.1, 0.4), (0, 0)),
    "broadcast": ((128 ** 2, 128 ** 2), (128, 128)),
    "activation_twice": ((0.4, 0.75), (0, 0)),
    "epoch": ((1, 1), (3, 3)),
}


def within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


@pytest.fixture(scope="module")
def ends():
    """The numbers of each program when its symptom is to show."""
    return {(name, column): slips.measured(name, column, 0, SLIPS[name].shown)[-1]
            for name in TELLS for column in ("wrong", "right")}


def test_the_page_has_a_panel_for_each_slip():
    assert re.findall(r'<div class="slip" data-slip="(\w+)">', PAGE) == list(SLIPS)


def test_a_slip_is_a_line_or_two_but_for_one_that_is_another_loop():
    for name in SLIPS:
        lines = marked(name)
        assert 1 <= len(lines["wrong"]) <= (7 if name == "one_sum" else 2), (name, lines)
        assert len(lines["right"]) <= (13 if name == "one_sum" else 2), (name, lines)


def test_the_program_is_the_right_one_where_nothing_else_is_given():
    assert {program(name) for name, slip in SLIPS.items() if not slip.given} == {slip_table.GAME}


def test_the_symptom_tells_wrong_from_right_when_the_page_says_so(ends):
    for name, limits in TELLS.items():
        for column, limit in zip(("wrong", "right"), limits):
            value = ends[name, column][SLIPS[name].symptom]
            assert within(value, limit), (name, column, value)


def test_what_else_the_page_says_of_losses_and_answers_is_so(ends):
    said = {"sigmoid_twice": [("D's loss", (1.006, 1.15), (0, 0.2))],
            "own_output": [("D's loss", (0, 0.02), (1, 1.6)), ("G's loss", (0, 0.03), (0.5, 1.5))],
            "one_sum": [("D(x)", (0.98, 1), (0.4, 0.7)), ("D(G(z))", (0.45, 0.55), (0.3, 0.6)),
                        ("points on a cloud", (0, 0.01), (0.2, 1))],
            "ones_everywhere": [("D's loss", (0, 0.005), (1, 1.6))],
            "placeholder": [("D's loss", (1.3, 1.5), (1.3, 1.5))],
            "stale": [("D's loss", (1.45, 1.55), (1, 1.4)), ("D(x)", (0.63, 0.7), (0.4, 0.6)),
                      ("D(G(z))", (0.62, 0.7), (0.3, 0.6))],
            "detach": [("clouds reached", (2, 6), (7, 8))],
            "saturating": [("points on a cloud", (0, 0.15), (0.08, 1))],
            "broadcast": [("D's loss", (0.692, 0.695), (0.6, 0.72)),
                          ("clouds reached", (0, 2), (6, 8))]}
    for name, rows in said.items():
        for row, *limits in rows:
            for column, limit in zip(("wrong", "right"), limits):
                assert within(ends[name, column][row], limit), (name, column, row)


def test_the_same_program_gives_the_same_bits():
    for name in TELLS:
        for column in ("wrong", "right"):
            first, again = (slips.measured(name, column, 0, 2)[-1] for _ in range(2))
            assert first == again, (name, column)


def test_portions_make_the_steps_of_a_whole_run():
    slips.begin("stale", "yours", program("stale"))
    for portion in (1, 4, 5):
        shown = slips.go("stale", "yours", portion)
    assert shown["step"] == 10 and shown["going"]
    assert shown["numbers"] == slips.measured("stale", "right", 0, 10)[-1]
    assert shown["sample"].shape == (400, 2) and shown["real"].shape == (64, 2)


def test_minigan_refuses_the_wrong_shape_in_the_words_of_the_page():
    slips.begin("shape", "wrong", program("shape", "wrong"))
    error = slips.go("shape", "wrong", 1)["error"]
    words = " ".join(PAGE.split())
    assert re.sub(r"line \d+: ValueError: ", "", error) in words
    line = int(re.match(r"line (\d+)", error)[1])
    assert "d_loss =" in program("shape").splitlines()[line - 1]
    with pytest.raises(ValueError, match="two tensors of one shape"):
        mg.losses.bce_with_logits(mg.tensor(np.zeros((4, 1))), mg.tensor(np.zeros(4)))
    assert "has ended" in slips.go("shape", "wrong", 1)["error"]


def test_a_reader_s_mistake_is_told_with_its_line():
    right = program("stale")
    broken = {"x = (\n" + right: "line 1: SyntaxError",
              right.replace("def train", "def trains"): "the program needs train()",
              right.replace("d_adam.step()", "d_adam.stop()"): "line 36: AttributeError",
              right.replace("fake = gen", "made = gen").replace("(fake", "(made"):
              "the panel looks for 'fake' in the program"}
    for source, words in broken.items():
        error = slips.begin("stale", "yours", source).get("error") or (
            slips.go("stale", "yours", 2)["error"])
        assert words in error, error


def test_a_program_that_ends_is_at_its_end():
    slips.begin("epoch", "yours", program("epoch").replace("while True:", "while epoch < 1:"))
    shown = [slips.go("epoch", "yours", 15) for _ in range(2)]
    assert [one["going"] for one in shown] == [True, False] and shown[1]["step"] == 20


def test_a_change_that_fits_nowhere_is_named():
    with pytest.raises(ValueError, match="no 'x = 1'"):
        slip_table.patched("y = 1", [("x = 1", "x = 2")])
