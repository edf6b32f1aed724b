"""``baseline``: an operator declares which policy assignments the applications of a plan version must have."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from operations.baseline.file import BaselineFile, as_member, read_baseline
from operations.decision import Decision, make_sure
from operations.files.fields import BadFile
from operations.report import BadUsage, Cell, Listing, Refused, Report
from publisher.resource_ids import fold
from registry.managed_application import ManagedApplication
from registry.reconcile import SECONDS_PER_APPLICATION
from verdicts.facts import GuardState
from verdicts.guard.comparison import compare
from verdicts.guard.declared import Declared, plan_key, relative_id
from verdicts.ledger import Entry
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from operations.report import Console
    from operations.workplace import Workplace
    from registry.managed_application import ExpectedAssignment
    from verdicts.facts import ApplicationFacts


_NONE_DECLARED: Final = "No baseline is declared: each application's is learned from what it had at first."


class _Effect(StrEnum):
    """What a declaration does to an assignment."""

    RETIRE = "retire"
    """It is judged no more: the declaration lacks it, and Azure lists it no more."""
    RETIRE_LATER = "retire when Azure lists it no more"
    ADD = "add"
    CHANGE = "change"
    KEEP = "keep"


async def baseline(workplace: Workplace, options: argparse.Namespace, console: Console) -> Report:
    """Declare the baseline of a plan version, from an application as it is now or from a file; or list those."""
    if options.list:
        return await _list(workplace)
    lacking = [name for name in ("plan", "reason") if getattr(options, name) is None]
    if lacking:
        raise BadUsage(f"{', '.join(f'--{name}' for name in lacking)} is missing: which plan is it about, and why?")
    decision = Decision.of(options)
    what = f"{options.plan} {options.version}".strip()
    of_plan = [
        item
        async for item in workplace.registry.applications()
        if isinstance(item, ManagedApplication) and _is_of(item, options.plan)
    ]
    if not options.version and any(one.plan_name for one in of_plan):
        raise BadUsage("--version is missing: a baseline is of one version of a plan")
    try:
        plan, assignments = await _wanted(workplace, options, of_plan)
    except BadFile as error:
        raise BadUsage(str(error)) from error
    declared = Declared(plan, assignments, workplace.now(), decision.person, decision.reason)
    effects = await _effects(workplace, declared, [one for one in of_plan if plan_key(one) == plan])
    document = {"baseline": _document(options, assignments), "effects": effects, "declared": False}
    listing = _listing(effects)
    if options.dry_run:
        return Report(ok=True, document=document, listings=(listing,), notes=("Nothing was changed.",))
    console.show_listing(listing)
    make_sure(f"Declare this for {what}?", decision, options, console)
    await workplace.ledger.declare(declared)
    event = workplace.plan_event(options.plan, options.version, "BaselineDeclared", decision)
    error_of_event = await workplace.tell([event])
    note = f"{len(assignments)} assignments are declared for {what}, from the next run on."
    return Report(
        ok=error_of_event is None, document=document | {"declared": True}, notes=(note,), error=error_of_event
    )


async def _list(workplace: Workplace) -> Report:
    control = await workplace.ledger.control()
    declared = sorted(control.declared.values(), key=lambda one: one.plan)
    rows = [
        (one.plan, str(len(one.assignments)), f"{one.declared_at:%Y-%m-%d %H:%M}", one.person, one.reason)
        for one in declared
    ]
    unread = "; ".join(map(str, control.unreadable)) or None
    return Report(
        ok=unread is None,
        document={
            "baselines": [
                {
                    "plan": one.plan,
                    "assignments": sorted(one.assignments),
                    "declared_at": one.declared_at,
                    "person": one.person,
                    "reason": one.reason,
                }
                for one in declared
            ]
        },
        listings=(Listing("", ("Plan", "Assignments", "Since (UTC)", "Who", "Why"), rows),) if rows else (),
        notes=() if rows or unread else (_NONE_DECLARED,),
        error=unread,
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
            raise content.file.bad((name,), f"is not {getattr(options, name)}, as --{name} says")
    return _key_of_file(options, content, of_plan), {one.id: one for one in content.assignments}


def _key_of_file(options: argparse.Namespace, content: BaselineFile, of_plan: list[ManagedApplication]) -> str:
    """Return the key of the plan version that a file is about, which needs an application of that plan."""
    offers = {fold(one.plan_product or one.definition_id): one for one in of_plan}
    if content.offer:
        offers = {name: one for name, one in offers.items() if name == fold(content.offer)}
    if not offers:
        what = ("offer",) if content.offer and of_plan else ("plan",)
        raise content.file.bad(what, "is unknown: no registered application has it")
    if len(offers) > 1:
        names = ", ".join(sorted(one.plan_product or one.definition_id for one in offers.values()))
        raise content.file.bad(("plan",), f"is a plan of several offers ({names}): add offer")
    [known] = offers.values()
    if known.plan_name:
        known = replace(known, plan_version=options.version)
    return plan_key(known)


async def _of_application(
    workplace: Workplace, options: argparse.Namespace
) -> tuple[str, dict[str, ExpectedAssignment]]:
    """Return what an application has now, as ARM says; what was stored of it earlier does not count."""
    identity, refresher = options.application, workplace.inventory.refresher
    deadline = time.monotonic() + SECONDS_PER_APPLICATION
    application = await refresher.described(
        await refresher.arm.application(identity, deadline=deadline), None, deadline=deadline
    )
    if not _is_of(application, options.plan) or fold(application.plan_version) != fold(options.version):
        name = application.plan_name or application.definition_id
        raise Refused(f"{identity} is of plan {name} {application.plan_version}")
    assignments = application.assignments
    if assignments is None or any(one.posture is None for one in assignments):
        raise Refused(f"the assignments of {identity} cannot be read completely now: try again")
    if not assignments:
        raise Refused(f"{identity} has no policy assignment of its own: that is no baseline")
    group = str(application.managed_resource_group_id)
    by_id = {relative_id(one.id, group): one for one in assignments}
    return plan_key(application), {name: replace(one, id=name) for name, one in by_id.items()}


def _is_of(application: ManagedApplication, plan: str) -> bool:
    """Tell whether an application is of a plan, or of a service catalog definition, by its name or id."""
    if application.plan_name:
        return fold(application.plan_name) == fold(plan)
    definition_id = fold(application.definition_id)
    return bool(definition_id) and fold(plan) in {definition_id, definition_id.rpartition("/")[2]}


async def _effects(
    workplace: Workplace, declared: Declared, concerned: list[ManagedApplication]
) -> list[dict[str, Any]]:
    """Return what the declaration would do to each assignment, and in how many applications."""
    counts: Counter[tuple[str, str]] = Counter()
    ending: Counter[str] = Counter()
    for application in concerned:
        entry = await workplace.ledger.find(application.application_id)
        if not isinstance(entry, Entry):
            continue
        for name, effect, violations in _effects_on(entry.facts, application, declared.assignments):
            counts[name, effect] += 1
            ending[name] += violations
    known = {name for name, _ in counts}
    found = [
        _effect(name, effect, count, ending[name] if effect is _Effect.RETIRE else 0)
        for (name, effect), count in counts.items()
    ]
    found += [_effect(name, _Effect.ADD, 0, 0) for name in declared.assignments if name not in known]
    return sorted(found, key=lambda one: (list(_Effect).index(one["effect"]), one["assignment"]))


def _effect(name: str, effect: str, applications: int, violations: int) -> dict[str, Any]:
    return {"assignment": name, "effect": effect, "applications": applications, "violations_that_end": violations}


def _effects_on(
    facts: ApplicationFacts, application: ManagedApplication, declared: Mapping[str, ExpectedAssignment]
) -> Iterable[tuple[str, _Effect, int]]:
    """Yield (relative id, effect, open violations that end) for each assignment of an application."""
    group = facts.managed_resource_group_id
    listed = {fold(one.id) for one in application.assignments or ()}
    assignments = [one for key, one in facts.assignments.items() if one.ending is None and not is_check(key)]
    known = {relative_id(one.id, group): one for one in assignments}
    for name, one in known.items():
        if name not in declared and one.id in listed:
            yield name, _Effect.RETIRE_LATER, 0
        elif name not in declared:
            yield name, _Effect.RETIRE, len(one.open)
        elif one.guard.baseline is None or compare(declared[name], one.guard.baseline)[0] is not GuardState.INTACT:
            yield name, _Effect.CHANGE, 0
        else:
            yield name, _Effect.KEEP, 0
    for name in declared:
        if name not in known:
            yield name, _Effect.ADD, 0


def _document(options: argparse.Namespace, assignments: Mapping[str, ExpectedAssignment]) -> dict[str, Any]:
    members = [as_member(name, one) for name, one in sorted(assignments.items())]
    return {"plan": options.plan, "version": options.version, "assignments": members}


def _listing(effects: list[dict[str, Any]]) -> Listing:
    rows = [
        (
            one["assignment"].rpartition("/")[2],
            Cell(one["effect"], "good" if one["effect"] is _Effect.KEEP else "doubtful"),
            str(one["applications"]),
            Cell(str(one["violations_that_end"]), "bad") if one["violations_that_end"] else "",
        )
        for one in effects
    ]
    return Listing("", ("Assignment", "Effect", "Applications", "Open violations that end"), rows)
