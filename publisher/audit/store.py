"""Stores audit rows before anybody gets what they tell of, or leaves them in the log."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import orjson

from publisher.environment import SettingsError
from publisher.errors.kinds import AzureFailure
from publisher.texts import one_line, plain_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.audit.row import AuditRow
    from publisher.logs_endpoint import LogsEndpoint

_LOGGER = logging.getLogger(__name__)


class NotRecorded(Exception):  # noqa: N818 - named for what happened
    """Audit rows were not stored; the message says why."""


async def record(rows: Sequence[AuditRow], endpoint: LogsEndpoint, stream: str, *, seconds: float) -> None:
    """Store rows in one request, within so many seconds; raise NotRecorded when they are not stored by then."""
    try:
        await endpoint.upload_rows(stream, [row.columns() for row in rows], deadline=time.monotonic() + seconds)
    except AzureFailure as failure:
        raise NotRecorded(f"{failure.code}: {failure}") from failure
    except SettingsError as error:
        raise NotRecorded("; ".join(error.problems)) from error


def leave_in_log(rows: Sequence[AuditRow], why: str) -> None:
    """Write each row that could not be stored as one line to the log: it has neither a secret nor a body."""
    for row in rows:
        line = plain_json(orjson.dumps(row.columns())).decode()
        _LOGGER.error("audit row not stored (%s): %s", one_line(why), line)
