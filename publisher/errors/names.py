"""What a message of Azure Resource Manager names: resources, groups, subscriptions and types, quoted or not.

ARM quotes names in '…'. Other services, and what stands before them, use other quotes, none, or whole ids. A word that
may be a name counts as one: who asks wants to know whether anything else is named than what was asked for.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

CUT_OFF: Final = "…"
"""Stands for a name that a message breaks off in."""

_QUOTES: Final = re.compile(
    r"\\*(?:[\"'`\u00b4\u2018-\u201f\u00ab\u00bb\u2032\u2033\u2039\u203a\uff02\uff07]|\\u00(?:22|27|60))+"
)
_CONTRACTION: Final = re.compile(r"(?<=[a-z])[\u2019'](?=(?:t|s|re|ve|ll|d)\b)", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?:https?://|\b(?=aka\.ms/|[a-z]+\.microsoft\.com/))([^\s/'?#]*)([^\s'?#]*)[^\s']*")
_DOCUMENTS: Final = re.compile(r"aka\.ms|(?:[a-z]+\.)*microsoft\.com", re.IGNORECASE)
_STATUS: Final = "404"
_BETWEEN: Final = re.compile(r"[\s,;:=|]+")
_BRACKETS: Final = "()[]{}<>*"
_SHAPED: Final = re.compile(r"[/_]|\w\.\w|\d[^\W\d]|[^\W\d]\d")
_HYPHENED: Final = re.compile(
    r"(?!(?:api-version|non-\w+|re-\w+|sub-\w+|read-only|sign-in)$)\w+(?:-\w+)+", re.IGNORECASE
)

_GROUPS: Final = frozenset({"group", "groups", "resourcegroup", "resourcegroups", "resourcegroupname"})
_SUBSCRIPTIONS: Final = frozenset({"subscription", "subscriptions", "subscriptionid"})
_LABELS: Final = frozenset({"name", "names", "named", "called", "id", "ids", "find", "found", "locate"})
_THINGS: Final = frozenset(
    {
        "resource", "resources", "application", "applications", "appliance", "appliances", "assignment", "assignments",
        "account", "accounts", "entity", "definition", "definitions", "item", "object", "thing", "type", "types",
        "namespace", "provider", "parent", "child", "tenant", "workspace", "policy", "target", "server", "vault",
        "site", "database", "deployment", "plan", "store", "resourceid", "resourcename", "resourcetype",
    }
)  # fmt: skip
_SPOKEN_OF: Final = _GROUPS | _SUBSCRIPTIONS | _THINGS
"""Words that a name may follow, and that say of what it is the name; `_LABELS` do not say that."""

_PLAIN: Final = frozenset(
    {
        "a", "an", "the", "this", "that", "these", "those", "which", "it", "its", "you", "your", "we", "our", "and",
        "or", "but", "if", "in", "on", "of", "at", "by", "for", "from", "to", "with", "without", "under", "inside",
        "within", "into", "was", "were", "is", "are", "be", "been", "being", "has", "have", "had", "can", "cannot",
        "cant", "could", "couldnt", "do", "does", "doesnt", "did", "didnt", "may", "might", "must", "shall", "should",
        "will", "would", "not", "no", "nor", "exist", "exists", "existed", "existing", "missing", "deleted", "moved",
        "removed", "gone", "here", "there", "please", "requested", "specified", "given", "wasnt", "isnt", "arent",
        "hasnt", "longer", "any", "more", "anymore", "after", "before", "because", "as", "when", "where", "while", "so",
        "see", "details", "go", "check", "make", "sure", "try", "again", "later", "nothing",
    }
)  # fmt: skip
_MISSING: Final = re.compile(
    r"(?:(?:was|were|is|are|has|have|can|could|do|does|did) )?(?:not?|neither|gone|missing|deleted|unknown)\b"
    r"|(?:was|is|are|has|could|does|did)nt\b|can(?:no)?t\b",
    re.IGNORECASE,
)
"""Words behind the name of what does not exist: "shop was not found"."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name in a message, without quotes and slashes around it; what it is the name of, as far as the message says."""

    name: str
    is_group: bool = False
    is_subscription: bool = False


def names_in(text: str) -> Iterator[Named]:
    """Yield all that a message names; `CUT_OFF` where it breaks off in a name or in the text."""
    plain = _CONTRACTION.sub("", html.unescape(html.unescape(text)))
    plain = _ADDRESS.sub(_named_by, plain)
    pieces = _QUOTES.sub("'", plain).split("'")
    if len(pieces) % 2 == 0 or plain.rstrip().endswith(("…", "...")):
        yield Named(CUT_OFF)
    reader = _Reader()
    for position, piece in enumerate(pieces):
        if position % 2:
            yield reader.named(piece.strip())
        else:
            yield from reader.unquoted(piece)


def _named_by(address: re.Match[str]) -> str:
    """Return the resource id that an address leads to, "" for one of a page that explains, any other one as it is."""
    host, path = address[1], unquote(address[2])
    if path.lower().startswith("/subscriptions/"):
        return path
    return "" if _DOCUMENTS.fullmatch(host) else address[0]


class _Reader:
    """Goes through a message, and remembers what the last words spoke of."""

    def __init__(self) -> None:
        self._thing = ""
        self._may_follow = False

    def named(self, name: str) -> Named:
        thing, self._thing, self._may_follow = self._thing, "", False
        return Named(name.removeprefix("/"), is_group=thing in _GROUPS, is_subscription=thing in _SUBSCRIPTIONS)

    def unquoted(self, prose: str) -> Iterator[Named]:
        """Yield the names in words outside of quotes."""
        words = [word for word in _BETWEEN.split(prose) if word]
        for position, word in enumerate(words):
            bare = word.strip(_BRACKETS).rstrip(".!?").strip(_BRACKETS)
            lower = bare.lower()
            if not bare or bare == _STATUS:
                continue
            if lower in _SPOKEN_OF:
                self._thing, self._may_follow = lower, True
            elif lower in _LABELS:
                self._may_follow = True
            elif lower in _PLAIN:
                self._may_follow = False
            elif self._may_follow or _is_shaped(bare) or _MISSING.match(" ".join(words[position + 1 : position + 3])):
                yield self.named(bare)
            if word.endswith((".", "!", "?")):
                self._thing, self._may_follow = "", False


def _is_shaped(word: str) -> bool:
    """Tell whether a word looks like a name, an id or a type, and not like one of a sentence."""
    return _SHAPED.search(word) is not None or _HYPHENED.fullmatch(word) is not None
