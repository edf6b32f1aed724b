"""What a push has to deploy: the infrastructure, the code, both or nothing.

`python -m infra.pipeline.changed_parts COMMIT` compares the work tree's commit with the one that was deployed last, and
prints `infrastructure=true` or `false`, and `code=` likewise, for GITHUB_OUTPUT. Both are true when there is no such
commit. Code is what the package holds (.funcignore decides) and what it is built with.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from infra.hooks.lock import PROJECT
from infra.hooks.run import run_hook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BUILT_WITH: Final = ("infra/runtime.json", "infra/hooks/lock.py", "infra/hooks/package.py", "infra/hooks/wheels.py")
"""Files outside the package that decide what is in it."""
NOT_IN_A_TEMPLATE: Final = ("infra/hooks/", "infra/pipeline/", "infra/samples/")


def changed_files(commit: str, project: Path = PROJECT) -> list[str] | None:
    """Return the files that differ from a commit, deleted ones included; None when git does not have the commit."""
    known = _git(project, "cat-file", "-e", f"{commit}^{{commit}}")
    if not commit or known.returncode:
        return None
    done = _git(project, "diff", "--name-only", "--no-renames", "-z", commit, "HEAD")
    done.check_returncode()
    return [name for name in done.stdout.split("\0") if name]


def packaged(names: Iterable[str], project: Path = PROJECT) -> list[str]:
    """Return those of the files, existing or deleted, that neither .gitignore nor .funcignore leaves out."""
    asked = list(names)
    rules = f"core.excludesFile={project / '.funcignore'}"
    done = _git(project, "-c", rules, "check-ignore", "--no-index", "-z", "--stdin", text="\0".join(asked))
    if done.returncode > 1:  # 0: some are ignored, 1: none
        done.check_returncode()
    left_out = set(done.stdout.split("\0"))
    return [name for name in asked if name not in left_out]


def parts(names: Iterable[str], project: Path = PROJECT) -> dict[str, bool]:
    """Return which parts the files belong to."""
    changed = list(names)
    return {
        "infrastructure": any(name.startswith("infra/") and not name.startswith(NOT_IN_A_TEMPLATE) for name in changed),
        "code": bool(packaged(changed, project)) or any(name in (*BUILT_WITH, ".funcignore") for name in changed),
    }


def _git(project: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [shutil.which("git") or "git", "-C", str(project), *arguments]
    return subprocess.run(  # noqa: S603 - the arguments are passed as a list
        command, input=text, capture_output=True, check=False, encoding="utf-8"
    )


def main(arguments: list[str]) -> int:
    """Print the parts."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.pipeline.changed_parts COMMIT\n")
        return 2
    names = changed_files(arguments[0])
    found = {"infrastructure": True, "code": True} if names is None else parts(names)
    sys.stdout.write("".join(f"{part}={str(value).lower()}\n" for part, value in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
