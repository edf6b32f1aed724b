"""What a package cannot be built of is said in one line, and what was there before stays."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.hooks import wheels
from infra.hooks.wheels import target_python
from tests.infra.package_tools import lock_of, source_archive, trap_archive, wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

WHEEL = b"PK"
DATA = "z-1.0.data"
GOOD_WHEEL = wheel("z", "z/__init__.py", f"{DATA}/purelib/z/more.py", f"{DATA}/scripts/z", f"{DATA}/headers/z.h")
TRAP_WHEEL = wheel("w", "w.py", "../../../host.json")


def build(
    folder: Path, *, lock: str | None = None, path: str | None = None, launch: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Build the package of a copy of the project, whose pip sees nothing but what the test gives it."""
    copy = source_archive(folder)
    if lock is not None:
        (copy / "requirements.txt").write_text(lock)
    (folder / "package.zip").write_bytes(b"the package of yesterday")
    return subprocess.run(
        [*launch, sys.executable, "-m", "infra.hooks.package", str(folder / "package.zip")],
        cwd=copy,
        env={"PATH": path or os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def assert_refused(done: subprocess.CompletedProcess[str], folder: Path, *words: str) -> None:
    """One line that says these words, exit status 1, and what lay there before is still there, and nothing else."""
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    for word in words:
        assert word in line
    assert (folder / "package.zip").read_bytes() == b"the package of yesterday"
    assert {path.name for path in folder.iterdir() if path.is_file()} == {"package.zip"}


@pytest.fixture
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A package index: x 1.0 as a source archive and for Windows, y not as locked, z as it should be, w with a trap."""
    folder = tmp_path_factory.mktemp("index")
    for name, content in (("z", GOOD_WHEEL), ("w", TRAP_WHEEL)):
        (folder / name).mkdir()
        (folder / name / f"{name}-1.0-py3-none-any.whl").write_bytes(content)
    (folder / "x").mkdir()
    names = ("x-1.0.tar.gz", "x-1.0-cp312-cp312-win_amd64.whl")
    (folder / "y").mkdir()
    (folder / "y" / "y-1.0-py3-none-any.whl").write_bytes(b"not what was locked")
    for name in names:
        (folder / "x" / name).write_bytes(WHEEL)
    for project in ("w", "x", "y", "z"):
        links = "".join(f'<a href="{path.name}">{path.name}</a>' for path in (folder / project).iterdir())
        (folder / project / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_a_package_index_one_line_says_where_to_look(tmp_path: Path) -> None:
    done = build(tmp_path, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_CACHE_DIR="1")
    assert_refused(done, tmp_path, "no package index answers", "pip config list")


def test_a_package_without_a_wheel_for_the_app_is_named(tmp_path: Path, index: str) -> None:
    done = build(tmp_path, lock=lock_of("x", WHEEL), PIP_INDEX_URL=index, PIP_NO_CACHE_DIR="1")
    assert_refused(done, tmp_path, "no wheel of x==1.0", f"Python {target_python()} on Linux x86-64", "requirements.in")


def test_a_source_archive_is_not_built_for_the_package_even_when_its_hash_is_locked(tmp_path: Path) -> None:
    marker = tmp_path / "ran" / "it has run"
    index = tmp_path / "ran"
    index.mkdir()
    (index / "trap-1.0.tar.gz").write_bytes(archive := trap_archive(marker))
    done = build(tmp_path, lock=lock_of("trap", archive), PIP_NO_INDEX="1", PIP_FIND_LINKS=str(index))
    assert_refused(done, tmp_path, "no wheel of trap==1.0", "a source archive is not built, because that runs its code")
    assert not marker.exists()


def test_a_package_that_is_not_the_locked_one_is_not_deployed(tmp_path: Path, index: str) -> None:
    done = build(tmp_path, lock=lock_of("y", WHEEL), PIP_INDEX_URL=index, PIP_NO_CACHE_DIR="1")
    assert_refused(done, tmp_path, "does not have the hash of requirements.txt", "do not deploy")


def test_a_wheel_that_would_write_outside_its_folder_is_not_deployed(tmp_path: Path, index: str) -> None:
    done = build(tmp_path, lock=lock_of("w", TRAP_WHEEL), PIP_INDEX_URL=index, PIP_NO_CACHE_DIR="1")
    assert_refused(done, tmp_path, "w-1.0-py3-none-any.whl wants to write outside its folder", "do not deploy")


def test_modules_and_metadata_of_a_wheel_are_packed_and_its_scripts_and_headers_are_not(
    tmp_path: Path, index: str
) -> None:
    done = build(tmp_path, lock=lock_of("z", GOOD_WHEEL), PIP_INDEX_URL=index, PIP_NO_CACHE_DIR="1")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "package.zip") as written:
        names = written.namelist()
    packed = {name.removeprefix(f"{wheels.LIBRARIES}/") for name in names if name.startswith(wheels.LIBRARIES)}
    metadata = {f"z-1.0.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL")}
    assert packed == {"z/__init__.py", "z/more.py", *metadata}


def test_a_disk_that_is_full_half_way_leaves_the_package_of_yesterday(tmp_path: Path, index: str) -> None:
    small = 'ulimit -f 200; exec "$@"'  # blocks of 512 bytes: every single file fits, and the zip does not
    done = build(
        tmp_path,
        lock=lock_of("z", GOOD_WHEEL),
        launch=("sh", "-c", small, "sh"),
        PIP_INDEX_URL=index,
        PIP_NO_CACHE_DIR="1",
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert_refused(done, tmp_path, "the package could not be written")


def test_a_lock_without_hashes_is_refused(tmp_path: Path) -> None:
    assert_refused(build(tmp_path, lock="x==1.0\n"), tmp_path, "x has no hash", "make lock")


def test_without_git_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(build(tmp_path, path=str(tmp_path / "empty")), tmp_path, "git is needed", "install it")


def test_without_pip_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    python = tmp_path / "bare" / "python3"
    copy = source_archive(tmp_path)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    start = (
        f"import sys; sys.executable = {str(python)!r}; from infra.hooks.package import main; sys.exit(main(['p.zip']))"
    )
    python.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=copy, capture_output=True, encoding="utf-8", check=False, timeout=60
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "pip is missing" in line
    assert "ensurepip" in line
    assert not (copy / "p.zip").exists()
