"""Quotes texts for KQL, and refuses queries that would read from, or send to, anything but this workspace.

A query can only read, and the app's identity can read this one workspace; this check comes before that.
Source: learn.microsoft.com/kusto/query (string literals, cross-cluster queries, evaluate plugins).
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

_TOKEN: Final = re.compile(
    r"""
    (?P<skipped> \s+ | //[^\n]* )
  | (?P<text> [hH]? (?: ```.*?(?:```|\Z) | ~~~.*?(?:~~~|\Z)
                      | @"(?:[^"]|"")*(?:"|\Z) | @'(?:[^']|'')*(?:'|\Z)
                      | "(?:[^"\\\n]|\\.)*(?:"|\n|\Z) | '(?:[^'\\\n]|\\.)*(?:'|\n|\Z) ) )
  | (?P<word> [^\W\d]\w* )
  | (?P<number> \d\w* )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_ELSEWHERE: Final = frozenset(
    {
        "adx",
        "app",
        "arg",
        "cluster",
        "database",
        "external_table",
        "resource",
        "stored_query_result",
        "workspace",
    }
)
"""Functions that read from somewhere else, refused where they are called; columns may have such names."""

_PLUGINS: Final = frozenset(
    {
        "active_users_count",
        "activity_counts_metrics",
        "activity_engagement",
        "activity_metrics",
        "autocluster",
        "bag_unpack",
        "basket",
        "dcount_intersect",
        "diffpatterns",
        "diffpatterns_text",
        "funnel_sequence",
        "funnel_sequence_completion",
        "ipv4_lookup",
        "ipv6_lookup",
        "narrow",
        "new_activity_metrics",
        "pivot",
        "preview",
        "rolling_percentile",
        "rows_near",
        "schema_merge",
        "sequence_detect",
        "session_count",
        "sliding_window_counts",
    }
)
"""Plugins of `evaluate` that compute on what the query already has; the others can call out."""


def literal(text: str) -> str:
    """Return a text as a KQL string literal."""
    escaped = "".join(_escaped(character) for character in text)
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() and ord(character) <= 0xFFFF else _as_code_units(character)  # noqa: PLR2004


def _as_code_units(character: str) -> str:
    encoded = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{encoded[position : position + 4]}" for position in range(0, len(encoded), 4))


def refusal(query: str) -> str | None:
    """Return why a query is refused, or None; what is inside strings and comments is not looked at."""
    tokens = [*_tokens(query), ""]
    if tokens[0] == "." or any(first == ";" and second == "." for first, second in pairwise(tokens)):
        return "Control commands (those beginning with a dot) are refused."
    for position, word in enumerate(tokens[:-1]):
        follower = tokens[position + 1]
        if (word in _ELSEWHERE and follower == "(") or word == "externaldata":
            return f"The query may only read this workspace: {word} is refused."
        if word == "]" and follower == "(":
            return "Functions are called by their plain name."
        if word == "evaluate" and (plugin := _plugin(tokens[position + 1 :])) not in _PLUGINS:
            return f"The plugin {plugin or '(none)'} is refused."
    return None


def _plugin(tokens: list[str]) -> str:
    """Return the plugin that `evaluate` calls, after hints such as `hint.distribution = per_node`."""
    while len(tokens) > 5 and tokens[0] == "hint":  # noqa: PLR2004 - hint . name = value
        tokens = tokens[5:]
    return tokens[0] if tokens and tokens[0].isidentifier() else ""


def _tokens(query: str) -> Iterator[str]:
    """Yield words in lower case and signs; every string is one token `"`."""
    for match in _TOKEN.finditer(query):
        if match.lastgroup == "text":
            yield '"'
        elif match.lastgroup in {"word", "number", "sign"}:
            yield match[0].lower()
