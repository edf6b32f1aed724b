"""The Logs Ingestion API behind the SDK's client: one call stores one request body of rows, with retries.

Source: Logs Ingestion API, api-version 2023-01-01 (FACTS 3). The SDK's own chunking is not used: it measures wrongly
and uploads one chunk after the other (FACTS 3.7). Nor is its reading of answers: it parses whatever it gets, and its
exceptions quote the answer, which may quote rows.
"""

from __future__ import annotations

import gzip
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote

import orjson
from azure.core.pipeline.policies import AsyncRetryPolicy
from azure.core.rest import HttpRequest
from azure.monitor.ingestion.aio import LogsIngestionClient

from publisher.errors.answers import as_failure, failure_of_response
from publisher.errors.kinds import AccessDenied, TransientFailure
from publisher.retry import USUAL_PATIENCE, Patience, with_retries
from publisher.transport import Closing, Transport

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from publisher.configuration.cloud import Cloud
    from publisher.errors.kinds import AzureFailure

_API_VERSION: Final = "2023-01-01"
_HEADERS: Final = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

ROLE_GRACE_SECONDS: Final = 20.0
"""For how long after the first 403 an upload is repeated: a new role assignment takes a while to take effect."""

ATTEMPTS_AFTER_FAILURE: Final = 2
"""Attempts after an upload that failed, so that an outage costs a run seconds for each request, not minutes."""


class DataCollection(Protocol):
    """The settings that say where rows go."""

    @property
    def cloud(self) -> Cloud:
        """The cloud."""

    @property
    def data_collection_endpoint(self) -> str:
        """The logs ingestion URL."""

    @property
    def data_collection_rule_id(self) -> str:
        """The immutable id of the rule."""


class LogsEndpoint(Closing):
    """Uploads rows through one data collection rule. It does not close the credential.

    Args:
        settings: name the logs ingestion URL, the rule's immutable id and the cloud.
        credential: the app's own identity, which has the role Monitoring Metrics Publisher on the rule.
        patience: how often and until when an upload is repeated; `upload` can be given another deadline.
    """

    def __init__(
        self,
        settings: DataCollection,
        credential: AsyncTokenCredential,
        *,
        patience: Patience = USUAL_PATIENCE,
    ) -> None:
        self._client = LogsIngestionClient(
            settings.data_collection_endpoint,
            credential,
            credential_scopes=[f"{settings.cloud.monitor_audience}/.default"],
            retry_policy=AsyncRetryPolicy.no_retries(),
            transport=Transport(),
        )
        self._rule_id = settings.data_collection_rule_id
        self._patience = patience
        self._first_denied: float | None = None
        self._attempts = patience.attempts

    async def upload(self, stream: str, body: bytes, *, deadline: float | None = None) -> None:
        """Store one gzip-compressed JSON array of rows in a stream.

        A retry after a lost answer can store rows twice, because the API has no idempotency key: the queries count
        distinct keys. `deadline` is in seconds of `time.monotonic`.

        Raises:
            AzureFailure: the rows were not stored, also after retries; or the answer is not the 204 that says so.
        """
        path = f"/dataCollectionRules/{quote(self._rule_id, safe='')}/streams/{quote(stream, safe='')}"
        parameters = {"api-version": _API_VERSION}

        async def attempt() -> None:
            request = HttpRequest("POST", path, params=parameters, headers=_HEADERS, content=body)
            try:
                response = await self._client.send_request(request, stream=True)  # which the SDK does not parse
                async with response:
                    await response.read()
            except Exception as error:
                failure = as_failure(error)
                if failure is None or failure is error:
                    raise
                raise failure from error
            if response.status_code != HTTPStatus.NO_CONTENT:
                raise self._transient_at_first(failure_of_response(response))

        patience = self._patience
        try:
            await with_retries(
                attempt,
                deadline=patience.deadline if deadline is None else deadline,
                attempts=self._attempts,
                sleep=patience.sleep,
            )
        except TransientFailure:
            self._attempts = min(ATTEMPTS_AFTER_FAILURE, patience.attempts)
            raise
        self._attempts = patience.attempts

    async def upload_rows(self, stream: str, rows: list[dict[str, Any]], *, deadline: float) -> None:
        """Store a few rows in one request; raise the AzureFailure when they are not stored by `deadline`."""
        await self.upload(stream, gzip.compress(orjson.dumps(rows), mtime=0), deadline=deadline)

    def _transient_at_first(self, failure: AzureFailure) -> AzureFailure:
        """Return a 403 as transient while a new role assignment may not be in effect yet (FACTS 3.3)."""
        if not isinstance(failure, AccessDenied):
            return failure
        if self._first_denied is None:
            self._first_denied = time.monotonic()
        if time.monotonic() - self._first_denied > ROLE_GRACE_SECONDS:
            return failure
        return TransientFailure(str(failure), code=failure.code, status=HTTPStatus.FORBIDDEN)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
