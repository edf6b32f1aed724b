"""XML and web pages in the place of a service's JSON, or inside a message of it: their codes, messages and words."""

import html
import re
from itertools import zip_longest
from typing import Final

from publisher.errors.masking import masked
from publisher.errors.wording import wording

_LONGEST: Final = 16 * 1024
_LONGEST_WORDS: Final = 300
_PAGE: Final = re.compile(r"<(?:!doctype\s+html|html|head|body|title|center|div|p|h[1-6])\b", re.IGNORECASE)
_ERROR_ROOT: Final = re.compile(
    r"(?:<\?[^>]*+>\s*|<!--[^>]*+>\s*)*+<(?:\w{1,20}:)?\w*(?:error|fault|exception)\w*\b", re.IGNORECASE
)
_BEGIN: Final = re.compile(r"<(?:\?xml|!doctype|html|(?:\w{1,20}:)?\w{0,20}(?:error|fault|exception))\b", re.IGNORECASE)
_CODE: Final = re.compile(r"<(?:\w{1,20}:)?code\b[^>]*+>\s*+([^<]{1,200})<", re.IGNORECASE)
_MESSAGE: Final = re.compile(
    r"<(?:\w{1,20}:)?message\b[^>]*+>\s*+(?:<!\[CDATA\[)?+(.{1,4000}?)(?:\]\]>|<)", re.IGNORECASE | re.DOTALL
)
_TITLE: Final = re.compile(r"<title\b[^>]*+>([^<]{1,300})<", re.IGNORECASE)
_UNSEEN: Final = re.compile(
    r"<(script|style|title)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*+(?:>|\Z)", re.IGNORECASE | re.DOTALL
)


def begin_of_markup(text: str) -> int:
    """Return where an XML error or a web page begins in a message; -1 without any."""
    begin = _BEGIN.search(text[:_LONGEST])
    return begin.start() if begin else -1


def pairs_in_xml(text: str) -> list[tuple[str, str]]:
    """Return the codes and messages of an XML error, the outermost first, "" for what is missing; [] for a page."""
    text = text[:_LONGEST]
    if _PAGE.search(text) or not _ERROR_ROOT.match(text):
        return []
    pairs = zip_longest(_CODE.findall(text), _MESSAGE.findall(text), fillvalue="")
    return [(_unescaped(code), _unescaped(message)) for code, message in pairs]


def words_of_page(text: str) -> str:
    """Return the title and the first words of a page, on one line."""
    text = masked(text[:_LONGEST])  # before the tags go that name a secret
    title = _TITLE.search(text)
    named = _unescaped(title[1]) if title else ""
    words = _unescaped(_UNSEEN.sub(" ", text))
    joined = words if words.startswith(named) else f"{named}: {words}" if words else named
    return joined[:_LONGEST_WORDS]


def _unescaped(text: str) -> str:
    return wording(html.unescape(text))
