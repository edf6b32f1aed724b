"""``baseline``: an operator declares which policy assignments the applications of a plan version must have."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from operations.baseline_file import BadFile, BaselineFile, as_member, bad_field, read_baseline
from operations.decision import Decision, make_sure
from operations.report import BadUsage, Cell, Listing, Refused, Report
from publisher.resource_ids import fold
from registry.managed_application import ManagedApplication
from registry.reconcile import SECONDS_PER_APPLICATION
from verdicts.facts import GuardState
from verdicts.guard.comparison import compare
from verdicts.guard.declared import Declared, plan_key, relative_id
from verdicts.ledger import Entry

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from operations.report import Console
    from operations.workplace import Workplace
    from registry.managed_application import ExpectedAssignment
    from verdicts.facts import ApplicationFacts

_EFFECTS: Final = ("retire", "add", "change", "keep")


async def baseline(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Declare the baseline of a plan version, from an application as it is now or from a file."""
    decision = Decision.of(options)
    of_plan = [
        item
        async for item in workplace.registry.applications()
        if isinstance(item, ManagedApplication) and fold(item.plan_name) == fold(options.plan)
    ]
    try:
        plan, assignments = await _wanted(workplace, options, of_plan)
    except BadFile as error:
        raise BadUsage(str(error)) from error
    declared = Declared(plan, assignments, workplace.now(), decision.person, decision.reason)
    effects = await _effects(workplace, declared, {one.application_id for one in of_plan if plan_key(one) == plan})
    document = {"baseline": _document(options, assignments), "effects": effects, "declared": False}
    listing = _listing(effects)
    if options.dry_run:
        return Report(ok=True, document=document, listings=(listing,), notes=("Nothing was changed.",))
    console.show_listing(listing)
    make_sure(f"Declare this for plan {options.plan} {options.version}?", decision, options, console)
    await workplace.ledger.declare(declared)
    event = workplace.plan_event(options.plan, options.version, "BaselineDeclared", decision)
    error_of_event = await workplace.tell([event])
    note = f"{len(assignments)} assignments are declared for {options.plan} {options.version}, from the next run on."
    return Report(
        ok=error_of_event is None, document=document | {"declared": True}, notes=(note,), error=error_of_event
    )


async def _wanted(
    workplace: Workplace, options: argparse.Namespace, of_plan: list[ManagedApplication]
) -> tuple[str, dict[str, ExpectedAssignment]]:
    """Return the plan's key and the assignments to declare, by relative id; raise Refused or BadFile."""
    if options.file is None:
        return await _of_application(workplace, options)
    content = read_baseline(options.file)
    for name in ("plan", "version"):
        if fold(getattr(content, name)) != fold(getattr(options, name)):
            raise bad_field(options.file, content.lines, (name,), f"is not {getattr(options, name)}, as --{name} says")
    return _key_of_file(options, content, of_plan), {one.id: one for one in content.assignments}


def _key_of_file(options: argparse.Namespace, content: BaselineFile, of_plan: list[ManagedApplication]) -> str:
    """Return the key of the plan version that a file is about, which needs an application of that plan."""
    offers = {fold(one.plan_product): one for one in of_plan}
    if content.offer:
        offers = {name: one for name, one in offers.items() if name == fold(content.offer)}
    if not offers:
        what = ("offer",) if content.offer and of_plan else ("plan",)
        raise bad_field(options.file, content.lines, what, "is unknown: no registered application has it")
    if len(offers) > 1:
        names = ", ".join(sorted(one.plan_product for one in offers.values()))
        raise bad_field(options.file, content.lines, ("plan",), f"is a plan of several offers ({names}): add offer")
    [known] = offers.values()
    return plan_key(replace(known, plan_name=options.plan, plan_version=options.version))


async def _of_application(
    workplace: Workplace, options: argparse.Namespace
) -> tuple[str, dict[str, ExpectedAssignment]]:
    """Return what an application has now, as ARM says; what was stored of it earlier does not count."""
    identity, refresher = options.application, workplace.inventory.refresher
    deadline = time.monotonic() + SECONDS_PER_APPLICATION
    application = await refresher.described(
        await refresher.arm.application(identity, deadline=deadline), None, deadline=deadline
    )
    has = fold(application.plan_name), fold(application.plan_version)
    if has != (fold(options.plan), fold(options.version)):
        raise Refused(f"{identity} is of plan {application.plan_name} {application.plan_version}")
    assignments = application.assignments
    if assignments is None or any(one.posture is None for one in assignments):
        raise Refused(f"the assignments of {identity} cannot be read completely now: try again")
    if not assignments:
        raise Refused(f"{identity} has no policy assignment of its own: that is no baseline")
    group = str(application.managed_resource_group_id)
    by_id = {relative_id(one.id, group): one for one in assignments}
    return plan_key(application), {name: replace(one, id=name) for name, one in by_id.items()}


async def _effects(workplace: Workplace, declared: Declared, concerned: set[Any]) -> list[dict[str, Any]]:
    """Return what the declaration would do to each assignment, and in how many applications."""
    counts: Counter[tuple[str, str]] = Counter()
    ending: Counter[str] = Counter()
    for identity in concerned:
        entry = await workplace.ledger.find(identity)
        if not isinstance(entry, Entry):
            continue
        for name, effect, violations in _effects_on(entry.facts, declared.assignments):
            counts[name, effect] += 1
            ending[name] += violations if effect == "retire" else 0
    known = {name for name, _ in counts}
    found = [
        {"assignment": name, "effect": effect, "applications": count, "violations_that_end": ending[name]}
        for (name, effect), count in counts.items()
    ]
    found += [
        {"assignment": name, "effect": "add", "applications": 0, "violations_that_end": 0}
        for name in declared.assignments
        if name not in known
    ]
    return sorted(found, key=lambda one: (_EFFECTS.index(one["effect"]), one["assignment"]))


def _effects_on(facts: ApplicationFacts, declared: Mapping[str, ExpectedAssignment]) -> Iterable[tuple[str, str, int]]:
    """Yield (relative id, effect, open violations) for each assignment of an application."""
    group = facts.managed_resource_group_id
    known = {relative_id(one.id, group): one for one in facts.assignments.values() if one.ending is None}
    for name, one in known.items():
        if name not in declared:
            yield name, "retire", len(one.open)
        elif one.guard.baseline is None or compare(declared[name], one.guard.baseline)[0] is not GuardState.INTACT:
            yield name, "change", len(one.open)
        else:
            yield name, "keep", len(one.open)
    for name in declared:
        if name not in known:
            yield name, "add", 0


def _document(options: argparse.Namespace, assignments: Mapping[str, ExpectedAssignment]) -> dict[str, Any]:
    members = [as_member(name, one) for name, one in sorted(assignments.items())]
    return {"plan": options.plan, "version": options.version, "assignments": members}


def _listing(effects: list[dict[str, Any]]) -> Listing:
    rows = [
        (
            one["assignment"].rpartition("/")[2],
            Cell(one["effect"], "good" if one["effect"] == "keep" else "doubtful"),
            str(one["applications"]),
            Cell(str(one["violations_that_end"]), "bad") if one["violations_that_end"] else "",
        )
        for one in effects
    ]
    return Listing("", ("Assignment", "Effect", "Applications", "Open violations that end"), rows)
