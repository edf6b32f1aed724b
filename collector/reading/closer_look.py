"""What the judge needs beyond policy states: the assignments behind them, and proof that a resource is gone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from registry.policies.definition_names import DEFINITION_NAMES
from verdicts.guard.gone import proven_gone
from verdicts.guard.reader import read_guard
from verdicts.judging.wants import wants

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from collector.reading.application_reading import ReadJob
    from publisher.resource_manager import ResourceManager


LONGEST_SECONDS: Final = 120.0
"""For one application, whose place others wait for; the next run looks again."""


class CloserLook:
    """Takes a closer look at an application whose states were read completely, when its judge wants one.

    Args:
        resource_manager: Azure Resource Manager.
        clock: aware UTC time.
        deadline: when it must be over, in seconds of ``time.monotonic``.
    """

    def __init__(self, resource_manager: ResourceManager, *, clock: Callable[[], datetime], deadline: float) -> None:
        self._resource_manager = resource_manager
        self._clock = clock
        self._deadline = deadline

    async def take(self, job: ReadJob) -> None:
        """Add what the judge wants to the job's evidence; what cannot be read stays unknown."""
        application, evidence = job.application, job.evidence
        deadline = min(self._deadline, time.monotonic() + LONGEST_SECONDS)
        wanted = wants(job.before, application, evidence)
        if wanted.guard:
            known = job.before.assignments.values() if job.before else ()
            baseline = [one.id for one in known if one.guard.baseline is not None and one.ending is None]
            evidence.guard = await read_guard(
                self._resource_manager,
                application,
                baseline,
                DEFINITION_NAMES,
                exemptions=job.before.exemptions if job.before else (),
                now=self._clock(),
                deadline=deadline,
            )
        if wanted.resources:
            evidence.gone = await proven_gone(
                self._resource_manager,
                application.managed_resource_group_id,
                wanted.resources,
                deadline=deadline,
            )
