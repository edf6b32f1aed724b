"""What every answer begins with: the run that it speaks of, how old that is, and who could not be read."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from compliance_api.fleet.fleet import Application, Fleet, Run, age_seconds

MOST_UNREAD_LISTED: Final = 100


class State(StrEnum):
    """How far an answer can be trusted: unknown only where the run could not be looked up, and the answer could."""

    CURRENT = "current"
    STALE = "stale"
    NO_RUN_YET = "no_run_yet"
    UNKNOWN = "unknown"


UNKNOWN: Final[Mapping[str, Any]] = {"as_of": None, "state": State.UNKNOWN.value}


def as_of(run: Run | None, now: datetime, stale_after: timedelta) -> dict[str, Any]:
    """Return the run that an answer speaks of, with its age, and one word that says whether it can be trusted."""
    age = age_seconds(run, now)
    if run is None or age is None:
        return {"as_of": None, "state": State.NO_RUN_YET.value}
    is_stale = age > stale_after.total_seconds()
    return {
        "as_of": {
            "run_id": run.id,
            "run_time": iso(run.time),
            "age_seconds": age,
            "is_stale": is_stale,
            "missing_rows": run.missing_rows,
        },
        "state": (State.STALE if is_stale else State.CURRENT).value,
    }


def frame(fleet: Fleet, now: datetime, stale_after: timedelta) -> dict[str, Any]:
    """Return what an answer about the fleet begins with."""
    unread = fleet.unread()
    return {
        **as_of(fleet.run, now, stale_after),
        "unread": {
            "count": None if fleet.run is None else len(unread),
            "applications": [_unread(one) for one in unread[:MOST_UNREAD_LISTED]],
            "is_complete": fleet.run is not None and len(unread) <= MOST_UNREAD_LISTED,
        },
    }


def _unread(one: Application) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "customer": one.customer,
        "outcome": one.outcome,
        "last_known": one.last_known.value,
        "last_read": iso(one.last_read),
        "unread_since": iso(one.unread_since),
    }


def iso(time: datetime | None) -> str | None:
    """Return a time in UTC as answers have it; None for none."""
    return None if time is None else time.isoformat().replace("+00:00", "Z")
