"""Vulnerabilities that somebody has accepted by name, for a reason and until a day: accepted.json, changed by review.

An entry is {"package": "lodash", "id": "GHSA-...", "reason": "...", "until": "2027-01-31"}.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("accepted.json")
LONGEST: Final = timedelta(days=90)


class AcceptanceError(ValueError):
    """accepted.json does not say what is accepted; the message names the entry and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One advisory about one package, accepted up to and including a day."""

    package: str
    id: str
    reason: str
    until: date


def acceptances(file: Path = FILE, today: date | None = None) -> dict[tuple[str, str], Acceptance]:
    """Return what is accepted today, by package and advisory; raise AcceptanceError.

    What has ended is left out. An end more than 90 days away is refused: a new look has to be taken by then.
    """
    today = today or datetime.now(UTC).date()
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AcceptanceError(f"{file.name}: is no JSON: {error}") from None
    if not isinstance(entries, list):
        raise AcceptanceError(f"{file.name}: must be a list of entries, [] for none")
    found = {}
    for number, entry in enumerate(entries, 1):
        acceptance = _read(f"{file.name}: entry {number}", entry)
        if acceptance.until > today + LONGEST:
            raise AcceptanceError(f"{file.name}: entry {number}: until is more than {LONGEST.days} days away")
        if acceptance.until >= today:
            found[acceptance.package, acceptance.id] = acceptance
    return found


def _read(label: str, entry: object) -> Acceptance:
    names = ("package", "id", "reason", "until")
    if not isinstance(entry, dict) or set(entry) != set(names):
        raise AcceptanceError(f"{label}: must have {', '.join(names)} and nothing else")
    if empty := [name for name in names if not isinstance(entry[name], str) or not entry[name].strip()]:
        raise AcceptanceError(f"{label}: {empty[0]} is empty or no text")
    try:
        until = date.fromisoformat(entry["until"])
    except ValueError:
        raise AcceptanceError(f"{label}: until must be a day, such as 2027-01-31") from None
    return Acceptance(entry["package"], entry["id"], entry["reason"], until)
