"""Texts from outside, made safe for logs, rows and messages."""

from typing import Final

_LONGEST: Final = 500


def printable(text: str, *, longest: int = _LONGEST) -> str:
    """Return a text that is safe in logs, rows and messages: at most `longest` characters, all of them printable."""
    cut = text[: longest + 1]
    clean = "".join(character if character.isprintable() else " " for character in cut)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def first_line(text: str) -> str:
    """Return the first line of a message; further lines of SDK messages have contents and traces."""
    return text.strip().partition("\n")[0].strip()
