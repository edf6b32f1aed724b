"""``remediate --create``: tasks are created, followed to their end, and believed by a later evaluation only."""

from __future__ import annotations

from tests.operations.acting.conftest import Violated


def test_what_is_repaired_is_compliant_once_a_later_evaluation_was_collected(violated: Violated) -> None:
    done = violated.create()
    assert done.status == 0, done.output + done.errors
