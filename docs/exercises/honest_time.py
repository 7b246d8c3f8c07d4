"""How long does it take?

Chapter: fast_cpu. 4 minutes.

`best_time` is to say how long `f` takes **when nothing disturbs it**. Its first call finds nothing
in the cache, and now and then the machine does something else for a while: both make a call longer,
and nothing makes one shorter than it is. The mean, as written, contains all of that. Mend it: still
`repeats` calls, each timed by itself.
"""
# %% start
import time


def best_time(f, repeats=5, clock=time.perf_counter):
    start = clock()
    for _ in range(repeats):
        f()
    return (clock() - start) / repeats


print(f"{1e3 * best_time(lambda: sum(range(100_000))):.2f} ms")
# %% solution
import time


def best_time(f, repeats=5, clock=time.perf_counter):
    times = []
    for _ in range(repeats):
        start = clock()
        f()
        times.append(clock() - start)
    return min(times)       # what disturbs only adds: the least disturbed call is the shortest


print(f"{1e3 * best_time(lambda: sum(range(100_000))):.2f} ms")
# %% check
def tried(times, repeats):
    """best_time of a function that takes these times, one after another, by a clock of its own."""
    now, calls = [100.0], []

    def f():
        now[0] += times[min(len(calls), len(times) - 1)]
        calls.append(1)

    return best_time(f, repeats, lambda: now[0]), len(calls)


for times, what in [([0.3, 0.3, 0.3], "every call takes 0.3 s"),
                    ([0.9, 0.2, 0.2, 0.2], "the first call takes 0.9 s, the others 0.2"),
                    ([0.9, 0.2, 0.7, 0.7, 0.7], "disturbed calls take 0.7 s, one is not, 0.2"),
                    ([0.2, 0.9, 0.9], "the first call is the one that is not disturbed, 0.2 s"),
                    ([0.9, 0.8, 0.8, 0.8, 0.2], "the last call is the undisturbed one, 0.2 s")]:
    got, calls = tried(times, len(times))
    assert got is not None and got is not ..., "best_time returns nothing yet"
    assert calls == len(times), f"with repeats={len(times)} f was called {calls} times"
    assert abs(got - min(times)) < 1e-9, (
        f"{what}: best_time says {got:.3g} s. Of the times of single calls, which one is the "
        "nearest to that of an undisturbed call?")
