"""`minigan book` serves the built book, and nothing else, to this machine, and to nobody else."""
from __future__ import annotations

import os
import re
import socket
import threading
import webbrowser
from http.client import HTTPConnection

import pytest

from minigan.cli import book as command
from minigan.cli import main

TYPES = {"index.html": "text/html; charset=utf-8", "a.js": "text/javascript",
         "a.mjs": "text/javascript", "a.css": "text/css", "a.json": "application/json",
         "a.wasm": "application/wasm", "a.whl": "application/zip", "a.zip": "application/zip"}


@pytest.fixture
def folder(tmp_path):
    """A built book, with a secret beside it."""
    built = tmp_path / "book"
    (built / "_static/live").mkdir(parents=True)
    for name in TYPES:
        (built / name).write_text(name)
    (tmp_path / "secret").write_text("a secret")
    return built


@pytest.fixture
def ask(folder):
    """Asks the server for a path, as a browser does; the answer, and its text."""
    with command.server(folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def ask(path, host="localhost", method="GET"):
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            connection.putrequest(method, path, skip_host=True)
            if host is not None:
                connection.putheader("Host", host)
            connection.endheaders()
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            return answer, text

        assert server.server_address[0] == "127.0.0.1"
        yield ask
        server.shutdown()
        thread.join()


def test_files_come_with_their_types_and_what_lets_a_worker_share_memory(ask):
    for name, kind in TYPES.items():
        answer, text = ask(f"/{name}", "127.0.0.1:80")
        assert (answer.status, answer.headers["Content-Type"]) == (200, kind), name
        assert text.decode() == name
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert answer.headers["Cache-Control"] == "no-cache"
    assert ask("/")[1] == b"index.html"


def test_nothing_outside_of_the_folder_is_served_and_no_list_of_it(ask, folder, capfd):
    os.symlink(folder.parent / "secret", folder / "link")
    os.symlink(folder.parent, folder / "above")
    for path in ("/../secret", "/%2e%2e/secret", "/_static/../../secret", "//../secret", "/link",
                 "/above/secret", "/_static/", "/nothing", "/a%00b", str(folder.parent / "secret")):
        answer, text = ask(path)
        assert answer.status == 404 and b"a secret" not in text, path
    assert ask("/index.html", method="POST")[0].status == 501
    assert capfd.readouterr() == ("", "")


def test_a_page_of_another_name_is_refused(ask):
    for host in ("example.org", "example.org:80", "127.0.0.1.example.org", "", None):
        answer, text = ask("/index.html", host)
        assert answer.status == 403 and b"index.html" not in text, host


def test_the_command_opens_the_book_and_ctrl_c_closes_it(folder, monkeypatch, capsys):
    def interrupted(server):
        raise KeyboardInterrupt

    opened = []
    monkeypatch.setattr(command.Server, "serve_forever", interrupted)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert main(["book", str(folder), "--port", "0"]) == 0
    address, closed = capsys.readouterr().out.splitlines()
    assert [f"{opened[0]} (Ctrl-C ends it)", "the book is closed"] == [address, closed]
    (folder / "_static/live").rmdir()
    assert main(["book", str(folder), "--port", "0", "--no-open"]) == 0
    assert "without what runs its code" in capsys.readouterr().out and len(opened) == 1


def test_mistakes_are_answered_in_one_line(folder, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for words, says in (([str(folder), "--port", port], f"port {port}: Address already in use"),
                            ([str(folder.parent)], "holds no built book: .*sphinx-build docs"),
                            ([str(folder / "a.js")], "holds no built book"),
                            ([str(folder), "--port", "65536"], "from 0 to 65535")):
            try:
                status = main(["book", *words])
            except SystemExit as ended:
                status = ended.code
            said = capsys.readouterr()
            assert status == 2 and said.out == "" and said.err.count("\n") == 1, words
            assert re.search(says, said.err), said.err


def test_the_book_is_looked_for_where_its_builder_was_told_to_put_it(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder.parent)
    assert main(["book", "--no-open"]) == 2
    assert "minigan book: docs/_build holds no built book" in capsys.readouterr().err
