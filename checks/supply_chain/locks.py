"""Every file that pins something of others, by kind: what it pins, who is asked about it, and what renews it.

A file that looks like the lock or the manifest of a tool that is not in `KINDS` is a problem of its own: nobody would
ask about what it pins.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.hooks.lock import PROJECT, Locked, LockError, python_packages
from infra.hooks.package import project_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOW_TO_TEACH: Final = "add the kind to checks/supply_chain/locks.py and .github/dependabot.yml, or do without the file"
RUNTIME_LOCK: Final = "requirements.txt"
ONLY_WHEELS: Final = "--only-binary :all:"
"""The line of a Python lock by which pip refuses source archives, whoever installs from it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. `updates` is its ecosystem for dependabot, `audit` who knows of vulnerabilities in what it pins.

    `packages` reads what OSV is asked about; None where OSV is not asked. `at_root` says that dependabot is told the
    root of the repository, wherever the file is; else it is told the file's folder.
    """

    pattern: str
    updates: str
    audit: str
    packages: Callable[[Path], list[Locked]] | None = None
    at_root: bool = False


def node_packages(lock: Path) -> list[Locked]:
    """Return what a package-lock.json pins; raise LockError for a pin without an integrity hash, or another format."""
    packages = json.loads(lock.read_text(encoding="utf-8")).get("packages")
    if not packages:
        raise LockError(f"{lock.parent.name}/{lock.name} has no packages: let npm 7 or later write it")
    found = []
    for path, entry in packages.items():
        if not path or entry.get("link"):
            continue
        name = entry.get("name") or path.rpartition("node_modules/")[2]
        if not entry.get("version") or not (entry.get("integrity") or entry.get("inBundle")):
            raise LockError(f"{lock.parent.name}/{lock.name}: {name} has no version or no integrity hash")
        found.append(Locked("npm", name, entry["version"]))
    return found


OSV: Final = "OSV, by python -m checks.vulnerabilities"
ZIZMOR: Final = "GitHub's advisories, by zizmor in the workflow Supply chain"
NOBODY: Final = "nobody publishes advisories for these: pinned by digest, renewed by dependabot"
KINDS: Final = (
    Kind(r"requirements[\w.-]*\.txt", "pip", OSV, python_packages),
    Kind(r"requirements[\w.-]*\.in|pyproject\.toml", "pip", OSV),
    Kind(r".*/package-lock\.json", "npm", OSV, node_packages),
    Kind(r".*/package\.json", "npm", OSV),
    Kind(r"\.github/workflows/[^/]+\.ya?ml", "github-actions", ZIZMOR, at_root=True),
    Kind(r"\.devcontainer/devcontainer(-lock)?\.json", "devcontainers", NOBODY, at_root=True),
    Kind(r"\.devcontainer/Dockerfile", "docker", NOBODY),
)

_FOREIGN: Final = re.compile(
    r"""(?ix) (?:^|/) (?:
        [^/]*requirements[^/]*\.(?:txt|in) | requirements/[^/]+ | constraints[^/]*\.txt | pylock[^/]*\.toml
      | pipfile[^/]* | pyproject\.toml | setup\.(?:py|cfg) | environment\.ya?ml | conda[^/]*\.ya?ml
      | [^/]*\.lock(?:b|file|\.hcl)? | (?:[^/]+[-.])?lock\.(?:json|ya?ml|toml)
      | packages\.config | [^/]*\.(?:cs|fs|vb)proj
      | package\.json | package-lock\.json | npm-shrinkwrap\.json | bun\.lockb? | deno\.jsonc? | \.npmrc | \.yarnrc[^/]*
      | go\.(?:mod|sum|work) | cargo\.toml | gemfile | [^/]*\.gemspec | composer\.json | pom\.xml
      | [^/]*\.gradle(?:\.kts)?
      | [^/]*(?:dockerfile|containerfile)[^/]* | (?:docker-)?compose[^/]*\.ya?ml | devcontainer[^/]*\.json
      | action\.ya?ml | \.pre-commit-config\.ya?ml | \.gitmodules | \.tool-versions | (?:\.)?mise\.toml | brewfile
      | \.github/workflows/[^/]+ | \.gitlab-ci\.yml | azure-pipelines[^/]*\.ya?ml | helmfile\.ya?ml | chart\.ya?ml
    )$"""
)


def lock_files(project: Path = PROJECT) -> dict[str, Kind | None]:
    """Return the project's files that pin something, relative to it, with their kind; None is a kind nobody knows."""
    found: dict[str, Kind | None] = {}
    for name in project_files(project):
        kind = next((kind for kind in KINDS if re.fullmatch(kind.pattern, name)), None)
        if kind is not None or _FOREIGN.search(name):
            found[name] = kind
    return found


def packages(project: Path = PROJECT) -> tuple[list[Locked], list[Locked]]:
    """Return what OSV is asked about: what runs in Azure, and the tools besides.

    Raises:
        LockError: a lock pins something without a hash, or there is a lock of a kind that is not known.
    """
    files = lock_files(project)
    if strangers := [name for name, kind in files.items() if kind is None]:
        raise LockError(f"{', '.join(strangers)}: nobody knows how to ask about what this pins; {HOW_TO_TEACH}")
    runtime = python_packages(project / RUNTIME_LOCK)
    others = [
        package
        for name, kind in files.items()
        if kind is not None and kind.packages is not None and name != RUNTIME_LOCK
        for package in kind.packages(project / name)
    ]
    known = {(package.ecosystem, package.name, package.version) for package in runtime}
    tools = {(package.ecosystem, package.name, package.version): package for package in others}
    return runtime, [package for key, package in tools.items() if key not in known]
