"""``exemptions``: the exemptions of the applications' own assignments, with their end, and how one is made."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from operations.acceptances import chosen_facts, readable_entry
from operations.agreements.acceptances import assignment_name, check_choice, ends_in_time
from operations.agreements.request import request
from operations.report import BadUsage, Cell, Listing, Report, Tone
from publisher.resource_ids import ResourceGroupId
from registry.policies.permissions import READ_EXEMPTIONS, is_allowed
from registry.policies.policy_assignments import known_exemptions
from registry.reconcile import SECONDS_PER_APPLICATION
from verdicts.exempted import EXPIRES_SOON, exemption_accepted, is_known, name_of, stage_of, told_again_at

if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from operations.report import Console
    from operations.workplace import Workplace
    from registry.managed_application import Exemption
    from verdicts.facts import ApplicationFacts

_TONES: Final[dict[str, Tone]] = {"expired": "bad", "expires soon": "doubtful", "in force": ""}


async def exemptions(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """List exemptions, or tell how one is made."""
    check_choice(options)
    if options.request is not None:
        return await request(workplace, options, console)
    if options.until is not None:
        raise BadUsage("--until is for --request")
    if options.application is not None:
        with console.busy("reading the exemptions"):
            facts, untold = await _as_azure_says_now(workplace, options)
    else:
        facts, untold = await chosen_facts(workplace, options)
    now = workplace.now()
    found = sorted(
        ((known, one) for known in facts for one in known.exemptions if ends_in_time(one.expires_at, options, now)),
        key=lambda pair: _order(*pair),
    )
    rows = [_row(known, one, now) for known, one in found]
    columns = (
        "Expires (UTC)",
        "State",
        "Application",
        "Customer",
        "Assignment",
        "Exemption",
        "Category",
        "By",
        "Accepted",
    )
    return Report(
        ok=untold is None,
        document={"exemptions": [_document(known, one, now) for known, one in found]},
        listings=(Listing("", columns, rows),) if rows else (),
        notes=() if rows or untold else ("There is no such exemption.",),
        error=untold,
    )


async def _as_azure_says_now(
    workplace: Workplace, options: argparse.Namespace
) -> tuple[list[ApplicationFacts], str | None]:
    """Return what the ledger knows of one application, with the exemptions that Azure shows now."""
    facts = (await readable_entry(workplace, options.application)).facts
    arm, deadline = workplace.inventory.refresher.arm, time.monotonic() + SECONDS_PER_APPLICATION
    group = ResourceGroupId.parse(facts.managed_resource_group_id)
    read = await known_exemptions(arm, group, before=None, deadline=deadline)
    # Azure lists none to who may not read them, too.
    if read is None or not (read or await is_allowed(arm, group, READ_EXEMPTIONS, deadline=deadline)):
        since = f" of {facts.guard_read_at:%Y-%m-%d %H:%M} UTC" if facts.guard_read_at else ""
        return [facts], f"the exemptions could not be read now; what is listed is the ledger's{since}"
    return [replace(facts, exemptions=read)], None


def _order(facts: ApplicationFacts, one: Exemption) -> tuple[bool, float, str, str]:
    ends = one.expires_at
    return ends is None, ends.timestamp() if ends else 0.0, facts.application_id, one.id


def _state(one: Exemption, now: datetime) -> str:
    if one.expires_at is None or one.expires_at - now > EXPIRES_SOON:
        return "in force"
    return "expired" if one.expires_at <= now else "expires soon"


def _row(facts: ApplicationFacts, one: Exemption, now: datetime) -> tuple[Cell | str, ...]:
    state = _state(one, now)
    return (
        f"{one.expires_at:%Y-%m-%d %H:%M}" if one.expires_at else "never",
        Cell(state, _TONES[state]),
        facts.application_name,
        facts.customer_name,
        assignment_name(facts, one.assignment_id),
        name_of(one),
        one.category,
        one.created_by,
        _accepted(facts, one, now),
    )


def _accepted(facts: ApplicationFacts, one: Exemption, now: datetime) -> Cell | str:
    if not is_known(facts, stage_of(one, now).token, now):
        return Cell("no", "doubtful")
    acceptance, again = exemption_accepted(facts, one, now), told_again_at(facts, one, now)
    who = f"by {acceptance.person}" if acceptance else "known"
    return f"{who}, until {again:%Y-%m-%d %H:%M}" if again else who


def _document(facts: ApplicationFacts, one: Exemption, now: datetime) -> dict[str, Any]:
    accepted, acceptance = is_known(facts, stage_of(one, now).token, now), exemption_accepted(facts, one, now)
    return {
        "application_id": facts.application_id,
        "customer_name": facts.customer_name,
        "plan": facts.plan_name,
        "version": facts.plan_version,
        "exemption_id": one.id,
        "name": name_of(one),
        "assignment_id": one.assignment_id,
        "assignment": assignment_name(facts, one.assignment_id),
        "references": list(one.reference_ids),
        "category": one.category,
        "created_by": one.created_by,
        "expires_at": one.expires_at,
        "state": _state(one, now),
        "accepted": accepted,
        "accepted_by": acceptance.person if acceptance else None,
        "reason": acceptance.reason if acceptance else None,
        "told_again_at": told_again_at(facts, one, now) if accepted else None,
    }
