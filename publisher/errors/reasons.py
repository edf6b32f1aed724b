"""The reasons that a JSON document gives for a failure, from the outermost to the innermost.

Azure wraps one failure in another: as `innererror` (OData), as `details` (Azure Resource Manager), as `statusMessage`
(deployment operations), and as JSON text inside a message (failed deployments). Sources: OData JSON format 4.01, "Error
response"; the error details in the Azure REST API guidelines; RFC 6749 5.2 for Entra ID; RFC 9457 for problem details.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from publisher.errors.markup import begin_of_markup, pairs_in_xml, words_of_page
from publisher.errors.wording import wording
from publisher.lenient_json import Members, NotJson, json_with_repeats, member, text_of
from publisher.resource_ids import fold

_DEEPEST: Final = 120
_MOST_READ: Final = 10_000
"""Objects, lists and texts that are looked at: a failed deployment can have thousands of details."""

_LONGEST_CODE: Final = 100
_LONGEST_CUT: Final = 64 * 1024
_LONGEST_MESSAGE: Final = 4000
_MOST: Final = 10**9
_NOT_FOUND: Final = "404"
_ENVELOPES: Final = ("error", "odata.error", "statusMessage")
_INNER: Final = ("innererror", "inner_error", "innerException", "exceptionMessage", "details", "errors")
_CODES: Final = ("code", "errorCode", "statusCode")
_DECISIVE: Final = frozenset(map(fold, (*_ENVELOPES, *_INNER, *_CODES)))
_MESSAGES: Final = ("message", "errorMessage", "detail", "title")
_NAMING: Final = (
    "target",  # of the error details in the Azure REST API guidelines
    "resource",
    "resourceId",
    "resourceName",
    "resourceType",
    "resourceGroup",
    "resourceGroupName",
    "subscriptionId",
)
_ENTRA_CODE: Final = re.compile(r"\bAADSTS\d{4,9}\b")
_ONE_WORD: Final = re.compile(r"[\w.-]{1,100}")
_CUT_CODE: Final = re.compile(r'"code\\*"\s*:\s*\\*"([\w.-]{1,100})', re.IGNORECASE)
_CUT_MESSAGE: Final = re.compile(r'"message\\*"\s*:\s*\\*"([^"\\{]{1,1000})', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: code and message, "" for what it lacks, and all its members for who wants to know more."""

    code: str = ""
    message: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reasons:
    """A reason, and those that it is wrapped in.

    `chain` has the outermost first. `is_one` tells that the outermost has a code, and that no reason of the document,
    of this chain or beside it, has another one; nor does a name come twice, or was something left unread. `said` has
    every message of a JSON document, and in quotes every `target` and the like; None of what is no JSON object.
    `deciding` has the codes that tell whose fault it is, the innermost first: those of the chain, or the outermost one
    when the chain is only one of several.
    """

    chain: tuple[Reason, ...] = ()
    is_one: bool = False
    said: tuple[str, ...] | None = None
    deciding: tuple[str, ...] = ()

    @property
    def codes(self) -> list[str]:
        """The codes that are words, the innermost first."""
        return [reason.code for reason in reversed(self.chain) if _is_word(reason.code)]

    @property
    def code(self) -> str:
        """The innermost code, preferably one that is a word; "" without any."""
        numbers = (reason.code for reason in reversed(self.chain) if reason.code)
        return next(iter(self.codes), "") or next(numbers, "")

    @property
    def message(self) -> str:
        """The innermost message; "" without any."""
        return next((reason.message for reason in reversed(self.chain) if reason.message), "")


def reasons_of(document: object) -> Reasons:
    """Return the reasons in a JSON document, or in a text; the deepest chain of them, of several the first."""
    reader = _Reader()
    chain = tuple(reader.chain(document, _DEEPEST))
    codes = {fold(reason.code) for reason in reader.seen if _is_word(reason.code)}
    is_one = len(codes) == 1 and not reader.is_unsure and _is_word(chain[0].code)
    said = tuple(dict.fromkeys(reader.said)) if isinstance(document, dict) else None
    own = tuple(Reasons(chain).codes)
    if codes - set(map(fold, own)) or reader.left_some:
        around = (document, *(member(document, name) for name in _ENVELOPES))
        own = own[-1:] if any(chain[0].members is one for one in around) and _is_word(chain[0].code) else ()
    return Reasons(chain, is_one=is_one, said=said, deciding=own)


def reason_in_cut_json(text: str) -> Reason:
    """Return the last reason that can be made out in JSON which was cut off; an empty one without any."""
    text = text[:_LONGEST_CUT]
    code = None
    for code in _CUT_CODE.finditer(text):  # noqa: B007 - the last one is wanted
        pass
    message = _CUT_MESSAGE.search(text, code.end() if code else 0) or _CUT_MESSAGE.search(text)
    return Reason(code[1] if code else "", wording(message[1]) if message else "")


