"""Examines the app whose settings the environment has, by its role, and says for each finding what to do.

Writes nothing: not to the registry, not to the tables, not to a queue, and not in a customer's subscription.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.doctor.checks import Check, Verdict
from operations.doctor.configured import examine_settings, read
from operations.report import BadUsage, Cell, Listing, Report, Tone
from publisher.environment import SettingsError
from publisher.roles import Role, role_from
from registry.inventory import as_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.resource_ids import ApplicationId

MOST_READABLE_SHOWN: Final = 20
"""Applications without a finding in the table; --json has all of them."""

_TONES: Final[dict[Verdict, Tone]] = {
    Verdict.OK: "good",
    Verdict.WARNING: "doubtful",
    Verdict.FAILED: "bad",
    Verdict.SKIPPED: "",
}


async def examine(
    variables: Mapping[str, str], *, only: ApplicationId | None, everything: bool, probe: bool = False
) -> Report:
    """Examine the app that the settings describe, and return what was found.

    Args:
        variables: the settings.
        only: whose policy states to read; None for the first application of the registry.
        everything: read those of every application.
        probe: also compare Azure Resource Graph with Policy Insights where the probe is not switched on.

    Raises BadUsage when applications are asked for and the app's role has none.
    """
    try:
        role = role_from(variables)
    except SettingsError as error:
        skipped = Check("everything else", Verdict.SKIPPED, "not examined", "the role says what has to be there")
        return _report(None, [*map(Check.of_problem, error.problems), skipped], bad_settings=True)
    if role in {Role.FRONT, Role.API} and (only or everything or probe):
        raise BadUsage(f"the role {role} reads no applications: --application, --all and --probe are for the worker")
    problems, checks = set[str](), list[Check]()
    if role in {Role.WORKER, Role.LOCAL}:
        checks += await _worker(variables, problems, only=only, everything=everything, probe=probe)
    if role in {Role.FRONT, Role.LOCAL}:
        checks += await _front(variables, problems)
    if role in {Role.API, Role.LOCAL}:
        checks += await _api(variables, problems)
    return _report(role, [*examine_settings(role, variables, problems), *checks], bad_settings=bool(problems))


# The rooms of a role are imported when the app has that role, as in function_app.


async def _worker(
    variables: Mapping[str, str], problems: set[str], *, only: ApplicationId | None, everything: bool, probe: bool
) -> list[Check]:
    from operations.doctor.worker import WorkerSettings, examine_worker  # noqa: PLC0415

    settings = WorkerSettings.from_environment(variables, problems)
    try:
        return await examine_worker(settings, only=only, everything=everything, probe=probe)
    except SettingsError as error:  # a certificate is loaded only when it is used
        problems.update(error.problems)
        return []


async def _front(variables: Mapping[str, str], problems: set[str]) -> list[Check]:
    from operations.doctor.front import examine_front  # noqa: PLC0415
    from publisher.settings import NotificationSettings  # noqa: PLC0415

    settings = read(NotificationSettings, variables, problems)
    return [] if settings is None else await examine_front(settings)


async def _api(variables: Mapping[str, str], problems: set[str]) -> list[Check]:
    from compliance_api.settings import ApiSettings  # noqa: PLC0415
    from operations.doctor.workspace import examine_api  # noqa: PLC0415

    settings = read(ApiSettings, variables, problems)
    return [] if settings is None else await examine_api(settings)


def _report(role: Role | None, checks: list[Check], *, bad_settings: bool) -> Report:
    counts = {verdict: sum(check.verdict is verdict for check in checks) for verdict in Verdict}
    shown = [check for check in checks if check.verdict is not Verdict.OK or not check.application_id]
    readable = [check for check in checks if check not in shown]
    shown += readable[:MOST_READABLE_SHOWN]
    rows = [(Cell(check.verdict, _TONES[check.verdict]), check.name, check.finding, check.next_step) for check in shown]
    more = len(readable) - MOST_READABLE_SHOWN
    healthy = not counts[Verdict.FAILED]
    return Report(
        ok=healthy,
        bad_usage=bad_settings,
        document={"healthy": healthy, "role": role, "checks": [as_document(check) for check in checks]},
        listings=(Listing("", ("Verdict", "Check", "Finding", "What to do"), rows),),
        notes=(
            *([f"and {more} more applications that can be read"] if more > 0 else []),
            ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count),
        ),
    )
