"""The properties of an application's row in the ledger: one document, compressed, in columns (FACTS 6.1)."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from verdicts.facts import MOST_OPEN_KEYS
from verdicts.stored.application_document import application_document, application_of, document_in, written
from verdicts.stored.values import Damaged, Misread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from verdicts.facts import ApplicationFacts, AssignmentFacts
    from verdicts.stored.application_document import ApplicationDocument

FORM: Final = 1
"""The form of the document; another one is not read."""

LONGEST_COLUMN: Final = 64 * 1024
"""Bytes that a binary column can have."""

_MOST_COLUMNS: Final = 15
"""Fifteen full columns and the small ones stay under the megabyte that a row can have."""

_LARGEST_DOCUMENT: Final = 64_000_000
"""Bytes of the document, uncompressed: what is larger was not written by this program."""

_COLUMN: Final = "facts_"


class UnreadableFacts(Exception):  # noqa: N818 - named for what it tells
    """The properties hold no facts in the form that this program writes; the message says why."""


class UnstorableFacts(Exception):  # noqa: N818 - named for what it tells
    """Facts that would be too long for a row without any open key, or that could not be read again."""


class StoredFacts(NamedTuple):
    """What a row holds: its properties, and the facts that are read from them."""

    properties: dict[str, Any]
    facts: ApplicationFacts


def properties_of(facts: ApplicationFacts) -> dict[str, Any]:
    """Return the properties to store, as `stored` does."""
    return stored(facts).properties


def stored(facts: ApplicationFacts) -> StoredFacts:
    """Return what to store; the last open keys are left out, and overflow marked, when they do not fit.

    Raises:
        UnstorableFacts: they do not fit without any key, which no application that Azure allows comes near; or they
            could not be read again.
    """
    facts = _limited(facts)
    packed = _packed(facts)
    while packed is None:
        facts = _with_fewer_keys(facts)
        packed = _packed(facts)
    columns = {
        f"{_COLUMN}{number:02}": packed.body[start : start + LONGEST_COLUMN]
        for number, start in enumerate(range(0, len(packed.body), LONGEST_COLUMN))
    }
    properties = {"form": FORM, "application_id": facts.application_id, "size": len(packed.body), **columns}
    return StoredFacts(properties, packed.facts)


def facts_of(properties: Mapping[str, Any]) -> ApplicationFacts:
    """Return the facts in a row's properties.

    Raises:
        UnreadableFacts: a column is missing or cut, or the document is not what this program writes.
    """
    form = properties.get("form")
    if type(form) is not int or form != FORM:
        raise UnreadableFacts(f"its form is {_shown(form)}, and this version reads form {FORM}")
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(_joined(properties), _LARGEST_DOCUMENT)
        if not unpacker.eof or unpacker.unused_data:
            raise UnreadableFacts("its columns are damaged: the compressed document does not end where they end")
        return application_of(document_in(text))
    except (zlib.error, Damaged) as error:
        raise UnreadableFacts(f"its columns are damaged ({error})") from error
    except Misread as error:
        raise UnreadableFacts(f"its document is not in form {FORM}: {error}") from error


def _joined(properties: Mapping[str, Any]) -> bytes:
    """Return the compressed document; raise UnreadableFacts when a column is not what was written."""
    names = sorted(name for name in properties if name.startswith(_COLUMN))
    for number, name in enumerate(names):
        if name != (expected := f"{_COLUMN}{number:02}"):
            raise UnreadableFacts(f"its column {expected} is missing")
        if not isinstance(properties[name], bytes):
            raise UnreadableFacts(f"its column {name} is not binary")
    packed = b"".join(properties[name] for name in names)
    size = properties.get("size")
    if type(size) is not int or len(packed) != size:
        raise UnreadableFacts(f"its columns have {len(packed)} bytes, and should have {_shown(size)}")
    return packed


def _shown(value: object) -> str:
    return "missing" if value is None else ascii(str(value)[:20])


class _Packed(NamedTuple):
    """A compressed document, and the facts that are read from it."""

    body: bytes
    facts: ApplicationFacts


def _packed(facts: ApplicationFacts) -> _Packed | None:
    """Return the compressed document, None when it is too long for a row; raise UnstorableFacts."""
    document = application_document(facts)
    try:
        text, is_whole = written(document), True
    except UnicodeEncodeError:
        text, is_whole = _with_whole_characters(document), False
    if len(text) > _LARGEST_DOCUMENT:
        return None
    packed = zlib.compress(text, 6)
    if len(packed) > _MOST_COLUMNS * LONGEST_COLUMN:
        return None
    try:
        read = document_in(text)
    except Misread as error:
        raise UnstorableFacts(f"what is remembered of the application could not be read again: {error}") from error
    return _Packed(packed, facts if is_whole else application_of(read))


def _with_whole_characters(document: ApplicationDocument) -> bytes:
    """Return a document as JSON in which half a surrogate pair, as in a command line that is no UTF-8, is a "?"."""
    return json.dumps(msgspec.to_builtins(document), ensure_ascii=False).encode("utf-8", "replace")


def _limited(facts: ApplicationFacts) -> ApplicationFacts:
    """Return facts with at most MOST_OPEN_KEYS keys, taken from the assignments that have the most."""
    most_open = _share([len(one.open) for one in facts.assignments.values()])
    most_gone = _share([len(one.gone) for one in facts.assignments.values()])
    cut = {key: _cut(one, most_open, most_gone) for key, one in facts.assignments.items()}
    return facts if cut == facts.assignments else replace(facts, assignments=cut)


def _share(lengths: list[int]) -> int:
    """Return how many keys each assignment may have, so that they have MOST_OPEN_KEYS together."""
    left = MOST_OPEN_KEYS
    for place, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - place)
        if length > share:
            return share
        left -= length
    return MOST_OPEN_KEYS


def _with_fewer_keys(facts: ApplicationFacts) -> ApplicationFacts:
    """Forget half of the longest list of keys that an assignment has, and say so; raise UnstorableFacts."""
    longest = max((max(len(one.open), len(one.gone)) for one in facts.assignments.values()), default=0)
    if not longest:
        raise UnstorableFacts("what is remembered of the application does not fit into a row of the ledger")
    most = longest // 2
    key, one = next(item for item in facts.assignments.items() if longest in {len(item[1].open), len(item[1].gone)})
    cut = _cut(one, most, len(one.gone)) if len(one.open) == longest else _cut(one, len(one.open), most)
    return replace(facts, assignments={**facts.assignments, key: cut})


def _cut(one: AssignmentFacts, most_open: int, most_gone: int) -> AssignmentFacts:
    """Return an assignment with its first open keys, and the ones that are gone the shortest."""
    if len(one.open) <= most_open and len(one.gone) <= most_gone:
        return one
    forgotten = min((key.opened_at for key in one.open[most_open:]), default=None)
    return replace(
        one,
        open=one.open[:most_open],
        overflow=one.overflow or forgotten is not None,
        overflow_since=one.overflow_since if one.overflow else forgotten,
        gone=one.gone[max(0, len(one.gone) - most_gone) :],
    )
