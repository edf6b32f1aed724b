"""The locked packages as the function app needs them: wheels for its Python on Linux x86-64, unpacked into one folder.

pip fetches them from whatever index it is configured for; this module chooses what is locked for the app's Python,
proves that exactly that has come, and unpacks it. The machine may run another Python, Windows or macOS.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from infra.hooks.lock import PROJECT, RUNTIME_LOCK, Locked, LockError, marker_applies, python_packages

RUNTIME: Final = PROJECT / "infra" / "runtime.json"
LIBRARIES: Final = ".python_packages/lib/site-packages"
"""Where the Python worker of Azure Functions looks for packages.
Source: https://learn.microsoft.com/azure/azure-functions/python-build-options"""

_NEWEST_GLIBC: Final = 28
"""Wheels may ask for glibc 2.28 at most; Azure Functions 4 runs on Debian 11 (2.31) or newer.
Source: https://github.com/Azure/azure-functions-docker"""
_PLATFORMS: Final = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(_NEWEST_GLIBC, 16, -1)),
    "manylinux2014_x86_64",
    "manylinux_2_12_x86_64",
    "manylinux2010_x86_64",
    "manylinux_2_5_x86_64",
    "manylinux1_x86_64",
)
_WHEEL: Final = re.compile(
    r"(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)"
)


class PackageError(ValueError):
    """The package cannot be built; the message is one line that says what to do."""


def target_python(runtime: Path = RUNTIME) -> str:
    """Return the Python of the function app, such as "3.12"."""
    version: str = json.loads(runtime.read_text(encoding="utf-8"))["pythonVersion"]
    return version


def locked_for(python: str, lock: Path = RUNTIME_LOCK) -> list[Locked]:
    """Return what the lock pins for this Python on Linux x86-64; raise LockError."""
    environment = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    return [package for package in python_packages(lock) if marker_applies(package.marker, environment)]


def install(target: Path, python: str, lock: Path = RUNTIME_LOCK) -> int:
    """Fetch and unpack the locked wheels into `target`; return how many.

    Raises:
        PackageError: a wheel could not be had, or is not the locked one, or does not fit.
    """
    try:
        packages = locked_for(python, lock)
    except LockError as error:
        raise PackageError(f"{error}; make the lock again with `make lock`") from error
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder)
        _download(packages, python, wheels)
        for wheel in verified(packages, python, wheels):
            _unpack(wheel, target)
    return len(packages)


def verified(packages: list[Locked], python: str, wheels: Path) -> list[Path]:
    """Return the wheels in order of name; raise PackageError unless they are exactly the locked ones for the target."""
    wanted = {(_normal(package.name), package.version): package for package in packages}
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(wheels.iterdir()):
        match = _WHEEL.fullmatch(path.stem) if path.suffix == ".whl" else None
        key = (_normal(match["name"]), match["version"]) if match else ("", "")
        if match is None or key not in wanted or key in found:
            raise PackageError(f"pip fetched {path.name}, which {RUNTIME_LOCK.name} does not ask for: do not deploy")
        if hashlib.sha256(path.read_bytes()).hexdigest() not in wanted[key].sha256:
            raise PackageError(f"{path.name} does not have a hash of {RUNTIME_LOCK.name}: do not deploy, ask its index")
        if not _fits(python, match["python"], match["abi"], match["platform"]):
            raise PackageError(f"{path.name} does not run on Python {python} on Linux x86-64")
        found[key] = path
    if missing := sorted(f"{package.name} {package.version}" for key, package in wanted.items() if key not in found):
        raise PackageError(f"pip did not fetch {', '.join(missing)}: build the package again")
    return list(found.values())


def _fits(python: str, pythons: str, abis: str, platforms: str) -> bool:
    """Tell whether the tags of a wheel's name fit; each part may hold several, joined by dots.

    Source: https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
    """
    minor = int(python.split(".")[1])
    older = range(2, minor + 1)
    own = f"cp3{minor}"
    for tag in pythons.split("."):
        pure = tag in {"py3", own, *(f"py3{one}" for one in older)} and "none" in abis.split(".")
        compiled = (tag == own and own in abis.split(".")) or (
            tag in {f"cp3{one}" for one in older} and "abi3" in abis.split(".")
        )
        if pure or compiled:
            return any(platform in {"any", *_PLATFORMS} for platform in platforms.split("."))
    return False


def _download(packages: list[Locked], python: str, wheels: Path) -> None:
    """Let pip fetch the wheels, each with a hash of the lock; pip's own configuration names the index."""
    requirements = wheels / RUNTIME_LOCK.name
    requirements.write_text(
        "".join(
            f"{package.name}=={package.version} {' '.join(f'--hash=sha256:{digest}' for digest in package.sha256)}\n"
            for package in packages
        ),
        encoding="utf-8",
    )
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary=:all:"]
    target = ["--python-version", python, "--implementation", "cp", "--abi", f"cp{python.replace('.', '')}"]
    platforms = [word for platform in _PLATFORMS for word in ("--platform", platform)]
    files = ["--dest", str(wheels), "--requirement", str(requirements)]
    done = subprocess.run(  # noqa: S603 - fixed program, values from our own files
        [sys.executable, "-m", "pip", "download", *options, "--require-hashes", *target, *platforms, *files],
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONUTF8": "1", "PIP_REQUIRE_VIRTUALENV": "0"},
    )
    requirements.unlink()
    if done.returncode:
        raise PackageError(_what_pip_means(done.stderr, python))


def _what_pip_means(errors: str, python: str) -> str:
    """Return one line for pip's many."""
    if "No module named pip" in errors:
        return f"pip is missing in {sys.executable}: install it (python3 -m ensurepip, or the package python3-pip)"
    if "DO NOT MATCH THE HASHES" in errors:
        return f"a package does not have the hash of {RUNTIME_LOCK.name}: do not deploy; ask who runs the package index"
    if "Retrying (" in errors or "Connection" in errors:
        return "no package index answers: check the network, and index and proxy in `python3 -m pip config list`"
    if match := re.search(r"No matching distribution found for (\S+)", errors):
        return (
            f"the package index has no wheel of {match[1]} for Python {python} on Linux x86-64, and a source archive is"
            " not built, because that runs its code: if the index is a mirror, add the wheel there; else choose another"
            " version in requirements.in and run `make lock`"
        )
    last = [line for line in errors.splitlines() if line.startswith("ERROR")]
    return f"pip could not fetch the locked packages: {last[-1] if last else 'it did not say why'}"


def _unpack(wheel: Path, target: Path) -> None:
    """Write the modules of a wheel and its metadata; leave out scripts, headers and data files, which no function runs.

    Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            parts = PurePosixPath(member.filename).parts
            if parts[0].endswith(".data"):
                if parts[1] not in {"purelib", "platlib"}:
                    continue
                parts = parts[2:]
            if member.is_dir() or not parts:
                continue
            if ".." in parts or PurePosixPath(*parts).is_absolute():
                raise PackageError(f"{wheel.name} wants to write outside its folder: do not deploy")
            path = target.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, path.open("wb") as copy:
                shutil.copyfileobj(source, copy)


def _normal(name: str) -> str:
    """Return the form of a package's name in which all its spellings are the same."""
    return re.sub(r"[-_.]+", "-", name).lower()
