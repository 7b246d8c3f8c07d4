from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigan as mg
from minigan import backend
from minigan.data import Loader, Scaled
from tests.strict import StrictArray, counted

SIZES = {"n": st.integers(1, 20), "batch_size": st.integers(1, 20), "shuffle": st.booleans(),
         "drop_last": st.booleans(), "seed": st.integers(0, 2**63)}


def make(n, batch_size, shuffle, drop_last, seed):
    return Loader(np.arange(n), batch_size=min(batch_size, n), shuffle=shuffle,
                  drop_last=drop_last, seed=seed)


def lists(batches):
    return [batch.tolist() for batch in batches]


@given(**SIZES)
def test_an_epoch_holds_every_row_once_except_those_that_fill_no_batch(**sizes):
    loader = make(**sizes)
    batches = lists(loader)
    rows = [row for batch in batches for row in batch]
    assert len(batches) == len(loader)
    assert all(len(batch) == loader.batch_size for batch in batches[:-1])
    assert len(set(rows)) == len(rows)
    left_over = sizes["n"] % loader.batch_size if sizes["drop_last"] else 0
    assert len(rows) == sizes["n"] - left_over


@given(**SIZES, stop=st.integers(0, 60))
def test_a_resumed_loader_gives_exactly_the_remaining_batches(stop, **sizes):
    whole = make(**sizes).forever()
    expected = lists(itertools.islice(whole, stop + 30))

    stopped = make(**sizes)
    before = lists(itertools.islice(stopped.forever(), stop))
    resumed = make(**sizes)
    resumed.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
    assert before + lists(itertools.islice(resumed.forever(), 30)) == expected


@given(**SIZES, stop=st.integers(0, 60))
def test_iterating_after_resuming_finishes_the_epoch_and_then_gives_whole_ones(stop, **sizes):
    loader = make(**sizes)
    for _ in itertools.islice(loader.forever(), stop):
        pass
    epoch, position = divmod(stop, len(loader))
    assert loader.state_dict() == {"epoch": epoch, "position": position}
    assert len(lists(loader)) == len(loader) - position
    assert len(lists(loader)) == len(loader)
    assert loader.state_dict() == {"epoch": epoch + 2, "position": 0}


def test_an_epochs_order_depends_on_the_seed_and_the_epoch_alone():
    loader = Loader(np.arange(10), batch_size=10, seed=3)
    for epoch in range(3):
        batch, = loader
        np.testing.assert_array_equal(batch, np.random.default_rng([3, epoch]).permutation(10))


def test_without_shuffling_every_epoch_has_the_order_of_the_arrays():
    loader = Loader(np.arange(4), batch_size=2, shuffle=False)
    assert lists(loader) == lists(loader) == [[0, 1], [2, 3]]


def test_several_arrays_stay_together_row_by_row():
    images = np.arange(24, dtype=np.float32).reshape(6, 2, 2, 1)
    for x, y in Loader(images, np.arange(6), batch_size=2):
        assert x.shape == (2, 2, 2, 1) and x.dtype == np.float32
        np.testing.assert_array_equal(x, images[y])


def test_a_state_saved_while_working_on_the_last_batch_is_the_start_of_the_next_epoch():
    loader = Loader(np.arange(4), batch_size=2)
    for _ in loader:
        state = loader.state_dict()
    assert state == {"epoch": 1, "position": 0}


def test_a_loop_that_was_left_early_goes_on_where_it_stopped():
    loader = Loader(np.arange(6), batch_size=2, shuffle=False)
    for _ in loader:
        break
    assert lists(loader) == [[2, 3], [4, 5]]


def test_batches_are_moved_to_the_default_device(monkeypatch):
    monkeypatch.setattr("minigan.backend.asarray", lambda array: ("moved", array.tolist()))
    assert list(Loader(np.arange(2), batch_size=2, shuffle=False)) == [("moved", [0, 1])]


@pytest.mark.parametrize("arrays, options, message", [
    ([], {"batch_size": 1}, "lengths"),
    ([np.arange(3), np.arange(4)], {"batch_size": 1}, r"\[3, 4\]"),
    ([np.arange(3)], {"batch_size": 0}, "at least 1, not 0"),
    ([np.arange(3)], {"batch_size": 4}, "3 rows make no batch of 4"),
    ([np.arange(0)], {"batch_size": 4, "drop_last": False}, "0 rows make no batch"),
])
def test_a_loader_that_could_never_give_a_batch_is_refused(arrays, options, message):
    with pytest.raises(ValueError, match=message):
        Loader(*arrays, **options)


