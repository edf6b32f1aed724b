"""Asks Azure Resource Graph whose policy states changed, and collects those applications at once.

It is no read: it changes no verdict and no time of a read, and opens and closes nothing. Only the collection that it
brings forward does, which is the usual one over chosen applications. What Resource Graph does not tell means nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from collector.probing import Due, batches, due_among, first_of
from collector.reporting.outcomes import utc_now
from collector.run import failure_of, run_collection
from publisher.configuration.function_timeout import function_timeout
from publisher.credentials import service_principal_credential
from publisher.errors.kinds import AzureFailure
from publisher.resource_graph.client import ResourceGraph
from publisher.resource_manager import ResourceManager
from publisher.retry import Patience
from registry.registry import Registry
from verdicts.joined import joined
from verdicts.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from collector.probing import Candidate
    from publisher.retry import Sleep
    from publisher.settings import CollectorSettings

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 100
"""Applications that are collected by one probe, longest unread first; the others are still due at the next one."""

ASKING_SHARE: Final = 0.5
"""Share of the time that asking may take; the rest is the collection's."""

TRIGGER: Final = "probe"


class ProbeFailedError(Exception):
    """Something could not be asked or collected; raised so that the Functions host marks the invocation as failed."""


@dataclass(slots=True)
class Probed:
    """What a probe did; numbers are of applications.

    `compared` were told of by Resource Graph, `untold` were asked for in vain, `collected` were due and collected, and
    `postponed` are due and left for the next probe. `odd_rows` and `strange_groups` are as in GraphAnswer. `problems`
    has what could not be asked or collected, and why.
    """

    queries: int = 0
    compared: int = 0
    untold: int = 0
    collected: int = 0
    postponed: int = 0
    odd_rows: int = 0
    strange_groups: int = 0
    cut_answers: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def failure(self) -> ProbeFailedError | None:
        """Why the probe counts as failed, or None."""
        return ProbeFailedError("; ".join(self.problems)) if self.problems else None


async def bring_forward(
    settings: CollectorSettings,
    *,
    probes_in_an_interval: int = 1,
    time_limit: timedelta | None = None,
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], datetime] = utc_now,
) -> Probed:
    """Ask once about every application, and collect those whose counts differ; return what was done.

    Args:
        settings: the collector's settings.
        probes_in_an_interval: how many probes there are between two runs of the collector. They share the alarms of
            their own that one run may open: one event across the fleet makes no more of them than it does without.
        time_limit: how long it may take; the host's functionTimeout by default.
        sleep: waits between the attempts of a call.
        clock: aware UTC time, for the collection.

    Raises:
        SettingsError: the certificate of the service principal cannot be used, or functionTimeout is no time span.
    """
    limit = (time_limit or function_timeout()).total_seconds()
    started = time.monotonic()
    patience = Patience(deadline=started + limit * ASKING_SHARE, sleep=sleep)
    probed, due = Probed(), list[Due]()
    async with (
        service_principal_credential(settings.service_principal, settings.cloud) as publisher,
        ResourceManager(publisher, settings.cloud, patience=patience) as arm,
        Registry(settings, patience=patience) as registry,
        Ledger(settings, patience=patience) as ledger,
    ):
        graph = ResourceGraph(arm, patience=patience)
        try:
            async for batch in batches(joined(registry, ledger)):
                found = await _ask(graph, batch, probed)
                due = first_of([*due, *found], MOST_AT_ONCE)
                probed.postponed += len(found)
        except AzureFailure as failure:
            probed.problems.append(f"the registry and the ledger could not be read completely: {failure}")
    probed.collected = len(due)
    probed.postponed -= len(due)
    if due:
        left = timedelta(seconds=limit - (time.monotonic() - started))
        chosen = {one.application_id: one.counts for one in due}
        summary = await run_collection(
            settings,
            trigger=TRIGGER,
            only=chosen,
            time_limit=left,
            sleep=sleep,
            clock=clock,
            shards=probes_in_an_interval,
        )
        logger.info("the probe collected", extra={"collection": summary.totals()})
        if failed := failure_of(summary):
            probed.problems.append(str(failed))
        if summary.rejected_rows:
            probed.problems.append(f"{summary.rejected_rows} rows were not stored")
    if probed.odd_rows or probed.cut_answers:
        message = "Azure Resource Graph told %d rows that make no sense, and left rows out of %d answers"
        logger.warning(message, probed.odd_rows, probed.cut_answers)
    if probed.postponed:
        logger.warning("%d more applications are due, at the next probe", probed.postponed)
    return probed


async def _ask(graph: ResourceGraph, batch: list[Candidate], probed: Probed) -> list[Due]:
    """Return who of a batch is due, and count what was told; a query that fails is noted, and brings nobody forward."""
    probed.queries += 1
    try:
        answer = await graph.state_counts([one.group for one in batch])
    except AzureFailure as failure:
        logger.warning("Azure Resource Graph could not be asked about %d applications: %s", len(batch), failure)
        probed.problems.append(f"Azure Resource Graph: {failure.code}: {failure}")
        return []
    compared = sum(one.counts_in(answer.counts) is not None for one in batch)
    probed.compared += compared
    probed.untold += len(batch) - compared
    probed.odd_rows += answer.odd_rows
    probed.strange_groups += answer.strange_groups
    probed.cut_answers += answer.is_cut
    return list(due_among(batch, answer.counts))
