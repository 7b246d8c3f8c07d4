"""What one does with a finished run: films, neighbours, samples of all kinds, each by a command."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minigan.cli import main
from minigan.gan import Options, Run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished tiny run of a conditional game."""
    made = Run.new(tmp_path_factory.mktemp("after") / "run", "digits", Options(
        conditional="concatenation"), steps=2, batch_size=8, save_every=1)
    made.save_losses = lambda: None
    made.trainer().run(2)
    return made.folder


def printed(words, capsys):
    """The lines that the command prints."""
    assert main(list(map(str, words))) == 0
    return capsys.readouterr().out.splitlines()


def mistake(words, capsys):
    """The line that the command answers a mistake with."""
    try:
        status = main(list(map(str, words)))
    except SystemExit as error:  # of argparse
        status = error.code
    line, = capsys.readouterr().err.splitlines()
    assert status == 2
    return line


def pixels(path):
    return np.asarray(Image.open(path))


def test_walk_writes_a_film_and_says_where(run, tmp_path, capsys):
    path, = printed(["walk", run, "--frames", 10], capsys)
    assert Path(path) == run / "walk-step-000002-seed-0.gif"
    out = tmp_path / "out.gif"
    assert printed(["walk", run, "--label", 3, "--stops", 2, "--frames", 4, "--seed", 1, "--step",
                    1, "--grid", "1x2", "--out", out], capsys) == [str(out)]
    with Image.open(out) as gif:
        assert gif.n_frames == 4 and gif.size == (152, 80)


def test_walk_makes_a_film_of_the_training(run, capsys):
    path, = printed(["walk", run, "--training"], capsys)
    assert Path(path) == run / "training.gif"
    assert "leave out --seed" in mistake(["walk", run, "--training", "--seed", 0], capsys)


def test_neighbours_says_whether_it_is_memory_and_leaves_a_picture(run, tmp_path, capsys):
    lines = printed(["neighbours", run, "--n", 2, "--out", tmp_path / "n"], capsys)
    assert lines[-1] == str(tmp_path / "n.png") and pixels(lines[-1]).ndim == 3
    said = " ".join(lines)
    assert "It is not memorising" in said and "z = -" in said and max(map(len, lines[1:-1])) < 97


def test_sample_makes_a_grid_of_a_shape_and_single_files(run, tmp_path, capsys):
    words = ["sample", run, "--label", 7, "--grid", "2x3", "--separate", "--out",
             tmp_path / "F.png"]
    for _ in range(2):  # the same again takes the places of the same
        assert printed(words, capsys) == [str(tmp_path / "F"), str(tmp_path / "F.png")]
    expected = Run.open(run).samples(6, label=7)
    assert sorted(p.name for p in (tmp_path / "F").iterdir()) == [f"{i}.png" for i in range(6)]
    for i, image in enumerate(expected):
        single = pixels(tmp_path / "F" / f"{i}.png")
        np.testing.assert_array_equal(single, np.rint(255 * image[:, :, 0]))
        top, left = 4 + i // 3 * 36, 4 + i % 3 * 36
        np.testing.assert_array_equal(
            pixels(tmp_path / "F.png")[top:top + 32:4, left:left + 32:4], single)
    assert "holds other files" in mistake([*words, "--grid", "1x3"], capsys)


def test_truncation_moves_the_noise_towards_its_mean(run, capsys):
    path, = printed(["sample", run, "--truncation", "0.5", "--n", 10], capsys)
    assert Path(path).name == "sample-step-000002-seed-0-truncation-0.5-n-10.png"
    of = Run.open(run)
    game, _ = of.game()
    whole, half = (of.config.latent(game, 4, 0, truncation=psi) for psi in (1, 0.5))
    np.testing.assert_array_equal(half[0].numpy(), whole[0].numpy() / 2)
    np.testing.assert_array_equal(half[1].numpy(), whole[1].numpy())
    assert of.samples(50, truncation=0.1, label=3).std(axis=0).mean() < (
        0.3 * of.samples(50, label=3).std(axis=0).mean())


@pytest.mark.parametrize("words, says", [
    (["walk", "RUN", "--frames", 1], "expected a whole number of at least 2, got '1'"),
    (["walk", "RUN", "--label", 11], "the classes are 0 to 9, not 11"),
    (["walk", "RUN", "--out", "a.avi"], "ends in neither"),
    (["walk", "RUN", "--grid", "4"], "expected ROWSxCOLUMNS"),
    (["walk", "nowhere"], "nowhere is no run folder"),
    (["walk", "RUN", "--step", 7], "no weights of step 7"),
    (["neighbours", "nowhere"], "nowhere is no run folder"),
    (["neighbours", "RUN", "--step", 7], "no weights of step 7"),
    (["neighbours", "RUN", "--n", 0], "expected a whole number from 1 to 32, got '0'"),
    (["neighbours", "RUN", "--out", "a.jpg"], "ends in .png, got 'a.jpg'"),
    (["neighbours", "RUN", "--data-dir", "x"], "the digits come with minigan"),
    (["sample", "RUN", "--grid", "2x2", "--n", 3], "2x2 says how many images there are"),
    (["sample", "RUN", "--truncation", 1.5], "above 0 and of at most 1, got '1.5'")])
def test_what_cannot_be_is_told_in_a_line(run, words, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert says in mistake([run if word == "RUN" else word for word in words], capsys)
    assert not list(tmp_path.iterdir())
