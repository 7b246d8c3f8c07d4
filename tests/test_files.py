"""Arrays in files, read by whoever reads safetensors, and those that others wrote."""
from __future__ import annotations

import errno
import json
import os
import platform
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigan import nn
from minigan.errors import UserError
from minigan.files import leftovers, read_arrays, replacing, write_arrays

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


def test_a_file_is_on_the_disk_before_it_has_its_name_and_the_name_before_that_is_told(
        tmp_path, monkeypatch):
    told, path = [], tmp_path / "new" / "x.safetensors"
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (
        told.append(os.path.basename(os.readlink(f"/proc/self/fd/{file}"))), sync(file)))
    monkeypatch.setattr(os, "replace", lambda a, b: (told.append(f"-> {b.name}"), replace(a, b)))
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("nobody tells the name of an open file")
    write_arrays(path, ARRAYS)
    assert told == [tmp_path.name, f".{os.getpid()}@{platform.node()}@x.safetensors",
                    "-> x.safetensors", "new"]


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
def test_files_have_the_mode_that_the_umask_gives(tmp_path):
    for mask, mode in [(0o022, 0o644), (0o027, 0o640)]:
        before = os.umask(mask)
        try:
            write_arrays(tmp_path / "x.safetensors", ARRAYS)
        finally:
            os.umask(before)
        assert (tmp_path / "x.safetensors").stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name == "nt", reason="asks whether processes run")
def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    def left(process, machine=None, age=0.0):
        path = tmp_path / f".{process}@{machine or platform.node()}@x.png"
        path.touch()
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
        return path

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone = [left(ended.pid), left(10 ** 30), left(os.getpid()), left(7, "elsewhere", 90_000)]
    firm = tmp_path / f".{ended.pid}@{platform.node()}@y"
    firm.mkdir()  # cannot be removed so, as another user's file
    stays = [firm, left(os.getppid()), left(1), left(7, "elsewhere", 60), left("x"),
             tmp_path / ".@@"]
    stays[-1].touch()
    with replacing(tmp_path / "y") as first, replacing(tmp_path / "z") as second:
        first.touch()
        second.touch()
        assert leftovers(tmp_path) == [firm]
    assert {*tmp_path.iterdir()} == {*stays, tmp_path / "y", tmp_path / "z"} and gone


def test_what_other_programs_are_writing_beside_a_file_of_arrays_stays(tmp_path):
    (tmp_path / ".tmpAb12Cd").write_bytes(b"another's")  # safetensors calls its own so, and others
    (tmp_path / ".tmpEf34Gh").mkdir()
    write_arrays(tmp_path / "a.safetensors", {"x": np.zeros(2)})
    assert {path.name for path in tmp_path.iterdir()} == {".tmpAb12Cd", ".tmpEf34Gh",
                                                          "a.safetensors"}


def test_a_disk_that_is_full_at_the_end_is_told_with_the_name_of_the_file(tmp_path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "x").write_text("before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError) as error, replacing(tmp_path / "x") as temporary:
        temporary.write_text("half")
    assert error.value.filename == str(tmp_path / "x") and error.value.errno == errno.ENOSPC
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with names")
def test_no_file_takes_the_name_of_a_device_or_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"), replacing(tmp_path / "pipe"):
        pass
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(os.name == "nt", reason="not everybody may make links")
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    for name in ("there", "new/missing"):
        link = tmp_path / f"link to {Path(name).name}"
        link.symlink_to(name)
        with replacing(link) as temporary:
            assert temporary.parent == (tmp_path / name).parent  # where one step is enough
            temporary.write_text("text")
        assert link.is_symlink() and (tmp_path / name).read_text() == "text"


def test_a_name_that_is_too_long_is_told_as_it_was_given(tmp_path):
    path = tmp_path / f"{'x' * 250}.png"
    with pytest.raises(OSError) as error, replacing(path):
        pass
    assert error.value.filename == str(path)


def test_an_error_names_the_file_that_was_asked_for():
    if not os.path.isdir("/proc/self"):
        pytest.skip("needs a folder in which nobody can make a file")
    with pytest.raises(OSError) as error, replacing("/proc/made.json"):
        pass
    assert error.value.filename == "/proc/made.json"
