"""Whether every lock is whole, and watched: by dependabot, and by the workflow that audits when it changes."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import yaml

from checks.supply_chain.locks import HOW_TO_TEACH, ONLY_WHEELS, lock_files
from infra.hooks.lock import PROJECT, LockError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checks.supply_chain.locks import Kind

DEPENDABOT: Final = ".github/dependabot.yml"
WORKFLOW: Final = ".github/workflows/supply-chain.yml"
CONTAINER: Final = ".devcontainer/devcontainer.json"
CONTAINER_LOCK: Final = ".devcontainer/devcontainer-lock.json"
_LOCK_OF: Final = {"package.json": "package-lock.json", "devcontainer.json": "devcontainer-lock.json"}
_OF_A_PROJECT: Final = {"project.dependencies", "project.optional-dependencies", "dependency-groups", "build-system"}
_FROM: Final = re.compile(r"^FROM\s+(?:--\S+\s+)*(\S+)", re.MULTILINE | re.IGNORECASE)
_BY_DIGEST: Final = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")


def problems(project: Path = PROJECT) -> list[str]:
    """Return one line for everything that is not pinned, or pinned and not watched; empty when all is well."""
    files = lock_files(project)
    known = {name: kind for name, kind in files.items() if kind is not None}
    return [
        *(f"{name}: {HOW_TO_TEACH}" for name in files if name not in known),
        *_not_whole(known, project),
        *_unwatched(known, project),
        *_unaudited(known, project),
    ]


def _not_whole(known: dict[str, Kind], project: Path) -> Iterator[str]:
    """Manifests without a lock, and locks that leave something open."""
    for name, kind in known.items():
        path = PurePosixPath(name)
        lock = path.with_name(_LOCK_OF.get(path.name, path.name))
        lock = lock.with_suffix(".txt") if path.suffix == ".in" else lock
        if str(lock) not in known:
            yield f"{name}: has no {lock.name} beside it"
        if kind.packages is not None:
            try:
                kind.packages(project / name)
            except LockError as error:
                yield str(error)
        text = (project / name).read_text(encoding="utf-8")
        if path.suffix == ".txt" and ONLY_WHEELS not in text.splitlines():
            yield f"{name}: lacks the line {ONLY_WHEELS}: run make lock"
        if path.name == "pyproject.toml" and (named := _OF_A_PROJECT.intersection(_tables(tomllib.loads(text)))):
            yield f"{name}: {', '.join(sorted(named))} stand in no lock: put them into requirements.in or -dev.in"
        if path.name == "Dockerfile":
            for image in _FROM.findall(text):
                if not _BY_DIGEST.fullmatch(image):
                    yield f"{name}: pin {image} by its digest"
    yield from _features(known, project)


def _features(known: dict[str, Kind], project: Path) -> Iterator[str]:
    """Features of the development container that its lock does not pin by digest."""
    if not {CONTAINER, CONTAINER_LOCK} <= known.keys():
        return
    container = _json(project / CONTAINER)
    locked = _json(project / CONTAINER_LOCK)["features"]
    if image := container.get("image"):
        yield f"{CONTAINER}: take {image} from the Dockerfile beside it: dependabot renews that one"
    for name, options in container.get("features", {}).items():
        resolved = locked.get(name, {}).get("resolved", "")
        if not _BY_DIGEST.fullmatch(resolved):
            yield f"{CONTAINER_LOCK}: does not pin {name} by its digest"
        if options.get("version", "latest") in {"latest", "stable", "daily"}:
            yield f"{CONTAINER}: say which version {name} is to install"


def _unwatched(known: dict[str, Kind], project: Path) -> Iterator[str]:
    """What dependabot does not look at, and what it is told to look at and is not there."""
    wanted = {(kind.updates, _folder(name, kind)) for name, kind in known.items()}
    told = set()
    for update in yaml.safe_load((project / DEPENDABOT).read_text(encoding="utf-8"))["updates"]:
        folders = [update["directory"]] if "directory" in update else update["directories"]
        told |= {(update["package-ecosystem"], folder) for folder in folders}
    yield from (f"{DEPENDABOT}: {ecosystem} in {folder} is not watched" for ecosystem, folder in sorted(wanted - told))
    yield from (
        f"{DEPENDABOT}: there is nothing of {ecosystem} in {folder}" for ecosystem, folder in sorted(told - wanted)
    )


def _folder(name: str, kind: Kind) -> str:
    return "/" if kind.at_root else f"/{name.rpartition('/')[0]}"


def _unaudited(known: dict[str, Kind], project: Path) -> Iterator[str]:
    """Locks whose change starts no audit."""
    workflow: dict[Any, Any] = yaml.safe_load((project / WORKFLOW).read_text(encoding="utf-8"))
    # YAML 1.1 reads the key `on` as true.
    paths = [_as_expression(path) for path in workflow[True]["pull_request"]["paths"]]
    yield from (
        f"{WORKFLOW}: no path of it is {name}" for name in known if not any(re.fullmatch(p, name) for p in paths)
    )


def _as_expression(path: str) -> str:
    """Return a path filter of GitHub as a regular expression: `**` crosses folders, `*` does not."""
    parts = re.split(r"(\*\*/|\*\*|\*)", path)
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return "".join(meanings.get(part, re.escape(part)) for part in parts)


def _tables(project: dict[str, Any]) -> set[str]:
    """The tables that are there, by their dotted names of two parts."""
    return {f"{table}.{name}" for table, values in project.items() if isinstance(values, dict) for name in values} | {
        *project
    }


def _json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
