"""``scan``: Azure Policy evaluates applications now, and what it then says is collected.

That Azure calls the evaluation done is told and not believed: only a later time in the policy states is an evaluation.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from operations.acting.collecting import Collected, collect, verdict_cell, verdict_document
from operations.acting.evaluation import Evaluation, Evaluator, Pace, is_unanswered
from operations.acting.watch import Watch
from operations.decision import Decision, make_sure
from operations.openness import open_about
from operations.report import BadUsage, Cell, Listing, Refused, Report, not_registered
from publisher.errors.kinds import AzureFailure
from registry.inventory import each
from registry.managed_application import ManagedApplication
from verdicts.joined import joined
from verdicts.ledger import Entry
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from operations.acting.states import Watched
    from operations.report import Console
    from operations.workplace import Workplace
    from publisher.settings import CollectorSettings
    from verdicts.facts import ApplicationFacts
    from verdicts.joined import Pair

_STARTED: Final = "ScanStarted"
"""The action of the event that tells who let Azure evaluate."""

_GOES_ON: Final = "Azure goes on evaluating what was started. Collect once it has: `python -m collector`."


@dataclass(slots=True)
class _Scanned:
    """An application that is to be evaluated, and what became of it."""

    application: ManagedApplication
    facts: ApplicationFacts | None
    evaluation: Evaluation = field(default_factory=Evaluation)
    watch: Watch | None = None
    link: str = ""
    acted: bool = False
    """Azure was asked, and nothing tells that it did not do it."""
    collected: Collected | None = None
    error: str | None = None

    @property
    def is_good(self) -> bool:
        return self.error is None and self.evaluation.is_done and self._is_collected

    @property
    def _is_collected(self) -> bool:
        return self.collected is not None and self.collected.error is None

    @property
    def problem(self) -> str:
        """Why it is not good, "" when it is."""
        if self.error is not None:
            return self.error
        if not self.evaluation.is_done:
            notes = "".join(f"; {one}" for one in self.evaluation.notes)
            return f"{self.evaluation.later} of {self.evaluation.needed} states were evaluated later{notes}"
        return (self.collected and self.collected.error) or ""


async def scan(
    workplace: Workplace, settings: CollectorSettings, options: argparse.Namespace, console: Console
) -> Report:
    """Let Azure evaluate one application, or all with something open, wait for later times, and collect."""
    if (options.application is None) == (not options.all_open):
        raise BadUsage("name an application, or --all-open")
    decision = Decision.of(options)
    targets, untold = await _targets(workplace, options)
    if not targets:
        if options.application is not None:
            return not_registered(options.application)
        raise Refused(untold or "nothing is open about any registered application")
    console.show_listing(_planned(workplace, targets))
    if untold:
        console.say(untold)
    make_sure(f"Let Azure Policy evaluate {len(targets)} managed resource groups now?", decision, options, console)
    scanner = _Scanner(workplace, settings, console)
    try:
        await scanner.scan(targets, options.wait * 60.0, decision)
    except asyncio.CancelledError:
        console.say(_GOES_ON)
        return _report(workplace, targets, scanner.untold or untold, waited=False, interrupted=True)
    return _report(workplace, targets, scanner.untold or untold, waited=options.wait > 0)


async def _targets(workplace: Workplace, options: argparse.Namespace) -> tuple[list[_Scanned], str | None]:
    """Return what is to be evaluated, and what cannot be told; with one application named, at most that one."""
    pairs = joined(workplace.registry, workplace.ledger, only=options.application)
    found, unreadable = [], 0
    async for pair in pairs:
        if isinstance(pair.application, ManagedApplication):
            facts = pair.entry.facts if isinstance(pair.entry, Entry) else None
            unreadable += pair.entry is not None and facts is None
            if not options.all_open or _is_open(workplace, facts):
                found.append(_Scanned(pair.application, facts))
        else:
            unreadable += _is_untold(pair)
    if options.all_open and unreadable:
        return found, f"{unreadable} rows of registry or ledger cannot be read, and may have something open"
    return found, None


def _is_open(workplace: Workplace, facts: ApplicationFacts | None) -> bool:
    now = workplace.now()
    known = facts.assignments.items() if facts is not None else ()
    return facts is not None and any(open_about(facts, one, now) for key, one in known if not is_check(key))


def _is_untold(pair: Pair) -> bool:
    """Tell whether an application cannot be evaluated that may have something open."""
    return pair.application is not None or (pair.entry is not None and not isinstance(pair.entry, Entry))


@dataclass(slots=True)
class _Scanner:
    """Lets Azure evaluate applications, waits, and collects them."""

    workplace: Workplace
    settings: CollectorSettings
    console: Console
    untold: str | None = None
    """Why the events that tell who did it were not stored."""

    async def scan(self, targets: list[_Scanned], seconds: float, decision: Decision) -> None:
        """Start, tell who did it, also when it is interrupted, wait for so many seconds and collect."""
        try:
            await each(targets, self._start)
        finally:
            acted = [one.application.application_id for one in targets if one.acted]
            events = [await self.workplace.event(one, _STARTED, decision) for one in acted]
            self.untold = await self.workplace.tell(events)
        waiting = [one for one in targets if one.evaluation.started]
        if not (seconds and waiting):
            return
        with self.console.busy("waiting for later evaluations") as tell:
            await asyncio.gather(*(self._wait(one, seconds, tell) for one in waiting))
        with self.console.busy(f"collecting {len(waiting)} applications"):
            identities = [one.application.application_id for one in waiting]
            collected = await collect(self.workplace, self.settings, identities)
        for one in waiting:
            one.collected = collected[one.application.application_id]

    async def _start(self, target: _Scanned) -> None:
        """Start the evaluation of an application whose states can be read: nothing else would tell of it."""
        evaluator = self._evaluator(target)
        try:
            target.watch = Watch.over(await evaluator.states(), _open_keys(target.facts))
        except AzureFailure as failure:
            target.error = f"not started: its policy states cannot be read, {failure.code}: {failure}"
            return
        target.evaluation.needed = target.watch.needed
        target.acted, target.error = True, "whether it was started is not known: the command was interrupted"
        try:
            target.link = await evaluator.start()
        except AzureFailure as failure:
            target.acted = is_unanswered(failure)
            told = "whether it was started is not known" if target.acted else "not started"
            target.error = f"{told}: {failure.code}: {failure}"
            return
        target.evaluation.started, target.error = True, None

    async def _wait(self, target: _Scanned, seconds: float, tell: Callable[[str], None]) -> None:
        assert target.watch is not None  # noqa: S101 - for the type checker
        name = target.application.application_id.name
        await self._evaluator(target).wait(
            target.evaluation, target.watch, target.link, Pace(seconds), lambda words: tell(f"{name}: {words}")
        )

    def _evaluator(self, target: _Scanned) -> Evaluator:
        arm, group = self.workplace.inventory.refresher.arm, target.application.managed_resource_group_id
        return Evaluator(arm, group, self.workplace.now() - self.settings.states_window)


def _open_keys(facts: ApplicationFacts | None) -> list[Watched]:
    """Return what is open and Azure Policy evaluates, which a check of the publisher's own is not."""
    if facts is None:
        return []
    judged = [one for key, one in facts.assignments.items() if not is_check(key)]
    return [(assignment.id, one.key) for assignment in judged for one in assignment.open]


