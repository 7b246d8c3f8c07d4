"""A pool of threads that share one kernel's work, and the scratch memory that each of them reuses.

NumPy lets go of Python's lock while it computes, so threads over slices of the arrays use every
core. The kernels decide how work is cut from the shapes alone, never from the number of threads:
the results are the same bits for any number.

From the first use on, the BLAS behind NumPy's products is held to one thread for each of ours: its
own threads would compete with them for the same cores, and they keep spinning after a product.
Without threadpoolctl it cannot be held, so its threads are used, and none of ours.
"""
from __future__ import annotations

import math
import os
import threading
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, Callable, Iterable

import numpy as np

MOST = 1024                  # threads that may be asked for
_local = threading.local()   # scratch memory; and whether this thread is at work for `share`
_lock = threading.Lock()
_jobs: SimpleQueue = SimpleQueue()  # what the threads wait for: (work, where to say it is done)
_count = 0                   # how many threads compute; 0 before the first use


def cores() -> int:
    """How many of the machine's cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _wanted() -> int:
    """MINIGAN_NUM_THREADS, or as many threads as cores."""
    asked = os.environ.get("MINIGAN_NUM_THREADS", "").strip()
    if asked:
        if not asked.isdecimal() or not 1 <= int(asked) <= MOST:
            from .. import BackendError  # the package imports this module first
            raise BackendError(f"MINIGAN_NUM_THREADS is a number from 1 to {MOST}, not {asked!r}")
        return int(asked)
    return cores()


def count() -> int:
    """How many threads share the kernels' work; the first call starts them."""
    global _count
    if _count == 0:
        with _lock:
            if _count == 0:
                n = _wanted()
                try:
                    from threadpoolctl import threadpool_limits  # optional: imported where used
                    threadpool_limits(1, user_api="blas")
                except ImportError:
                    n = 1
                for _ in range(n - 1):
                    threading.Thread(None, _serve, "minigan", (_jobs,), daemon=True).start()
                _count = n
    return _count


def _serve(jobs: SimpleQueue) -> None:
    """One thread's life. A queue and no more, because a Future costs twice as much as it."""
    _local.busy = True
    while True:
        work, done = jobs.get()
        error = None
        try:
            work()
        except BaseException as caught:  # to be raised in the thread that waits for it
            error = caught
        del work  # and with it the arrays that it holds
        done.put(error)
        del done, error


def share(task: Callable[[Any], None], items: Iterable[Any], worth: bool = True) -> None:
    """task(item) for every item, on all threads; each takes the next one when it is done. If it
    is not worth waking them, on this one.

    Tasks write to places of their own. Called from within a task, it runs on that thread alone.
    The first error is raised once every thread has stopped.
    """
    items = list(items)
    if count() == 1 or not worth or len(items) < 2 or getattr(_local, "busy", False):
        for item in items:
            task(item)
        return
    remaining = iter(items)  # shared by the threads: `next` holds Python's lock

    def work() -> None:
        for item in remaining:
            task(item)

    done: SimpleQueue = SimpleQueue()
    helpers = min(_count, len(items)) - 1
    for _ in range(helpers):  # in this thread's context, which has NumPy's errstate
        _jobs.put((partial(copy_context().run, work), done))
    _local.busy = True
    try:
        work()
    finally:
        for _ in remaining:  # after an error or Ctrl-C nothing further is begun
            pass
        _local.busy = False
        errors = [done.get() for _ in range(helpers)]
    for error in errors:
        if error is not None:
            raise error


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Memory of this thread to compute in, unset; the next call with this name writes over it."""
    store = _local.__dict__.setdefault("scratch", {})
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if name not in store or store[name].size < size:
        store[name] = np.empty(size, np.uint8)
    return store[name][:size].view(dtype).reshape(shape)


def _forget_pool() -> None:
    """A forked process has none of its parent's threads: it starts its own."""
    global _jobs, _count, _lock
    _jobs, _count, _lock = SimpleQueue(), 0, threading.Lock()
    _local.__dict__.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
