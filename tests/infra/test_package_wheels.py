"""Only the locked wheels for the app's Python are believed, whatever pip fetched."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.markers import Marker

from infra.hooks import wheels
from infra.hooks.lock import PROJECT, LockError, marker_applies, python_packages

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    "marker", sorted({one.marker for one in python_packages(PROJECT / "requirements-dev.txt")} - {""})
)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_markers_of_the_locks_mean_what_packaging_says(marker: str, python: str) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    environment |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    assert marker_applies(marker, environment) is Marker(marker).evaluate(environment)


@pytest.mark.parametrize(
    "marker",
    ["(sys_platform == 'win32')", "python_version in '3.11'", "sys_platform < 'linux'", "no_such_name == 'x'",
     "python_full_version < '3.13a1'"],
)  # fmt: skip
def test_a_marker_that_is_not_understood_is_refused_not_guessed(marker: str) -> None:
    with pytest.raises(LockError, match=r"not understood|orders texts"):
        marker_applies(marker, {"sys_platform": "linux", "python_version": "3.12", "python_full_version": "3.12.0"})


WHEEL = b"PK"
HASH = hashlib.sha256(WHEEL).hexdigest()


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "did not fetch x 1.0"),
        ({"x-1.1-py3-none-any.whl": WHEEL}, "fetched x-1.1-py3-none-any.whl, which requirements.txt does not ask for"),
        ({"x-1.0.tar.gz": WHEEL}, "fetched x-1.0.tar.gz, which"),
        ({"x-1.0-py3-none-any.whl": b"else"}, "does not have a hash of requirements.txt"),
        ({"x-1.0-cp313-cp313-manylinux_2_28_x86_64.whl": WHEEL}, "does not run on Python 3.12 on Linux x86-64"),
        ({"x-1.0-cp312-cp312-win_amd64.whl": WHEEL}, "does not run on Python 3.12 on Linux x86-64"),
        ({"x-1.0-cp312-cp312-musllinux_1_2_x86_64.whl": WHEEL}, "does not run on"),
        ({"x-1.0-cp312-cp312-manylinux_2_39_x86_64.whl": WHEEL}, "does not run on"),
        ({"x-1.0-cp313-abi3-manylinux2014_x86_64.whl": WHEEL}, "does not run on"),
        ({"x-1.0-cp312-cp312t-manylinux2014_x86_64.whl": WHEEL}, "does not run on"),
        ({"x-1.0-py2-none-any.whl": WHEEL}, "does not run on"),
    ],
)
def test_what_pip_fetched_is_believed_only_when_it_is_the_locked_wheel_for_the_target(
    tmp_path: Path, files: dict[str, bytes], complaint: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (lock := tmp_path.parent / "lock.txt").write_text(f"x==1.0 \\\n    --hash=sha256:{HASH}\n")
    with pytest.raises(wheels.PackageError, match=complaint):
        wheels.verified(python_packages(lock), "3.12", tmp_path)


@pytest.mark.parametrize(
    "tags",
    ["py3-none-any", "py2.py3-none-any", "cp312-cp312-manylinux_2_28_x86_64", "cp37-abi3-manylinux2014_x86_64",
     "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp312-none-any", "1-py3-none-any"],
)  # fmt: skip
def test_wheels_for_the_target_are_taken(tmp_path: Path, tags: str) -> None:
    (tmp_path / f"x-1.0-{tags}.whl").write_bytes(WHEEL)
    (lock := tmp_path.parent / "lock.txt").write_text(f"X==1.0 \\\n    --hash=sha256:{HASH}\n")
    assert [path.name for path in wheels.verified(python_packages(lock), "3.12", tmp_path)] == [f"x-1.0-{tags}.whl"]
