"""Pages of policy states: read by type where they are as documented, and member by member where they are odd.

A page as documented is read in a third of the time, and takes a tenth of the memory: every member has the type that it
should have, none is unknown, and what was read accounts for every byte of the answer. So nothing came twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec

from publisher.errors.documents import document_of, next_link_in
from publisher.errors.kinds import MalformedAnswer
from publisher.lenient_json import LARGEST_BYTES, member, text_of
from publisher.policy_states.doubled_members import refuse_doubled
from publisher.policy_states.state import PolicyState, WholePolicyState, state_of
from publisher.resource_ids import fold
from publisher.resource_manager import body_in

if TYPE_CHECKING:
    from azure.core.rest import AsyncHttpResponse

_COUNTS: Final = frozenset({"@odata.count", "@count", "odata.count", "count"})
_NUMBER_OF_ROWS: Final = re.compile(r"\d{1,15}(?:\.0+)?", re.ASCII)


class Page(msgspec.Struct, frozen=True):
    """One page of policy states as Azure sent it.

    ``next_link`` is None on the last page, ``count`` how many rows Azure says there are, None where it does not say.
    FACTS 11.5 has it as the number of the page's rows; that of all pages' rows is taken too. ``others`` is how many of
    the rows are no JSON objects. ``digest`` stands for the answer's bytes where the reader wants it, "" elsewhere.
    """

    states: list[PolicyState]
    next_link: str | None
    count: int | None = None
    others: int = 0
    digest: str = ""

    @property
    def rows(self) -> int:
        """How many rows came."""
        return len(self.states) + self.others


_State = TypeVar("_State", bound=PolicyState)


class _PageOf(msgspec.Struct, Generic[_State], forbid_unknown_fields=True):
    value: list[_State]
    context: str | msgspec.UnsetType | None = msgspec.field(name="@odata.context", default=msgspec.UNSET)
    count: int | msgspec.UnsetType | None = msgspec.field(name="@odata.count", default=msgspec.UNSET)
    next_link: str | msgspec.UnsetType | None = msgspec.field(name="@odata.nextLink", default=msgspec.UNSET)


_DECODERS: Final[tuple[msgspec.json.Decoder[_PageOf[Any]], ...]] = (
    msgspec.json.Decoder(_PageOf[PolicyState]),
    msgspec.json.Decoder(_PageOf[WholePolicyState]),
)
_ENCODER: Final = msgspec.json.Encoder()
_STATES_IN_A_PIECE: Final = 1000


def page_in(response: AsyncHttpResponse) -> Page:
    """Return the page in the answer to a query.

    Raises:
        MalformedAnswer: it is no whole answer (200) with a JSON object, or not as `parse_page` wants it.
    """
    return parse_page(body_in(response))


def parse_page(body: bytes) -> Page:
    """Return the page in an answer's body.

    Raises:
        MalformedAnswer: the body is no JSON object with a list ``value``, it states an error, its nextLink is no text
            or its count no number of rows, or it says something twice.
    """
    page = _as_documented(body)
    if page is None:
        return _member_by_member(body)
    members = {
        "@odata.nextLink": page.next_link or None,
        "@odata.count": None if page.count is msgspec.UNSET else page.count,
    }
    return Page(page.value, next_link_in(members), _count_in(members))


def _as_documented(body: bytes) -> _PageOf[Any] | None:
    """Return a page whose members are all as documented; None for any other one."""
    if len(body) > LARGEST_BYTES:
        return None
    for decoder in _DECODERS:
        try:
            page = decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        return page if _is_all(page, body) else None
    return None


def _is_all(page: _PageOf[Any], body: bytes) -> bool:
    """Tell whether a body says nothing but what was read of it.

    No JSON of the page is shorter than what the encoder makes of it. So a body of the same length has no member twice,
    of which the decoder keeps the last one. White space between members does not count.
    """
    read = _length(page)
    return read == len(body) or read == len(msgspec.json.format(body, indent=-1))


def _length(page: _PageOf[Any]) -> int:
    """Return the length of a page's JSON, encoded in pieces, because a large page would take its size once more."""
    slices = [page.value[start : start + _STATES_IN_A_PIECE] for start in range(0, len(page.value), _STATES_IN_A_PIECE)]
    around = len(_ENCODER.encode(msgspec.structs.replace(page, value=[])))
    # A piece has brackets, one comma less than states, and no comma behind it; the page has its own brackets.
    return around + sum(len(_ENCODER.encode(states)) - 1 for states in slices) - bool(slices)


def _member_by_member(body: bytes) -> Page:
    document = document_of(body, may_be_deep=True)
    rows = member(document, "value")
    if not isinstance(rows, list):
        raise MalformedAnswer("the answer has no list 'value'", code="MalformedAnswer")
    if any("\ufffd" in name for name in document):  # it may be the link to the next page
        raise MalformedAnswer("the answer has a member whose name is no text", code="MalformedAnswer")
    refuse_doubled(body, document, rows)
    states = [state_of(row) for row in rows if isinstance(row, dict)]
    return Page(states, next_link_in(document), _count_in(document), len(rows) - len(states))


def _count_in(document: dict[str, Any]) -> int | None:
    """Return how many rows an answer says there are; None where it does not say.

    Raises MalformedAnswer for what is no number of rows, and for two that differ.
    """
    counts = {_number_of_rows(value) for name, value in document.items() if fold(name) in _COUNTS} - {None}
    if len(counts) > 1:
        raise MalformedAnswer("the answer has two counts of its rows, which differ", code="MalformedAnswer")
    return next(iter(counts), None)


def _number_of_rows(value: Any) -> int | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    text = value.strip() if isinstance(value, str) else text_of(value)
    if not _NUMBER_OF_ROWS.fullmatch(text):
        raise MalformedAnswer("the answer's count is no number of rows", code="MalformedAnswer")
    return int(text.partition(".")[0])
