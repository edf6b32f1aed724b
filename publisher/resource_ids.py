"""Azure resource ids: parsed, checked, compared, and turned into keys of the registry's table.

Azure compares resource ids without regard to case and spells them differently from one answer to the next
(FACTS 2.5), and notifications leave out the leading slash (FACTS 1.3).
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from publisher.texts import trimmed

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MAX_RESOURCE_GROUP_LENGTH: Final = 90  # Azure naming rules, Microsoft.Resources/resourceGroups
_MAX_NAME_LENGTH: Final = 260  # ARM's limit for any resource name
_MAX_QUOTED: Final = 100
_ASSIGNMENT_ID: Final = re.compile(
    r"(.*)/providers/Microsoft\.Authorization/policyAssignments/[^/]+", re.IGNORECASE | re.ASCII
)
_NAME_PUNCTUATION: Final = frozenset("-_.()")
_NAME_CATEGORIES: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Mn", "Mc", "Pc"})
"""What Azure's published pattern of names takes: letters, digits, connectors, and the marks that Thai, Hindi, Hebrew
and decomposed letters have (FACTS 11.5; learn.microsoft.com, "Character classes in .NET regular expressions")."""

_APPLICATION_SEGMENTS: Final = ("subscriptions", "resourcegroups", "providers", "microsoft.solutions", "applications")
ROW_KEY_PREFIX: Final = "|"
"""Begins the row key of every row this program creates; no resource name contains it (see `ApplicationId.row_key`)."""


class InvalidResourceId(ValueError):  # noqa: N818 - reads as a sentence where it is caught
    """A text that is not the resource id it should be; the message says why, and quotes little of the text."""


def fold(text: str) -> str:
    """Return the form in which two resource ids are compared: ordinal, ignoring case, as ARM does.

    Only one-to-one mappings between characters apply, so 'ß' is not 'ss', a letter outside ASCII never becomes an ASCII
    letter, and no mark becomes a letter: two different resources never fold to the same text. Nor are forms
    normalised: a composed letter and the same one with a mark behind it are two names.
    """
    if text.isascii():
        return text.lower()
    return "".join(map(_fold_character, text))


def _fold_character(character: str) -> str:
    if character.isascii():
        return character.lower()
    if unicodedata.combining(character):  # of the marks U+0345 alone has an upper case, which is a letter
        return character
    upper = character.upper()
    if len(upper) != 1 or upper.isascii():
        return character
    lower = upper.lower()
    return lower if len(lower) == 1 and not lower.isascii() else upper


def is_at_or_inside(scope: str, container: str) -> bool:
    """Tell whether a scope is the container or lies inside it, comparing whole path segments without regard to case.

    `/…/resourceGroups/app-10` is not inside `/…/resourceGroups/app-1`.
    """
    inner, outer = (fold(plain_id(one)) for one in (scope, container))
    return bool(outer) and (inner == outer or inner.startswith(outer + "/"))


def plain_id(text: str) -> str:
    """Return the id of any resource as Azure documents it, "" for none: with one slash before each of its segments.

    Blanks around it and characters that nobody sees are taken off, and what a URL has as `%..` is decoded: no group,
    assignment or exemption has a percent sign in its name (azure-docs, "Naming rules and restrictions").
    """
    if _is_plain(text):
        return text
    return "".join(f"/{segment}" for segment in _segments(text, "resource id"))


def _is_plain(text: str) -> bool:
    """Tell whether an id needs no other spelling: segments of ASCII characters that are seen, without a percent sign.

    Ids are read by the million, and none of these looks takes as long as a regular expression.
    """
    if not text:
        return True
    is_seen = text.isascii() and text.isprintable() and " " not in text and "%" not in text
    return is_seen and text[0] == "/" and text[-1] != "/" and "//" not in text


def assignment_scope(assignment_id: str) -> str:
    """Return the scope that a policy assignment's id begins with, or "" when it is no assignment id."""
    match = _ASSIGNMENT_ID.fullmatch(assignment_id)
    return match[1] if match else ""


def is_guid(text: str) -> bool:
    """Tell whether the text is a GUID with hyphens and without braces, in any casing."""
    return _GUID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, eq=False)
class ResourceGroupId:
    """The id of a resource group; compared by its folded form, printed as it was spelled."""

    subscription_id: str
    resource_group: str

    def __post_init__(self) -> None:
        _check_subscription(self.subscription_id)
        _check_resource_group(self.resource_group)

    @classmethod
    def parse(cls, text: str) -> "ResourceGroupId":
        """Return the id in `text`, however it is cased and slashed (`plain_id`); raise InvalidResourceId."""
        segments = _segments(text, "resource group id")
        if len(segments) != 4 or (fold(segments[0]), fold(segments[2])) != _APPLICATION_SEGMENTS[:2]:  # noqa: PLR2004
            raise InvalidResourceId(f"not a resource group id: {quoted(text)}")
        return cls(segments[1], segments[3])

    def __str__(self) -> str:
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceGroupId) and fold(str(self)) == fold(str(other))

    def __hash__(self) -> int:
        return hash(fold(str(self)))


