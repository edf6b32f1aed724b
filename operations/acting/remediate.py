"""``remediate``: remediation tasks for what is open about a policy assignment of one application.

Without ``--create`` it shows what would be done, and changes nothing. With it, it creates one task for each reference,
follows what they deploy, lets Azure evaluate, and tells the verdict once a later evaluation was collected.
"""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING, Final

from operations.acceptances import readable_entry
from operations.acting.collecting import verdict_cell, verdict_document
from operations.acting.evaluation import Evaluator, Pace
from operations.acting.plan import plan_of
from operations.acting.readings import read_all
from operations.acting.repair import Remediation, follow
from operations.acting.tasks import Worker
from operations.acting.told import course_listings
from operations.decision import Decision, make_sure
from operations.openness import named, open_about
from operations.report import BadUsage, Listing, Refused, Report, not_registered
from publisher.policy_insights.remediations import RemediationTasks
from registry.managed_application import ManagedApplication
from verdicts.joined import joined
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    import argparse

    from operations.acting.plan import Plan
    from operations.report import Console
    from operations.workplace import Workplace
    from publisher.settings import CollectorSettings
    from verdicts.facts import ApplicationFacts, AssignmentFacts

_STARTED: Final = "RemediationStarted"
"""The action of the event that tells who let tasks be created."""

_CANCEL: Final = "az policy remediation cancel --name {} --resource-group {} --subscription {}"
_NOTHING_CHANGED: Final = "Nothing was changed. To create the tasks, say --create."


async def remediate(
    workplace: Workplace, settings: CollectorSettings, options: argparse.Namespace, console: Console
) -> Report:
    """Show what would be done about a finding, or do it."""
    if options.create and not options.reason:
        raise BadUsage("--reason is missing: say why, it is told with your name")
    decision = Decision.of(options) if options.create else None
    standing = await _standing(workplace, options)
    if standing is None:
        return not_registered(options.application)
    application, finding = standing
    arm, group = workplace.inventory.refresher.arm, application.managed_resource_group_id
    evaluator = Evaluator(arm, group, workplace.now() - settings.states_window)
    with console.busy("reading the assignment, its identity and what is violated"):
        readings = await read_all(arm, application.application_id, finding.id, evaluator)
    plan = plan_of(readings, finding, group, reference=options.reference)
    task = Remediation(workplace, settings, application, finding, evaluator, readings, plan)
    against = _against(plan, force=options.force)
    if decision is None or against:
        notes = (_NOTHING_CHANGED,) if not against else ()
        return Report(
            ok=not against, document=task.head | {"tasks": []}, listings=task.listings, notes=notes, error=against
        )
    for listing in task.listings:
        console.show_listing(listing)
    count, resources = len(plan.steps), sum(len(one.resources) for one in plan.steps)
    question = f"Create {count} remediation tasks for {resources} resources of {application.customer_name}?"
    make_sure(question, decision, options, console)
    # While somebody made up his mind, the finding may have ended, or the application may have been deployed anew.
    standing = await _standing(workplace, options)
    if standing is None or standing[0].managed_resource_group_id != group:
        raise Refused("not done: the registry has changed meanwhile, look at it again")
    return await _act(task, decision, options.wait * 60.0, console)


async def _standing(
    workplace: Workplace, options: argparse.Namespace
) -> tuple[ManagedApplication, AssignmentFacts] | None:
    """Return the application and the finding as they stand now, None without the application; raise as `_finding`."""
    found = [one async for one in joined(workplace.registry, workplace.ledger, only=options.application)]
    application = found[0].application if found else None
    if not isinstance(application, ManagedApplication):
        return None
    return application, _finding((await readable_entry(workplace, options.application)).facts, options, workplace)


def _finding(facts: ApplicationFacts, options: argparse.Namespace, workplace: Workplace) -> AssignmentFacts:
    """Return the assignment that is named, about which violations are open; raise Refused or BadUsage."""
    known, now = named(facts, options.assignment), workplace.now()
    if len(known) > 1:
        names = ", ".join(one.id for one in known)
        raise BadUsage(f"{options.assignment} are several assignments, name one by its id: {names}")
    if known and is_check(known[0].id):
        raise Refused(f"{known[0].name} is one of your own checks: Azure Policy has no remediation for it")
    if known and known[0].ending is None and (known[0].open or known[0].overflow):
        return known[0]
    others = {one.name: open_about(facts, one, now) for one in facts.assignments.values()}
    rest = "; ".join(f"{name} ({what})" for name, what in sorted(others.items()) if what)
    begin = f"no violation of {options.assignment} is open" if known else f"there is no assignment {options.assignment}"
    raise Refused(f"{begin}; open is: {rest}" if rest else f"{begin}, and nothing else is open")


