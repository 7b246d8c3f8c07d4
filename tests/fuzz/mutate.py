"""Damage: bytes as a disk or a cut-off download damages them, and JSON that is still JSON."""
from __future__ import annotations

import copy
import json
import struct
from random import Random
from typing import Any, Callable

DEEP, LESS_DEEP = "[deep]", "[less]"  # for lists nested 100,000 and 900 times
NUMBERS = (0, 1, -1, 2, 3, 7, 1.5, -0.0, 1e-300, 1e308, -1e308, float("nan"), float("inf"),
           float("-inf"), 2 ** 31, 2 ** 53, 2 ** 63, -2 ** 63, 2 ** 64, 2 ** 128, 10 ** 400,
           10 ** 6, 10 ** 9, 4096, 65536)
TEXTS = ("", "x", "\0", "\ud800", "é", "~", "~nobody", ".", "..", "\n", "a" * 50_000, "1", "nan",
         "null", DEEP, LESS_DEEP)
OTHERS = (None, True, False, [], {}, [None], [[1]], {"a": 1}, [1, 2], [1, 2, 3], [8, 8, 1],
          [-1, 8, 1], [10 ** 9] * 3, [28, 28, 3], [1.5, 8, 1])


def damaged(data: bytes, rng: Random) -> bytes:
    """The bytes with one to three faults."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice((_flipped, _flipped, _set, _cut, _cut_out, _put_in, _doubled))(made, rng)
    return bytes(made)


def _place(data: bytearray, rng: Random) -> int:
    """Most formats have their wits in the beginning, and some at the end."""
    where = rng.random()
    n = len(data)
    return (rng.randrange(min(n, 64) or 1) if where < 0.4 else
            max(0, n - 1 - rng.randrange(64)) if where < 0.5 else rng.randrange(n or 1))


def _flipped(data: bytearray, rng: Random) -> None:
    if data:
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _set(data: bytearray, rng: Random) -> None:
    at, byte = _place(data, rng), rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
    n = rng.choice((1, 2, 4, 8))
    data[at:at + n] = bytes([byte]) * len(data[at:at + n])


def _cut(data: bytearray, rng: Random) -> None:
    del data[_place(data, rng):]


def _cut_out(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    del data[at:at + rng.choice((1, 2, 4, 100))]


def _put_in(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 100)))


def _doubled(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    data[at:at] = data[at:at + rng.choice((1, 4, 100, 10_000))]


def odd(rng: Random, words: tuple = ()) -> Any:
    """A value that hardly anybody expects; of the words, each of which is right somewhere, too."""
    return copy.deepcopy(rng.choice(rng.choice((NUMBERS, TEXTS, OTHERS, words or NUMBERS))))


def changed(tree: Any, rng: Random, words: tuple = ()) -> Any:
    """The JSON value with one to three faults in its structure."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        holders = [node for node in _nodes(tree) if isinstance(node, (dict, list))]
        if not holders or rng.random() < 0.02:
            return odd(rng, words)
        node = rng.choice(holders)
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = rng.choice(keys) if keys else None
        way = rng.randrange(8)
        if key is None or way == 0:
            _add(node, odd(rng, words), rng, words)
        elif way == 1:
            del node[key]
        elif way == 2 and isinstance(node, dict):
            node[str(rng.choice(words or TEXTS))] = node.pop(key)
        elif way == 3:
            node[key] = rng.choice(([node[key]], {"a": node[key]}, str(node[key])))
        elif way == 4:
            node[key] = node[rng.choice(keys)]
        else:
            node[key] = odd(rng, words)
    return tree


def _add(node: Any, value: Any, rng: Random, words: tuple) -> None:
    if isinstance(node, dict):
        node[str(rng.choice(words or TEXTS))] = value
    else:
        node.insert(rng.randrange(len(node) + 1), value)


def _nodes(tree: Any) -> list[Any]:
    found = [tree]
    for node in found:
        found += node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    return found


def dumped(tree: Any, rng: Random) -> bytes:
    """As text, with a key twice now and then, and in another encoding."""
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.8)
    for word, depth in (DEEP, 100_000), (LESS_DEEP, 900):
        text = text.replace(json.dumps(word), "[" * depth + "]" * depth)
    if isinstance(tree, dict) and tree and rng.random() < 0.05:
        again = json.dumps({rng.choice(list(tree)): rng.choice((None, 1, "x", []))})
        text = text[:-1] + ", " + again[1:]
    encoding = rng.choice(("utf-8",) * 18 + ("utf-16", "latin-1"))
    return text.encode(encoding, "surrogatepass" if encoding[:3] == "utf" else "replace")


def mutated_json(data: bytes, rng: Random, words: tuple = ()) -> bytes:
    """A JSON file: four of five times still JSON."""
    return (damaged(data, rng) if rng.random() < 0.2
            else dumped(changed(json.loads(data), rng, words), rng))


def mutated_lines(data: bytes, rng: Random, words: tuple = ()) -> bytes:
    """A file of JSON lines."""
    lines = data.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    lines[at] = mutated_json(lines[at], rng, words) + b"\n"
    return b"".join(lines)


def mutated_safetensors(data: bytes, rng: Random, words: tuple = ()) -> bytes:
    """A safetensors file: in its bytes, its header, or the text in that."""
    way = rng.random()
    if way < 0.15:
        return damaged(data, rng)
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    text = header.get("__metadata__", {}).get("text")
    if text and way < 0.5:
        header["__metadata__"]["text"] = mutated_json(text.encode(), rng, words).decode(
            "utf-8", "replace")
    elif way < 0.85:
        _retold(header, rng)
    else:
        header = changed(header, rng, words)
    made = dumped(header, rng) if way >= 0.85 else json.dumps(header).encode()
    length = len(made) if rng.random() < 0.98 else rng.choice((0, 1, 2 ** 31, 2 ** 63, 2 ** 64 - 1))
    if rng.random() < 0.1:
        body = damaged(body, rng)
    return struct.pack("<Q", length) + made + body


def _retold(header: dict[str, Any], rng: Random) -> None:
    """The same bytes under other names, types and shapes."""
    names = [name for name in header if name != "__metadata__"]
    name = rng.choice(names)
    entry = header[name]
    way = rng.randrange(5)
    if way == 0:
        header[rng.choice(("x", "", "game", "progress.step", "d_optimizer.lr", name + ".x",
                           name.partition(".")[0]))] = header.pop(name)
    elif way == 1:
        other = rng.choice(names)
        header[name], header[other] = header[other], entry
    elif way == 2:
        entry["shape"] = entry["shape"][::-1] + [1] * rng.randrange(3)
    elif way == 3:
        entry["dtype"] = rng.choice(("I32", "U32", "F32", "F64", "I64", "C64", "F16", "BF16"))
        wide = {"64": 2, "16": 0.5, "32": 1}[entry["dtype"][-2:]]
        if entry["shape"] and entry["shape"][0] % 2 == 0:
            entry["shape"][0] = int(entry["shape"][0] / wide)
    else:
        header["__metadata__"] = rng.choice(({}, {"text": "{}"}, {"text": "[]"}, {"text": "{"},
                                             {"other": "x"}, {"text": "null"}))


Mutator = Callable[[bytes, Random], bytes]
