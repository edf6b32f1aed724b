"""The check of the data collection rule's streams."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from operations.doctor.causes.cause import Service
from operations.doctor.causes.table import Where
from operations.doctor.checks import SECONDS_PER_CHECK, Check, Verdict, is_about_the_request
from publisher.errors.kinds import AzureFailure
from publisher.logs_endpoint import LogsEndpoint
from publisher.retry import Patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azure.core.credentials_async import AsyncTokenCredential

    from publisher.logs_endpoint import DataCollection

_WHERE: Final = Where(Service.INGESTION, "DATA_COLLECTION_ENDPOINT")
_NO_ROWS: Final = gzip.compress(b"[]", mtime=0)
_NO_SUCH_STREAM: Final = "Custom-NoSuchStreamAsThis_CL"
_ONLY_ROWS_TELL: Final = (
    "endpoint, rule and role are right; whether the rule has this stream, Azure tells only when rows arrive"
)


async def examine_streams(
    settings: DataCollection, streams: Sequence[str], credential: AsyncTokenCredential, *, of: str = ""
) -> list[Check]:
    """Return, for each stream, what the data collection rule answers to an upload without rows; `of` says whose it is.

    The answer is not documented. So an upload to a stream that does not exist is tried too: when the rule refuses only
    that one, it has the others. Columns that a stream lacks are dropped without an error (FACTS 3.5); they show in
    DCRLogErrors only.
    """
    async with LogsEndpoint(settings, credential, patience=Patience(attempts=1)) as endpoint:
        no_such_stream = await _refusal(endpoint, _NO_SUCH_STREAM)
        return [_stream_check(f"{stream}{of}", await _refusal(endpoint, stream), no_such_stream) for stream in streams]


async def _refusal(endpoint: LogsEndpoint, stream: str) -> AzureFailure | None:
    """Return the failure of an upload without rows, None when it succeeded."""
    try:
        await endpoint.upload(stream, _NO_ROWS, deadline=time.monotonic() + SECONDS_PER_CHECK)
    except AzureFailure as failure:
        return failure
    return None


def _stream_check(stream: str, answer: AzureFailure | None, no_such_stream: AzureFailure | None) -> Check:
    """Return the check of a stream from its answer, and the answer for a stream that does not exist."""
    name = f"stream {stream}"
    if answer is None or is_about_the_request(answer):
        if answer is not None and _is_about_streams(answer):
            return Check.of_failure(name, answer, replace(_WHERE, code="InvalidStream"))
        is_told = no_such_stream is not None and _is_about_streams(no_such_stream)
        return Check(name, Verdict.OK, "the rule takes it" if is_told else _ONLY_ROWS_TELL)
    return Check.of_failure(name, answer, _WHERE)


def _is_about_streams(failure: AzureFailure) -> bool:
    return is_about_the_request(failure) and "stream" in f"{failure.code} {failure}".lower()
