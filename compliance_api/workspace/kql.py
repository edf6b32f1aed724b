"""Quotes texts for KQL, and refuses queries that would read from, or send to, anything but this workspace.

A query can only read, and the app's identity can read five tables of this one workspace; this check comes before that.
Source: learn.microsoft.com/kusto/query (string literals, cross-cluster queries, evaluate plugins).
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from compliance_api.workspace.lexer import readings, without_literals

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

_OTHER_SOURCES: Final = frozenset({"external_data", "externaldata", "inline_external_table"})
"""Words that read from an address, refused wherever they are code."""

_AUDIT_TABLE: Final = "ManagedApplicationAudit_CL"
"""What the app's identity may not read: who asked is for those to know who watch over the API, not for its callers."""

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

_CONTROL: Final = "Control commands (those beginning with a dot) are refused."
_AUDIT_REFUSED: Final = f"{_AUDIT_TABLE} is not read through the API."
_PLAIN_NAME: Final = "Functions are called by their plain name."
_GAP: Final = r"(?:\s|//[^\n]*+)*+"
_CALL: Final = re.compile(rf"(?<!\w)({'|'.join(sorted(_ELSEWHERE))}){_GAP}\(")
_SOURCE: Final = re.compile(rf"(?<!\w)({'|'.join(sorted(_OTHER_SOURCES))})(?!\w)")
_EVALUATE: Final = re.compile(r"(?<!\w)evaluate(?!\w)(?:\s+hint\.\w+\s*=\s*\w+)*\s*(\w*)")
_COMMAND: Final = re.compile(rf"(?:\A|;){_GAP}[.]|(?:\A|\n){_GAP}\#")
_BRACKETED_CALL: Final = re.compile(rf"\]{_GAP}\(")
"""What is looked for in a text whose strings and comments cannot be told for certain."""


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
    """Return why a query is refused, or None.

    What is inside strings and comments is not looked at, unless the text can be read in two ways (`lexer`): then every
    word that would lead elsewhere is refused wherever it stands.
    """
    for reading in readings(query):
        if _AUDIT_TABLE.casefold() in reading.tokens:
            return _AUDIT_REFUSED
        if reason := _refused_call(reading.tokens) or (None if reading.is_certain else _refused_word(query)):
            return reason
    return None


def _refused_call(tokens: Sequence[str]) -> str | None:
    if tokens[:1] == (".",) or any(first == ";" and second == "." for first, second in pairwise(tokens)):
        return _CONTROL
    for position, word in enumerate(tokens):
        follower = tokens[position + 1] if position + 1 < len(tokens) else ""
        if (word in _ELSEWHERE and follower == "(") or word in _OTHER_SOURCES:
            return f"The query may only read this workspace: {word} is refused."
        if word == "#":
            return "Directives (those beginning with #) are refused."
        if word == "]" and follower == "(":
            return _PLAIN_NAME
        if word == "evaluate" and (plugin := _plugin(tokens[position + 1 : position + 50])) not in _PLUGINS:
            return f"The plugin {plugin or '(none)'} is refused."
    return None


def _refused_word(query: str) -> str | None:
    """Return why a query is refused whose strings and comments cannot be told for certain."""
    if _AUDIT_TABLE.casefold() in query.casefold():
        return _AUDIT_REFUSED
    for text in without_literals(query):
        found = _CALL.search(text) or _SOURCE.search(text)
        if found or any(match[1] not in _PLUGINS for match in _EVALUATE.finditer(text)):
            return (
                "The query has invisible characters, or a string or literal that can be read in two ways; in such a "
                f"query {found[1] if found else 'evaluate'} is refused wherever it stands."
            )
        if _COMMAND.search(text):
            return _CONTROL
        if _BRACKETED_CALL.search(text):
            return _PLAIN_NAME
    return None


def _plugin(tokens: Sequence[str]) -> str:
    """Return the plugin that `evaluate` calls, after hints such as `hint.distribution = per_node`."""
    while len(tokens) > 5 and tokens[0] == "hint":  # noqa: PLR2004 - hint . name = value
        tokens = tokens[5:]
    return tokens[0] if tokens and tokens[0].isidentifier() else ""
