"""Reads a JSON object whose sender we do not rule: what nobody needs may be odd, and only broken syntax is refused."""

import json
import re
from collections import Counter
from typing import Any, Final

_DEEPEST: Final = 32
"""Levels of objects and arrays that are read. Python's parser breaks off at about a thousand."""

_LONGEST_INTEGER: Final = 18
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class NotAnObject(ValueError):  # noqa: N818 - an outcome, like the AzureFailures
    """A body that is no JSON object; the message says why and quotes nothing of it."""


class Members(dict[str, Any]):
    """The members of an object. Of several with one name it has the last, and the name is in `repeated`."""

    repeated: frozenset[str] = frozenset()


def members_of(body: bytes) -> Members:
    """Return the members of the JSON object in a body, which is UTF-8 with or without a byte order mark.

    Raises NotAnObject. What is nested more than 32 levels deep is null, bytes that are not UTF-8 are U+FFFD, and a very
    long number is only nearly itself; NaN, and control characters in texts, are taken as they are.
    """
    try:
        payload = json.loads(
            _shallow(body.decode("utf-8-sig", "replace")),
            strict=False,
            object_pairs_hook=_members,
            parse_int=lambda digits: int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits),
        )
    except ValueError:
        raise NotAnObject("the body is not JSON in UTF-8") from None
    if not isinstance(payload, Members):
        raise NotAnObject("the body is not a JSON object")
    return payload


def _shallow(text: str) -> str:
    """Return a JSON text with null for whatever is nested too deep."""
    kept: list[str] = []
    depth = begin = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                kept += text[begin : token.start()], "null"
                begin = len(text)  # unless the part ends before
        elif token[0] in "]}":
            if depth == _DEEPEST + 1:
                begin = token.end()
            depth -= 1
    return "".join([*kept, text[begin:]])


def _members(pairs: list[tuple[str, Any]]) -> Members:
    members = Members(pairs)
    if len(members) < len(pairs):
        members.repeated = frozenset(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return members