class _Reader:
    """Looks for reasons, as far as the limits go; `seen` has all that it found, `said` all that they say.

    `left_some` tells of a limit, `is_unsure` also of what contradicts itself.
    """

    def __init__(self) -> None:
        self._left = _MOST_READ
        self.left_some = False
        self.is_unsure = False
        self.seen: list[Reason] = []
        self.said: list[str] = []

    def chain(self, value: object, levels: int) -> list[Reason]:
        """Return the reasons in a value of at most `levels` levels, the outermost first."""
        if not levels or not self._left:
            self.left_some = self.is_unsure = True
            return []
        self._left -= 1
        if isinstance(value, str):
            message, inner = self._parts(value, levels)
            return self._noted(Reason(message=message), inner)
        if isinstance(value, list):
            return self._deepest(self.chain(one, levels - 1) for one in value)
        return self._of_object(value, levels) if isinstance(value, dict) else []

    def _of_object(self, members: dict[str, Any], levels: int) -> list[Reason]:
        if isinstance(members, Members) and members.repeated:
            self.is_unsure = True
            doubtful = members.repeated & _DECISIVE
            members = {name: value for name, value in members.items() if fold(name) not in doubtful}
        self._note_names(members)
        error = member(members, "error")
        word = error.strip() if isinstance(error, str) and _ONE_WORD.fullmatch(error.strip()) else ""
        if word and (description := member(members, "error_description")) and isinstance(description, str):
            code = _entra_code(description, member(members, "error_codes")) or word
            return self._noted(Reason(word), self._noted(Reason(code, wording(description), members), []))
        own = [_code(member(members, name)) for name in _CODES]
        code = next(filter(None, (*own[:-1], word, own[-1])), "")
        if len({fold(one) for one in (*own, word) if one and one != _NOT_FOUND}) > 1:
            self.is_unsure = True
        message, in_message = self._message(members, levels)
        enveloped = self._deepest(self._below(members, _ENVELOPES if not word else _ENVELOPES[1:], levels))
        inner = self._deepest([in_message, *self._below(members, _INNER, levels)])
        if not code and not message and len(enveloped) >= len(inner):
            return enveloped
        return self._noted(Reason(code, message, members), self._deepest([enveloped, inner]))

    def _below(self, members: dict[str, Any], names: Iterable[str], levels: int) -> Iterator[list[Reason]]:
        for name in names:
            value = member(members, name)
            if name == "errors" and isinstance(value, dict):  # of ASP.NET: the texts about each field
                value = list(value.values())
            if value:
                yield self.chain(value, levels - 1)

    def _note_names(self, members: dict[str, Any]) -> None:
        """Note what an object names beside its message."""
        for name in _NAMING:
            value = member(members, name)
            if isinstance(value, str) and value.strip():
                self.said.append(f"{name} '{self._worded(value)}'")
            elif value and not isinstance(value, str):
                self.is_unsure = True

    def _message(self, members: dict[str, Any], levels: int) -> tuple[str, list[Reason]]:
        """Return an object's message, and the reasons inside it."""
        value, *others = [*filter(None, (member(members, name) for name in _MESSAGES)), ""]
        self.said += (self._worded(other) for other in others if isinstance(other, str))
        if isinstance(text := member(value, "value"), str):  # OData 3: {"lang": "en-US", "value": …}
            value = text
        if isinstance(value, str):
            return self._parts(value, levels)
        inner = self.chain(value, levels - 1)
        return ("", inner) if any(reason.code for reason in inner) else (wording(text_of(value)), [])

    def _parts(self, text: str, levels: int) -> tuple[str, list[Reason]]:
        """Return the message in a text, and the reasons in the JSON that it ends with, or in its XML."""
        begin, markup = text.find("{"), begin_of_markup(text)
        if markup >= 0 and not 0 <= begin < markup:
            return self._parts_of_markup(text, markup)
        if begin < 0:
            return self._worded(text), []
        document = _json_in(text, begin)
        inner = self.chain(document, levels - 1)
        if document is None and (cut := reason_in_cut_json(text[begin:])).code:
            inner = self._noted(cut, [])
        return (self._worded(text[:begin]).rstrip(" :'\"["), inner) if inner else (self._worded(text), [])

    def _parts_of_markup(self, text: str, begin: int) -> tuple[str, list[Reason]]:
        """Return the message in a text, with the words of a page in it, and the reasons in its XML."""
        before = self._worded(text[:begin]).rstrip(" :'\"[")
        inner: list[Reason] = []
        for code, message in reversed(pairs_in_xml(text[begin:])):
            inner = self._noted(Reason(code[:_LONGEST_CODE], message), inner)
        words = "" if inner else words_of_page(text[begin:])
        return ": ".join(filter(None, (before, words))), inner

    def _worded(self, text: str) -> str:
        if len(text) > _LONGEST_MESSAGE:  # what is cut off may say something else
            self.is_unsure = True
        return wording(text)

    def _noted(self, reason: Reason, inner: list[Reason]) -> list[Reason]:
        """Return a reason before those inside it, an empty one only where there are some."""
        if not reason.code and not reason.message:
            return [reason, *inner] if inner else []
        self.seen.append(reason)
        if reason.message:
            self.said.append(reason.message)
        return [reason, *inner]

    def _deepest(self, chains: Iterable[list[Reason]]) -> list[Reason]:
        return max(chains, key=len, default=[])


def _json_in(text: str, begin: int) -> Any:
    """Return the JSON value that a text is, or that it has from `begin` on, escaped or not; None without any."""
    whole, part = text.strip(), text[begin : text.rfind("}") + 1]
    for candidate in (whole if whole[0] in '["' else "", part, f'"{part}"' if '\\"' in part else ""):
        if not candidate:
            continue
        try:
            return json_with_repeats(candidate.encode("utf-8", "replace"))
        except NotJson:
            continue
    return None


def _is_word(code: str) -> bool:
    """Tell whether a code says something; a number is an HTTP status, or known to its service alone."""
    return bool(code) and not code.isdecimal()


def _code(value: object) -> str:
    if isinstance(text := member(value, "value"), str):
        value = text
    if isinstance(value, str):
        return wording(value)[:_LONGEST_CODE]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST else ""


def _entra_code(description: str, numbers: object) -> str:
    """Return Entra ID's own code, which says more than OAuth's: AADSTS and a number; "" without any."""
    if found := _ENTRA_CODE.search(description):
        return found[0]
    number = numbers[0] if isinstance(numbers, list) and numbers else None
    return f"AADSTS{number}" if isinstance(number, int) and 0 < number < _MOST else ""
