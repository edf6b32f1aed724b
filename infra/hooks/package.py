"""The deployment package: the product's files and the locked packages, built once and deployed as it is.

`python -m infra.hooks.package FILE.zip` writes the package that the workflows test, release and deploy. Without an
argument it fills the folder build/package, which azd deploys (azure.yaml). Both hold the same files, and Azure installs
nothing: the app also starts where no package index can be reached.

The product's files are those that neither .gitignore nor .funcignore leaves out. Equal sources give equal bytes, as
long as the Python that packs has the same zlib.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from infra.hooks.lock import PROJECT
from infra.hooks.run import run_hook
from infra.hooks.wheels import LIBRARIES, PackageError, install, target_python

AZD_FOLDER: Final = "build/package"
REQUIRED: Final = ("function_app.py", "host.json", "requirements.txt")
_USAGE: Final = "usage: python -m infra.hooks.package [FILE.zip]; without a file it fills build/package for azd\n"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE: Final = 0o100644 << 16


def packaged_files(project: Path = PROJECT) -> list[str]:
    """Return the product's files that go into the package, relative to the project, sorted.

    Raises:
        PackageError: git is missing, or a file without which the app cannot start.
    """
    files = _files(project, "--exclude-from", str(project / ".funcignore"))
    if missing := [name for name in REQUIRED if name not in files]:
        raise PackageError(f"the package would lack {', '.join(missing)}: look at .funcignore and .gitignore")
    return files


def project_files(project: Path = PROJECT) -> list[str]:
    """Return every file of the project that .gitignore does not leave out, relative to it; raise PackageError."""
    return _files(project)


def write_package(target: Path, project: Path = PROJECT) -> int:
    """Write the package as a zip and return the number of its files; a failure leaves what was there before.

    Raises:
        PackageError: the package cannot be built.
    """
    if not target.parent.is_dir():
        raise PackageError(f"there is no folder {target.parent} for {target.name}")
    with tempfile.TemporaryDirectory() as folder:
        count = _build(Path(folder), project)
        unfinished = target.with_name(f"{target.name}.unfinished")
        try:
            _zip(Path(folder), unfinished)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
    return count


def write_folder(project: Path = PROJECT) -> int:
    """Fill the folder that azd deploys and return the number of its files; a failed build leaves what was there before.

    Raises:
        PackageError: the package cannot be built.
    """
    target = project / AZD_FOLDER
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        built = Path(folder) / "built"
        count = _build(built, project)
        if target.exists():
            target.rename(Path(folder) / "before")
        built.rename(target)
    return count


def _build(folder: Path, project: Path) -> int:
    for name in packaged_files(project):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / name, folder / name)
    install(folder / LIBRARIES, target_python())
    return sum(path.is_file() for path in folder.rglob("*"))


def _zip(folder: Path, target: Path) -> None:
    """Pack in the order of names, with one time and one mode for all, so that only contents decide about the bytes."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in names:
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = 3  # Unix, also when Windows packs: the mode below counts
            entry.external_attr = _REGULAR_FILE
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, (folder / name).read_bytes())


def _files(project: Path, *options: str) -> list[str]:
    """Return the files that git's own rules leave, by the ignore files of the project alone.

    An empty repository in a temporary folder stands in for the real one, so a downloaded source archive is packed like
    a clone, and neither the index nor a person's global ignore file has a say.
    """
    git = shutil.which("git")
    if git is None:
        raise PackageError("git is needed to apply .gitignore and .funcignore: install it from https://git-scm.com")
    with tempfile.TemporaryDirectory() as folder:
        _git(git, "init", "--quiet", "--bare", folder)
        listing = ["ls-files", "-z", "--others", "--exclude-per-directory=.gitignore", *options]
        names = _git(git, "-C", str(project), f"--git-dir={folder}", f"--work-tree={project}", *listing).split("\0")
    return sorted(name for name in names if name and (project / name).is_file())


def _git(program: str, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(  # noqa: S603 - fixed arguments
        [program, *arguments], capture_output=True, check=False, encoding="utf-8", env=environment
    )
    if done.returncode:
        complaint = done.stderr.strip().splitlines() or ["it did not say why"]
        raise PackageError(f"git could not list the project's files: {complaint[-1]}")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Write the package; exit status 1 when that fails, 2 for wrong usage."""
    if len(arguments) > 1 or not all(name.endswith(".zip") for name in arguments):
        sys.stderr.write(_USAGE)
        return 2
    try:
        count = write_package(Path(arguments[0])) if arguments else write_folder()
    except PackageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"the package could not be written: {error.strerror or error}\n")
        return 1
    sys.stdout.write(f"{arguments[0] if arguments else AZD_FOLDER}: {count} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
