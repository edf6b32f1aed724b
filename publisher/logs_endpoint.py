"""The Logs Ingestion API behind the SDK's client: one call stores one body of rows, or says for good why not.

Source: Logs Ingestion API, api-version 2023-01-01 (FACTS 3). The SDK's own chunking is not used: it measures wrongly
and uploads one chunk after the other (FACTS 3.7).
"""

from __future__ import annotations

import asyncio
import math
import time
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Final

from azure.core.pipeline.policies import AsyncRetryPolicy
from azure.monitor.ingestion.aio import LogsIngestionClient

from publisher.errors import AccessDenied, TransientFailure, as_failure
from publisher.retry import DEFAULT_ATTEMPTS, with_retries
from publisher.transport import Closing, Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from azure.core.credentials_async import AsyncTokenCredential

    from publisher.errors import AzureFailure

ROLE_GRACE_SECONDS: Final = 20.0
"""For how long after the first 403 rows are offered again: a new role assignment takes a while to spread."""

ATTEMPTS_AFTER_FAILURE: Final = 2
"""Attempts while the endpoint is known to fail, so that an outage costs a run seconds, not minutes, for a chunk."""


class LogsEndpoint(Closing):
    """Uploads rows through one data collection rule. It does not close the credential.

    Args:
        endpoint: the logs ingestion address of the data collection endpoint or rule.
        rule_id: the rule's immutable id.
        audience: what tokens are for: Azure Monitor in this cloud.
        credential: the app's own identity, which has the role Monitoring Metrics Publisher on the rule.
        deadline: when the last attempt must be over, in seconds of `clock`; `upload` can be given another one.
        attempts: how often an upload is tried that fails for a reason that may pass.
        clock: tells the time.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        endpoint: str,
        rule_id: str,
        audience: str,
        credential: AsyncTokenCredential,
        *,
        deadline: float = math.inf,
        attempts: int = DEFAULT_ATTEMPTS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = LogsIngestionClient(
            endpoint,
            credential,
            credential_scopes=[f"{audience}/.default"],
            retry_policy=AsyncRetryPolicy.no_retries(),
            transport=Transport(),
        )
        self._rule_id = rule_id
        self._deadline = deadline
        self._clock = clock
        self._sleep = sleep
        self._first_denied: float | None = None
        self._most_attempts = self._attempts = attempts

    async def upload(self, stream: str, body: bytes, *, deadline: float | None = None) -> None:
        """Store one gzip-compressed JSON array of rows in a stream.

        A retry after a lost answer can store rows twice, because the API knows no idempotency key: the queries count
        distinct keys.

        Raises:
            AzureFailure: the rows are not stored, also after retries.
        """

        async def attempt() -> None:
            try:
                await self._client.upload(self._rule_id, stream, BytesIO(body))
            except Exception as error:
                failure = as_failure(error)
                if failure is None:
                    raise
                raise self._patiently(failure) from error

        limit = self._deadline if deadline is None else deadline
        try:
            await with_retries(attempt, deadline=limit, attempts=self._attempts, clock=self._clock, sleep=self._sleep)
        except TransientFailure:
            self._attempts = min(ATTEMPTS_AFTER_FAILURE, self._most_attempts)
            raise
        self._attempts = self._most_attempts

    def _patiently(self, failure: AzureFailure) -> AzureFailure:
        """Return a 403 as transient while a new role assignment may still be spreading (FACTS 3.3)."""
        if not isinstance(failure, AccessDenied):
            return failure
        if self._first_denied is None:
            self._first_denied = self._clock()
        if self._clock() - self._first_denied > ROLE_GRACE_SECONDS:
            return failure
        return TransientFailure(str(failure), code=failure.code, status=HTTPStatus.FORBIDDEN)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