@dataclass(frozen=True, slots=True, eq=False)
class ApplicationId:
    """The id of a managed application; compared by its folded form, printed as it was spelled.

    The name is unique only inside the resource group (FACTS 5.4).
    """

    subscription_id: str
    resource_group: str
    name: str

    def __post_init__(self) -> None:
        _check_subscription(self.subscription_id)
        _check_resource_group(self.resource_group)
        _check_name(self.name, "application name", _MAX_NAME_LENGTH)

    @classmethod
    def parse(cls, text: str) -> "ApplicationId":
        """Return the id in `text`, however it is cased and slashed (`plain_id`); raise InvalidResourceId."""
        segments = _segments(text, "managed application id")
        if len(segments) != 8:  # noqa: PLR2004
            raise InvalidResourceId(f"not the id of a managed application: {quoted(text)}")
        if tuple(fold(segments[position]) for position in (0, 2, 4, 5, 6)) != _APPLICATION_SEGMENTS:
            raise InvalidResourceId(f"not of type Microsoft.Solutions/applications: {quoted(text)}")
        return cls(segments[1], segments[3], segments[7])

    @classmethod
    def of_keys(cls, partition_key: str, row_key: str) -> "ApplicationId":
        """Return the id, folded, whose `partition_key` and `row_key` these are; raise InvalidResourceId."""
        prefix, _, rest = row_key.partition(ROW_KEY_PREFIX)
        resource_group, _, name = rest.partition(ROW_KEY_PREFIX)
        identity = cls(partition_key, resource_group, name)
        if prefix or (identity.partition_key, identity.row_key) != (partition_key, row_key):
            raise InvalidResourceId(f"no keys of an application: {quoted(f'{partition_key}/{row_key}')}")
        return identity

    @property
    def partition_key(self) -> str:
        """The registry's partition key: the subscription id in lower case."""
        return self.subscription_id.lower()

    @property
    def row_key(self) -> str:
        """The registry's row key, from the whole id: `|<resource group>|<name>`, folded.

        Every character that a resource group or application name may have is allowed in a table key (FACTS 6.1), and
        the longest names make less than the 1,024 bytes that a key may have as UTF-16.
        The leading bar keeps it apart from the row keys of the older sample, which are plain application names.
        """
        return f"{ROW_KEY_PREFIX}{fold(self.resource_group)}|{fold(self.name)}"

    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.Solutions/applications/{self.name}"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApplicationId) and fold(str(self)) == fold(str(other))

    def __hash__(self) -> int:
        return hash(fold(str(self)))


def quoted(text: str) -> str:
    """Return at most 100 characters of a text from outside, quoted and printable: safe in messages and logs."""
    shown = ascii(text[: _MAX_QUOTED - 10])
    return shown if len(shown) <= _MAX_QUOTED else shown[: _MAX_QUOTED - 4] + "...'"


def _segments(text: object, what: str) -> list[str]:
    if not isinstance(text, str):
        raise InvalidResourceId(f"a {what} must be text, not {type(text).__name__}")
    return [_decoded(segment) for segment in trimmed(text).split("/") if segment]


def _decoded(segment: str) -> str:
    """Return a segment of an id without a URL's `%..`, unless that stands for a slash, and without blanks around it."""
    decoded = unquote(segment)
    return trimmed(segment if "/" in decoded else decoded)


def _check_subscription(text: str) -> None:
    if not is_guid(text):
        raise InvalidResourceId(f"the subscription id is not a GUID: {quoted(text)}")


def _check_resource_group(text: str) -> None:
    _check_name(text, "resource group name", _MAX_RESOURCE_GROUP_LENGTH)
    if text.endswith("."):
        raise InvalidResourceId(f"a resource group name cannot end with a period: {quoted(text)}")


def _check_name(text: str, what: str, longest: int) -> None:
    """Raise InvalidResourceId unless the text follows Azure's rules for names."""
    if not text:
        raise InvalidResourceId(f"the {what} is empty")
    if _length(text) > longest:
        raise InvalidResourceId(f"the {what} has more than {longest} characters: {quoted(text)}")
    if not text.strip("."):
        raise InvalidResourceId(f"the {what} consists of periods only: {quoted(text)}")
    for character in text:
        if character not in _NAME_PUNCTUATION and unicodedata.category(character) not in _NAME_CATEGORIES:
            raise InvalidResourceId(f"the {what} contains {character!a}: {quoted(text)}")


def _length(text: str) -> int:
    """Return the number of .NET's characters, which Azure counts: UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)
