"""Reads an application as a run does, from the answers of Azure that a test gives it, and judges what was read."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from collector.reading.application_reading import ApplicationReading, CompliantStates, ReadJob, UploadedStates
from collector.reading.ownership import owned_scopes
from collector.reading.pages import StatesPages
from collector.reading.unchanged import KnownPage
from collector.reporting.chunks import Delivery
from collector.reporting.ingestion import StreamUploader
from collector.reporting.outcomes import ApplicationResult, Run
from publisher.errors.kinds import RequestRefused
from publisher.resource_ids import fold
from tests.verdicts.judging.story import (
    CUSTOMER,
    DAY,
    DEFINITION,
    GROUP,
    HOUR,
    application,
    assignment_id,
    expected,
    resource,
)
from tests.verdicts.judging.story import START as MARCH
from verdicts.alarms import AlarmBook
from verdicts.evidence import Evidence
from verdicts.facts import ApplicationFacts
from verdicts.judging.judge import judge
from verdicts.outcome import Outcome
from verdicts.stored.application_rows import facts_of, properties_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from publisher.errors.kinds import AzureFailure
    from publisher.policy_states.page import Page
    from registry.managed_application import ManagedApplication
    from verdicts.guard.declared import Declared

START = MARCH + 3 * HOUR
"""The application's turn, in which its states are uploaded in any case, has just been, and comes in 17 hours."""
NAMES = ("baseline", "second", "third")
FOREIGN = f"/subscriptions/{CUSTOMER}/providers/Microsoft.Authorization/policyAssignments/defender"


def state(
    name: str = "baseline", one: str = "a", said: str | None = "Compliant", **fields: str | None
) -> dict[str, Any]:
    identity = FOREIGN if name == "defender" else assignment_id(name)
    return {
        "timestamp": "2026-02-27T10:00:00Z",
        "resourceId": resource(one),
        "resourceType": "Microsoft.Storage/storageAccounts",
        "complianceState": said,
        "policyAssignmentId": identity,
        "policyAssignmentName": name,
        "policyAssignmentScope": identity.partition("/providers/Microsoft.Authorization")[0],
        "policyDefinitionId": DEFINITION,
        "policyDefinitionName": "storage",
        "policyDefinitionAction": "audit",
        **fields,
    }


FEW = [state(), state(one="b", said="NonCompliant"), state("second"), state("defender")]


@dataclass
class Read:
    """What one read of an application came to."""

    result: ApplicationResult
    evidence: Evidence
    rows: list[dict[str, Any]]
    parsed: int


class Uploads:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def upload(self, stream: str, body: bytes) -> None:
        self.rows += orjson.loads(gzip.decompress(body))


def registered(**fields: Any) -> ManagedApplication:
    return application(**{"assignments": tuple(map(expected, NAMES[:2])), **fields})


APPLICATION = registered()
BASELINE = fold(assignment_id("baseline"))


def read(
    states: list[dict[str, Any]],
    before: ApplicationFacts | None = None,
    *,
    at: datetime = START,
    of: ManagedApplication = APPLICATION,
    pages: int = 1,
    refuses_filter: bool = False,
    is_partial: bool = False,
    compliant_states: CompliantStates = "detailed",
    uploaded_states: UploadedStates = "changed",
    most_rows: int = 20_000,
    hides: Sequence[dict[str, Any]] = (),
    version: str = "1",
) -> Read:
    """Read what Azure has of an application as a run does, with and without a filter, which `hides` some states."""
    run = Run(f"run-{at:%d-%H-%M}", at, "test", partial=is_partial)
    evidence = Evidence(run.run_id, at, Outcome.FAILED, partial_run=is_partial)
    result, uploads, parsed = ApplicationResult.of(of), Uploads(), 0

    async def collect() -> None:
        nonlocal parsed
        async with asyncio.TaskGroup() as tasks:
            uploader = StreamUploader(uploads, "stream", tasks, 2)
            reading = ApplicationReading(
                ReadJob(of, before, result, evidence, Delivery(lambda _: None)),
                run,
                uploader=uploader,
                compliant_states=compliant_states,
                uploaded_states=uploaded_states,
                most_rows=most_rows,
                version=version,
            )

            async def fetch(url: str, told: Callable[[AzureFailure], AzureFailure]) -> Page:
                nonlocal parsed
                if "$filter" in url and refuses_filter:
                    raise told(RequestRefused("no such filter", code="BadRequest", status=400))
                some = [
                    one
                    for one in states
                    if "$filter" not in url or (one["policyAssignmentId"] != FOREIGN and one not in hides)
                ]
                first, _, place = url.partition("&place=")
                following = int(place or 0) + 1
                link = f"{first}&place={following}" if following < pages else None
                answer = {"value": some[following - 1 :: pages], "@odata.nextLink": link}
                page = reading.page_in(orjson.dumps(answer))
                parsed += not isinstance(page, KnownPage)
                return page

            with closing(reading):
                query = StatesPages("https://arm.test", GROUP, at - 2 * DAY, fetch, on_taken=lambda: None)
                await query.read(reading, owned_scopes(of))
                await reading.conclude()
            await uploader.flush()

    asyncio.run(collect())
    evidence.outcome = result.outcome
    return Read(result, evidence, uploads.rows, parsed)


def judged(
    before: ApplicationFacts | None,
    one: Read,
    of: ManagedApplication = APPLICATION,
    baseline: Declared | None = None,
) -> ApplicationFacts:
    """What the ledger has of it afterwards, read from there."""
    after = judge(before, of, one.evidence, record=None, declared=baseline)
    after = AlarmBook(named_alarms=0, shards=1, now=one.evidence.started_at).update(after)
    return facts_of(properties_of(after))


def without_answer(facts: ApplicationFacts | None) -> ApplicationFacts | None:
    return facts and replace(facts, states=facts.states and replace(facts.states, answer=None))
