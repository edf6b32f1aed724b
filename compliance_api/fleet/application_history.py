"""One application over time: what each completed run published about it, and the gaps in which nobody could know."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Any, Final

from compliance_api.fleet.csv_export import cells_of
from compliance_api.fleet.frame import iso
from compliance_api.fleet.paging import SortKey
from compliance_api.fleet.views import plan_of
from publisher.errors.kinds import MalformedAnswer
from publisher.texts import moment_in

_STATUSES: Final = {"NonCompliant": "noncompliant", "NoStates": "not_evaluated", "Compliant": "compliant"}
_NOT_REPORTED: Final = "not_reported"
_LEFT: Final = "left"
_UNREAD: Final = "unread"


class Gap(StrEnum):
    """Why nobody knows how an application stood: no run, one silent about it, or one that could not read it."""

    NO_RUN = "no_run"
    NOT_REPORTED = "not_reported"
    UNREAD = "unread"


def points_of(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the runs, oldest first, from rows of the saved query `application_history`.

    A run tells no more of an application that has left: it stays so until one tells something else.
    """
    points = sorted(map(_point, rows), key=key)
    for before, after in pairwise(points):
        if before["status"] == _LEFT and after["status"] == _NOT_REPORTED:
            after["status"] = _LEFT
    return points


def key(one: Mapping[str, Any]) -> SortKey:
    """Return what the runs are sorted by; it differs between any two."""
    return (one["run_time"], one["run_id"])


def is_told_of(points: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether any run of the time span published something about the application."""
    return any(one["status"] != _NOT_REPORTED for one in points)


def gaps_of(
    points: Sequence[Mapping[str, Any]], begin: datetime, end: datetime, longest: timedelta
) -> list[dict[str, Any]]:
    """Return the times between two moments of which nothing can be said, oldest first.

    Without a run for longer than `longest` there is a gap; one in which runs could not read it, or do not tell of it,
    lasts until the next run that could. After it has left there is none.
    """
    found = [*_silent(points, begin, end, longest), *_blind(points, end)]
    return sorted(found, key=lambda one: (str(one["from"]), str(one["reason"])))


def _silent(
    points: Sequence[Mapping[str, Any]], begin: datetime, end: datetime, longest: timedelta
) -> Iterator[dict[str, Any]]:
    moments = [begin, *map(_time, points), end]
    has_left = bool(points) and points[-1]["status"] == _LEFT
    for number, (before, after) in enumerate(pairwise(moments), start=1):
        is_last = number == len(moments) - 1
        if after - before > longest and not (is_last and has_left):
            yield _gap(before, after, Gap.NO_RUN)


def _blind(points: Sequence[Mapping[str, Any]], end: datetime) -> Iterator[dict[str, Any]]:
    moments = [*map(_time, points), end]
    reasons = {_UNREAD: Gap.UNREAD, _NOT_REPORTED: Gap.NOT_REPORTED}
    for status, numbered in groupby(enumerate(points), key=lambda pair: pair[1]["status"]):
        places = [place for place, _ in numbered]
        if status in reasons and moments[places[0]] < end:
            yield _gap(moments[places[0]], moments[places[-1] + 1], reasons[status])


def _gap(begin: datetime, end: datetime, reason: Gap) -> dict[str, Any]:
    return {"from": iso(begin), "until": iso(end), "reason": reason.value}


def _time(point: Mapping[str, Any]) -> datetime:
    time = moment_in(str(point["run_time"]))
    if time is None:
        raise MalformedAnswer("the workspace's answer has a run without a time", code="MalformedAnswer")
    return time


def _point(row: Mapping[str, Any]) -> dict[str, Any]:
    known = _STATUSES.get(str(row["Compliance"]), "unknown")
    is_reported = row["Reported"] is True
    return {
        "run_id": row["Run_id"],
        "run_time": row["TimeGenerated"],
        "status": _status(row, known) if is_reported else _NOT_REPORTED,
        "last_known": known if is_reported else None,
        "outcome": row["Outcome"] or None,
        "error_code": row["Error_code"] or "",
        "error_message": row["Error_message"] or "",
        "violations": row["Noncompliant_states"],
        "noncompliant_assignments": row["Noncompliant_assignments"],
        "held_assignments": row["Held_assignments"],
        "checks": {"noncompliant": row["Checks_noncompliant"], "violations": row["Check_violations"]},
        "last_read": row["Last_read"],
        "unread_since": row["Unread_since"],
        "plan": plan_of(row),
    }


def _status(row: Mapping[str, Any], known: str) -> str:
    if row["Outcome"] in ("Left", "LeftUnconfirmed"):
        return _LEFT
    return known if row["Readable"] is True and known != "unknown" else _UNREAD


CSV_COLUMNS: Final = (
    "told_by_run", "told_at", "status", "last_known", "violations", "noncompliant_assignments", "held_assignments",
    "outcome", "error_code", "error_message", "last_read", "unread_since", "plan", "plan_version",
    "checks_noncompliant", "check_violations",
)  # fmt: skip


def cells(one: Mapping[str, Any]) -> list[Any]:
    """Return a run as cells of CSV_COLUMNS; the columns before them name the run that the whole answer speaks of."""
    checks = {"checks_noncompliant": one["checks"]["noncompliant"], "check_violations": one["checks"]["violations"]}
    return cells_of(one, CSV_COLUMNS, {"told_by_run": one["run_id"], "told_at": one["run_time"], **checks})
