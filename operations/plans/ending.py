"""What ends when an operator switches off checks of the publisher: what is open about them is told no more."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from operations.report import Cell, Listing
from publisher.resource_ids import fold
from verdicts.ledger import Entry
from verdicts.plan_settings import settings_of_plan
from verdicts.publisher_checks.ids import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.workplace import Workplace
    from verdicts.plan_settings import PlanSettings


def with_settings(plans: Mapping[str, PlanSettings], settings: PlanSettings) -> dict[str, PlanSettings]:
    """Return the settings of all plans once these are settled."""
    return {**plans, fold(settings.plan_name): settings}


def without_settings(plans: Mapping[str, PlanSettings], plan_name: str) -> dict[str, PlanSettings]:
    """Return the settings of all plans once those of this one are forgotten."""
    return {name: one for name, one in plans.items() if name != fold(plan_name)}


async def checks_that_end(workplace: Workplace, plans: Mapping[str, PlanSettings]) -> list[dict[str, Any]]:
    """Return the checks that are judged now and are switched off by these settings of all plans, by name.

    Each has the number of applications, and of open violations that end. Raises the AzureFailure when the ledger cannot
    be read.
    """
    applications, violations = Counter[str](), Counter[str]()
    async for entry in workplace.ledger.entries():
        if not isinstance(entry, Entry):
            continue  # nobody knows what is open about it; see `ledger check`
        switched_on = settings_of_plan(plans, entry.facts.plan_name).checks
        for key, one in entry.facts.assignments.items():
            name = check_name(key)
            if name and one.ending is None and name not in switched_on:
                applications[name] += 1
                violations[name] += len(one.open)
    return [
        {"check": name, "applications": count, "violations_that_end": violations[name]}
        for name, count in sorted(applications.items())
    ]


def listing_of(ending: list[dict[str, Any]]) -> tuple[Listing, ...]:
    """Return the table for people; () when nothing ends."""
    rows = [
        (
            one["check"],
            str(one["applications"]),
            Cell(str(one["violations_that_end"]), "bad") if one["violations_that_end"] else "",
        )
        for one in ending
    ]
    columns = ("Check that is switched off", "Applications", "Open violations that end")
    return (Listing("", columns, rows),) if rows else ()
