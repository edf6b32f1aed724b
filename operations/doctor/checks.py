"""What was examined and found, and how long that may take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from operations.doctor.causes.table import explained
from publisher.errors.kinds import RequestRefused, is_gateways
from publisher.retry import Patience

if TYPE_CHECKING:
    from operations.doctor.causes.table import Where
    from publisher.errors.kinds import AzureFailure

SECONDS_PER_CHECK: Final = 30.0
ATTEMPTS: Final = 2
"""One repetition, so that a failure that passes is not reported."""

BRIEF: Final = Patience(ATTEMPTS)


class Verdict(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    """It works, or may work, but needs attention."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not examined, because something else has to be corrected first."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was examined, what was found, and what to do next ("" for nothing).

    `application_id` is set when an application was examined.
    """

    name: str
    verdict: Verdict
    finding: str
    next_step: str = ""
    application_id: str = ""

    @classmethod
    def of_problem(cls, problem: str) -> Check:
        """Return the failed check of one bad setting, from its line in a SettingsError."""
        name, _, text = problem.partition(": ")
        finding, _, next_step = text.partition("; ")
        return cls(f"setting {name}", Verdict.FAILED, finding, next_step or "correct it")

    @classmethod
    def of_failure(cls, name: str, failure: AzureFailure, where: Where) -> Check:
        """Return the failed check of a call: the failure's cause, as far as it is known, and the next step for it."""
        cause, next_step = explained(failure, where)
        told = f"{failure.code}: {failure}"
        return cls(name, Verdict.FAILED, f"{cause} ({told})" if cause else told, next_step)


def is_about_the_request(failure: AzureFailure) -> bool:
    """Tell whether the service itself refuses what it was sent: a 400 with an error code, which a gateway's lacks."""
    is_bad = isinstance(failure, RequestRefused) and failure.status == HTTPStatus.BAD_REQUEST
    return is_bad and not is_gateways(failure)
