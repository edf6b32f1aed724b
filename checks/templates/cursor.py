"""A place in the text of a Bicep file, and the steps from it."""

from __future__ import annotations

import re
from typing import Final

from checks.templates.syntax import NotUnderstood

_COMMENT: Final = r"//[^\n]*|/\*.*?\*/|#disable-next-line[^\n]*"
_SPACE: Final = re.compile(rf"(?:[ \t\r]|{_COMMENT})+", re.DOTALL)
_NEWLINES: Final = re.compile(rf"(?:\s|{_COMMENT})+", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


class Cursor:
    """Reads on from a place. Spaces and comments on the same line are passed over before every step."""

    def __init__(self, file: str, text: str) -> None:
        self._file, self._text, self._at = file, text, 0

    def is_at_end(self) -> bool:
        """Tell whether nothing is left."""
        return self._at >= len(self._text)

    def is_at(self, *signs: str) -> bool:
        """Tell whether one of these comes next."""
        self._skip()
        return self._text.startswith(signs, self._at)

    def line(self) -> int:
        """Return the number of the line, from 1."""
        return self._text.count("\n", 0, self._at) + 1

    def word(self) -> str:
        """Read a name; raise NotUnderstood."""
        found = self.match(_WORD)
        if found is None:
            raise self.error(f"{self.ahead()!r} where a name is expected")
        return found[0]

    def take_word(self, word: str) -> bool:
        """Read this word if it comes next."""
        before = self._at
        found = self.match(_WORD)
        if found and found[0] == word:
            return True
        self._at = before
        return False

    def take(self, sign: str) -> bool:
        """Read this sign if it comes next."""
        if not self.is_at(sign):
            return False
        self._at += len(sign)
        return True

    def must(self, sign: str) -> None:
        """Read this sign; raise NotUnderstood when something else comes next."""
        if not self.take(sign):
            raise self.error(f"{self.ahead()!r} where {sign} is expected")

    def match(self, pattern: re.Pattern[str], *, skip: bool = True) -> re.Match[str] | None:
        """Read what a pattern matches; without `skip` from this very place, as within a text."""
        if skip:
            self._skip()
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def new_line(self) -> bool:
        """Pass over everything that says nothing, lines included; tell whether a line ended."""
        before = self._at
        self.match(_NEWLINES, skip=False)
        return "\n" in self._text[before : self._at]

    def ahead(self) -> str:
        """Return what comes next, for a message."""
        return self._text[self._at : self._at + 20]

    def error(self, what: str) -> NotUnderstood:
        """Return the error about this place."""
        return NotUnderstood(f"{self._file}:{self.line()}: {what}")

    def _skip(self) -> None:
        if match := _SPACE.match(self._text, self._at):
            self._at = match.end()
