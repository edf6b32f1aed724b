"""Members that come twice in a page of policy states: nobody knows which is meant, so the page is no answer.

The parser keeps the last of two members with one name. The reader that tells of them takes many times as long, so it
has a look only when the body has a decisive name another number of times than what was parsed.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from publisher.errors.kinds import MalformedAnswer
from publisher.lenient_json import Members, NotJson, members_of
from publisher.resource_ids import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

_DECISIVE: Final = ("complianceState", "resourceId", "policyAssignmentId")
"""The fields of a state that say of what it is, and with which result."""

_LETTER_ESCAPED: Final = re.compile(rb"\\u00[4-7]")
"""Begins the escape sequence of an ASCII letter, which nobody needs, and which may hide a name."""

_LIST_AS_SENT: Final = b'"value"'
_EDGE: Final = 2048
"""Bytes at the beginning and at the end of a page, which have the page's own members."""


def refuse_doubled(body: bytes, document: dict[str, Any], states: list[Any]) -> None:
    """Raise MalformedAnswer when a page or a state in it has a decisive member twice, in whatever letter case.

    `document` and `states` are what was parsed of the body. A null, or the same value again, is no second member unless
    the names are spelled alike.
    """
    layouts = Counter(tuple(state) for state in states if type(state) is dict)
    if _may_be_doubled(body, layouts):
        _refuse_same_names(body)
    _refuse_similar_names(document, states, layouts)


def _may_be_doubled(body: bytes, layouts: Counter[tuple[str, ...]]) -> bool:
    """Tell whether two members may have one name; `layouts` counts the states that have these names."""
    lists = body.count(_LIST_AS_SENT, 0, _EDGE) + body.count(_LIST_AS_SENT, max(_EDGE, len(body) - _EDGE))
    if lists != 1 or (b"\\" in body and _LETTER_ESCAPED.search(body)):
        return True
    return any(
        body.count(b'"%b"' % name.encode()) != sum(times for names, times in layouts.items() if name in names)
        for name in _DECISIVE
    )


def _refuse_same_names(body: bytes) -> None:
    try:
        page = members_of(body)
    except NotJson as error:
        raise MalformedAnswer("the answer is JSON that cannot be looked at closely", code="MalformedAnswer") from error
    states = [state for name in page if fold(name) == "value" and isinstance(page[name], list) for state in page[name]]
    for part in (page, *states):
        if isinstance(part, Members):
            _refuse(name for name, times in Counter(name for name, _ in part.pairs).items() if times > 1)


def _refuse_similar_names(document: dict[str, Any], states: list[Any], layouts: Iterable[tuple[str, ...]]) -> None:
    lists = [name for name, value in document.items() if value is not None and fold(name) == "value"]
    _refuse(lists[1:])
    doubtful = {names for names in layouts if len(set(map(fold, names))) < len(names)}
    for state in states if doubtful else ():
        if isinstance(state, dict) and tuple(state) in doubtful:
            said = dict[str, Any]()
            for name, value in state.items():
                if value is not None and said.setdefault(fold(name), value) != value:
                    _refuse([name])


def _refuse(names: Iterable[str]) -> None:
    if doubled := sorted(names):
        raise MalformedAnswer(f"the answer has a member twice: {', '.join(doubled)}", code="MalformedAnswer")
