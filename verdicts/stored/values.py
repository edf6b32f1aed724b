"""Reads JSON values strictly: what is not exactly what this program writes is an error that names the place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

    _Enum = TypeVar("_Enum", bound=StrEnum)

_Value = TypeVar("_Value")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FIRST_OWN: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST_OWN: Final = datetime(2200, 1, 1, tzinfo=UTC)
_LARGEST_NUMBER: Final = 2**53


class Misread(ValueError):  # noqa: N818 - named for what happened
    """A value that this program does not write; the message names the place and what is wrong."""


class Fields:
    """The members of a JSON object."""

    def __init__(self, value: Any) -> None:
        if type(value) is not dict:
            raise Misread(f"{_kind(value)} instead of an object")
        self._members: dict[str, Any] = value

    def __call__(self, name: str, read: Callable[[Any], _Value], *, absent: _Value | None = None) -> _Value:
        """Return a member, as `read` returns it; `absent` for one that earlier versions did not write."""
        if name not in self._members:
            if absent is not None:
                return absent
            raise Misread(f"{name} is missing")
        try:
            return read(self._members[name])
        except Misread as error:
            raise Misread(f"{name}: {error}") from error


def number_of(moment: datetime | None) -> int | None:
    """Return a time as microseconds since 1970, which JSON and Python carry exactly."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def azure_time(value: Any) -> datetime:
    """Return a time that Azure or a person gave, whatever year it is in."""
    if type(value) is not int:
        raise Misread(f"{_kind(value)} instead of a time")
    try:
        return _EPOCH + value * _MICROSECOND
    except OverflowError as error:
        raise Misread("a time beyond all years") from error


def own_time(value: Any) -> datetime:
    """Return a time that this program took from its clock: in a year in which it can have run.

    A run of the year 9999 would keep every later run from being applied.
    """
    moment = azure_time(value)
    if not _FIRST_OWN <= moment < _LAST_OWN:
        raise Misread(f"a time in the year {moment.year}")
    return moment


def text(value: Any) -> str:
    """Return a text."""
    if type(value) is not str:
        raise Misread(f"{_kind(value)} instead of a text")
    return value


def flag(value: Any) -> bool:
    """Return true or false."""
    if type(value) is not bool:
        raise Misread(f"{_kind(value)} instead of true or false")
    return value


def count(value: Any) -> int:
    """Return a number of things."""
    if type(value) is not int or not 0 <= value <= _LARGEST_NUMBER:
        raise Misread(f"{_kind(value)} that is no count")
    return value


def one_of(kinds: type[_Enum]) -> Callable[[Any], _Enum]:
    """Return what reads a member of an enumeration."""

    def read(value: Any) -> _Enum:
        try:
            return kinds(text(value))
        except Misread:
            raise
        except ValueError as error:
            raise Misread(f"{value[:40]!r} is no {kinds.__name__}") from error

    return read


def optional(read: Callable[[Any], _Value]) -> Callable[[Any], _Value | None]:
    """Return what reads the same, or null as None."""
    return lambda value: None if value is None else read(value)


def each(read: Callable[[Any], _Value]) -> Callable[[Any], tuple[_Value, ...]]:
    """Return what reads a list of any length."""

    def read_all(value: Any) -> tuple[_Value, ...]:
        return tuple(map(read, listed(value)))

    return read_all


own_time_or_none: Final = optional(own_time)
azure_time_or_none: Final = optional(azure_time)
texts: Final = each(text)


def listed(value: Any, length: int | None = None) -> list[Any]:
    """Return a list, of this length when one is given."""
    if type(value) is not list:
        raise Misread(f"{_kind(value)} instead of a list")
    if length is not None and len(value) != length:
        raise Misread(f"{len(value)} values instead of {length}")
    return value


def row(value: Any, *reads: Callable[[Any], Any]) -> list[Any]:
    """Return the values of a list, each as its function returns it; the list has as many values as functions."""
    return [read(one) for read, one in zip(reads, listed(value, len(reads)), strict=True)]


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
