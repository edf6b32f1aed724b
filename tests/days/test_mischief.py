"""Days in which customers, Azure and we do anything in any order: what is broken stays an alarm, what is well closes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from sandbox.workspace.arrival import Dropped, RandomDelay, at_once
from sandbox.world.customers import Access, Customer
from sandbox.world.policies import Assignment
from tests.days.conftest import ASSIGNMENT, NONCOMPLIANT
from tests.days.days import Days

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

LIKELY = 0.7
OFTEN = {"break": 5, "repair": 6, "let in": 5, "restore": 5, "go on": 3, "arrive": 3}
"""What happens more often than other things, so that most of the time somebody can be read."""
MOST_DROPPED = 12
STORAGE = ("storage1", "storage2")
TABLES = ("PolicyComplianceStates_CL", "PolicyCollectionResults_CL", "PolicyCollectionRuns_CL", "PolicyVerdicts_CL")


@dataclass
class Deployment:
    """A customer, and the truth: which storage accounts violate, whatever Azure reports."""

    customer: Customer
    assignment: Assignment
    broken: set[str] = field(default_factory=set)
    deleted: bool = False
    disabled: bool = False
    exempt: bool = False
    has_recovered: bool = False
    """Whether the last violation was repaired since an alarm last closed."""
    closed: int = 0
    """How often an alarm has closed."""

    def repair(self, name: str) -> None:
        self.has_recovered |= self.broken == {name}
        self.broken.discard(name)

    def may_have_closed(self, closed: int) -> bool:
        """Whether an alarm that has closed once more had a repair of its own: one repair closes one alarm."""
        may = closed == self.closed or (closed == self.closed + 1 and self.has_recovered)
        self.has_recovered &= closed == self.closed
        self.closed = closed
        return may

    def azure_evaluates(self) -> None:
        """Azure reports what it sees through the assignment as it is."""
        if self.deleted:
            return
        self.customer.set_compliance("Exempt" if self.exempt else "Compliant", assignment=ASSIGNMENT)
        for name in () if self.exempt or self.disabled else self.broken:
            self.customer.break_resource(name, ASSIGNMENT)

    def delete_assignment(self) -> None:
        if not self.deleted:
            self.customer.unassign(ASSIGNMENT)
            self.deleted = True

    def restore(self) -> None:
        """The assignment is as the plan has it, and nobody is exempted."""
        self.customer.exemptions = ()
        if not self.deleted:
            self.customer.unassign(ASSIGNMENT)
        self.customer.assign(self.assignment)
        self.deleted = self.disabled = self.exempt = False

    def disable(self) -> None:
        if not self.deleted:
            self.customer.disable(ASSIGNMENT)
            self.disabled = True

    def exempt_it(self) -> None:
        if not self.deleted and not self.exempt:
            self.customer.exempt(ASSIGNMENT)
            self.exempt = True


@dataclass
class Mischief:
    """Does something in most hours; `dice` decides what."""

    days: Days
    dice: random.Random
    deployments: list[Deployment] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    dropping: int = 0
    """For how many hours rows have been dropped."""

    def __post_init__(self) -> None:
        for customer in self.days.customers:
            plan = next(one for one in customer.assignments if one.name == ASSIGNMENT)
            self.deployments.append(Deployment(customer, plan))

    async def hour(self) -> None:
        """Do something, or nothing, and let an hour pass. Nothing is dropped for longer than half a day."""
        self.dropping += 1
        if self.dropping > MOST_DROPPED:
            self.arrive(at_once)
        if self.dice.random() < LIKELY:
            self.act()
        await self.days.play(1, closely=False)

    def act(self) -> None:
        one = self.dice.choice(self.deployments)
        acts = {
            "break": lambda: one.broken.add(self.dice.choice(STORAGE)),
            "repair": lambda: one.repair(self.dice.choice(STORAGE)),
            "shut out": one.customer.revoke_access,
            "hide states": lambda: one.customer.revoke_access(Access.STATES),
            "hide assignments": lambda: one.customer.revoke_access(Access.ASSIGNMENTS),
            "let in": one.customer.grant_access,
            "delete": one.delete_assignment,
            "disable": one.disable,
            "exempt": one.exempt_it,
            "restore": one.restore,
            "rename": lambda: self.days.name(one.customer, f"{one.customer.name} {self.dice.randrange(100)}"),
            "stop": lambda: setattr(self.days, "collects", False),
            "go on": lambda: setattr(self.days, "collects", True),
            "late": lambda: self.arrive(RandomDelay(self.dice.randrange(1000))),
            "drop": lambda: self.arrive(Dropped(self.dice.choice(TABLES))),
            "arrive": lambda: self.arrive(at_once),
        }
        name = self.dice.choices(list(acts), [OFTEN.get(name, 1) for name in acts])[0]
        acts[name]()
        one.azure_evaluates()
        self.done.append(f"{self.days.now - self.days.start}: {name} {one.customer.name}")

    def arrive(self, how: object) -> None:
        self.dropping = 0
        self.days.sandbox.workspace.arrival = how

    def well_again(self) -> None:
        """Whoever was in the way is so no longer; what is broken is broken."""
        self.days.collects = True
        self.arrive(at_once)
        for one in self.deployments:
            one.customer.grant_access()
            one.restore()
            one.azure_evaluates()

    def story(self) -> str:
        return "\n".join([*self.done, *self.days.story()])


@pytest.mark.parametrize("seed", range(1, 7))
async def test_whatever_happens_nothing_closes_without_repair_and_everything_with_it(days: Days, seed: int) -> None:
    mischief = Mischief(days, random.Random(seed))  # noqa: S311 - no secret
    await days.play(2)
    for _ in range(4 * 24):
        await mischief.hour()
        for one in mischief.deployments:
            closed = days.history(one.customer, NONCOMPLIANT).count("Resolved")
            assert one.may_have_closed(closed), mischief.story()

    mischief.well_again()
    await days.play(4)
    for one in mischief.deployments:
        assert (NONCOMPLIANT in days.active(one.customer)) == bool(one.broken), mischief.story()

    for one in mischief.deployments:
        one.broken.clear()
        one.azure_evaluates()
    await days.play(60)
    assert days.active() == set(), mischief.story()
