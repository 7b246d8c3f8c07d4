from __future__ import annotations

import json
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minigan.cli import main
from minigan.errors import UserError
from minigan.gan import SYSTEMS, GameError, Options, Run, models
from minigan.gan.update import last_decay
from tests.options import BESIDE, CHANGED, words as arguments

pytestmark = pytest.mark.numpy_only("the settings are what is tested")
ROOT = Path(__file__).parents[2]
SHAPES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "table": (5,)}


@pytest.fixture
def noisy(monkeypatch):
    """digits, with a recipe for these tests."""
    recipe = {"instance_noise": 0.1, "penalty": ("r1:3",), "lr": 1e-3}
    monkeypatch.setitem(SYSTEMS, "digits", replace(SYSTEMS["digits"], recipe=recipe))


def written(folder):
    return json.loads((folder / "config.json").read_text())["game"]


def train(folder, *more):
    return main(["train", "digits", "--steps", "1", "--batch-size", "8", "--device", "cpu",
                 "--out", str(folder), *more])


def test_each_systems_recipe_makes_a_game_of_its_own_networks():
    for name, system in SYSTEMS.items():
        options = Options.recipe(name)
        assert options.given() == dict(system.recipe), name
        game = Options.recipe(name, width=8).build(system, SHAPES[system.data], 10,
                                                   np.random.default_rng(0))
        assert len(game.penalties) == len(options.penalty)


def test_a_new_run_plays_the_recipe_and_keeps_it_in_full(tmp_path, noisy):
    runs = [Run.new(tmp_path / "own", batch_size=8), Run.new(tmp_path / "plain", game=Options())]
    for run, expected in zip(runs, (Options(**SYSTEMS["digits"].recipe), Options())):
        run.folder.mkdir()
        run.write_config()
        assert run.config.game == Run.open(run.folder).config.game == expected
        assert Options.of(written(run.folder)) == expected


def test_the_command_plays_the_recipe_and_what_is_given_beside_it_or_that_alone(tmp_path, noisy,
                                                                                monkeypatch):
    played, own = [], SYSTEMS["digits"].recipe

    def stopped(run):
        played.append(run.config.game)
        raise UserError("enough")

    monkeypatch.setattr(Run, "trainer", stopped)
    for more, expected in [
            ([], own), (["--recipe", "own"], own), (["--recipe", "as-written"], {}),
            (["--pack", "2", "--lr", "0.01"], {**own, "pack": 2, "lr": 0.01}),
            (["--recipe", "as-written", "--pack", "2"], {"pack": 2})]:
        assert train(tmp_path / "run", *more) == 2 and played.pop() == Options(**expected)


def test_as_written_has_the_bits_of_the_plain_game(tmp_path):
    assert train(tmp_path / "command", "--recipe", "as-written") == 0
    Run.new(tmp_path / "python", game=Options(), steps=1, batch_size=8).trainer().run(1)
    states = [(tmp_path / name / "state.safetensors").read_bytes()
              for name in ("command", "python")]
    assert states[0] == states[1]


def test_an_option_that_does_not_go_with_the_recipe_is_told_so(tmp_path, noisy, capsys):
    assert train(tmp_path / "run", "--diff-augment") != 0
    said = capsys.readouterr().err
    assert "instance_noise goes without diff_augment" in said
    assert "of the recipe of digits, which --recipe as-written leaves out" in said
    with pytest.raises(GameError, match="goes without rule: .*once a step$"):
        Options.recipe("digits", d_steps=2, rule="simultaneous")  # the recipe is not to blame
    with pytest.raises(UserError, match="no system 'digit': did you mean digits"):
        Options.recipe("digit")


def test_a_resumed_run_keeps_its_recipe(tmp_path, capsys):
    assert main(["train", "--resume", "--recipe", "as-written", "--out", str(tmp_path),
                 "--device", "cpu"]) == 2
    assert "keeps what it began with: leave --recipe out" in capsys.readouterr().err


def test_systems_lists_each_recipe_as_the_arguments_that_give_it(noisy, capsys):
    assert not main(["systems"])
    said = capsys.readouterr().out
    assert "recipe: --penalty r1:3 --instance-noise 0.1 --lr 0.001" in said
    for name, value in CHANGED.items():
        given = {**BESIDE.get(name, {}), name: value}
        words = Options.of(given).words
        assert sorted(words) == sorted(arguments(name))  # in another order, perhaps


def test_each_option_goes_beside_each_recipe_or_the_message_names_the_recipe():
    tiny = models.Pair(models.digits_generator, models.digits.discriminator, width=4)
    for system, recipe in {system.recipe.get("penalty"): (name, system) for name, system
                           in SYSTEMS.items() if system.recipe}.values():
        for name, value in CHANGED.items():
            given = {**BESIDE.get(name, {}), name: value}
            try:
                options = Options.recipe(system, **given)
            except GameError as error:
                assert f"of the recipe of {system}" in str(error), (system, name)
            else:
                options.build(replace(recipe, networks=tiny), (8, 8, 1), 10,
                              np.random.default_rng(0))


def test_each_recipe_was_tried_and_stands_in_the_record():
    record = (ROOT / "docs" / "recipes.jsonl").read_text()
    lines = [json.loads(line) for line in record.splitlines()]
    tried = {(line["system"], line["options"]) for line in lines}
    for name in SYSTEMS:
        words = " ".join(Options.recipe(name).words)
        if name == "table":  # which makes no images
            assert words in (ROOT / "docs" / "uses_tables.md").read_text(encoding="utf-8")
        else:
            assert not words or (name, words) in tried, name


def test_the_page_has_the_table_of_the_record():
    example = runpy.run_path(str(ROOT / "examples" / "recipes.py"))
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert example["table"](example["RECORD"].read_text().splitlines()) in page


def test_a_rate_falls_in_the_last_share_of_the_steps():
    assert [last_decay(0.5, step, 100) for step in (0, 50, 75, 99)] == \
        pytest.approx([1, 1, 0.5, 0.02])
