"""The live book's stand-in for safetensors writes the same bytes, and reads and refuses the same
files, as the real one."""
from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from minigan.errors import UserError
from minigan.files import read_arrays, write_arrays

pytest.importorskip("safetensors.numpy")
import safetensors  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "docs/live/stand_ins/safetensors"
DTYPES = "? u1 i1 i2 u2 f2 i4 u4 f4 c8 f8 i8 u8 >f4 >i8".split()
ARRAYS = {f"{dtype}, {shape}": (np.arange(np.prod(shape)) % 2).astype(dtype).reshape(shape)
          for dtype in DTYPES for shape in [(), (3,), (2, 0), (2, 3)]}
TEXT = 'ä "quoted" \\ \n\t\x00\x7f\u2028'


@pytest.fixture(scope="module")
def stand_in():
    """The package under a name of its own: under the real one it is found in the worker alone."""
    spec = importlib.util.spec_from_file_location("stand_in", FOLDER / "__init__.py")
    module = sys.modules["stand_in"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    importlib.import_module("stand_in.numpy")
    yield module
    del sys.modules["stand_in"], sys.modules["stand_in.numpy"]


def read(library, path: Path):
    """What is in a file, or the kind of error that reading it raises."""
    try:
        with library.safe_open(path, "numpy") as file:
            arrays = [(name, file.get_tensor(name)) for name in file.keys()]
            return file.metadata(), [(name, a.dtype, a.shape, a.tobytes(), a.flags.writeable)
                                     for name, a in arrays]
    except Exception as error:
        return type(error).__name__


def file_of(header, data: bytes = bytes(8)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize("metadata", [None, {"text": TEXT}])
@pytest.mark.parametrize("arrays", [{}, ARRAYS, {TEXT: np.ones(3)}], ids=["none", "all", "text"])
def test_the_stand_in_writes_the_same_bytes_and_each_reads_the_others(
        stand_in, arrays, metadata, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(stand_in.numpy.save(arrays, metadata))
    theirs.write_bytes(safetensors.numpy.save(arrays, metadata))
    assert ours.read_bytes() == theirs.read_bytes()
    told = read(safetensors, ours)
    assert told == read(stand_in, theirs) and len(told[1]) == len(arrays)


def one(dtype="F32", shape=(2,), data_offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": shape, "data_offsets": data_offsets, **more}


ENTRIES = [one(), one(more=[1]), one("BF16", (4,)), one("F128"), one("f4"), one(shape=(3,)),
           one(shape=(-1, -2)), one(shape=(2.0,)), one(shape=2), one(shape=None),
           one(shape=(True,)), one(shape=(2**62, 8)), one(data_offsets=(0, 4), shape=(1,)),
           one(data_offsets=(0,)),
           one(data_offsets=(0, 8, 9)), one(data_offsets=(8, 0)), one(data_offsets=(0, 16)),
           one(dtype=None), one(dtype=["F32"]), {"dtype": "F32", "shape": [2]}, [], None, "x"]
HEADERS = [
    *({"x": entry} for entry in ENTRIES), [], None, 3, "x", {}, b"", b"{", b"\xff{}", b"{} {}",
    b" \n" + json.dumps({"x": one()}).encode() + b"   ", b"\x00" * 8, b"[" * 100,
    {"x": one(shape=(1,), data_offsets=(0, 4)), "y": one(shape=(1,), data_offsets=(0, 4))},
    {"x": one(shape=(1,), data_offsets=(4, 8)), "y": one(shape=(1,), data_offsets=(0, 4))},
    {"x": one(), "y": one(shape=(0,), data_offsets=(8, 8))},
    *({"x": one(), "__metadata__": texts} for texts in
      [None, {}, {"a": "b"}, {"a": 1}, {"a": None}, [], 3, "x"]),
]


def test_the_stand_in_reads_and_refuses_the_same_files(stand_in, tmp_path):
    path = tmp_path / "x"
    whole = file_of({"x": one()})
    files = [*map(file_of, HEADERS), b"", b"garbage" * 9, whole + b"x", whole[:-1],
             *(whole[:n] for n in range(0, len(whole), 7)), (100_000_001).to_bytes(8, "little"),
             (2**64 - 1).to_bytes(8, "little") + b"{}", file_of(b"{}", b"")]
    told = []
    for file in files:
        path.write_bytes(file)
        told.append(read(safetensors, path))
        assert read(stand_in, path) == told[-1], file
    assert {"SafetensorError", "TypeError"} == {t for t in told if isinstance(t, str)}
    assert sum(isinstance(t, tuple) for t in told) >= 8
    assert read(stand_in, tmp_path / "y") == read(safetensors, tmp_path / "y")


def test_minigan_writes_and_reads_its_files_with_the_stand_in(stand_in, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", stand_in)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", stand_in.numpy)
    path = tmp_path / "x.safetensors"
    write_arrays(path, ARRAYS, TEXT)
    arrays, text = read_arrays(path)
    assert text == TEXT and arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="is damaged: .*not fully covered"):
        read_arrays(path)
    with pytest.raises(UserError, match="could not be written: .*complex128.*is whole"):
        write_arrays(path, {"x": np.ones(2, "c16")})
