"""Boxes in time

Chapter: compiling. 8 minutes.

A list of kernels makes arrays. Each is `(first, last, size)`: made by call number `first`, read for
the last time by call number `last`, `size` bytes long. `placed` gives each an offset in one block
of memory. Here every array has a place of its own. Let those that never live at the same time
share: take the largest first, and put each at the lowest offset where it overlaps none of those
placed before that live while it does. (An array that is made by the call which reads another for
the last time lives together with it: the call reads and writes.)
"""
# %% start
def placed(arrays):
    """An offset for each of the arrays, in their order."""
    offsets, end = [], 0
    for _, _, size in arrays:
        offsets.append(end)
        end += size
    return offsets


arrays = [(0, 2, 400), (1, 3, 100), (3, 5, 300), (4, 5, 200)]
offsets = placed(arrays)
print(offsets, max(o + size for o, (_, _, size) in zip(offsets, arrays)), "bytes")   # 500 will do
# %% solution
def placed(arrays):
    """An offset for each of the arrays, in their order."""
    offsets = [None] * len(arrays)
    for i in sorted(range(len(arrays)), key=lambda i: -arrays[i][2]):
        first, last, size = arrays[i]
        others = sorted((offsets[j], arrays[j][2]) for j in range(len(arrays))
                        if offsets[j] is not None
                        and arrays[j][0] <= last and first <= arrays[j][1])
        at = 0
        for offset, taken in others:           # from the bottom up: does it fit below this one?
            if at + size <= offset:
                break
            at = max(at, offset + taken)
        offsets[i] = at
    return offsets


arrays = [(0, 2, 400), (1, 3, 100), (3, 5, 300), (4, 5, 200)]
offsets = placed(arrays)
print(offsets, max(o + size for o, (_, _, size) in zip(offsets, arrays)), "bytes")   # 500 will do
# %% check
import random

chance = random.Random(0)


def high(offsets, arrays):
    return max(o + size for o, (_, _, size) in zip(offsets, arrays))


def low_enough(arrays):
    """What the rule of the task needs."""
    done = []
    for first, last, size in sorted(arrays, key=lambda a: -a[2]):
        others = sorted((o, s) for o, f, g, s in done if f <= last and first <= g)
        at = 0
        for o, s in others:
            if at + size <= o:
                break
            at = max(at, o + s)
        done.append((at, first, last, size))
    return max(o + s for o, _, _, s in done)


for trial in range(200):
    few = trial < 100
    arrays = [(0, 2, 400), (1, 3, 100), (3, 5, 300), (4, 5, 200)] if trial == 0 else [
        (f := chance.randrange(6 if few else 40), f + chance.randrange(1, 4),
         (k + 1) * 10 + chance.randrange(9)) for k in range(3 if few else 30)]
    before = list(arrays)
    offsets = placed(arrays)
    assert arrays == before, "placed is to leave the list of arrays as it is"
    assert len(offsets) == len(arrays) and all(
        isinstance(o, int) and o >= 0 for o in offsets), (
        f"an offset of 0 or more for each of {arrays}, not {offsets}")
    for i, (a, o) in enumerate(zip(arrays, offsets)):
        for b, p in list(zip(arrays, offsets))[i + 1:]:
            assert a[1] < b[0] or b[1] < a[0] or o + a[2] <= p or p + b[2] <= o, (
                f"{a} at {o} and {b} at {p} overlap, and both live at call "
                f"{max(a[0], b[0])}: one would write over the other")
    assert high(offsets, arrays) <= low_enough(arrays), (
        f"of {arrays} the highest byte is {high(offsets, arrays)}, and "
        f"{low_enough(arrays)} would do: who may share a place, and is the largest placed first?")
