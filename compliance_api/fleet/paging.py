"""Pages of a sorted list, continued by opaque tokens.

A token names the last item that was handed out, not a page number: when a new run changes the list between two pages,
nothing is skipped that stayed where it was. It is bound to the question it came from; anything else is refused.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import orjson

from compliance_api.http import ProblemError, Request, bad_request

Item = TypeVar("Item")
SortKey = tuple[int | str, ...]
DEFAULT_SIZE: Final = 100
LARGEST_SIZE: Final = 1000
TOKEN: Final = "page_token"  # noqa: S105 - the name of a parameter
PAGING: Final = ("page_size", TOKEN)
"""The parameters of every operation that answers in pages."""

_DIGEST_BYTES: Final = 12
_LONGEST_TOKEN: Final = 4096


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a list of `total`, and the token of those that follow."""

    items: Sequence[Item]
    total: int
    next_token: str | None


def page_of(
    items: Sequence[Item],
    key: Callable[[Item], SortKey],
    request: Request,
    *,
    question: str,
    descending: bool = False,
) -> Page[Item]:
    """Return the page that the parameters `page_size` and `page_token` ask for; ProblemError 400 for a bad one.

    `items` are sorted by `key`, which differs between any two; `question` is everything else that was
    asked, which the token of the next page is bound to.
    """
    size = request.whole_number("page_size", DEFAULT_SIZE, LARGEST_SIZE)
    start = 0
    if token := request.parameters.get(TOKEN):
        last = _position(token, question, key(items[0]) if items else ())
        following = (n for n, item in enumerate(items) if (key(item) < last if descending else key(item) > last))
        start = next(following, len(items))
    shown = items[start : start + size]
    more = start + size < len(items)
    return Page(shown, len(items), _token(key(shown[-1]), question) if more else None)


def place_in(request: Request, *, question: str, most: int, usual: int) -> tuple[int, int, int | None]:
    """Return where the page begins that is asked for, its size, and how many items there are: known after the first.

    For a list of at most `most` items that is read page by page, and is the same as long as `question` is. ProblemError
    400 for a bad parameter, and for the token of another question.
    """
    size = request.whole_number("page_size", usual, LARGEST_SIZE)
    token = request.parameters.get(TOKEN)
    if not token:
        return 0, size, None
    start, total = map(int, _position(token, question, (0, 0)))
    if not 0 < start < total <= most:
        raise _wrong_token()
    return start, size, total


def token_after(place: int, total: int, *, question: str) -> str | None:
    """Return the token of the page that begins at a place; None when the list ends before it."""
    return _token((place, total), question) if place < total else None


def _token(position: SortKey, question: str) -> str:
    content = orjson.dumps(position)
    return base64.urlsafe_b64encode(_digest(content, question) + content).decode().rstrip("=")


def _position(token: str, question: str, alike: SortKey) -> SortKey:
    """Return the place that a token names; ProblemError 400 unless it is one of this question's, made like `alike`."""
    content = _content(token, question)
    position: Any = None
    if content is not None:
        with suppress(orjson.JSONDecodeError):
            position = orjson.loads(content)
    is_place = isinstance(position, list) and all(type(part) in (int, str) for part in position)
    if not is_place or (alike and [type(part) for part in position] != [type(part) for part in alike]):
        raise _wrong_token()
    return tuple(position)


def _wrong_token() -> ProblemError:
    return bad_request(TOKEN, "The page token is not one that this question was answered with. Start again without it.")


def _content(token: str, question: str) -> bytes | None:
    """Return what a token of ours for this question holds; None for any other text."""
    try:
        decoded = base64.b64decode(token[:_LONGEST_TOKEN] + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    content = decoded[_DIGEST_BYTES:]
    is_canonical = base64.urlsafe_b64encode(decoded).decode().rstrip("=") == token
    return content if is_canonical and decoded[:_DIGEST_BYTES] == _digest(content, question) else None


def _digest(content: bytes, question: str) -> bytes:
    """Return a check sum, by which a token is known to be whole and of this question. It is no signature."""
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES, key=hashlib.sha256(question.encode()).digest()).digest()
