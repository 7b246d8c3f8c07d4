import gzip
import hashlib
import os
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from minigan.data import IMAGE_SETS, DataError, fashion_mnist, kmnist, mnist

FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte",
         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
LOADERS = {"mnist": mnist, "fashion-mnist": fashion_mnist, "kmnist": kmnist}


def write(path, array):
    array = np.asarray(array, np.uint8)
    content = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_set(folder, train=3, test=2, suffix=".gz"):
    """Four small files: the first image of a split is white, the others black."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, n in (("train", train), ("t10k", test)):
        images = np.zeros((n, 28, 28))
        images[0] = 255
        write(folder / f"{split}-images-idx3-ubyte{suffix}", images)
        write(folder / f"{split}-labels-idx1-ubyte{suffix}", np.arange(n))


@pytest.fixture(autouse=True)
def pooch(monkeypatch, tmp_path):
    """No data folder is named by the environment, and nothing can be downloaded."""
    def refuse(*args, **kwargs):
        raise AssertionError("a test tried to download")
    stand_in = SimpleNamespace(retrieve=refuse, os_cache=lambda project: tmp_path / project)
    monkeypatch.setitem(sys.modules, "pooch", stand_in)
    monkeypatch.delenv("MINIGAN_DATA", raising=False)
    return stand_in


def complaint(call):
    with pytest.raises(DataError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".gz", ""])
def test_images_are_floats_in_the_unit_interval_and_labels_integers(tmp_path, suffix):
    write_set(tmp_path, suffix=suffix)
    images, labels = mnist(tmp_path)
    assert images.shape == (3, 28, 28, 1) and images.dtype == np.float32
    assert labels.tolist() == [0, 1, 2] and labels.dtype == np.int64
    assert (images[0] == 1).all() and (images[1:] == 0).all()


def test_the_test_split_is_read_from_its_own_files(tmp_path):
    write_set(tmp_path)
    images, labels = mnist(tmp_path, split="test")
    assert len(images) == len(labels) == 2


@pytest.mark.parametrize("suffix", [".gz", ""])
def test_the_spelling_with_a_dot_is_accepted(tmp_path, suffix):
    write_set(tmp_path, suffix=suffix)
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert len(mnist(tmp_path)[0]) == 3


@pytest.mark.parametrize("zipped", [".gz", ""])
def test_the_folders_of_torchvision_and_kaggle_are_found(tmp_path, zipped):
    for n, (name, folder) in enumerate(zip(LOADERS, ["MNIST", "FashionMNIST", "KMNIST"]), 4):
        write_set(tmp_path / folder / "raw", train=n, suffix=zipped)
        for root in (tmp_path, tmp_path / folder, tmp_path / folder / "raw"):
            assert len(LOADERS[name](root)[0]) == n
    write_set(tmp_path / "kaggle", suffix=zipped)
    for path in list((tmp_path / "kaggle").iterdir()):
        moved = path.rename(tmp_path / "moved")
        path.with_suffix("").mkdir()
        moved.rename(path.with_suffix("") / path.name)
    assert len(mnist(tmp_path / "kaggle")[0]) == 3


def test_a_set_that_is_known_to_be_another_is_refused_by_its_name(tmp_path, monkeypatch):
    write_set(tmp_path, suffix="")
    whole = (tmp_path / FILES[0]).read_bytes()
    known = {hashlib.md5(whole).hexdigest(): "kmnist"}
    monkeypatch.setattr(sys.modules["minigan.data.mnist"], "_NAMES", known)
    says = f"{FILES[0]} is of kmnist, not of mnist: ask for the data set that is there (--data kmn"
    assert says in complaint(lambda: mnist(tmp_path))
    assert len(kmnist(tmp_path)[0]) == 3
    (tmp_path / FILES[0]).write_bytes(gzip.compress(whole))  # by what is in it
    assert says in complaint(lambda: mnist(tmp_path))
    known.clear()
    assert len(mnist(tmp_path)[0]) == 3  # other data in the format are welcome
    known[hashlib.md5((tmp_path / FILES[0]).read_bytes()).hexdigest()] = "kmnist"  # by itself
    assert says in complaint(lambda: mnist(tmp_path))


@pytest.mark.parametrize("name", LOADERS)
def test_a_subfolder_with_the_name_of_the_data_set_is_preferred(tmp_path, name):
    write_set(tmp_path)
    write_set(tmp_path / name, train=5)
    assert len(LOADERS[name](str(tmp_path))[0]) == 5
    assert len(IMAGE_SETS[name](data_dir=tmp_path)[0]) == 5


def test_the_environment_variable_names_the_folder_unless_an_argument_does(tmp_path, monkeypatch):
    write_set(tmp_path / "a", train=4)
    write_set(tmp_path / "b", train=6)
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "a"))
    assert len(mnist()[0]) == 4
    assert len(mnist(tmp_path / "b")[0]) == 6


@pytest.mark.parametrize("file", FILES)
def test_a_named_folder_without_a_file_is_an_error_and_not_a_download(tmp_path, file):
    write_set(tmp_path)
    (tmp_path / f"{file}.gz").unlink()
    message = complaint(lambda: mnist(tmp_path, split="train" if "train" in file else "test"))
    assert f"there is no {file}.gz" in message and str(tmp_path) in message


def test_a_folder_that_does_not_exist_is_an_error_and_not_a_download(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGAN_DATA", str(tmp_path / "nowhere"))
    assert "nowhere" in complaint(mnist)


def test_labels_where_images_belong_are_refused(tmp_path):
    write_set(tmp_path)
    write(tmp_path / f"{FILES[0]}.gz", [0, 1, 2])
    assert f"{FILES[0]}.gz holds labels, where images" in complaint(lambda: mnist(tmp_path))


def test_images_where_labels_belong_are_refused(tmp_path):
    write_set(tmp_path)
    write(tmp_path / f"{FILES[1]}.gz", np.zeros((3, 28, 28)))
    assert f"{FILES[1]}.gz holds images, where labels" in complaint(lambda: mnist(tmp_path))


def test_different_counts_of_images_and_labels_are_refused(tmp_path):
    write_set(tmp_path)
    write(tmp_path / f"{FILES[1]}.gz", [0, 1])
    message = complaint(lambda: mnist(tmp_path))
    assert "holds 3 images" in message and "2 labels" in message


def test_images_of_another_size_are_refused(tmp_path):
    write_set(tmp_path)
    write(tmp_path / f"{FILES[0]}.gz", np.zeros((3, 28, 27)))
    assert "(3, 28, 27)" in complaint(lambda: mnist(tmp_path))


def test_labels_above_nine_are_refused(tmp_path):
    write_set(tmp_path)
    write(tmp_path / f"{FILES[1]}.gz", [0, 1, 10])
    assert "holds the label 10" in complaint(lambda: mnist(tmp_path))


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'valid'"):
        mnist(tmp_path, split="valid")


@pytest.mark.parametrize("name", LOADERS)
def test_a_download_names_its_checksum_and_goes_to_the_cache(tmp_path, pooch, name):
    asked = []

    def retrieve(url, known_hash, fname, path, progressbar):
        asked.append((url, known_hash, progressbar))
        write_set(path)
        return str(path / fname)

    pooch.retrieve = retrieve
    assert len(LOADERS[name]()[0]) == 3 and len(LOADERS[name](split="test")[0]) == 2
    assert [url.split("/")[-1] for url, _, _ in asked] == [f"{file}.gz" for file in FILES]
    assert len({md5 for _, md5, _ in asked}) == 4
    assert all(md5.startswith("md5:") and len(md5) == 36 and bar for _, md5, bar in asked)
    assert (tmp_path / "minigan" / name).is_dir()


@pytest.mark.parametrize("error", [OSError("no route\nto host"), ValueError("hash is wrong"),
                                   ImportError("No module named 'pooch'")])
def test_a_failed_download_says_what_failed_and_how_to_bring_the_data(pooch, error):
    def retrieve(*args, **kwargs):
        raise error
    pooch.retrieve = retrieve
    message = complaint(mnist)
    assert "train-images-idx3-ubyte.gz could not be downloaded" in message
    assert " ".join(str(error).split()) in message
    assert all(file in message for file in FILES)
    assert "--data-dir" in message and "MINIGAN_DATA" in message


def test_without_pooch_the_error_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)  # what makes an import fail
    assert "pooch" in complaint(mnist)


REAL = os.environ.get("MINIGAN_DATA")


@pytest.mark.skipif(not REAL, reason="MINIGAN_DATA does not name a folder with MNIST")
def test_the_real_mnist_has_its_published_shape_and_classes():
    images, labels = mnist(REAL)
    assert images.shape == (60000, 28, 28, 1) and images.min() == 0 and images.max() == 1
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851,
                                            5949]
    images, labels = mnist(REAL, split="test")
    assert images.shape == (10000, 28, 28, 1) and labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert "is of mnist, not of kmnist" in complaint(lambda: kmnist(Path(REAL) / "mnist"))
