"""Sees every log record of the process, at every level, and knows what must not be in one."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sandbox.azure.identity.directory import CERTIFICATE_PASSWORD
from sandbox.local_azure import Sandbox

MARKER = "PAYLOADMARKER"
"""What a test plants into bodies: notifications, policy states, queries."""

TELLTALES = (
    re.compile(r"eyJ[\w-]{10,}"),  # how every JSON web token begins: access tokens, assertions
    re.compile(r"SharedKey\w* \w"),
    re.compile(r"AccountKey=\w"),
    re.compile(r"client_secret="),
    re.compile(r"[?&](sig|code)=(?!REDACTED)\w"),
    re.compile(r"BEGIN [A-Z ]*PRIVATE KEY"),
)
_USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime"}
TEST_TOOLS = ("sandbox", "hypothesis", "duckdb")


class Watch(logging.Handler):
    """Keeps the whole text of every record: message, arguments, extras, exceptions with their causes."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        extras = {name: value for name, value in vars(record).items() if name not in _USUAL}
        parts = [f"{record.name} {record.levelname} {record.getMessage()}", repr(extras) if extras else ""]
        if record.exc_info and record.exc_info[1] is not None:
            parts += traceback.format_exception(record.exc_info[1])
        self.texts.append("\n".join(parts))


@contextmanager
def watching() -> Iterator[Watch]:
    """Every logger of the process tells everything, inside."""
    root = logging.getLogger()
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    before = [(logger, logger.level, logger.disabled) for logger in [root, *loggers]]
    watch = Watch()
    handlers, root.handlers = root.handlers, [watch]  # others would only cost time
    root.setLevel(logging.DEBUG)
    for logger in loggers:
        if not logger.name.startswith(TEST_TOOLS):
            logger.setLevel(logging.NOTSET)
            logger.disabled = False
    try:
        yield watch
    finally:
        root.handlers = handlers
        for logger, level, disabled in before:
            logger.setLevel(level)
            logger.disabled = disabled


def secrets_of(sandbox: Sandbox) -> tuple[str, ...]:
    """What is secret in a sandbox, besides tokens, and what was planted."""
    connection = sandbox.environment.get("AzureWebJobsStorage", "")
    keys = [part.partition("=")[2] for part in connection.split(";") if part.startswith("AccountKey=")]
    return (
        sandbox.directory.client_secret,
        *sandbox.book.identity_headers.values(),
        sandbox.notification_signature,
        CERTIFICATE_PASSWORD,
        MARKER,
        *keys,
    )


def leaks(texts: Iterable[str], secrets: Iterable[str]) -> list[str]:
    """Return the texts that tell a secret, cut around it."""
    known = [re.compile(re.escape(secret)) for secret in secrets] + list(TELLTALES)
    return [
        text[max(0, found.start() - 150) : found.end() + 20]
        for text in texts
        for pattern in known
        if (found := pattern.search(text))
    ]


@contextmanager
def secrets_stay_unsaid(sandbox: Sandbox) -> Iterator[None]:
    """At no level does any logger of the process tell a secret or a body, inside."""
    with watching() as watch:
        yield
    assert leaks(watch.texts, secrets_of(sandbox)) == []
