"""The pool that the kernels share their work on."""
from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from minigan.backend import BackendError
from minigan.backend.cpu import threads


@pytest.fixture(autouse=True)
def fresh_pool(monkeypatch):
    monkeypatch.setenv("MINIGAN_NUM_THREADS", "3")
    threads._forget_pool()
    yield
    threads._forget_pool()


def test_every_item_is_taken_once():
    done = []
    threads.share(done.append, range(100))
    assert sorted(done) == list(range(100))


def test_all_threads_take_part():
    barrier, names = threading.Barrier(3, timeout=30), set()

    def meet(_):
        barrier.wait()  # passes only if three threads are here at once
        names.add(threading.current_thread())

    threads.share(meet, range(3))
    assert len(names) == 3


def test_sharing_within_a_task_stays_on_its_thread():
    inner = {}

    def outer(i):
        taken = []
        threads.share(lambda _: taken.append(threading.current_thread()), range(5))
        inner[i] = (threading.current_thread(), set(taken))

    threads.share(outer, range(6))
    assert all(taken == {thread} for thread, taken in inner.values()) and len(inner) == 6


@pytest.mark.parametrize("n", [1, 3, 50])
def test_an_error_is_raised_where_share_was_called_and_stops_the_rest(n):
    def fail(i):
        raise ZeroDivisionError(f"item {i}")

    with pytest.raises(ZeroDivisionError, match="item"):
        threads.share(fail, range(n))
    done = []
    threads.share(done.append, range(4))  # the pool is as good as before
    assert sorted(done) == [0, 1, 2, 3]


def test_the_number_of_threads_is_the_variables_or_that_of_the_cores_we_may_use(monkeypatch):
    assert threads.count() == 3
    monkeypatch.delenv("MINIGAN_NUM_THREADS")
    threads._forget_pool()
    if hasattr(os, "sched_getaffinity"):
        assert threads.count() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("value", ["0", "two", "-1", "1.5", "100000"])
def test_a_number_of_threads_that_is_none_is_refused(monkeypatch, value):
    monkeypatch.setenv("MINIGAN_NUM_THREADS", value)
    threads._forget_pool()
    with pytest.raises(BackendError, match=f"NUM_THREADS is a number from 1 .*, not '{value}'"):
        threads.count()


def test_without_threadpoolctl_the_blas_keeps_its_threads_and_we_have_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)  # makes its import fail
    threads._forget_pool()
    assert threads.count() == 1


def test_scratch_memory_is_each_threads_own_and_used_again():
    first = threads.scratch("a", (2, 3), np.float32)
    again = threads.scratch("a", (4,), np.float32)
    assert np.shares_memory(first, again) and again.shape == (4,)
    assert not np.shares_memory(first, threads.scratch("b", (2, 3), np.float32))
    others, barrier = [], threading.Barrier(3, timeout=30)

    def take(_):
        barrier.wait()
        others.append(threads.scratch("a", (2, 3), np.float32))

    threads.share(take, range(3))
    assert sum(np.shares_memory(first, other) for other in others) == 1


FORKED = """
import os, numpy as np
from minigan.backend.cpu import threads
done = []
threads.share(done.append, range(8))
child = os.fork()
if child == 0:
    more = []
    threads.share(more.append, range(8))  # with the parent's threads it would wait for ever
    os._exit(0 if sorted(more) == list(range(8)) else 1)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_starts_threads_of_its_own():
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    assert subprocess.run(command, timeout=60).returncode == 0


def test_a_task_leaves_nothing_behind_when_it_is_done():
    """A thread that kept the last task would keep its arrays."""
    import gc
    import weakref

    class Big:
        pass

    big = Big()
    alive = weakref.ref(big)
    threads.share(lambda _, big=big: None, range(9))
    del big
    gc.collect()
    assert alive() is None
