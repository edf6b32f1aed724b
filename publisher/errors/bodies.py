"""The error code and message in the body of an answer that tells of a failure, whatever its shape.

Bodies are JSON of a service (`publisher.errors.reasons`), XML of storage and of older services, web pages of gateways,
and plain text. Only a service's own JSON or XML has an error code.
"""

from typing import Final

from publisher.errors.markup import pairs_in_xml, words_of_page
from publisher.errors.reasons import Reason, Reasons, reason_in_cut_json, reasons_of
from publisher.errors.wording import wording
from publisher.lenient_json import NotJson, json_with_repeats

LARGEST_CHARACTERS: Final = 1024 * 1024
"""What is read of a body; JSON that is longer counts as cut off."""

_LONGEST_WORDS: Final = 300
_NOTHING: Final = Reasons()


def code_and_message(body: str) -> tuple[str, str]:
    """Return code and message of the innermost reason in a body; "" for what it lacks."""
    reasons = reasons_in(body)
    return reasons.code, reasons.message


def reasons_in(body: str) -> Reasons:
    """Return the reasons that a body gives for a failure, each message on one line and free of secrets.

    A page, a text, and JSON that is cut off have a message at most: such an answer is not the service's own word. Of a
    name that comes twice in an object, in whatever letter case, neither member is read.
    """
    text = body[:LARGEST_CHARACTERS].replace("\x00", "").lstrip("\ufeff\ufffd \t\r\n").rstrip()
    if not text:
        return _NOTHING
    if text[0] == "<":
        return _of_markup(text)
    try:
        return reasons_of(json_with_repeats(text.encode("utf-8", "replace")))
    except NotJson:
        pass
    if text[0] in '{["':
        return _only(reason_in_cut_json(text).message)
    return _only(wording(text) if text[:_LONGEST_WORDS].count("\ufffd") <= _LONGEST_WORDS // 100 else "")


def _of_markup(text: str) -> Reasons:
    chain = tuple(Reason(code, message) for code, message in pairs_in_xml(text))
    codes = {reason.code.lower() for reason in chain if reason.code}
    if chain:
        is_one = len(codes) == 1 and bool(chain[0].code)
        return Reasons(chain, is_one=is_one, deciding=tuple(Reasons(chain).codes))
    return _only(words_of_page(text))


def _only(message: str) -> Reasons:
    return Reasons((Reason(message=message),)) if message else _NOTHING
