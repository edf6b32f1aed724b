"""What can be told of applications whose ledger row cannot be read, or not be written: alarms that nobody remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from publisher.resource_ids import ApplicationId, InvalidResourceId, fold
from registry.managed_application import ManagedApplication
from verdicts.alarms import NAMED_BY_CAUSE
from verdicts.derive import FAILURES_TOLD, SINCE
from verdicts.facts import Alarm, AlarmKind, ApplicationFacts, Label, Unread
from verdicts.outcome import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from registry.managed_application import MalformedRow
    from verdicts.control import RunRecord
    from verdicts.ledger import UnreadableEntry

CODE: Final = "MalformedLedgerRow"
_CAUSE: Final = f"unread: {Outcome.FAILED}: {CODE}"

NOT_WRITTEN: Final = "LedgerNotWritten"
_NOT_WRITTEN_CAUSE: Final = f"unread: {Outcome.FAILED}: {NOT_WRITTEN}"

NAMED_BY_A_SHARD: Final = 5
"""So many alarms of their own each shard opens at least: a publication, which is no shard, names the same ones."""


class UnreadableRows:
    """Makes facts of applications whose ledger row cannot be read, for rows alone: nothing of it is ever stored.

    Their alarm is open from the first sight of such a row until somebody repairs it, so its words name no time: nobody
    remembers since when. The first of them have alarms of their own, further ones are told by their cause.

    Args:
        run_id: of the run or publication.
        now: its start.
        shards: in how many parts the run is done.
    """

    def __init__(self, run_id: str, now: datetime, *, shards: int = 1) -> None:
        self._run_id = run_id
        self._now = now
        self._room = max(NAMED_BY_A_SHARD, NAMED_BY_CAUSE // shards)
        self.count = 0

    def facts_of(
        self, entry: UnreadableEntry, application: ManagedApplication | MalformedRow | None = None
    ) -> ApplicationFacts:
        """Return facts that say that the application has failed, and why.

        `application` is what the registry has of it: a run and a publication call it alike, or its alarm fires anew.
        """
        return self.alarmed(nothing_known(entry.application_id, self._run_id, self._now, application), entry)

    def alarmed(self, facts: ApplicationFacts, entry: UnreadableEntry) -> ApplicationFacts:
        """Return facts with the alarm that the application's ledger row cannot be read."""
        self.count += 1
        named = self.count <= self._room
        alarm = Alarm(
            key=fold(facts.application_id) if named else f"cause: {_CAUSE}",
            cause="" if named else _CAUSE,
            says=message_of(entry),
            opened_at=self._now,
        )
        plan = f"{facts.plan_name} {facts.plan_version}".strip()
        return replace(
            facts,
            unread=Unread(self._now, 1, Outcome.FAILED, CODE, message_of(entry)),
            label=Label(facts.customer_name, facts.application_name, plan),
            alarms={AlarmKind.UNREAD: alarm},
        )


def without_times(facts: ApplicationFacts) -> ApplicationFacts:
    """Return facts whose alarms name no time: each run reads the violations as if for the first time.

    An alert is one of its own for each text of its dimensions, so a time would fire it again with every run.
    """
    assignments = {
        key: replace(one, alarms={kind: _without_time(alarm) for kind, alarm in one.alarms.items()})
        for key, one in facts.assignments.items()
    }
    return replace(facts, assignments=assignments)


def _without_time(alarm: Alarm) -> Alarm:
    return replace(alarm, says=alarm.says.rpartition(SINCE)[0] or alarm.says)


def nothing_known(
    application_id: str, run_id: str, now: datetime, application: ManagedApplication | MalformedRow | None = None
) -> ApplicationFacts:
    """Return facts of an application of which nothing is remembered but its id, and what the registry has of it."""
    known = application if isinstance(application, ManagedApplication) else None
    identity = (application.application_id if application else None) or _identity(application_id)
    subscription_id, name = (identity.subscription_id, identity.name) if identity else ("", "")
    return ApplicationFacts(
        application_id=str(identity) if identity else application_id,
        customer_subscription_id=subscription_id,
        managed_resource_group_id=str(known.managed_resource_group_id) if known else "",
        registered_at=None,
        application_name=name,
        customer_name=known.customer_name if known else subscription_id,
        plan_name=known.plan_name if known else "",
        plan_version=known.plan_version if known else "",
        applied_run=run_id,
        applied_at=now,
        changed_at=now,
    )


def unwritten(facts: ApplicationFacts, message: str, record: RunRecord | None, now: datetime) -> ApplicationFacts:
    """Return facts, for rows alone, that say that what was learned of the application cannot be kept.

    Nobody can remember since when, nor which of many have alarms of their own: they are told by their cause, in words
    that stay the same until a run writes everything again. `record` is the latest one that did.
    """
    if AlarmKind.UNREAD in facts.alarms or (facts.departure and facts.departure.outcome is Outcome.LEFT):
        return facts
    since = record.started_at if record else facts.changed_at
    known = f"since the run of {since:%Y-%m-%d %H:%M} UTC" if record else "yet"
    says = f"nothing that was learned of it could be kept {known}: the ledger cannot be written"
    alarm = Alarm(f"cause: {_NOT_WRITTEN_CAUSE}", _NOT_WRITTEN_CAUSE, says, now)
    plan = f"{facts.plan_name} {facts.plan_version}".strip()
    return replace(
        facts,
        unread=facts.unread or Unread(since, FAILURES_TOLD, Outcome.FAILED, NOT_WRITTEN, message),
        label=facts.label or Label(facts.customer_name, facts.application_name, plan),
        alarms={**facts.alarms, AlarmKind.UNREAD: alarm},
    )


def message_of(entry: UnreadableEntry) -> str:
    """Return why a ledger row counts as a failure, for a person."""
    return f"the ledger's row of this application cannot be read: {entry.reason}"


def _identity(application_id: str) -> ApplicationId | None:
    try:
        return ApplicationId.parse(application_id)
    except InvalidResourceId:
        return None
