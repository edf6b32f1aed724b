"""Reads what the publisher's checks need of one application, and judges by it, each check by itself."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from collector.reading.check_states import CheckStates
from collector.reading.failed_reads import outcome_of
from collector.reading.group_documents import GroupDocuments
from publisher.errors.kinds import AzureFailure
from publisher.resource_ids import fold
from verdicts.evidence import CheckFailure
from verdicts.outcome import Outcome
from verdicts.publisher_checks.catalogue import CHECKS
from verdicts.publisher_checks.documents import Documents, Unjudgeable
from verdicts.publisher_checks.ids import check_name

if TYPE_CHECKING:
    from collector.reading.application_reading import ReadJob
    from collector.reporting.ingestion import StreamUploader
    from collector.reporting.outcomes import Run
    from publisher.resource_ids import ResourceGroupId
    from publisher.resource_manager import ResourceManager
    from publisher.settings import CollectorSettings
    from verdicts.evidence import CheckEvidence
    from verdicts.publisher_checks.catalogue import Check
    from verdicts.publisher_checks.judged import Judged

logger = logging.getLogger(__name__)

LONGEST_SECONDS: Final = 30.0
"""For one application, whose place others wait for to have their states read; the next run reads again."""

_ROUNDS: Final = 4
"""How often a check may find in what was read that something else has to be read."""


class CheckReader:
    """Reads checks of applications; `deadline` ends all of it, in seconds of ``time.monotonic``."""

    def __init__(
        self,
        run: Run,
        settings: CollectorSettings,
        resource_manager: ResourceManager,
        *,
        deadline: float,
    ) -> None:
        self._run = run
        self._settings = settings
        self._resource_manager = resource_manager
        self._deadline = deadline

    async def read(self, job: ReadJob, states: StreamUploader) -> None:
        """Fill the evidence of the checks that are not read yet: what each found, or why it could not be read.

        Those for which there is no time stay as they are.
        """
        checks = [
            (CHECKS[check_name(key)], evidence)
            for key, evidence in job.evidence.checks.items()
            if evidence.failure is NOT_READ
        ]
        if not checks:
            return
        found = CheckStates(
            job,
            self._run,
            compliant_states=self._settings.compliant_states,
            uploaded_states=self._settings.uploaded_states,
            most_rows=self._settings.max_rows_per_application,
        )
        deadline = min(self._deadline, time.monotonic() + LONGEST_SECONDS)
        try:
            async with asyncio.timeout_at(deadline):
                await self._judge_all(checks, job, found, deadline)
        except TimeoutError:
            logger.info("no time was left for all checks of %s", job.result.application_id)
        if any(evidence.failure is None for _, evidence in checks):
            job.evidence.check_states = await found.upload(states)

    async def _judge_all(
        self, checks: list[tuple[Check, CheckEvidence]], job: ReadJob, states: CheckStates, deadline: float
    ) -> None:
        group = job.application.managed_resource_group_id
        documents = GroupDocuments(self._resource_manager, group, deadline=deadline)
        try:
            await documents.read_lists({one for check, _ in checks for one in check.reads})
        except AzureFailure as failure:
            for _, evidence in checks:
                evidence.failure = _failure_of(failure, group)
            return
        for check, evidence in checks:
            await _judge(check, evidence, documents, states, group)


async def _judge(
    check: Check, evidence: CheckEvidence, documents: GroupDocuments, states: CheckStates, group: ResourceGroupId
) -> None:
    """Judge an application by one check; what goes wrong is its own alone."""
    try:
        states.take(evidence.found, await _found_by(check, evidence, documents))
        evidence.failure = None
    except AzureFailure as failure:
        evidence.failure = _failure_of(failure, group)
    except Unjudgeable as error:
        evidence.failure = CheckFailure(Outcome.FAILED, "Unjudgeable", str(error))
    except Exception as error:
        logger.exception("check %s of %s failed", check.name, group)
        message = "unexpected error in the collector; its log has details"
        evidence.failure = CheckFailure(Outcome.FAILED, type(error).__name__, message)


async def _found_by(check: Check, evidence: CheckEvidence, documents: GroupDocuments) -> list[Judged]:
    """Return what a check finds, once it has got what it wants of other groups.

    Raises:
        AzureFailure: a list cannot be read that the check needs, or something else that may be had later.
        Unjudgeable: nothing can be said of the group.
    """
    lists = {}
    for resource_type in check.reads:
        listed = documents.lists[fold(resource_type)]
        if isinstance(listed, AzureFailure):
            raise listed
        lists[resource_type] = listed
    for _ in range(_ROUNDS):
        read = Documents(lists, documents.elsewhere)
        with suppress(Unjudgeable):
            found = await _judged(check, evidence, read)
            if not read.wanted:
                return found
        if not read.wanted:
            break
        await documents.read_elsewhere(read.wanted)
    return await _judged(check, evidence, Documents(lists, documents.elsewhere))


async def _judged(check: Check, evidence: CheckEvidence, read: Documents) -> list[Judged]:
    """Return what a check says of documents; between two resources, others have their turn, and time can run out."""
    found = []
    for one in check.judge(read, evidence.parameters):
        found.append(one)
        await asyncio.sleep(0)
    return found


def _failure_of(failure: AzureFailure, group: ResourceGroupId) -> CheckFailure:
    return CheckFailure(outcome_of(failure, group), failure.code, str(failure))


NOT_READ: Final = CheckFailure(Outcome.SKIPPED, "DeadlineExceeded", "the run's time was over before the check was read")
"""What stands in the evidence of a check until it is read."""