def _against(plan: Plan, *, force: bool) -> str | None:
    """Return why nothing is created, None when nothing speaks against it."""
    reasons = list(plan.refusals)
    if plan.doubts and not force:
        reasons += plan.doubts
        reasons += [] if plan.refusals else ["say --force to create it all the same"]
    return f"refused, nothing was created: {'; '.join(reasons)}" if reasons else None


async def _act(task: Remediation, decision: Decision, seconds: float, console: Console) -> Report:
    """Create the tasks and follow them for so many seconds; interrupted, report what stands, as the tasks go on."""
    tasks = RemediationTasks(task.evaluator.arm, task.evaluator.group)
    worker = Worker(tasks, task.assignment_id, task.workplace.now())
    try:
        await _create(task, worker, decision)
        if seconds:
            await follow(task, worker, Pace(seconds), console)
    except asyncio.CancelledError:
        for words in _going_on(task):
            console.say(words)
        return _report(task, waited=False, interrupted=True)
    return _report(task, waited=seconds > 0)


async def _create(task: Remediation, worker: Worker, decision: Decision) -> None:
    """Create the tasks, and tell who did it, also when they may have been created only."""
    try:
        for step in task.plan.steps:
            task.courses.append(worker.course(step))
            await worker.begin(task.courses[-1])
            if task.courses[-1].problem and task.courses[-1].concerns_all:
                break
    finally:
        if any(one.acted for one in task.courses):
            event = await task.workplace.event(task.identity, _STARTED, decision)
            task.untold = await task.workplace.tell([event])


def _report(task: Remediation, *, waited: bool, interrupted: bool = False) -> Report:
    """Return the report: all is well when what was violated was evaluated later, collected, and is open no more."""
    errors = ["interrupted"] if interrupted else []
    errors += [f"{one.name}: {one.trouble}" for one in task.courses if one.trouble and (waited or one.problem)]
    skipped = len(task.plan.steps) - len(task.courses)
    errors += [f"{skipped} further tasks were not tried"] if skipped else []
    errors += _unproven(task) if waited else []
    errors += [task.untold] if task.untold else []
    notes = () if waited or interrupted else _going_on(task)
    verdict, facts = task.verdict, task.collected.facts if task.collected else None
    listings = list(course_listings(task.courses, task.evaluator.group))
    if verdict and facts:
        row = (verdict.display_name or verdict.name, verdict_cell(task.workplace, facts, verdict))
        listings.append(Listing("Verdict", ("Assignment", "Verdict"), [row]))
    return Report(
        ok=not errors,
        document=task.head
        | {
            "tasks": [one.document for one in task.courses],
            "evaluation": task.evaluation.document,
            "collected": task.collected.document if task.collected else None,
            "verdict": verdict_document(facts, verdict) if verdict and facts else None,
        },
        listings=tuple(listings),
        notes=(*notes, *task.evaluation.notes),
        error="; ".join(errors) or None,
        interrupted=interrupted,
    )


def _unproven(task: Remediation) -> list[str]:
    """Return why it is not proven that what was violated is repaired."""
    if task.collected is None:
        return ["nothing was collected"]
    errors = (
        []
        if task.evaluation.is_done
        else [f"{task.evaluation.later} of {task.evaluation.needed} repaired resources were evaluated later"]
    )
    if task.collected.error:
        errors.append(task.collected.error)
    elif task.still_open:
        errors.append(f"{task.still_open} violations are still open")
    elif task.still_open is None:
        errors.append("the ledger says nothing of the assignment any more")
    return errors


def _going_on(task: Remediation) -> tuple[str, ...]:
    """Return what Azure goes on with, and how to end it: tasks that are not over, or may have been created."""
    group, told = task.evaluator.group, []
    for one in task.courses:
        if one.task is None and one.acted:
            begin = f"Task {one.name} may have been created"
        elif one.task is not None and not one.task.is_over:
            begin = f"Task {one.name} goes on"
        else:
            continue
        words = (one.name, group.resource_group, group.subscription_id)
        told.append(f"{begin}. To end it: {_CANCEL.format(*map(shlex.quote, words))}")
    return tuple(told)