def test_fewer_rows_than_a_batch_are_one_short_batch_if_none_are_dropped():
    assert lists(Loader(np.arange(3), batch_size=9, shuffle=False, drop_last=False)) == [[0, 1, 2]]


@pytest.mark.parametrize("state", [{"epoch": 0, "position": 2}, {"epoch": 0, "position": -1},
                                   {"epoch": -1, "position": 0}])
def test_a_state_that_this_loader_cannot_be_in_is_refused(state):
    with pytest.raises(ValueError, match="no place"):
        Loader(np.arange(4), batch_size=2).load_state_dict(state)


# On a device

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 1), np.uint8)


def put(array, strict):
    return strict.from_numpy(array)


@pytest.fixture
def device(strict):
    mg.use("strict")
    return strict


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_of_data_on_a_device_are_gathered_there_by_an_order_uploaded_once_an_epoch(
        shuffle, device):
    labels = np.arange(10)
    there = Loader(put(IMAGES, device), put(labels, device), batch_size=3, shuffle=shuffle)
    here = Loader(IMAGES, labels, batch_size=3, shuffle=shuffle)
    with counted() as counts:
        batches = list(there)
    assert counts.uploads == 2 and counts.synchronisations == 0, counts  # the order, for each array
    assert dict(counts.names) == {"getitem": 2 * 3}
    assert all(type(x) is type(y) is StrictArray for x, y in batches)
    for (x, y), (a, b) in zip(batches, here, strict=True):
        np.testing.assert_array_equal(device.to_numpy(x), device.to_numpy(a))
        np.testing.assert_array_equal(device.to_numpy(y), device.to_numpy(b))


def test_scaled_images_are_moved_as_bytes_and_scaled_on_the_device(device, monkeypatch):
    mg.use("numpy")
    expected = list(Loader(Scaled(IMAGES, (-1, 1)), batch_size=4))
    mg.use("strict")
    moved, original = [], backend.asarray
    monkeypatch.setattr(backend, "asarray", lambda a: moved.append(a.dtype) or original(a))
    from_host = Loader(Scaled(IMAGES, (-1, 1)), batch_size=4)
    with counted() as counts:
        batches = list(from_host)
    assert moved == [np.uint8] * 2 and counts.uploads == 2 and counts.synchronisations == 0
    resident = list(Loader(Scaled(put(IMAGES, device), (-1, 1)), batch_size=4))
    for batch, other, e in zip(batches, resident, expected, strict=True):
        assert batch.dtype == other.dtype == e.dtype == np.float32
        np.testing.assert_array_equal(device.to_numpy(batch), e)  # the same bits
        np.testing.assert_array_equal(device.to_numpy(other), e)


def test_data_on_another_device_than_the_default_are_moved_batch_by_batch(strict):
    batches = list(Loader(put(IMAGES, strict), np.arange(10), batch_size=5, shuffle=False))
    assert all(type(x) is type(y) is np.ndarray for x, y in batches)
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), IMAGES)


def test_a_loader_over_a_device_resumes_within_an_epoch(device):
    whole = [device.to_numpy(x).tolist() for x in itertools.islice(
        Loader(put(np.arange(10), device), batch_size=3).forever(), 7)]
    resumed = Loader(put(np.arange(10), device), batch_size=3)
    resumed.load_state_dict({"epoch": 0, "position": 2})
    assert [device.to_numpy(x).tolist()
            for x in itertools.islice(resumed.forever(), 5)] == whole[2:]


@pytest.mark.parametrize("dtype, white", [(np.uint8, 255), (np.uint16, 65535), (bool, 1),
                                          (np.uint32, 2 ** 32 - 1), (np.float64, 1)])
def test_scaled_images_of_other_types_are_in_the_range(dtype, white):
    images = Scaled(np.array([0, white], dtype), (-1, 1))
    assert images[:].dtype == np.float32
    np.testing.assert_allclose(images[:], [-1, 1], atol=1e-6)


def test_signed_integers_are_no_images():
    with pytest.raises(ValueError, match="int64 have no known white"):
        Scaled(np.array([0, 255]))
