"""A folder's lock: one process at a time has it, whatever becomes of it."""
from __future__ import annotations

import gc
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from minigan import locks
from minigan.locks import NAME, Lock, Taken, lock

HOLD = """
import sys, time
from pathlib import Path
from minigan.locks import lock

held = lock(Path(sys.argv[1]))
print(flush=True)
time.sleep(60)
"""


def test_another_process_is_refused_by_whose_it_is_until_that_one_is_killed(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    other.stdout.readline()
    with pytest.raises(Taken, match=rf"^process {other.pid} on .+ \(since 20"):
        lock(tmp_path)
    other.kill()
    other.communicate()
    assert (tmp_path / NAME).exists()  # nobody was there to remove it
    held = lock(tmp_path)
    assert f"process {os.getpid()} on" in (tmp_path / NAME).read_text()
    held.release()
    assert not (tmp_path / NAME).exists()


def test_it_is_one_lock_among_the_objects_of_a_process_and_ends_with_the_last(tmp_path):
    held = lock(tmp_path)
    assert lock(tmp_path / ".." / tmp_path.name) is held
    with pytest.raises(Taken, match=f"process {os.getpid()} "):
        Lock(tmp_path)  # as another process would
    del held
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_removed_and_made_anew_is_locked_anew(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    old = lock(folder)
    (folder / NAME).unlink()
    new = lock(folder)
    assert new is not old and new.holds() and not old.holds()
    old.release()
    assert (folder / NAME).exists()


@pytest.mark.skipif(locks.fcntl is None, reason="there are no such locks")
def test_a_file_system_without_locks_gives_it_to_everybody(tmp_path, monkeypatch):
    def unsupported(*args):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks, "fcntl", SimpleNamespace(flock=unsupported, LOCK_EX=0, LOCK_NB=0))
    assert Lock(tmp_path).holds() and Lock(tmp_path).holds()


def test_where_there_is_no_fcntl_windows_is_asked(tmp_path, monkeypatch):
    def locking(file, mode, count):
        if taken:
            raise PermissionError
        taken.append((mode, count))

    taken = []
    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setattr(locks, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    held = Lock(tmp_path)
    with pytest.raises(Taken, match=f"process {os.getpid()} on"):
        Lock(tmp_path)
    held.release()
    assert taken == [(2, 1)] and not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_forked_process_neither_has_the_lock_nor_takes_it_along(tmp_path):
    held = lock(tmp_path)
    child = os.fork()
    if not child:
        try:
            lock(tmp_path)
        except Taken:
            held.release()  # as at its end
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0 and held.holds()
    with pytest.raises(Taken):
        Lock(tmp_path)
