"""Facts of which nothing is left out, and the document in a row, to be read and to be changed."""

from __future__ import annotations

import zlib
from typing import Any

import orjson

from registry.managed_application import Exemption, ExpectedAssignment, Posture
from tests.verdicts.remembered import NOW, assignment, open_key, remembered
from verdicts.facts import (
    Acceptance,
    Answer,
    ApplicationFacts,
    AssignmentGuard,
    Departure,
    GoneKey,
    StatesUpload,
    Unchecked,
    Unread,
)
from verdicts.outcome import Outcome
from verdicts.stored.application_rows import (
    properties_of,
)

ACCEPTANCE = Acceptance("ada", "known", NOW, NOW)
EXPECTED = ExpectedAssignment("/a", "A", "/d", "D", Posture(changed_at=NOW))
FULL = remembered(
    assignment(
        "baseline",
        open=(open_key("one", acceptance=ACCEPTANCE), open_key("two", suspended=True)),
        gone=(GoneKey(open_key("three").key, NOW, NOW),),
        guard=AssignmentGuard(baseline=EXPECTED, seen=EXPECTED, acceptance=ACCEPTANCE, details=("one",)),
    ),
    assignment("second", unread=Unchecked(NOW, Outcome.ACCESS_DENIED, "AuthorizationFailed", "no"), last_read=NOW),
    exemptions=(Exemption("/e", "/a", ("one",)),),
    known_exemptions=("/e",),
    accepted_exemptions={"/e": ACCEPTANCE},
    states=StatesUpload("run", NOW, 7, "fingerprint", Answer("digest", 7, 2, 1, "2026-03-04T05:06:07Z", None), 5),
    unread=Unread(NOW, 3, Outcome.THROTTLED),
    departure=Departure(Outcome.VANISHED, NOW),
    probed="3/297/0",
    check_states=StatesUpload("run", NOW, 2, "other", withheld=3),
)


def of_document(document: Any) -> dict[str, Any]:
    packed = zlib.compress(orjson.dumps(document))
    return {"form": 1, "application_id": FULL.application_id, "size": len(packed), "facts_00": packed}


def document_of(facts: ApplicationFacts) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(zlib.decompress(properties_of(facts)["facts_00"]))
    return document
