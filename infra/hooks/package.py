"""The deployment package: every file that neither git ignores nor .funcignore leaves out, as azd packs it.

`python -m infra.hooks.package FILE.zip`, from a git work tree. Azure installs requirements.txt when it unpacks it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
REQUIRED: Final = ("function_app.py", "host.json", "requirements.txt")


def packaged_files(project: Path = PROJECT) -> list[str]:
    """Return the files that go into the package, relative to the project, sorted.

    Raises:
        ValueError: a file is missing without which the app cannot start.
    """
    left_out = _git_files(project, "--cached", "--others", "--ignored", "--exclude-from=.funcignore")
    files = sorted(set(project_files(project)) - set(left_out))
    if missing := [name for name in REQUIRED if name not in files]:
        raise ValueError(f"the package would lack {', '.join(missing)}: look at .funcignore")
    return files


def project_files(project: Path = PROJECT) -> list[str]:
    """Return every file of the project, relative to it; those that are new and not yet added to git, too."""
    names = _git_files(project, "--cached", "--others", "--exclude-standard")
    return [name for name in names if (project / name).is_file()]


def write_package(target: Path, project: Path = PROJECT) -> int:
    """Write the package and return the number of its files."""
    files = packaged_files(project)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in files:
            package.write(project / name, name)
    return len(files)


def _git_files(project: Path, *options: str) -> list[str]:
    git = shutil.which("git")
    if git is None:
        raise ValueError("git is needed to know which files belong to the project")
    command = [git, "-C", str(project), "ls-files", "-z", *options]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")  # noqa: S603 - fixed arguments
    return [name for name in done.stdout.split("\0") if name]


def main(arguments: list[str]) -> int:
    """Write the package; exit status 1 when it would not start."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.hooks.package FILE.zip\n")
        return 2
    try:
        count = write_package(Path(arguments[0]))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{arguments[0]}: {count} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
