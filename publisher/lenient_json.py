"""The one reader of JSON that others write: broken syntax is refused, what is merely odd is read as far as it goes.

Odd is what was seen in answers of Azure, or what gateways may do to them: a byte order mark, UTF-16, bytes that are no
text, half a surrogate pair, control characters in texts, NaN, numbers too large for a float, deep nesting, and names in
another letter case than documented.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from publisher.resource_ids import fold

LARGEST_BYTES: Final = 64 * 1024 * 1024
"""Far more than any answer that is read: a page of a thousand policy states has about two megabytes."""

DEEPEST: Final = 100
"""Levels of objects and arrays that are read of an odd text. Python's parser breaks off at about a thousand."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LONGEST_INTEGER: Final = 18
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_HIGH: Final = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW: Final = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE: Final = re.compile(rf"({_HIGH}{_LOW})|({_HIGH}|{_LOW})|\\.", re.DOTALL)


class NotJson(ValueError):  # noqa: N818 - an outcome, like the AzureFailures
    """A body that is no JSON, not what it should be, or too large; the message says why and quotes nothing of it."""


class Members(dict[str, Any]):
    """The members of an object, of several with one name the last that is not null; `pairs` has all of them then.

    Names are the same whatever their letter case.
    """

    pairs: Sequence[tuple[str, Any]] = ()

    def all_of(self, name: str) -> list[Any]:
        """Return the values of all members of this name, whatever its letter case, without nulls."""
        folded = fold(name)
        return [value for key, value in self.pairs or self.items() if value is not None and fold(key) == folded]

    @property
    def repeated(self) -> frozenset[str]:
        """The folded names that come twice."""
        return frozenset(name for name, times in Counter(fold(name) for name, _ in self.pairs).items() if times > 1)


def json_of(body: bytes, *, may_be_deep: bool = False) -> Any:
    """Return the JSON value in a body; raise NotJson.

    What is nested more than 100 levels deep is null, and so are numbers that are none; bytes that are not text, and
    halves of surrogate pairs, are U+FFFD. `may_be_deep` saves the look at the levels, for a caller who reads the upper
    ones only.
    """
    if len(body) > LARGEST_BYTES:
        raise NotJson(f"the body has more than {LARGEST_BYTES} bytes")
    try:
        content = orjson.loads(body.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        return _read(body, dict)
    return content if may_be_deep else _without_depths(content)


def members_of(body: bytes) -> Members:
    """Return the members of the JSON object in a body, names that come twice among them; raise NotJson.

    Odd values are read as in `json_of`.
    """
    content = json_with_repeats(body)
    if not isinstance(content, Members):
        raise NotJson("the body is not a JSON object")
    return content


def json_with_repeats(body: bytes) -> Any:
    """Return the JSON value in a body as `json_of` does, each object of it as Members; raise NotJson."""
    if len(body) > LARGEST_BYTES:
        raise NotJson(f"the body has more than {LARGEST_BYTES} bytes")
    return _read(body, _members)


def member(document: object, name: str) -> Any:
    """Return a member of a JSON object, whatever the letter case of its name; None without one, or without an object.

    The exact name comes first, unless it is null and another one is not.
    """
    if not isinstance(document, Mapping):
        return None
    value = document.get(name)
    return value if value is not None else next((document[key] for key in _keys(document, name)), None)


def has_member(document: object, name: str) -> bool:
    """Tell whether something is a JSON object with a member of this name, whatever its letter case."""
    return isinstance(document, Mapping) and (name in document or bool(_keys(document, name)))


def _keys(document: Mapping[Any, Any], name: str) -> list[str]:
    """Return the names of a JSON object that are this one in whatever letter case, those of nulls last."""
    folded = fold(name)
    found = [key for key in document if isinstance(key, str) and fold(key) == folded]
    return sorted(found, key=lambda key: document[key] is None)


def text_of(value: Any) -> str:
    """Return a JSON value as JSON text; "…" for one that is nested too deep for that."""
    try:
        return json.dumps(value)
    except RecursionError:
        return "…"


def _read(body: bytes, hook: Any) -> Any:
    try:
        text = body.decode(json.detect_encoding(body), "replace").removeprefix("\ufeff")
        return json.loads(
            _shallow(_ESCAPE.sub(_whole_pairs, text) if "\\u" in text else text),
            strict=False,
            object_pairs_hook=hook,
            parse_constant=lambda _: None,
            parse_float=_finite,
            parse_int=lambda digits: int(digits) if len(digits) <= _LONGEST_INTEGER else _finite(digits),
        )
    except (ValueError, RecursionError):
        raise NotJson("the body is not JSON") from None


def _without_depths(content: Any, levels: int = DEEPEST) -> Any:
    """Return a JSON value with null for whatever is nested too deep."""
    if not isinstance(content, dict | list):
        return content
    if not levels:
        return None
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        if isinstance(value, dict | list):
            content[key] = _without_depths(value, levels - 1)
    return content


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _whole_pairs(escape: re.Match[str]) -> str:
    """Return an escape sequence as it is, or for half a surrogate pair that of U+FFFD."""
    return r"\ufffd" if escape[2] else escape[0]


def _shallow(text: str) -> str:
    """Return a JSON text with null for whatever is nested too deep."""
    kept: list[str] = []
    depth = begin = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept += text[begin : token.start()], "null"
                begin = len(text)  # unless the part ends before
        elif token[0] in "]}":
            if depth == DEEPEST + 1:
                begin = token.end()
            depth -= 1
    return "".join([*kept, text[begin:]])


def _members(pairs: list[tuple[str, Any]]) -> Members:
    members = Members(pairs)
    if len({fold(name) for name, _ in pairs}) < len(pairs):
        members.update({name: value for name, value in pairs if value is not None})
        members.pairs = pairs
    return members
