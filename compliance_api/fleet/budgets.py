"""Error budgets of plan versions: how much of their applications' time was noncompliant, and of how much nobody knows.

An objective of 99 % allows that 1 % of the time of a plan version's applications, taken together, is noncompliant.
Only time that was read as noncompliant burns the budget. Time of which nobody knows (unread, not evaluated, without a
run, or with a lost row) burns none, and is told: the budget counts as held only when it would be with all of that bad.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Any, Final

from compliance_api.fleet.frame import iso
from compliance_api.http import bad_request
from publisher.errors.kinds import MalformedAnswer
from publisher.texts import moment_in

OBJECTIVE: Final = "objective"
DEFAULT_OBJECTIVE: Final = "99"
BEFORE: Final = timedelta(days=3)
"""How long before a period its first state is looked for."""

_KINDS: Final = {
    "compliant": "Compliant",
    "noncompliant": "Noncompliant",
    "unread": "Not_read",
    "not_evaluated": "Without_states",
}
_UNTOLD: Final = ("not_reported", "no_run")
"""Kinds of time of which no row tells."""

_UNKNOWN: Final = ("unread", "not_evaluated", *_UNTOLD)
_LOWEST_OBJECTIVE: Final = 50
_HOUR: Final = timedelta(hours=1)
Version = tuple[str, str]


class BudgetState(StrEnum):
    """Whether an error budget is held: not known while time of which nobody knows could have used it up."""

    WITHIN = "within"
    NOT_KNOWN = "not_known"
    EXHAUSTED = "exhausted"


@dataclass(slots=True)
class _Run:
    time: datetime
    is_whole: bool
    versions: dict[Version, Mapping[str, Any]]


@dataclass(slots=True)
class Budget:
    """Hours of a plan version's applications, by what is known of them, since a moment."""

    since: datetime
    hours: dict[str, float] = field(default_factory=lambda: dict.fromkeys((*_KINDS, *_UNTOLD), 0.0))

    def told(self, until: datetime, objective: float) -> dict[str, Any]:
        """Return the budget as answers have it; what remains is in percent of it, and negative once it is overspent."""
        total, bad = sum(self.hours.values()), self.hours["noncompliant"]
        unknown = sum(self.hours[kind] for kind in _UNKNOWN)
        allowed = total * (100 - objective) / 100
        state = BudgetState.EXHAUSTED if bad > allowed else BudgetState.WITHIN
        if state is BudgetState.WITHIN and (bad + unknown > allowed or not total):
            state = BudgetState.NOT_KNOWN
        return {
            "objective": objective,
            "period": {"from": iso(self.since), "until": iso(until)},
            "application_hours": {name: round(hours, 2) for name, hours in (("total", total), *self.hours.items())},
            "allowed_hours": round(allowed, 2),
            "remaining_share": _remaining(bad, allowed),
            "remaining_share_if_unknown_was_bad": _remaining(bad + unknown, allowed),
            "state": state.value,
        }


def objective_in(parameters: Mapping[str, str]) -> float:
    """Return the share of time, in percent, that is to be compliant; ProblemError 400 for what is none."""
    text = parameters.get(OBJECTIVE, DEFAULT_OBJECTIVE)
    whole, _, part = text.partition(".")
    is_number = text.isascii() and whole.isdecimal() and len(whole) == 2 and (part.isdecimal() or text == whole)  # noqa: PLR2004
    if not is_number or len(part) > 3 or float(text) < _LOWEST_OBJECTIVE:  # noqa: PLR2004
        raise bad_request(OBJECTIVE, "objective is a number of percent from 50 to 99.999, such as 99 or 99.9.")
    return float(text)


def whole_hour(moment: datetime) -> datetime:
    """Return when the hour of a moment began: a budget changes with runs and by the hour, so that caches are of use."""
    return moment.replace(minute=0, second=0, microsecond=0)


def budgets_of(
    rows: Iterable[Mapping[str, Any]], begin: datetime, end: datetime, longest: timedelta
) -> dict[Version, Budget]:
    """Return the budget of each plan version between two moments, from rows of the saved query `plan_history`.

    What a run found holds until the next one, and no longer than `longest`; from then on there is no run.
    """
    runs = _runs(rows)
    budgets: dict[Version, Budget] = {}
    known: dict[Version, int] = defaultdict(int)
    for run, following in zip(runs, [*(after.time for _, after in pairwise(runs)), end], strict=False):
        holds_until = min(following, run.time + longest)
        held = _hours(max(run.time, begin), min(holds_until, end))
        silent = _hours(max(holds_until, begin), min(following, end))
        for version in {*run.versions, *known}:
            row = run.versions.get(version, {})
            told = int(row.get("Applications") or 0)
            lost = 0 if run.is_whole else max(0, known[version] - told)
            known[version] = told + lost
            if not known[version] or not held + silent:
                continue
            hours = budgets.setdefault(version, Budget(max(run.time, begin))).hours
            for kind, column in _KINDS.items():
                hours[kind] += held * int(row.get(column) or 0)
            hours["not_reported"] += held * lost
            hours["no_run"] += silent * known[version]
    return budgets


def _runs(rows: Iterable[Mapping[str, Any]]) -> Sequence[_Run]:
    """Return the runs, oldest first; one is whole when it has as many applications as it announced."""
    runs = []
    for _, group in groupby(sorted(rows, key=_place), key=_place):
        of_run = list(group)
        time = moment_in(str(of_run[0]["TimeGenerated"]))
        if time is None:
            raise MalformedAnswer("the workspace's answer has a run without a time", code="MalformedAnswer")
        versions = {(str(row["Plan_name"] or ""), str(row["Plan_version"] or "")): row for row in of_run}
        reported = sum(int(row["Applications"] or 0) for row in of_run)
        runs.append(_Run(time, reported >= int(of_run[0]["Announced"] or 0), versions))
    return runs


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["TimeGenerated"]), str(row["Run_id"])


def _hours(begin: datetime, end: datetime) -> float:
    return max(timedelta(), end - begin) / _HOUR


def _remaining(burned: float, allowed: float) -> float | None:
    return round(100 * (1 - burned / allowed), 1) if allowed else None
