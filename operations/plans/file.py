"""The file of a plan's settings: a JSON object as `plan show --json` has it.

Every mistake is told with the file's line and the field. docs/operations.md describes the fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from operations.files.fields import JsonFile
from publisher.resource_ids import fold
from verdicts.plan_settings import MOST_DAYS, OVERDUE_AFTER_DAYS, PlanSettings, Severity
from verdicts.publisher_checks.catalogue import CHECKS

if TYPE_CHECKING:
    from pathlib import Path

    from operations.files.json_lines import Path as JsonPath
    from verdicts.publisher_checks.catalogue import Parameter

_MOST_ASSIGNMENTS: Final = 200
"""As many as Azure keeps at one scope (azure-docs, "Azure subscription and service limits", Azure Policy limits)."""

_LONGEST_PATH: Final = 400
"""Of an assignment's path from the managed resource group on."""

_MOST_TEXTS: Final = 100
_LONGEST_TEXT: Final = 200
"""Of one list that a check takes: a role's id, the longest of what they take, has about 150 characters."""

_SEVERITIES: Final = {one.value.lower(): one for one in Severity}


def read_plan_settings(path: Path) -> PlanSettings:
    """Return what a file settles, without who and when; raise BadFile."""
    return _Reader(JsonFile.load(path)).settings()


def as_document(settings: PlanSettings) -> dict[str, Any]:
    """Return a plan's settings as the file has them, and who settled them."""
    return {
        "plan": settings.plan_name,
        "severity": settings.severity.lower(),
        "severities": {name: severity.lower() for name, severity in sorted(settings.severities.items())},
        "overdue_after_days": {
            severity.lower(): settings.overdue_after_days[severity] for severity in settings.overdue_after_days
        },
        "checks": {
            name: {parameter: list(texts) for parameter, texts in parameters.items()}
            for name, parameters in sorted(settings.checks.items())
        },
        "settled_at": settings.settled_at,
        "person": settings.person,
        "reason": settings.reason,
    }


_MEMBERS: Final = frozenset(as_document(PlanSettings()))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Checks a file's values."""

    file: JsonFile

    def settings(self) -> PlanSettings:
        value = self.file.members((), self.file.value, _MEMBERS)
        if "plan" not in value:
            raise self.file.bad(("plan",), 'is missing; "" is every plan that has no settings of its own')
        severity = value.get("severity", Severity.MEDIUM.lower())
        return PlanSettings(
            plan_name=self.file.name((), value, "plan"),
            severity=self.file.choice(("severity",), severity, _SEVERITIES),
            severities=self._severities(value),
            overdue_after_days=self._days(value),
            checks=self._checks(value),
        )

    def _severities(self, value: dict[str, Any]) -> dict[str, Severity]:
        found: dict[str, Severity] = {}
        members = self.file.members(("severities",), value.get("severities", {}))
        if len(members) > _MOST_ASSIGNMENTS:
            raise self.file.bad(("severities",), f"names more than {_MOST_ASSIGNMENTS} assignments")
        for name, severity in members.items():
            path, folded = ("severities", name), fold(name).strip("/ ")
            if not folded:
                raise self.file.bad(path, "names no assignment")
            if len(folded) > _LONGEST_PATH or not folded.isprintable():
                raise self.file.bad(
                    ("severities",), f"has a name that is not one line of at most {_LONGEST_PATH} characters"
                )
            if folded in found:
                raise self.file.bad(path, "names an assignment that has a severity already")
            found[folded] = self.file.choice(path, severity, _SEVERITIES)
        return found

    def _days(self, value: dict[str, Any]) -> dict[Severity, int]:
        members = self.file.members(("overdue_after_days",), value.get("overdue_after_days", {}), _SEVERITIES)
        days = dict(OVERDUE_AFTER_DAYS)
        for name, number in members.items():
            if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_DAYS:
                raise self.file.bad(("overdue_after_days", name), f"must be a number of days from 1 to {MOST_DAYS:,}")
            days[_SEVERITIES[name]] = number
        return days

    def _checks(self, value: dict[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
        """Return the checks that are switched on: those that are named, each with all that it needs."""
        named = self.file.members(("checks",), value.get("checks", {}))
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        for name, given in named.items():
            path, check = ("checks", name), CHECKS.get(fold(name))
            if check is None:
                raise self.file.bad(path, f"is no check; checks are {', '.join(CHECKS)}")
            if check.name in found:
                raise self.file.bad(path, "names a check that is switched on already")
            known = {one.name: one for one in check.parameters}
            members = self.file.members(path, given, known)
            for one in check.parameters:
                if one.is_needed and not members.get(one.name):
                    raise self.file.bad((*path, one.name), f"is missing; it takes {one.takes}, at least one of them")
            found[check.name] = {
                name: self._parameter((*path, name), texts, known[name]) for name, texts in members.items()
            }
        return found

    def _parameter(self, path: JsonPath, texts: Any, parameter: Parameter) -> tuple[str, ...]:
        if not isinstance(texts, list):
            raise self.file.bad(path, f"must be a list of {parameter.takes}")
        if len(texts) > _MOST_TEXTS:
            raise self.file.bad(path, f"has {len(texts)} texts, and may have {_MOST_TEXTS}")
        for place, text in enumerate(texts):
            if not isinstance(text, str) or not _is_fit(parameter, text):
                raise self.file.bad((*path, place), f"must be one of {parameter.takes}")
            if len(text.strip()) > _LONGEST_TEXT:
                raise self.file.bad((*path, place), f"has more than {_LONGEST_TEXT} characters")
        return tuple(text.strip() for text in texts)


def _is_fit(parameter: Parameter, text: str) -> bool:
    try:
        parameter.check(text.strip())
    except ValueError:
        return False
    return True
