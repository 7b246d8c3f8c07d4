"""Computed twice

Chapter: compiling. 8 minutes.

The loss on logits computes e^−|x|, and so does its gradient. In a list of calls that can be seen:
the same function of the same arrays. Each call is `(name, reads, writes)`; every array is written
once, and has a name. `without_repeats` is to leave out a call whose function and arrays are those
of an earlier one; whoever reads its result is to read the earlier result in its place. Mind that
this makes further calls equal. (A draw of random numbers gives others each time: `random` is never
left out.)
"""
# %% start
def without_repeats(calls):
    """The calls that are left, with the names that they read now."""
    return calls


calls = [("abs", ("x",), "a"), ("exp", ("a",), "b"), ("log1p", ("b",), "loss"),
         ("abs", ("x",), "c"), ("exp", ("c",), "d"), ("divide", ("d", "x"), "grad")]
for call in without_repeats(calls):
    print(*call)                          # 4 calls, and the last one divides b
# %% solution
def without_repeats(calls):
    """The calls that are left, with the names that they read now."""
    kept, results, instead = [], {}, {}
    for name, reads, writes in calls:
        reads = tuple(instead.get(read, read) for read in reads)
        earlier = results.get((name, reads))
        if earlier is not None and name != "random":
            instead[writes] = earlier
        else:
            results[name, reads] = writes
            kept.append((name, reads, writes))
    return kept


calls = [("abs", ("x",), "a"), ("exp", ("a",), "b"), ("log1p", ("b",), "loss"),
         ("abs", ("x",), "c"), ("exp", ("c",), "d"), ("divide", ("d", "x"), "grad")]
for call in without_repeats(calls):
    print(*call)                          # 4 calls, and the last one divides b
# %% check
CASES = [
    ("one call", [("abs", ("x",), "a")], [("abs", ("x",), "a")]),
    ("the same call twice", [("abs", ("x",), "a"), ("abs", ("x",), "b"), ("exp", ("b",), "c")],
     [("abs", ("x",), "a"), ("exp", ("a",), "c")]),
    ("a chain that is there twice",
     [("abs", ("x",), "a"), ("exp", ("a",), "b"), ("abs", ("x",), "c"), ("exp", ("c",), "d"),
      ("add", ("b", "d"), "e")],
     [("abs", ("x",), "a"), ("exp", ("a",), "b"), ("add", ("b", "b"), "e")]),
    ("three times", [("abs", ("x",), "a"), ("abs", ("x",), "b"), ("abs", ("x",), "c"),
                     ("add", ("b", "c"), "d")],
     [("abs", ("x",), "a"), ("add", ("a", "a"), "d")]),
    ("other arrays", [("abs", ("x",), "a"), ("abs", ("y",), "b")],
     [("abs", ("x",), "a"), ("abs", ("y",), "b")]),
    ("another order of the arrays, which subtract does not take lightly",
     [("subtract", ("x", "y"), "a"), ("subtract", ("y", "x"), "b")],
     [("subtract", ("x", "y"), "a"), ("subtract", ("y", "x"), "b")]),
    ("two draws", [("random", (), "a"), ("random", (), "b"), ("abs", ("b",), "c")],
     [("random", (), "a"), ("random", (), "b"), ("abs", ("b",), "c")]),
    ("another function of the same array", [("abs", ("x",), "a"), ("exp", ("x",), "b")],
     [("abs", ("x",), "a"), ("exp", ("x",), "b")]),
]
for said, calls, expected in CASES:
    before = list(calls)
    got = [(name, tuple(reads), writes) for name, reads, writes in without_repeats(calls)]
    assert calls == before, "without_repeats is to leave the list that it is given as it is"
    assert got == expected, (f"{said}: of\n  " + "\n  ".join(map(str, calls)) + "\nare left\n  "
                             + "\n  ".join(map(str, got)) + "\nand should be\n  "
                             + "\n  ".join(map(str, expected)))
