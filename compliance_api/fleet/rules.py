"""How severe a finding is: as severe as the alert rule that tells of it, which infra/alert_rules.json says."""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Final

from compliance_api.workspace.saved_queries import FOLDER

RULES_FILE: Final = FOLDER.parent / "alert_rules.json"


class Kind(StrEnum):
    """What is wrong: violations are open, an assignment differs or is not evaluated, an application is not readable."""

    NONCOMPLIANT = "noncompliant"
    GUARD_CHANGED = "guard_changed"
    NOT_EVALUATED = "not_evaluated"
    UNREAD = "unread"
    LEFT_UNCONFIRMED = "left_unconfirmed"


RULES: Final[Mapping[Kind, str]] = {
    Kind.NONCOMPLIANT: "application-noncompliant",
    Kind.GUARD_CHANGED: "guard-changed",
    Kind.NOT_EVALUATED: "assignment-undecided",
    Kind.UNREAD: "application-unread",
    Kind.LEFT_UNCONFIRMED: "application-left-unconfirmed",
}
"""The alert rule that tells of a finding of each kind."""


@cache
def severities() -> Mapping[Kind, int]:
    """Return the severity of each kind, from 0 (critical) to 4, as Azure Monitor counts them."""
    listed = json.loads(RULES_FILE.read_text(encoding="utf-8"))["rules"]
    by_rule = {rule["name"]: int(rule["severity"]) for rule in listed}
    return {kind: by_rule[rule] for kind, rule in RULES.items()}
