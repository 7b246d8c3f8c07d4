"""`minigan book`: the built book in the browser, where its code runs in its pages."""
from __future__ import annotations

import argparse
import sys
import webbrowser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..settings import whole

BUILT = Path("docs/_build")  # as its builder is told, in a copy of the repository
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript",
         ".css": "text/css", ".json": "application/json", ".wasm": "application/wasm",
         ".whl": "application/zip", ".zip": "application/zip"}  # whatever the system says
HEADERS = {"Cross-Origin-Opener-Policy": "same-origin",  # these two: memory may be shared with
           "Cross-Origin-Embedder-Policy": "require-corp",  # the worker that computes
           "Cache-Control": "no-cache"}  # the book may be built again


def register(commands: Any) -> None:
    """Add the command to the subparsers of `minigan`."""
    p = commands.add_parser(
        "book", help="read the built book in the browser, and run its code there",
        description="Serves the book to this machine alone and opens it, until Ctrl-C. Build it "
        "first, in a copy of the repository: sphinx-build docs docs/_build")
    p.set_defaults(command=book)
    p.add_argument("folder", nargs="?", type=Path, default=BUILT, metavar="FOLDER",
                   help="the built book (default: docs/_build)")
    p.add_argument("--port", type=whole(0, 65535), default=8000, metavar="N",
                   help="where; 0 is a free one (default: 8000, for the browser keeps what you "
                   "have done by it)")
    p.add_argument("--no-open", action="store_true", help="print the address, and open nothing")


def book(args: argparse.Namespace) -> None:
    """`minigan book`."""
    with server(args.folder, args.port) as serving:
        address = f"http://127.0.0.1:{serving.server_port}/"
        if not (args.folder / "_static/live").is_dir():
            print("this book was built without what runs its code in its pages")
        print(f"{address} (Ctrl-C ends it)", flush=True)
        if not args.no_open:
            webbrowser.open(address)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            print("the book is closed")


class Server(ThreadingHTTPServer):
    """A server that says nothing of readers who have gone on to the next page."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """What went wrong, but for a connection that was closed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(SimpleHTTPRequestHandler):
    """Files of a folder, and nothing that lies or is linked outside of it."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **TYPES}

    def send_head(self) -> Any:
        """The file to send, or None where an error was."""
        if self.headers.get("Host", "").partition(":")[0] not in ("localhost", "127.0.0.1"):
            self.send_error(403, "the book is served to this machine alone")  # a rebound name's
        elif not self.is_inside():
            self.send_error(404)
        else:
            return super().send_head()
        return None

    def is_inside(self) -> bool:
        """Whether what is asked for lies in the folder, once links are followed."""
        try:
            path = Path(self.translate_path(self.path)).resolve()
        except ValueError:  # a zero byte
            return False
        return path.is_relative_to(Path(self.directory).resolve())

    def list_directory(self, path: Any) -> None:
        """A folder without an index is no page."""
        self.send_error(404)

    def end_headers(self) -> None:
        """Ends the headers with those of every answer."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Of requests nothing is printed."""


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the built book on this machine's loopback; port 0 is a free one. Raises UserError
    for another folder, and for a port that cannot be had."""
    if not (folder / "index.html").is_file():
        raise UserError(f"{folder} holds no built book: in a copy of the repository, pip install "
                        "'.[docs]', then sphinx-build docs docs/_build")
    try:
        return Server(("127.0.0.1", port), partial(Handler, directory=str(folder)))
    except OSError as error:
        raise UserError(f"port {port}: {error.strerror}; --port 0 takes a free one") from None