def _planned(workplace: Workplace, targets: list[_Scanned]) -> Listing:
    now = workplace.now()
    rows = []
    for one in targets:
        known = one.facts.assignments.values() if one.facts else ()
        opened = [(item.name, open_about(one.facts, item, now)) for item in known if one.facts]
        words = "; ".join(f"{name}: {what}" for name, what in opened if what)
        application = one.application
        group = str(application.managed_resource_group_id)
        rows.append((application.application_id.name, application.customer_name, group, Cell(words or "nothing")))
    return Listing("To be evaluated", ("Application", "Customer", "Managed resource group", "Open"), rows)


def _report(
    workplace: Workplace, targets: list[_Scanned], untold: str | None, *, waited: bool, interrupted: bool = False
) -> Report:
    """Return the report: all is well when every application was evaluated later and collected, or only had to start."""
    good = [one for one in targets if (one.is_good if waited else one.evaluation.started)]
    errors = ["interrupted"] if interrupted else []
    errors += (
        [] if len(good) == len(targets) else [f"{len(targets) - len(good)} of {len(targets)} applications are not done"]
    )
    errors += [untold] if untold else []
    return Report(
        ok=not errors,
        document={"applications": [_document(one) for one in targets]},
        listings=(
            _evaluated(targets),
            *([_verdicts(workplace, targets)] if any(one.collected for one in targets) else []),
        ),
        notes=() if waited or interrupted else (_GOES_ON,),
        error="; ".join(errors) or None,
        interrupted=interrupted,
    )


def _evaluated(targets: list[_Scanned]) -> Listing:
    rows = [
        (
            one.application.application_id.name,
            Cell("started" if one.evaluation.started else "not started", "" if one.evaluation.started else "bad"),
            str(one.evaluation.scan or "not told"),
            Cell(
                f"{one.evaluation.later} of {one.evaluation.needed} states",
                "good" if one.evaluation.is_done else "doubtful",
            ),
            str(one.collected.outcome) if one.collected else "",
            "; ".join(dict.fromkeys(filter(None, (one.problem, *one.evaluation.notes)))),
        )
        for one in targets
    ]
    return Listing("", ("Application", "Scan", "Azure says", "Evaluated later", "Collected", "Why"), rows)


def _verdicts(workplace: Workplace, targets: list[_Scanned]) -> Listing:
    rows = [
        (one.application.application_id.name, item.name, verdict_cell(workplace, one.collected.facts, item))
        for one in targets
        if one.collected and one.collected.facts
        for item in one.collected.facts.assignments.values()
    ]
    return Listing("Verdicts", ("Application", "Assignment", "Verdict"), rows)


def _document(target: _Scanned) -> dict[str, Any]:
    facts = target.collected.facts if target.collected else None
    return {
        "application_id": str(target.application.application_id),
        "managed_resource_group_id": str(target.application.managed_resource_group_id),
        **target.evaluation.document,
        "collected": target.collected.document if target.collected else None,
        "verdicts": [verdict_document(facts, one) for one in facts.assignments.values()] if facts else [],
        "error": target.problem or None if target.collected or target.error else None,
    }
