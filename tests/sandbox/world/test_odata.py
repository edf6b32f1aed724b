"""The filter language by itself."""

from __future__ import annotations

import pytest

from sandbox.errors import RefusedError
from sandbox.world.odata import parse_filter, parse_select
from sandbox.world.state_documents import FIELD_SPELLING

STATE = {"complianceState": "NonCompliant", "isCompliant": False, "policyAssignmentName": "it's", "resourceId": None}


def passes(text: str, *, ignore_case: bool = True) -> bool:
    return parse_filter(text, FIELD_SPELLING, ignore_case=ignore_case)(STATE)


@pytest.mark.parametrize(
    "text",
    [
        "complianceState eq 'NonCompliant'",
        "ComplianceState EQ 'noncompliant'",
        "isCompliant eq false",
        "resourceId eq null",
        "policyAssignmentName eq 'it''s'",
        "complianceState ne 'Compliant' and isCompliant ne true",
        "complianceState eq 'x' or isCompliant eq false and resourceId eq null",
        "(complianceState eq 'x' or isCompliant eq false) and not (resourceId ne null)",
        "not(complianceState eq 'x')",
    ],
)
def test_a_filter_that_holds_lets_the_state_pass(text: str) -> None:
    assert passes(text)


@pytest.mark.parametrize(
    "text",
    [
        "complianceState eq 'Compliant'",
        "isCompliant eq true",
        "resourceId eq ''",
        "resourceId ne null",
        "complianceState eq 'NonCompliant' and isCompliant eq true",
        "(complianceState eq 'NonCompliant' or isCompliant eq true) and resourceId eq 'x'",
    ],
)
def test_a_filter_that_does_not_hold_keeps_the_state_back(text: str) -> None:
    assert not passes(text)


def test_case_counts_when_it_is_told_to() -> None:
    assert not passes("complianceState eq 'noncompliant'", ignore_case=False)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 400),
        ("complianceState", 400),
        ("complianceState eq 'open", 400),
        ("complianceState eq NonCompliant", 400),
        ("complianceState is 'x'", 400),
        ("(complianceState eq 'x'", 400),
        ("complianceState eq 'x')", 400),
        ("complianceState eq 'x' extra", 400),
        ("unknownField eq 'x'", 400),
        ("timestamp gt '2026-01-01'", 501),
        ("startswith(resourceId,'x')", 501),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(text: str, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        passes(text)
    assert refused.value.status == status


def test_selected_names_get_the_spelling_of_the_answer() -> None:
    assert parse_select("ResourceId, compliancestate", FIELD_SPELLING) == {"resourceId", "complianceState"}
    with pytest.raises(RefusedError):
        parse_select("resourceId,nothing", FIELD_SPELLING)
