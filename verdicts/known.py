"""What is known of an application as a whole, and as of when; rows and commands go by these functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verdicts.derive import compliance_of, is_current
from verdicts.outcome import Outcome
from verdicts.publisher_checks.ids import is_check

if TYPE_CHECKING:
    from datetime import datetime

    from verdicts.control import RunRecord
    from verdicts.facts import ApplicationFacts


def open_violations(facts: ApplicationFacts) -> int | None:
    """Return how many violations of policy assignments are open, as far as they are known one by one.

    None when nobody knows any number.
    """
    judged = [one for key, one in facts.assignments.items() if one.ending is None and not is_check(key)]
    count = sum(len(one.open) for one in judged)
    return count if count or compliance_of(facts) not in {"NonCompliant", "NotRead"} else None


def check_violations(facts: ApplicationFacts) -> int | None:
    """Return how many violations the publisher's checks have open; None where none of them was ever read."""
    judged = [one for key, one in facts.assignments.items() if one.ending is None and is_check(key)]
    is_read = any(one.last_read is not None for one in judged)
    return sum(len(one.open) for one in judged) if is_read else None


def last_read(facts: ApplicationFacts, latest: RunRecord | None) -> datetime | None:
    """Return when the application was last read completely; None: never.

    `latest` is the latest completed run: one that changed nothing wrote nothing to the ledger.
    """
    if not is_current(facts) or latest is None or facts.last_read is None:
        return facts.last_read
    return max(facts.last_read, latest.started_at)


def unread_since(facts: ApplicationFacts) -> datetime | None:
    """Return since when the application cannot be read; None where the latest run read it, or it has left."""
    if facts.unread is not None:
        return facts.unread.since
    return facts.departure.at if facts.departure and facts.departure.outcome is Outcome.VANISHED else None
