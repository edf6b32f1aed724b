"""Turns rows of saved queries about one application into a report of a period. No input or output.

Nothing is concluded from a missing row: what could not be read is told as a gap, and so is a time without runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from compliance_api.fleet.frame import iso
from publisher.texts import moment_in

Row = Mapping[str, Any]
_READ: Final = frozenset({"compliant", "noncompliant", "not_evaluated"})


def assignments(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return each policy assignment with what stood about it, in order of time; rows are of `verdict_periods`."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        identifier = str(row["Policy_assignment_id"])
        judged_by = row["Judged_by"]
        one = found.setdefault(identifier, {"id": identifier, "name": "", "judged_by": judged_by, "periods": []})
        one["name"] = row["Policy_assignment"] or one["name"]
        one["periods"].append(_period(row))
    for one in found.values():
        one["periods"].sort(key=lambda period: period["first"]["time"])
    return sorted(found.values(), key=lambda one: (one["name"].casefold(), one["id"]))


def _period(row: Row) -> dict[str, Any]:
    return {
        "verdict": row["Verdict"],
        "since": row["Since"],
        "held": {"reason": row["Held_reason"], "since": row["Held_since"]} if row["Held_reason"] else None,
        "noncompliant_states": row["Noncompliant_states"],
        "guard": {"state": row["Guard"], "since": row["Guard_since"], "details": row["Guard_details"] or ""},
        "accepted": _accepted(row),
        "last_read": row["Last_read"],
        **_evidence(row),
    }


def _accepted(row: Row) -> dict[str, Any] | None:
    if not row["Accepted_until"]:
        return None
    return {"until": row["Accepted_until"], "by": row["Accepted_by"] or "", "reason": row["Accepted_reason"] or ""}


def _evidence(row: Row) -> dict[str, Any]:
    """Return the first and the last row that says so, by run, and how many there are."""
    return {
        "first": {"run_id": row["First_run_id"], "time": row["First_told"]},
        "last": {"run_id": row["Last_run_id"], "time": row["Last_told"]},
        "rows": row["Rows"],
    }


def exemptions(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return every exemption that was told in the period: whose, until when, and from which row to which."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda one: str(one["First_told"])):
        if not row["Exemptions"]:
            continue
        told = (row["Exemption_category"] or "", row["Exemption_created_by"] or "", row["Exemption_expires_at"])
        one = found.setdefault(
            (row["Policy_assignment_id"], row["Exemptions"], *told),
            {
                "assignment_id": row["Policy_assignment_id"],
                "assignment_name": row["Policy_assignment"] or "",
                "count": row["Exemptions"],
                "category": told[0],
                "created_by": told[1],
                "expires_at": told[2],
                **_evidence(row),
                "rows": 0,
            },
        )
        one["rows"] += row["Rows"]
        one["last"] = max(one["last"], _evidence(row)["last"], key=lambda evidence: str(evidence["time"]))
    return list(found.values())


def gaps(found: Sequence[Row], points: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the gaps, each with the runs that could not know: how many, the first and the last, and what kept them.

    Args:
        found: of `application_history.gaps_of`.
        points: of `application_history.points_of`, which the gaps were found in.
    """
    return [{**gap, **_blind_runs([one for one in points if _is_within(one, gap)])} for gap in found]


def _is_within(point: Row, gap: Row) -> bool:
    return bool(gap["reason"] == point["status"] and gap["from"] <= _utc(point["run_time"]) < gap["until"])


def _blind_runs(points: Sequence[Row]) -> dict[str, Any]:
    reasons = sorted({": ".join(filter(None, (one["outcome"], one["error_code"]))) for one in points} - {""})
    return {
        "runs": len(points),
        "first_run_id": points[0]["run_id"] if points else None,
        "last_run_id": points[-1]["run_id"] if points else None,
        "outcomes": reasons,
        "last_read": points[-1]["last_read"] if points else None,
    }


def _utc(text: str) -> str | None:
    return iso(moment_in(text))


def runs(points: Sequence[Row]) -> dict[str, int]:
    """Return how many runs were completed, how many read the application, and how many of these found it compliant."""
    read = [one for one in points if one["status"] in _READ]
    compliant = sum(one["status"] == "compliant" for one in read)
    return {"completed": len(points), "read": len(read), "not_read": len(points) - len(read), "compliant": compliant}
