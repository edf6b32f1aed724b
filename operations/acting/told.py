"""What ``remediate`` shows: what would be done and with which rights, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operations.acting.readings import AssignmentNow, Unread
from operations.acting.rights import roles_at
from operations.report import Cell, Listing, Tone
from publisher.policy_insights.remediations import DISCOVERY_MODE
from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from operations.acting.plan import Plan, Step
    from operations.acting.readings import Readings
    from operations.acting.tasks import Course
    from publisher.resource_ids import ResourceGroupId
    from verdicts.facts import AssignmentFacts

_SHOWN_ROWS = 50


def plan_listings(
    plan: Plan, readings: Readings, finding: AssignmentFacts, group: ResourceGroupId
) -> tuple[Listing, ...]:
    """Return the tables about what would be done: the assignment and its identity, the resources, and what is wrong."""
    tables = [Listing("Finding", ("Property", "Value"), _properties(readings, finding, group))]
    if plan.steps:
        steps = [
            (_name(step), step.rule.effect, _needed(readings, step), str(len(step.resources))) for step in plan.steps
        ]
        tables.append(Listing("To be remediated", ("Reference", "Effect", "Needs roles", "Resources"), steps))
        resources = [(_name(step), _inside(group, one)) for step in plan.steps for one in step.resources]
        tables.append(_bounded("Resources", ("Reference", "Resource"), resources))
    wrong = [(Cell("refused", "bad"), one) for one in plan.refusals]
    wrong += [(Cell("in doubt", "doubtful"), one) for one in plan.doubts]
    wrong += [(Cell("note"), one) for one in plan.notes]
    if wrong:
        tables.append(Listing("To know", ("", "What"), wrong))
    return tuple(tables)


def plan_document(plan: Plan, readings: Readings, group: ResourceGroupId) -> dict[str, Any]:
    """Return what would be done, as JSON; what could not be read is null."""
    assignment = readings.assignment if isinstance(readings.assignment, AssignmentNow) else None
    return {
        "discovery_mode": DISCOVERY_MODE,
        "steps": [one.document for one in plan.steps],
        "identity": {"type": assignment.identity.kind, "principal_ids": list(assignment.identity.principal_ids)}
        if assignment
        else None,
        "identity_roles": _held(readings, group),
        "refusals": list(plan.refusals),
        "doubts": list(plan.doubts),
        "notes": list(plan.notes),
    }


def course_listings(courses: Iterable[Course], group: ResourceGroupId) -> tuple[Listing, ...]:
    """Return the tables about tasks and their deployments, those that failed first."""
    tasks, deployments = [], []
    for one in courses:
        state = one.task.state if one.task else "not created"
        tone: Tone = "good" if one.is_good else "bad"
        why = "; ".join(filter(None, (one.trouble, *one.notes)))
        tasks.append((one.name, one.step.reference, Cell(state, tone), _counts(one), why))
        for done in sorted(one.deployments or (), key=lambda each: not each.has_failed):
            error = f"{done.code}: {done.message}" if done.code else ""
            shown = Cell(done.status or "not told", "bad" if done.has_failed else "")
            deployments.append((one.name, _inside(group, done.resource_id), shown, error))
    columns = ("Task", "Reference", "State", "Deployments", "Why")
    tables = [Listing("Remediation tasks", columns, tasks)]
    if deployments:
        tables.append(_bounded("Deployments", ("Task", "Resource", "Status", "Error"), deployments))
    return tuple(tables)


def _bounded(title: str, columns: tuple[str, ...], rows: Sequence[tuple[Cell | str, ...]]) -> Listing:
    """Return a table of no more rows than somebody reads; its title tells how many are left out."""
    left = len(rows) - _SHOWN_ROWS
    return Listing(f"{title} ({left} more are in --json)" if left > 0 else title, columns, rows[:_SHOWN_ROWS])


def _name(step: Step) -> str:
    return step.reference or "(the definition)"


def _counts(course: Course) -> str:
    task = course.task
    if task is None or task.total is None:
        return "not told"
    return f"{task.successful or 0} of {task.total}" + (f", {task.failed} failed" if task.failed else "")


def _properties(readings: Readings, finding: AssignmentFacts, group: ResourceGroupId) -> list[tuple[Cell | str, ...]]:
    rows: list[tuple[Cell | str, ...]] = [
        ("assignment", finding.display_name or finding.name),
        ("managed resource group", str(group)),
        ("open violations", str(len(finding.open))),
    ]
    assignment = readings.assignment
    if isinstance(assignment, AssignmentNow):
        rows += [
            ("assignment id", assignment.id),
            ("definition", assignment.definition_id),
            ("enforcement", assignment.enforcement),
            ("identity", str(assignment.identity)),
        ]
    held = _held(readings, group)
    rows.append(("roles of the identity", Cell("not known", "doubtful") if held is None else ", ".join(held) or "none"))
    return rows


def _held(readings: Readings, group: ResourceGroupId) -> list[str] | None:
    """Return the roles that the identity has at the group; None where they are not known."""
    if isinstance(readings.roles, Unread) or not isinstance(readings.assignment, AssignmentNow):
        return None
    held = roles_at(readings.roles, readings.assignment.identity.principal_ids, str(group))
    return sorted(map(readings.named, held))


def _needed(readings: Readings, step: Step) -> str:
    roles = step.rule.roles
    return "not known" if roles is None else ", ".join(map(readings.named, roles)) or "none"


def _inside(group: ResourceGroupId, resource_id: str) -> str:
    """Return a resource's type and name in the managed resource group; the whole id of one that is elsewhere."""
    prefix = f"{group}/providers/"
    return resource_id[len(prefix) :] if fold(resource_id).startswith(fold(prefix)) else resource_id
