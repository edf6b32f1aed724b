"""Postures and exemptions in a registry row: they come back whole, fit, and are never half known."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from registry.managed_application import Exemption, ExpectedAssignment, Posture
from registry.policies.digests import digest_of
from registry.policies.stored_assignments import (
    assignment_document,
    assignment_of,
    assignments_in,
    assignments_text,
    exemptions_in,
    exemptions_packed,
    postures_packed,
)

MOMENT = datetime(2026, 11, 1, 8, tzinfo=UTC)
POSTURE = Posture(
    definition_version="1.*.*",
    parameters=(("effect", '"Audit"'),),
    not_scopes=("{group}/providers/microsoft.web/sites/one",),
    selectors='[{"selectors":[]}]',
    overrides='[{"kind":"policyeffect"}]',
    enforced=False,
    disabled=("one",),
    references=3,
    at_default=("effect",),
    changed_at=MOMENT,
)
ASSIGNMENT = ExpectedAssignment("/Group/Tls", "TLS", "/definition", "Definition", POSTURE)
EXEMPTION = Exemption("/e/one", "/group/tls", ("one",), "Waiver", MOMENT, "ops@customer.example", "until Monday")


def stored(*assignments: ExpectedAssignment) -> tuple[ExpectedAssignment, ...] | None:
    return assignments_in(assignments_text(assignments), postures_packed(assignments))


def noise(seed: str, count: int) -> tuple[tuple[str, str], ...]:
    """Parameters that no compression makes small."""
    return tuple((f"p{n}", hashlib.sha256(f"{seed}{n}".encode()).hexdigest()) for n in range(count))


def test_a_posture_comes_back_with_what_is_not_compared() -> None:
    found = stored(ASSIGNMENT)
    assert found == (ASSIGNMENT,)
    posture = found[0].posture
    assert posture
    assert (posture.at_default, posture.changed_at) == (("effect",), MOMENT)
    assert assignment_of(assignment_document(ASSIGNMENT)) == ASSIGNMENT


@pytest.mark.parametrize("packed", [None, b"", b"nonsense", zlib.compress(b"[]"), zlib.compress(b'{"/group/tls": 1}')])
def test_rows_of_older_versions_and_odd_ones_have_no_postures(packed: object) -> None:
    assert assignments_in(assignments_text((ASSIGNMENT,)), packed) == (replace(ASSIGNMENT, posture=None),)


def test_of_what_does_not_fit_the_largest_are_kept_as_digests() -> None:
    small = tuple(replace(ASSIGNMENT, id=f"/group/small{n}") for n in range(20))
    large = tuple(
        replace(
            ASSIGNMENT, id=f"/group/large{n}", posture=replace(POSTURE, parameters=noise(str(n), 100), at_default=())
        )
        for n in range(30)
    )
    packed = postures_packed((*small, *large))
    assert len(packed) <= 60_000
    found = {one.id: one.posture for one in stored(*small, *large) or ()}
    assert all(found[one.id] == one.posture for one in small)
    digests = [one for one in large if (found[one.id] or POSTURE).digest]
    assert digests
    for one in digests:
        posture = found[one.id]
        assert posture
        assert one.posture
        assert posture.digest == digest_of(one.posture)
        assert (posture.disabled, posture.enforced, posture.changed_at) == (("one",), False, MOMENT)


def test_even_two_hundred_large_assignments_fit_as_digests() -> None:
    many = tuple(
        replace(ASSIGNMENT, id=f"/group/{n}", posture=replace(POSTURE, parameters=noise(str(n), 50)))
        for n in range(200)
    )
    assert len(postures_packed(many)) <= 60_000
    assert all(one.posture for one in assignments_in(assignments_text(many), postures_packed(many)) or ())


def test_a_digest_tells_postures_apart_and_not_defaults_from_absence() -> None:
    left_out = replace(POSTURE, parameters=(), at_default=())
    assert digest_of(POSTURE) == digest_of(left_out)
    assert digest_of(POSTURE) != digest_of(replace(POSTURE, not_scopes=()))


def test_exemptions_come_back() -> None:
    exemptions = (EXEMPTION, replace(EXEMPTION, id="/e/two", expires_at=None))
    assert exemptions_in(exemptions_packed(exemptions)) == exemptions
    assert exemptions_in(exemptions_packed(())) == ()


@pytest.mark.parametrize("packed", [None, "[]", b"", b"x", zlib.compress(b"{}"), zlib.compress(b"[{}]")])
def test_anything_else_is_not_known_and_not_none(packed: object) -> None:
    assert exemptions_in(packed) is None


def test_exemptions_that_only_fit_without_names_lose_those() -> None:
    exemptions = tuple(
        replace(EXEMPTION, id=f"/e/{n}", display_name=hashlib.sha512(str(n).encode()).hexdigest()) for n in range(1500)
    )
    found = exemptions_in(exemptions_packed(exemptions))
    assert found == tuple(replace(one, display_name="", created_by="") for one in exemptions)


def test_exemptions_that_do_not_fit_are_not_known_rather_than_some_of_them() -> None:
    exemptions = tuple(replace(EXEMPTION, id=f"/e/{hashlib.sha512(str(n).encode()).hexdigest()}") for n in range(1500))
    assert exemptions_packed(exemptions) is None
    assert exemptions_packed(None) is None


def test_an_exemption_whose_end_has_no_zone_is_not_known() -> None:
    document = [{**orjson.loads(orjson.dumps(EXEMPTION)), "expires_at": "2026-11-01T08:00:00"}]
    assert exemptions_in(zlib.compress(orjson.dumps(document))) is None
    assert exemptions_in(exemptions_packed((EXEMPTION,))) == (EXEMPTION,)
