"""Splits KQL into words and signs as Microsoft's own parser does, and says when a text can be read in two ways.

Where a string or a comment ends decides what is code. Parsers differ there on line ends other than a line feed: such a
text is read in every way that is known. They also differ on unfinished strings and unknown escapes. Such a text is not
certain, and its strings and comments should be read as code, too.
Source: learn.microsoft.com/kusto/query/scalar-data-types/string; tests compare it with @kusto/language-service-next.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

STRING: Final = '"'
"""What stands for any string among the tokens."""

_ESCAPE: Final = r"""\\(?:[\\'"abfnrtv0-7]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2})"""
_TOKEN: Final = re.compile(
    rf"""
    (?P<skipped> \s+ | //[^\n]* )
  | (?P<text> [hH]? (?: ```.*?``` | ~~~.*?~~~
                      | @"(?:[^"\n]|"")*+" | @'(?:[^'\n]|'')*+'
                      | "(?:[^"\\\n]|{_ESCAPE})*+" | '(?:[^'\\\n]|{_ESCAPE})*+' ) )
  | (?P<open> [hH]? (?: (?:```|~~~).* | @?["'][^\n]* ) )
  | (?P<word> [^\W\d]\w* )
  | (?P<number> \d\w* )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_TYPED_LITERAL: Final = re.compile(
    r"\b(?:bool|boolean|date|datetime|decimal|double|guid|int|int32|int64|long|real|time|timespan|uniqueid|uuid)"
    r"\s*\([^()\"'`~/\\]*[(\"'`~/\\]",
    re.IGNORECASE,
)
"""A literal such as datetime(…) that holds a quote: the parser reads on to the next parenthesis."""

_STRAY: Final = frozenset("\"'`\\")
"""Signs that begin a string, or stand in one; on their own they are the rest of one that has no end."""

_LINE_ENDS: Final = (
    "\n",
    "\n\r",
    "\n\r\u2028\u2029",
    "\n\r\u2028\u2029\x85",
    "\n\r\u2028\u2029\x85\v\f\x1c\x1d\x1e",
)
"""What ends a line, and with it a comment, to different readers; Microsoft's parser is the third of them."""

_WIDEST: Final = _LINE_ENDS[-1]
_PLAIN: Final = re.compile(r"(?:[\n\t -~]|\r\n)*+")
"""A text without invisible characters and odd line ends: every reader sees the same."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")


@dataclass(frozen=True, slots=True)
class Reading:
    """The words (folded) and signs of a query, every string as STRING, and whether every parser reads it like this."""

    tokens: tuple[str, ...]
    is_certain: bool


def readings(query: str) -> list[Reading]:
    """Return the query's tokens as different readers see it.

    They differ on what ends a line, and on whether an invisible character is a blank or nothing. Every line end of
    theirs is a line feed.
    """
    if _PLAIN.fullmatch(query):
        return [_read(query.replace("\r", ""))]
    seen = (_seen(query, ends, instead) for ends in _LINE_ENDS for instead in (" ", ""))
    return [_read(text) for text in dict.fromkeys(seen)]


def without_literals(query: str) -> list[str]:
    """Return the folded query with its strings and comments as if they were code, as different readers see it.

    They differ on invisible characters and on what ends a line; every line end of theirs is a line feed.
    """
    found = []
    for ends in _LINE_ENDS:
        lines = "".join("\n" if sign in ends else sign for sign in query)
        found += [_printed(lines, instead) for instead in (" ", "")]
    return found


def folded(word: str) -> str:
    """Return a text as its words are compared: without casing, and without the difference of look-alike letters."""
    return unicodedata.normalize("NFKC", word).casefold()


def _read(query: str) -> Reading:
    tokens = []
    is_certain = _CONTROL.search(query) is None and _TYPED_LITERAL.search(query) is None
    for match in _TOKEN.finditer(query):
        kind, text = match.lastgroup, match[0]
        if kind == "text":
            tokens.append(STRING)
        elif kind != "skipped":
            tokens.append(folded(text))
            is_odd = kind == "open" or (kind == "sign" and (text in _STRAY or not text.isascii()))
            is_certain = is_certain and not is_odd
    return Reading(tuple(tokens), is_certain)


def _printed(lines: str, instead: str) -> str:
    return folded("".join(sign if sign.isprintable() or sign in "\n\t" else instead for sign in lines))


def _seen(query: str, ends: str, instead: str) -> str:
    """Return the query with a line feed for each line end, and without invisible characters but control characters."""
    return "".join(
        "\n" if sign in ends else " " if sign in _WIDEST else sign if sign.isprintable() or sign < " " else instead
        for sign in query
    )
