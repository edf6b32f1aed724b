"""Texts from outside, made safe for logs, rows, messages and terminals.

Names are chosen by others. Characters that nobody sees can turn a line around (U+202A to U+202E, U+2066 to U+2069),
make two names look alike (U+200B to U+200F, U+FEFF), or command a terminal (U+001B). The page does the same in
compliance_api/dashboard/data.js.
"""

import re
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

_LONGEST: Final = 500
_UNSEEN: Final = re.compile(
    "[\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Control and format characters, and separators of lines, that JSON may have as they are."""


def harmless(text: str) -> str:
    """Return a text of any length with a space for each character that is not printable; line feeds stay."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character == "\n" else " " for character in text)


def one_line(text: str) -> str:
    """Return a text of any length with a space for each character that is not printable."""
    return harmless(text).replace("\n", " ")


def printable(text: str, *, longest: int = _LONGEST) -> str:
    """Return a text that is safe in logs, rows and messages: at most `longest` characters, all of them printable."""
    clean = one_line(text[: longest + 1])
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def plain_json(document: bytes) -> bytes:
    """Return the same JSON with an escape sequence for each character that nobody sees: its values do not change."""
    if document.isascii() and b"\x7f" not in document:
        return document
    return _UNSEEN.sub(_escape, document.decode()).encode()


def trimmed(text: str) -> str:
    """Return a text without white space, and without characters that nobody sees, at its ends."""
    if text.isascii() and text.isprintable():
        return text.strip()
    outer = "".join({character for character in text if character.isspace() or is_unseen(character)})
    return text.strip(outer) if outer else text


def well_formed(text: str) -> str:
    """Return a text that can be encoded as UTF-8: lone surrogates, which JSON allows, become U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def is_unseen(character: str) -> bool:
    """Tell whether a character leaves no trace: zero-width and direction marks, soft hyphens, control characters."""
    return unicodedata.category(character) in {"Cf", "Cc"} and not character.isspace()


def word(text: str) -> str:
    """Return a word of Azure's as it is compared: in lower case, without blanks, hyphens and what nobody sees."""
    return "".join(
        character for character in text if not (character.isspace() or character in "-_" or is_unseen(character))
    ).lower()


def moment_in(text: str) -> datetime | None:
    """Return the time in a text of ISO 8601, in UTC, which is also assumed where it names no zone.

    None for what is no time, and for one that UTC puts outside the years 1 to 9999.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def iso_milliseconds(moment: datetime) -> str:
    """Return an aware ``moment`` as Azure writes it: ISO 8601, UTC, milliseconds, ``Z``.

    The rows of a run tell few moments thousands of times.
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def first_line(text: str) -> str:
    """Return the first line of a message; further lines of SDK messages have contents and traces."""
    return text.strip().partition("\n")[0].strip()


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[begin : begin + 4]}" for begin in range(0, len(units), 4))
