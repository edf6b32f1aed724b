"""The error code and message in the body of an answer that tells of a failure, whatever its shape.

Bodies are JSON of a service (`publisher.errors.reasons`), XML of storage and of older services, web pages of gateways,
and plain text. Only a service's own JSON or XML has an error code.
"""

import html
import re
from itertools import zip_longest
from typing import Final

from publisher.errors.reasons import Reason, Reasons, reason_in_cut_json, reasons_of
from publisher.errors.wording import wording
from publisher.lenient_json import NotJson, json_of

LARGEST_CHARACTERS: Final = 1024 * 1024
"""What is read of a body; JSON that is longer counts as cut off."""

_LONGEST_PAGE: Final = 16 * 1024
_LONGEST_WORDS: Final = 300
_NOTHING: Final = Reasons()
_PAGE: Final = re.compile(r"<(?:!doctype\s+html|html|head|body|title|center|div|p|h[1-6])\b", re.IGNORECASE)
_ERROR_ROOT: Final = re.compile(
    r"(?:<\?[^>]*+>\s*|<!--[^>]*+>\s*)*+<(?:\w{1,20}:)?\w*(?:error|fault|exception)\w*\b", re.IGNORECASE
)
_XML_CODE: Final = re.compile(r"<(?:\w{1,20}:)?code\b[^>]*+>\s*+([^<]{1,200})<", re.IGNORECASE)
_XML_MESSAGE: Final = re.compile(
    r"<(?:\w{1,20}:)?message\b[^>]*+>\s*+(?:<!\[CDATA\[)?+(.{1,4000}?)(?:\]\]>|<)", re.IGNORECASE | re.DOTALL
)
_TITLE: Final = re.compile(r"<title\b[^>]*+>([^<]{1,300})<", re.IGNORECASE)
_UNSEEN: Final = re.compile(
    r"<(script|style|title)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*+(?:>|\Z)", re.IGNORECASE | re.DOTALL
)


def code_and_message(body: str) -> tuple[str, str]:
    """Return code and message of the innermost reason in a body; "" for what it lacks."""
    reasons = reasons_in(body)
    return reasons.code, reasons.message


def reasons_in(body: str) -> Reasons:
    """Return the reasons that a body gives for a failure, each message on one line and free of secrets.

    A page, a text, and JSON that is cut off have a message at most: such an answer is not the service's own word.
    """
    text = body[:LARGEST_CHARACTERS].replace("\x00", "").lstrip("\ufeff\ufffd \t\r\n").rstrip()
    if not text:
        return _NOTHING
    if text[0] == "<":
        return _of_markup(text)
    try:
        return reasons_of(json_of(text.encode("utf-8", "replace")))
    except NotJson:
        pass
    if text[0] in '{["':
        return _only(reason_in_cut_json(text).message)
    return _only(wording(text) if text[:_LONGEST_WORDS].count("\ufffd") <= _LONGEST_WORDS // 100 else "")


def _of_markup(text: str) -> Reasons:
    text = text[:_LONGEST_PAGE]
    if not _PAGE.search(text) and _ERROR_ROOT.match(text):
        pairs = zip_longest(_XML_CODE.findall(text), _XML_MESSAGE.findall(text), fillvalue="")
        chain = tuple(Reason(_unescaped(code), _unescaped(message)) for code, message in pairs)
        codes = {reason.code.lower() for reason in chain if reason.code}
        if chain:
            return Reasons(chain, is_one=len(codes) == 1 and bool(chain[0].code))
    title = _TITLE.search(text)
    named = _unescaped(title[1]) if title else ""
    words = _unescaped(_UNSEEN.sub(" ", text))
    joined = words if words.startswith(named) else f"{named}: {words}" if words else named
    return _only(joined[:_LONGEST_WORDS])


def _unescaped(text: str) -> str:
    return wording(html.unescape(text))


def _only(message: str) -> Reasons:
    return Reasons((Reason(message=message),)) if message else _NOTHING
