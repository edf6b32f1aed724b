"""Copies of the project, and wheels and locks to build a package of."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

from infra.hooks import package
from infra.hooks.lock import PROJECT

PARTS = {
    "collector",
    "compliance_api",
    "notification_endpoint",
    "operations",
    "publisher",
    "registry",
    "verdicts",
    "infra/queries",
}
"""The folders of the product."""


def source_archive(folder: Path) -> Path:
    """Return a copy of the project as GitHub offers it for download: every file, and no .git."""
    copy = folder / "archive"
    if not copy.exists():
        for name in package.project_files():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, copy / name)
    return copy


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make_repository(folder: Path, ignored: str) -> Path:
    git(folder, "init", "--quiet")
    (folder / ".funcignore").write_text(ignored)
    return folder


def git(folder: Path, *arguments: str) -> str:
    program = str(shutil.which("git"))
    done = subprocess.run([program, "-C", str(folder), *arguments], check=True, capture_output=True, encoding="utf-8")
    return done.stdout


def wheel(name: str, *members: str) -> bytes:
    """Return a wheel of version 1.0 with these members, each of one line."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for member in members:
            archive.writestr(zipfile.ZipInfo(member), "x = 1\n")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", tags)
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return content.getvalue()


def trap_archive(marker: Path) -> bytes:
    """Return a source archive of the package `trap` 1.0; who builds it runs its code, which leaves the marker."""
    content = io.BytesIO()
    setup = f"open({str(marker)!r}, 'w').close()\nimport setuptools\nsetuptools.setup(name='trap', version='1.0')\n"
    files = {"trap-1.0/setup.py": setup, "trap-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: trap\nVersion: 1.0\n"}
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def lock_of(name: str, content: bytes) -> str:
    return f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"
