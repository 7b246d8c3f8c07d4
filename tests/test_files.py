"""Arrays in files, read by whoever reads safetensors, and those that others wrote."""
from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from minigan import nn
from minigan.errors import UserError
from minigan.files import read_arrays, write_arrays

pytest.importorskip("safetensors")
from safetensors.numpy import load_file, save_file  # noqa: E402

ARRAYS = {
    "no axes": np.array(3.0), "a number's": np.float32(2.5) * np.ones((), np.float32),
    "one": np.ones(1), "transposed": np.arange(6.0).reshape(2, 3).T,
    "reversed": np.arange(4)[::-1], "strided": np.arange(8, dtype=np.float32)[::2],
    "broadcast": np.broadcast_to(np.float64(7), (2, 2)), "empty": np.zeros((0, 3), np.float16),
    "booleans": np.array([True, False]),
}


def test_arrays_come_back_as_they_were(tmp_path):
    path = tmp_path / "arrays.safetensors"
    write_arrays(path, ARRAYS, "a text")
    for arrays in (load_file(path), read_arrays(path)[0]):
        assert arrays.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            assert arrays[name].shape == array.shape and arrays[name].dtype == array.dtype
            np.testing.assert_array_equal(arrays[name], array)
    assert read_arrays(path)[1] == "a text"


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"text": ""}])
def test_files_of_others_are_read_and_have_no_text(metadata, tmp_path):
    save_file({"x": np.ones(3)}, tmp_path / "x.safetensors", metadata)
    arrays, text = read_arrays(tmp_path / "x.safetensors")
    assert arrays["x"].tolist() == [1, 1, 1] and text == ""


def test_a_type_that_numpy_lacks_is_not_called_damage(tmp_path):
    header = json.dumps({"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(UserError, match="numbers that NumPy has no type for: .*bfloat16"):
        read_arrays(path)


def test_what_is_no_such_file_is_damaged_or_missing(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"garbage" * 9)
    with pytest.raises(UserError, match="is damaged"):
        read_arrays(tmp_path / "x.safetensors")
    with pytest.raises(UserError, match="is missing"):
        read_arrays(tmp_path / "y.safetensors")


def test_a_state_dict_is_written_rightly_by_safetensors_own_function(tmp_path):
    """It writes an array's memory from its first byte on, in whatever order that is."""
    layer = nn.ConvTranspose2d(2, 3, 3)  # whose first weights are drawn in another order
    turned = nn.Dense(3, 4)
    turned.weight.data = np.arange(12, dtype=np.float32).reshape(4, 3).T
    for module in (layer, turned):
        save_file(module.state_dict(), tmp_path / "x.safetensors")
        for name, array in load_file(tmp_path / "x.safetensors").items():
            np.testing.assert_array_equal(array, dict(module.named_state())[name].data)
