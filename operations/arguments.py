"""Texts of the command line as values; what is wrong with a text is said in one line."""

from __future__ import annotations

import argparse
import math
import re
import sys
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from publisher.texts import one_line

if TYPE_CHECKING:
    from publisher.resource_ids import ApplicationId

BAD_USAGE: Final = 2
"""The exit status for bad settings or usage, as argparse has it."""

_LONGEST_NAME: Final = 256
_LONGEST_REASON: Final = 500
_LONGEST_TIME: Final = timedelta(days=366)
_DAYS: Final = re.compile(r"([1-9]\d{0,2})d")
_EXPORT_NAME: Final = re.compile(r"latest|\d{4}-\d{2}-\d{2}(T\d{6}Z)?")
_MOST_DAYS: Final = 90
_MOST_MINUTES: Final = 1440
_NOT_A_PERSON: Final = frozenset({"azure", "operator", "notification"})


class Misuse(SystemExit):
    """The command line makes no sense; `message` says what is wrong with it. Ends the program with exit status 2."""

    def __init__(self, message: str) -> None:
        super().__init__(BAD_USAGE)
        self.message = message


class Parser(argparse.ArgumentParser):
    """Repeats harmlessly what it was given."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message to standard error, and raise Misuse."""
        message = one_line(message)
        self.print_usage(sys.stderr)
        sys.stderr.write(f"{self.prog}: error: {message}\n")
        raise Misuse(message)


def application_id(text: str) -> ApplicationId:
    """Return the id of a managed application."""
    from publisher.resource_ids import ApplicationId, InvalidResourceId  # noqa: PLC0415

    try:
        return ApplicationId.parse(text)
    except InvalidResourceId as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def subscription_id(text: str) -> str:
    """Return a subscription id in lower case."""
    from publisher.resource_ids import is_guid  # noqa: PLC0415

    if not is_guid(text.strip()):
        raise argparse.ArgumentTypeError("a subscription id is a GUID")
    return text.strip().lower()


def name_or_nothing(text: str) -> str:
    """Return a name that may be empty."""
    return _line(text, "a name", _LONGEST_NAME)


def some_name(text: str) -> str:
    """Return a name that is not empty."""
    return _filled(_line(text, "a name", _LONGEST_NAME), "a name")


def person(text: str) -> str:
    """Return a person's name."""
    name = some_name(text)
    if name.casefold() in _NOT_A_PERSON:
        raise argparse.ArgumentTypeError(f"{name} is not a person's name")
    return name


def reason(text: str) -> str:
    """Return a reason."""
    return _filled(_line(text, "a reason", _LONGEST_REASON), "a reason")


def keys_of_row(text: str) -> tuple[str, str]:
    """Return the two keys of a row, as `ledger check` shows them."""
    partition_key, slash, row_key = text.partition("/")
    if not slash:
        raise argparse.ArgumentTypeError("a row is its two keys, with a slash between them")
    return partition_key, row_key


def export_name(text: str) -> str:
    """Return the name of an export: a date, a date and time without colons, or latest."""
    if not _EXPORT_NAME.fullmatch(text.strip()):
        raise argparse.ArgumentTypeError("give a date such as 2026-11-27, another name that --list shows, or latest")
    return text.strip()


def days(text: str) -> int:
    """Return a number of days from 1 to 90."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_DAYS):
        raise argparse.ArgumentTypeError(f"give a number of days from 1 to {_MOST_DAYS}")
    return int(text)


def minutes(text: str) -> float:
    """Return a number of minutes from 0 to a day, which may have a fraction."""
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 <= amount <= _MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"give a number of minutes from 0 to {_MOST_MINUTES}")
    return amount


def price(text: str) -> float:
    """Return an amount above 0."""
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf:
        raise argparse.ArgumentTypeError("give an amount above 0, such as 2.30")
    return amount


def end(text: str) -> datetime:
    """Return when something ends, in UTC: a date (to its end), a date and time, or days from now such as 7d.

    It is later than now, and at most a year ahead.
    """
    now = datetime.now(UTC)
    moment = _moment(text.strip(), now)
    if moment <= now:
        raise argparse.ArgumentTypeError(f"{text} is in the past")
    if moment > now + _LONGEST_TIME:
        raise argparse.ArgumentTypeError(f"{text} is more than a year ahead")
    return moment


def _moment(text: str, now: datetime) -> datetime:
    if days := _DAYS.fullmatch(text):
        return now + timedelta(days=int(days[1]))
    try:
        moment = datetime.fromisoformat(text)
        if moment.time() == time() and ":" not in text:
            moment += timedelta(days=1)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError("give a date such as 2026-12-31, or days such as 7d") from error


def _line(text: str, what: str, longest: int) -> str:
    line = text.strip()
    if len(line) > longest or not line.isprintable():
        raise argparse.ArgumentTypeError(f"{what} is one line of at most {longest} characters that can be seen")
    return line


def _filled(text: str, what: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError(f"{what} must not be empty")
    return text
