"""The checks of settings: what is wrong with them, and what an app has that its role must not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from operations.doctor.checks import Check, Verdict
from publisher.configuration.webhook import SIGNATURE_SETTING
from publisher.environment import SettingsError
from publisher.roles import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SCHEDULE: Final = "COLLECTION_SCHEDULE"

_CREDENTIALS: Final = (
    "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID",
    "AZURE_CLIENT_CERTIFICATE",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_SECRET",
)
_OF_OTHERS: Final[Mapping[Role, Mapping[str, str]]] = {
    Role.FRONT: dict.fromkeys(_CREDENTIALS, "the worker"),
    Role.WORKER: {SIGNATURE_SETTING: "the front"},
    Role.API: {**dict.fromkeys(_CREDENTIALS, "the worker"), SIGNATURE_SETTING: "the front"},
    Role.LOCAL: {},
}
"""Secrets that an app of this role has no use for, and whose they are."""

_Settings_co = TypeVar("_Settings_co", covariant=True)


class Readable(Protocol[_Settings_co]):
    """Settings that are read from an environment."""

    def from_environment(self, variables: Mapping[str, str]) -> _Settings_co:
        """Return them; raise SettingsError with every problem there is."""


def read(kind: Readable[_Settings_co], variables: Mapping[str, str], problems: set[str]) -> _Settings_co | None:
    """Return these settings, or None, and add what is wrong with them to `problems`."""
    try:
        return kind.from_environment(variables)
    except SettingsError as error:
        problems.update(error.problems)
        return None


def examine_settings(role: Role, variables: Mapping[str, str], problems: Iterable[str]) -> list[Check]:
    """Return a check for each problem, or one that says that there is none; and those of the role's limits."""
    checks = [Check.of_problem(problem) for problem in sorted(problems)]
    checks = checks or [Check("settings", Verdict.OK, f"the role {role} has what it needs")]
    if role in {Role.WORKER, Role.LOCAL} and not variables.get(_SCHEDULE, "").strip():
        finding = "is not set: the Functions host cannot load the collector's timer"
        next_step = "set it, unless something else collects"
        checks.append(Check(f"setting {_SCHEDULE}", Verdict.WARNING, finding, next_step))
    return [*checks, *_of_others(role, variables)]


def _of_others(role: Role, variables: Mapping[str, str]) -> list[Check]:
    next_step = "take it out: who breaks into this app gets what its settings have"
    return [
        Check(f"setting {name}", Verdict.WARNING, f"is set here, and {owner} alone needs it", next_step)
        for name, owner in _OF_OTHERS[role].items()
        if variables.get(name, "").strip()
    ]
