"""The types of stored values, and how they are read: exactly as this program writes them, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final, TypeVar

import msgspec

_Value = TypeVar("_Value")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def number_of(moment: datetime) -> int:
    """Return a time as microseconds since 1970, which JSON and Python carry exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def number_or_none(moment: datetime | None) -> int | None:
    """Return the same, and None for no time."""
    return None if moment is None else number_of(moment)


@lru_cache(maxsize=4096)
def time_of(number: int) -> datetime:
    """Return the time that `number_of` made a number of; equal ones are one, since a run holds many."""
    return _EPOCH + number * _MICROSECOND


def time_or_none(number: int | None) -> datetime | None:
    """Return the same, and None for no number."""
    return None if number is None else time_of(number)


AzureTime = Annotated[
    int, msgspec.Meta(ge=number_of(datetime.min.replace(tzinfo=UTC)), le=number_of(datetime.max.replace(tzinfo=UTC)))
]
"""A time that Azure or a person gave, whatever year it is in."""

OwnTime = Annotated[
    int, msgspec.Meta(ge=number_of(datetime(2000, 1, 1, tzinfo=UTC)), lt=number_of(datetime(2200, 1, 1, tzinfo=UTC)))
]
"""A time that this program took from its clock: in a year in which it can have run.

A run of the year 9999 would keep every later run from being applied.
"""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A number of things."""


class Damaged(ValueError):  # noqa: N818 - named for what happened
    """A document that is no JSON; the message says why."""


class Misread(ValueError):  # noqa: N818 - named for what happened
    """A value that this program does not write; the message names the place and what is wrong."""


def read(decoder: msgspec.json.Decoder[_Value], text: bytes) -> _Value:
    """Return what a decoder makes of a JSON document; raise Damaged or Misread."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        raise Misread(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Damaged(str(error)) from error
