"""The judge that comes with the package, those that are trained, and the files that hold them."""
from __future__ import annotations

import json
import re

import numpy as np
import pytest

import minigan as mg
from minigan.data import digits
from minigan.errors import UserError
from minigan.files import read_arrays, write_arrays
from minigan.metrics import Judge, train_judge
from minigan.metrics.judge import judge_file, split
from tests.data.test_mnist import write, write_set


@pytest.fixture(scope="module")
def judge():
    return Judge.load("digits")


def test_the_shipped_judge_has_the_accuracy_that_it_states(judge):
    parts = split("digits")
    accuracy = (judge.labels(parts.test_images) == parts.test_labels).mean()
    assert accuracy == pytest.approx(judge.accuracy, abs=1 / 300)  # other machines round otherwise
    assert judge.accuracy >= 0.98 and judge.tested == 357
    assert re.fullmatch("digits-[0-9a-f]{8}", judge.name)
    assert judge_file("digits").stat().st_size < 200_000


def test_the_digits_are_cut_in_two_with_all_classes_in_both():
    parts = split("digits")
    assert len(parts.images) == 1440 and len(parts.test_images) == 357
    for labels in (parts.labels, parts.test_labels):
        assert np.bincount(labels).min() > 0.09 * len(labels)
    both = np.concatenate([parts.images, parts.test_images])
    assert np.array_equal(np.sort(both.sum((1, 2, 3))), np.sort(digits()[0].sum((1, 2, 3))))


def test_a_judge_gives_features_probabilities_and_labels_of_images_rows_and_tensors(judge):
    images = digits()[0][:600]  # more than are looked at at once
    features, probabilities = judge.features(images), judge.probabilities(images)
    assert features.shape == (600, 64) and features.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5) and probabilities.shape == (600, 10)
    assert np.array_equal(judge.labels(images), probabilities.argmax(axis=1))
    rows = images.reshape(600, 64)
    for same in (rows, rows.astype("float64"), mg.tensor(images)):
        assert np.array_equal(judge.features(same), features)
    for wrong, reason in ((images[:, :7], "takes images"), (images[0], "takes images"),
                          (images[:0], "no points"), (images * np.nan, "not finite"),
                          (np.uint8(16 * images), "uint8 up to 16: of bytes take images / 255")):
        with pytest.raises(UserError, match=reason):
            judge.features(wrong)


def test_a_judge_is_trained_to_the_same_bits_by_the_same_seed_and_read_back_as_written(tmp_path):
    told: list[tuple[int, int]] = []
    first = train_judge("digits", epochs=1, report=lambda *of: told.append(of[:2]))
    assert told == [(step, 22) for step in range(1, 23)]
    for judge, name in ((first, "a"), (train_judge("digits", epochs=1), "b")):
        judge.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    read = Judge.load("digits", tmp_path / "a")
    assert (read.name, read.accuracy, read.network) == (first.name, first.accuracy, first.network)
    assert train_judge("digits", seed=1, epochs=1).name != first.name


def test_a_judge_of_a_named_folder_of_mnist_is_trained_on_one_part_and_tested_with_the_other(
        tmp_path):
    write_set(tmp_path, train=9, test=2)
    judge = train_judge("mnist", tmp_path, epochs=2)
    assert judge.tested == 2 and judge.features(np.zeros((3, 28, 28, 1))).shape == (3, 128)
    assert judge.name.startswith("mnist-")
    for name in ("images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"):
        write(tmp_path / f"t10k-{name}", np.zeros((0, 28, 28) if "images" in name else 0))
    with pytest.raises(UserError, match="none to test it with"):
        train_judge("mnist", tmp_path, epochs=1)


def test_a_file_that_is_no_judge_or_a_damaged_one_is_refused_in_a_line(judge, tmp_path):
    path = tmp_path / "judge.safetensors"
    arrays, text = read_arrays(judge_file("digits"))
    changed = {**arrays, "head.bias": arrays["head.bias"] + 1}
    short = {name: array for name, array in arrays.items() if name != "head.bias"}
    wrong = {**arrays, "head.bias": arrays["head.bias"][:-1]}
    for held, said, reason in (
            (changed, text, "checksum"), (short, text, "bias"), (wrong, text, "bias"),
            (arrays, "", "no judge"), (arrays, "[]", "table"), (arrays, "{}", "no judge of None"),
            (arrays, json.dumps({**json.loads(text), "accuracy": 2}), "accuracy"),
            (arrays, json.dumps({**json.loads(text), "network": "Dense"}), "its network is not"),
            (arrays, json.dumps({**json.loads(text), "data": "mnist"}), "judge")):
        write_arrays(path, held, said)
        with pytest.raises(UserError, match=reason) as error:
            Judge.load("digits", path)
        assert "\n" not in str(error.value)
    path.write_bytes(judge_file("digits").read_bytes()[:-5])
    with pytest.raises(UserError, match="damaged.*train another"):
        Judge.load("digits", path)
    with pytest.raises(UserError, match="minigan judge mnist"):
        Judge.load("mnist", tmp_path / "nowhere")
    with pytest.raises(UserError, match="there is no judge of 'images'"):
        Judge.load("images")
    judge.save(path)
    with pytest.raises(UserError, match="a judge of digits, not of mnist"):
        Judge.load("mnist", path)
