"""Splits KQL into words and signs as Microsoft's own parser does, and says when a text can be read in two ways.

Where a string or a comment ends decides what is code. Parsers differ there on unfinished strings, unknown escapes and
line ends other than a line feed. Such a text is not certain, and its strings and comments should be read as code, too.
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
    (?P<skipped> \s+ | //[^\r\n\u2028\u2029]* )
  | (?P<text> [hH]? (?: ```.*?``` | ~~~.*?~~~
                      | @"(?:[^"\r\n]|"")*+" | @'(?:[^'\r\n]|'')*+'
                      | "(?:[^"\\\r\n]|{_ESCAPE})*+" | '(?:[^'\\\r\n]|{_ESCAPE})*+' ) )
  | (?P<open> [hH]? (?: (?:```|~~~).* | @?["'][^\r\n]* ) )
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

_UNCERTAIN: Final = re.compile(r"(?!\r\n)[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters, and line ends but line feed and carriage return with line feed."""

_LINE_ENDS: Final = ("\n", "\r\n\u2028\u2029", "\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")
"""What ends a line, and with it a comment: to the narrowest reader, to Microsoft's parser, and to the widest."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The words (folded) and signs of a query, every string as STRING, and whether every parser reads it like this."""

    tokens: tuple[str, ...]
    is_certain: bool


def readings(query: str) -> list[Reading]:
    """Return the query's tokens: to readers to whom an invisible character is a blank, and to whom it is nothing."""
    if query.isascii():
        return [_read(query)]
    return [_read(text) for text in dict.fromkeys(_visible(query, instead) for instead in (" ", ""))]


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
    is_certain = _UNCERTAIN.search(query) is None and _TYPED_LITERAL.search(query) is None
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


def _visible(query: str, instead: str) -> str:
    """Return the query with its invisible characters replaced; control characters and line ends stay as they are."""
    return "".join(sign if sign.isprintable() or sign in _LINE_ENDS[-1] or sign < " " else instead for sign in query)
