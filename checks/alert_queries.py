"""What the query of a scheduled query rule may not say, and the language service does not know (FACTS 4.3, 4.4).

Source: learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-log-alert-rule
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

MAX_LOOK_BACK: Final = timedelta(days=2)

_TEXT_OR_COMMENT: Final = re.compile(r"""@"[^"]*"|@'[^']*'|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|//[^\n]*""")

_FORBIDDEN: Final = (
    (r"\bevaluate\s+(bag_unpack|pivot|narrow)\b", "alert rules do not support the plugin {0}"),
    (r"\bAggregatedValue\b", "AggregatedValue is a reserved word in alert rules"),
    (
        r"(?:^|[|(;=])\s*(search|union(?!\s+isfuzzy=true\s+[\w(]))\b",
        "{0} does not belong into an alert rule, except for union isfuzzy=true of tables by name",
    ),
    (r"\|\s*(limit|take)\b", "{0} would make an alert rule judge an arbitrary part of the rows"),
    (r"\|\s*(count)\s*;?\s*\Z", "an alert rule counts by itself: no {0} at the end"),
)

_AGO: Final = re.compile(r"\bago\(\s*([^()]*(?:\([^()]*\))?)\s*\)")
_TIMESPAN: Final = re.compile(r"(\d+(?:\.\d+)?)(d|h|m|s|ms)")
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds"}


def query_problems(query: str) -> list[tuple[int, str]]:
    """Return (line, message) for everything that an alert rule's query may not contain."""
    code = without_texts(query)
    found = [
        (_line(code, match.start(1) if match.groups() else match.start()), message.format(*match.groups()))
        for pattern, message in _FORBIDDEN
        for match in re.finditer(pattern, code)
    ]
    for match in _AGO.finditer(code):
        literal = _TIMESPAN.fullmatch(match[1])
        if literal is None:
            found.append((_line(code, match.start()), "ago() takes a literal timespan in an alert rule"))
        elif timedelta(**{_UNITS[literal[2]]: float(literal[1])}) > MAX_LOOK_BACK:
            found.append((_line(code, match.start()), "an alert rule looks back two days at most"))
    return sorted(found)


def without_texts(query: str) -> str:
    """Return a query with blanks for what its texts and comments say; every other character keeps its position."""
    return _TEXT_OR_COMMENT.sub(_blank, query)


def _blank(match: re.Match[str]) -> str:
    """Texts and comments may say anything; what replaces them keeps every position."""
    return re.sub(r"[^\n]", " ", match[0])


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
