"""What runs the blocks of a page in a browser, here without one."""
from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).resolve().parents[2] / "docs/live/running.py"


@pytest.fixture
def running(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)  # and back
    spec = importlib.util.spec_from_file_location("running", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(running):
    def run(source, space="page", prompt=False):
        told = []
        result = running.run(source, "graph, block 1", space, lambda *part: told.append(part),
                             prompt)
        text = "".join(part[2] for part in told if part[0] == "text")
        return result, text, [part[1:] for part in told if part[0] == "picture"]

    return run


def test_the_value_of_the_last_line_is_shown_and_at_a_prompt_that_of_each(run):
    assert run("x = 1\nx\nprint(2)\nx + 2\n")[1] == "2\n3\n"
    assert run("for i in range(2): i\n")[1] == ""
    assert run("x\nNone\nx + 2\nfor i in range(2): i\n", prompt=True)[1] == "1\n3\n0\n1\n"
    assert run("")[0] == {"ok": True, "error": None, "as_shown": True}
    assert not run("x", space="another")[0]["ok"]  # it has names of its own


def test_lines_with_prompts_print_their_values_and_what_is_not_as_shown_is_noticed(run):
    result, text, _ = run(">>> x = 2\n>>> for i in range(2):\n...     print(i * x)\n0\n2\n"
                          ">>> x\n2\n")
    assert (result["ok"], result["as_shown"], text) == (True, True, "0\n2\n2\n")
    assert not run(">>> 1 + 1\n3\n")[0]["as_shown"]
    result, text, _ = run(">>> 1 / 0\nTraceback (most recent call last):\n    ...\n"
                          "ZeroDivisionError: division by zero\n>>> 1\n1\n")
    assert (result["ok"], result["as_shown"]) == (True, True)
    assert text == "ZeroDivisionError: division by zero\n1\n"


@pytest.mark.parametrize("source, line", [("def f():\n    return 1 / 0\n\nf()\n", "return 1 / 0"),
                                          (">>> x = 1\n>>> x.nothing\n1\n", "x.nothing")])
def test_a_traceback_begins_at_the_readers_line_and_shows_it(run, source, line):
    result = run(source)[0]
    assert not result["ok"] and line in result["error"]
    assert "running.py" not in result["error"]
    assert result["error"].splitlines()[1].startswith('  File "graph, block 1", line ')


def test_a_mistake_in_the_syntax_is_told_without_the_lines_that_found_it(run):
    assert run("x = (")[0]["error"].splitlines()[0] == '  File "graph, block 1", line 1'


@pytest.mark.parametrize("source", ["x = (", "raise SystemExit(3)", "raise KeyboardInterrupt"])
def test_whatever_a_block_raises_the_next_one_runs(run, source):
    assert not run(source)[0]["ok"]
    assert run("print(1)")[1] == "1\n"


def test_pictures_and_pages_that_a_block_writes_are_shown_once_and_the_last_of_many(run):
    write = ("from pathlib import Path\n"
             "for i in range({}): Path(f'{{i}}.svg').write_text('<svg/>')\n")
    assert run(write.format(1))[2] == [("0.svg", "image/svg+xml", b"<svg/>")]
    assert run("1")[2] == []
    assert len(run(write.format(9))[2]) == 4


def test_a_flood_of_lines_is_told_in_few_messages_and_all_of_it(running):
    told = []
    running.run("for i in range(20_000): print(i)", "block", "page",
                lambda *part: told.append(part[2]))
    assert "".join(told) == "".join(f"{i}\n" for i in range(20_000))
    assert len(told) < 5_000


def test_what_was_printed_is_told_before_a_picture_and_all_of_it_at_the_end(running):
    told = []
    running._Told.close = lambda self: None  # which a stream does when it is forgotten
    drawn = "class Drawn:\n    def _repr_svg_(self):\n        return '<svg/>'\n\n"
    for end in ("Drawn()\n", ""):
        told.clear()
        running.run(drawn + "for i in range(500): print(i)\n" + end, "block", "page",
                    lambda *part: told.append(part))
        text = "".join(part[2] for part in told[:-1 if end else None])
        assert text == "".join(f"{i}\n" for i in range(500))
        assert (told[-1][0] == "picture") == bool(end)


def test_a_value_that_draws_itself_is_a_picture(run):
    drawn = "class Drawn:\n    def _repr_svg_(self):\n        return '<svg/>'\n\nDrawn()\n"
    assert run(drawn)[1:] == ("", [("Drawn", "image/svg+xml", b"<svg/>")])
    page = "from pathlib import Path\nPath('{}.html').write_text('x')\n"
    assert [one[0] for one in run(page.format(1) + drawn)[2]] == ["Drawn"]  # which it is
    assert [one[0] for one in run(page.format(2))[2]] == ["2.html"]


def test_arrays_go_to_the_page_flat_with_their_shapes(running, run):
    run("import numpy as np\ndef frame(n):\n    return {'x': np.ones((n, 2), np.float32).T, "
        "'ok': np.array([True]), 'list': [np.float32(2), (1, 'a')], 'none': None}\n")
    frame = running.call("page", "frame", 3)
    assert frame["x"]["shape"] == [2, 3] and frame["x"]["data"].shape == (6,)
    assert frame["ok"]["data"].dtype == np.uint8
    assert (frame["list"], frame["none"]) == ([2.0, [1, "a"]], None)
