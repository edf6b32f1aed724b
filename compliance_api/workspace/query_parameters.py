"""The parameters of saved queries: every line `let Name = literal;` of a query, with the type of its literal.

A caller gives them in lower case (`only`, `interval`), and they stay literals whatever they hold.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from compliance_api.http import bad_request
from compliance_api.workspace.kql import literal

_LINE: Final = re.compile(
    r"^let (?P<name>[A-Za-z]\w*) = (?:(?P<string>\"[^\"\\\n]*\")|(?P<timespan>\d+[dhms])|(?P<long>\d+)"
    r"|(?P<datetime>datetime\([\d:TZ. -]+\))|(?P<bool>true|false));",
    re.MULTILINE,
)
_SET_BY_THE_API: Final = frozenset({"As_of"})
"""Which run a query speaks of is the same for every answer; no caller chooses it."""

_LONGEST_TEXT: Final = 1000
_TIMESPAN: Final = re.compile(r"\d{1,6}[dhms]", re.ASCII)
_LONG: Final = re.compile(r"-?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name for callers, its KQL type, and its value when none is given, as KQL writes it."""

    name: str
    type: str
    default: str


def parameters_of(query: str) -> list[Parameter]:
    """Return the parameters of a query, in its order."""
    return [
        Parameter(match["name"].lower(), _kind(match), match[_kind(match)])
        for match in _LINE.finditer(query)
        if match["name"] not in _SET_BY_THE_API
    ]


def with_values(query: str, values: Mapping[str, str]) -> str:
    """Return the query with these values, by the names that callers use, in place of its own.

    Raises ProblemError 400 naming a value that is not of its parameter's type.
    """

    def line(match: re.Match[str]) -> str:
        name = match["name"].lower()
        if match["name"] in _SET_BY_THE_API or name not in values:
            return match[0]
        return f"let {match['name']} = {_WRITTEN[_kind(match)](name, values[name])};"

    return _LINE.sub(line, query)


def given(parameters: Iterable[Parameter], request_parameters: Mapping[str, str]) -> dict[str, str]:
    """Return those of a request's parameters that a query has."""
    return {one.name: request_parameters[one.name] for one in parameters if one.name in request_parameters}


def _kind(match: re.Match[str]) -> str:
    return next(kind for kind in _WRITTEN if match[kind] is not None)


def _string(name: str, value: str) -> str:
    if len(value) > _LONGEST_TEXT:
        raise bad_request(name, f"{name} has at most {_LONGEST_TEXT} characters.")
    return literal(value)


def _timespan(name: str, value: str) -> str:
    if not _TIMESPAN.fullmatch(value):
        raise bad_request(name, f"{name} is a time span such as 90m, 12h or 7d.")
    return value


def _long(name: str, value: str) -> str:
    if not _LONG.fullmatch(value):
        raise bad_request(name, f"{name} is a whole number.")
    return f"long({value})"


def _datetime(name: str, value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
        in_utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise bad_request(name, f"{name} is a moment such as 2026-01-31T12:00:00Z.") from error
    return f"datetime({in_utc:%Y-%m-%dT%H:%M:%S.%f}Z)"


def _bool(name: str, value: str) -> str:
    if value not in ("true", "false"):
        raise bad_request(name, f"{name} is true or false.")
    return value


_WRITTEN: Final[Mapping[str, Callable[[str, str], str]]] = {
    "string": _string,
    "timespan": _timespan,
    "long": _long,
    "datetime": _datetime,
    "bool": _bool,
}
"""How a caller's value is written in KQL, by type."""
