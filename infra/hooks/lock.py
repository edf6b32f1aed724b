"""What requirements.txt pins: every package with its version, its hashes, who wants it and for which Pythons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
RUNTIME_LOCK: Final = PROJECT / "requirements.txt"

_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; ([^\\]+))?", re.MULTILINE)
_SOMETHING: Final = re.compile(r"(?!--only-binary :all:$)[^\s#]")
"""A line that says something by itself, other than that source archives are refused."""
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA: Final = re.compile(r"^ +# +(?:via )?(?:-r )?([\w.-]+(?:\.in)?)$", re.MULTILINE)
_COMPARISON: Final = re.compile(r"(\w+) (==|!=|<|<=|>|>=) '([^']*)'")
_VERSIONS: Final = {"python_version", "python_full_version"}


class LockError(ValueError):
    """A lock file is not what `make lock` writes."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One pinned package. `ecosystem` is "PyPI" or "npm"; `marker` says for which Pythons the pin is meant."""

    ecosystem: str
    name: str
    version: str
    marker: str = ""
    sha256: tuple[str, ...] = ()
    wanted_by: tuple[str, ...] = ()


def python_packages(lock: Path = RUNTIME_LOCK) -> list[Locked]:
    """Return what a requirements file pins; raise LockError for anything else than pins with hashes, or none at all."""
    text = lock.read_text(encoding="utf-8")
    pins = list(_PIN.finditer(text))
    if not pins:
        raise LockError(f"{lock.name} pins nothing")
    if other := next((line for line in text.splitlines() if _SOMETHING.match(line) and not _PIN.match(line)), None):
        raise LockError(f"{lock.name}: {other[:80]} is no pin of a version")
    ends = [pin.start() for pin in pins[1:]] + [len(text)]
    found = []
    for pin, end in zip(pins, ends, strict=True):
        details = text[pin.end() : end]
        hashes = tuple(_HASH.findall(details))
        if not hashes:
            raise LockError(f"{lock.name}: {pin[1]} has no hash")
        wanted_by = tuple(name for name in _VIA.findall(details) if name not in {"via", RUNTIME_LOCK.name})
        found.append(Locked("PyPI", pin[1], pin[2], (pin[3] or "").strip(), hashes, wanted_by))
    return found


def marker_applies(marker: str, environment: dict[str, str]) -> bool:
    """Tell whether an environment marker holds for `environment`; an empty marker always does.

    pip judges the markers of a requirements file by the Python that runs pip, not by `--python-version`, so a package
    for another Python needs this. Understood is what `make lock` writes: comparisons joined by `and` and `or`.

    Raises:
        LockError: the marker has a form that is not understood.

    Source: https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers
    """
    if not marker:
        return True
    return any(all(_holds(part, environment) for part in either.split(" and ")) for either in marker.split(" or "))


def _holds(comparison: str, environment: dict[str, str]) -> bool:
    match = _COMPARISON.fullmatch(comparison.strip())
    if match is None or match[1] not in environment:
        raise LockError(f"the marker `{comparison.strip()}` is not understood: extend marker_applies in {__name__}")
    name, operator, wanted = match.groups()
    actual = environment[name]
    if operator in {"==", "!="} and name not in _VERSIONS:
        return (actual == wanted) is (operator == "==")
    if name not in _VERSIONS:
        raise LockError(f"the marker `{comparison.strip()}` orders texts: extend marker_applies in {__name__}")
    order = (_release(actual) > _release(wanted)) - (_release(actual) < _release(wanted))
    return {"==": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[
        operator
    ]


def _release(version: str) -> list[int]:
    """Return the numbers of a version without trailing zeros: 3.13 and 3.13.0 are the same."""
    try:
        numbers = [int(number) for number in version.split(".")]
    except ValueError as error:
        raise LockError(f"the version {version} in a marker is not understood") from error
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers
