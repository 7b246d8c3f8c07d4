import numpy as np
import pytest

from minigan.data import IMAGE_SETS, DataError, digits, stacked, stacked_mnist
from minigan.gan import Run, evaluate
from minigan.metrics import Judge, stacked_modes
from tests.data.test_mnist import write_set


def test_each_channel_is_an_image_and_the_label_says_of_which_classes():
    images, labels = digits()
    made, modes = stacked(images, labels, n=200, seed=3)
    assert made.shape == (200, 8, 8, 3) and made.dtype == np.float32 and modes.dtype == np.int64
    own = {image.tobytes(): label for image, label in zip(images, labels)}
    for channel, decimal in enumerate((100, 10, 1)):
        found = [own[np.ascontiguousarray(x[..., channel:channel + 1]).tobytes()] for x in made]
        assert found == (modes // decimal % 10).tolist()


def test_stacks_follow_their_seed_and_are_of_all_modes():
    first, second, other = (stacked(*digits(), n=9, seed=seed)[1] for seed in (0, 0, 1))
    assert (first == second).all() and (first != other).any()
    images, labels = IMAGE_SETS["stacked-digits"](data_dir=None)
    assert len(images) == 128_000 and len(np.unique(labels)) == 1000


@pytest.mark.parametrize("images, labels, message", [
    (np.zeros((2, 8, 8, 3)), np.zeros(2, int), r"images \(N, H, W, 1\).*not \(2, 8, 8, 3\)"),
    (np.zeros((2, 8, 8, 1)), np.zeros(3, int), r"and \(3,\)"),
    (np.zeros((2, 8, 8, 1)), np.array([0, 10]), "classes 0 to 9"),
    (np.zeros((0, 8, 8, 1)), np.zeros(0, int), "classes 0 to 9")])
def test_what_cannot_be_stacked_is_told(images, labels, message):
    with pytest.raises(DataError, match=message):
        stacked(images, labels)


def test_both_parts_of_mnist_are_stacked_as_bytes(tmp_path):
    write_set(tmp_path)
    images, modes = stacked_mnist(tmp_path, n=50)  # 0 1 2 and 0 1, of which those of 0 are white
    assert images.shape == (50, 28, 28, 3) and images.dtype == np.uint8
    assert ((images == 255).all(axis=(1, 2)) == (
        modes[:, None] // [100, 10, 1] % 10 == 0)).all()


def test_no_folder_is_asked_for_stacks_of_the_shipped_digits(tmp_path):
    with pytest.raises(DataError, match="read from no folder"):
        Run.new(tmp_path / "run", data="stacked-digits", data_dir=tmp_path)


def test_a_judge_looks_at_each_channel():
    judge, (images, modes) = Judge.load("digits"), stacked(*digits(), n=300)
    seen = judge.labels_by_channel(images)
    assert seen.shape == (300, 3)
    assert (seen @ [100, 10, 1] == modes).mean() > 0.95
    assert stacked_modes(seen)[0] > 200
    with pytest.raises(ValueError, match=r"\(N, 8, 8, C\).*not \(2, 9, 8, 3\)"):
        judge.labels_by_channel(np.zeros((2, 9, 8, 3)))


def test_the_modes_of_a_run_are_counted_beside_those_of_real_stacks(tmp_path, monkeypatch):
    monkeypatch.setitem(IMAGE_SETS, "stacked-digits", lambda data_dir=None: stacked(*digits(), 900))
    Run.new(tmp_path, data="stacked-digits", steps=1).trainer().run(1)
    figures = evaluate(Run.open(tmp_path), n=300).as_json()["columns"]
    assert {"modes", "reverse-kl", "coverage"} <= figures["real"].keys()
    assert "needs a judge" in figures["step 1"]["frechet"]
    assert figures["real"]["modes"]["value"] > 200 > figures["step 1"]["modes"]["value"]
