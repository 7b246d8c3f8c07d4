import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigan.data import DataError, read_idx


def idx(array):
    """The IDX file of a uint8 array, as bytes."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def complaint(path, content):
    """What read_idx says about a file with that content: one line, which names the file."""
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


@given(array=hnp.arrays(np.uint8, hnp.array_shapes(max_dims=4, min_side=0, max_side=5)),
       zipped=st.booleans(), name=st.sampled_from(["file", "file.gz"]))
def test_reading_gives_back_the_array_that_was_written_whatever_the_file_is_called(
        tmp_path_factory, array, zipped, name):
    path = tmp_path_factory.mktemp("idx") / name
    path.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    read = read_idx(path)
    assert read.dtype == np.uint8 and read.shape == array.shape and not read.flags.writeable
    np.testing.assert_array_equal(read, array)


def test_a_path_may_be_a_string(tmp_path):
    (tmp_path / "images").write_bytes(idx(IMAGES))
    np.testing.assert_array_equal(read_idx(str(tmp_path / "images")), IMAGES)


@pytest.mark.parametrize("missing", [1, 5, 24])
def test_a_truncated_file_is_refused(tmp_path, missing):
    message = complaint(tmp_path / "images", idx(IMAGES)[:-missing])
    assert f"truncated: its header states 2 x 3 x 4 = 24 bytes of data, it holds {24 - missing}" \
        in message


def test_a_file_that_ends_in_its_header_is_refused(tmp_path):
    assert "truncated: it ends inside its header of 16 bytes" in \
        complaint(tmp_path / "images", idx(IMAGES)[:10])


def test_trailing_bytes_are_refused(tmp_path):
    assert "trailing bytes: its header states 2 x 3 x 4 = 24 bytes of data, it holds more" in \
        complaint(tmp_path / "images", idx(IMAGES) + b"\0")


def test_sizes_too_large_for_any_file_are_refused_before_anything_is_allocated(tmp_path):
    large, none, one = b"\xff" * 4, bytes(4), b"\0\0\0\1"
    for sizes, says in [(large * 3, "truncated"), (none + large * 3, "no array has"),
                        (large * 3 + none, "no array has"), (one * 100 + none, "no array has"),
                        (large * 255, "truncated")]:
        content = b"\0\0\x08" + bytes([len(sizes) // 4]) + sizes
        for packed in (content, gzip.compress(content)):
            tracemalloc.start()
            assert says in complaint(tmp_path / "images", packed)
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
            tracemalloc.stop()


def test_a_gzip_file_of_more_than_its_header_states_is_not_unpacked_in_full(tmp_path):
    packed = gzip.compress(idx(IMAGES) + bytes(16 << 20), 1)
    tracemalloc.start()
    assert "trailing bytes" in complaint(tmp_path / "images", packed)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("magic", [b"\0\0\x0d\x03", b"\0\0\x08\0", b"\x89PNG", b"\0\0", b"<htm"])
def test_a_wrong_magic_number_is_refused_and_shown(tmp_path, magic):
    content = magic + idx(IMAGES)[4:] if len(magic) == 4 else magic
    assert f"no IDX file of bytes: it starts with {magic.hex(' ')}" in \
        complaint(tmp_path / "images", content)


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_an_empty_file_is_refused(tmp_path, name):
    assert "is empty" in complaint(tmp_path / name, b"")


def test_a_truncated_gzip_file_is_refused(tmp_path):
    assert "its gzip data end too early" in \
        complaint(tmp_path / "images.gz", gzip.compress(idx(IMAGES))[:-9])


@given(where=st.integers(10, 40), bit=st.integers(0, 7))
def test_a_flipped_bit_in_gzip_data_never_goes_unnoticed(tmp_path_factory, where, bit):
    content = bytearray(gzip.compress(idx(IMAGES)))
    content[where] ^= 1 << bit
    complaint(tmp_path_factory.mktemp("idx") / "images.gz", bytes(content))


def test_a_missing_file_is_a_data_error_too(tmp_path):
    with pytest.raises(DataError, match="nowhere cannot be read: No such file"):
        read_idx(tmp_path / "nowhere")
