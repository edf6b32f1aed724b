"""A few customers of the sample fleet are judged by a check of the publisher's own too, and some of them break it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    Row = dict[str, Any]

_NAME = "nsg-without-deny-all"
_DISPLAY_NAME = "Publisher check: network security group without a deny-all inbound rule"
_REASON = "no inbound rule denies anything, so the default rules let in the whole virtual network"
_EVERY = 40
_FIRST = 3
_NETWORK = "providers/Microsoft.Network/networkSecurityGroups"


def is_checked(customer: int) -> bool:
    """Tell whether the check judges a customer, by the customer's number."""
    return customer % _EVERY == _FIRST


def check_verdict(customer: int, application: Mapping[str, Any], run: int, read_at: datetime, since: datetime) -> Row:
    """Return what stands about the check at a customer, as of the run that last read it."""
    bad = _breaks(customer)
    life = {"Due_by": (since + timedelta(days=30)).isoformat(), "Opened_in_version": application["Plan_version"]}
    return {
        **application,
        **_assignment(application),
        "Verdict": "NonCompliant" if bad else "Compliant",
        "Since": since.isoformat(),
        "Severity": "Medium",
        **(life if bad else {}),
        "Current": True,
        "Expected": True,
        "Held_reason": "",
        "Noncompliant_states": 1 if bad else 0,
        "Compliant_states": 1,
        "Exempt_states": 0,
        "Unknown_states": 0,
        "Resource_ids": "[]",
        "Alarm_key": f"check-{customer}" if bad else "",
        "Guard": "NotKnown",
        "Last_read": read_at.isoformat(),
        "States_id": f"run-{run}",
        "States_time": read_at.isoformat(),
    }


def check_states(customer: int, application: Mapping[str, Any], read_at: datetime) -> list[Row]:
    """Return the rows that a run uploads of the check at a customer: one of what complies, one of what does not."""
    common = {
        **application,
        **_assignment(application),
        "Policy_definition_name": _NAME,
        "Policy_definition_display_name": _DISPLAY_NAME,
        "Policy_effect": "",
        "Evaluated_at": read_at.isoformat(),
    }
    compliant = {"Compliance_state": "Compliant", "Is_compliant": True, "Resource_count": 1}
    if not _breaks(customer):
        return [{**common, **compliant}]
    broken = {
        "Resource_id": f"{application['Managed_resource_group_id']}/{_NETWORK}/nsg-data-{customer:05}",
        "Resource_type": "Microsoft.Network/networkSecurityGroups",
        "Resource_location": "westeurope",
        "Compliance_state": "NonCompliant",
        "Is_compliant": False,
        "Reason": _REASON,
        "Resource_count": 1,
    }
    return [{**common, **compliant}, {**common, **broken}]


def _breaks(customer: int) -> bool:
    return customer % (2 * _EVERY) == _FIRST


def _assignment(application: Mapping[str, Any]) -> Row:
    path = f"/publisher-check/{_NAME}"
    return {
        "Policy_assignment_id": f"{application['Managed_resource_group_id']}{path}".lower(),
        "Policy_assignment_name": path.removeprefix("/"),
        "Policy_assignment_display_name": _DISPLAY_NAME,
        "Policy_definition_id": path.removeprefix("/"),
        "Judged_by": "PublisherCheck",
    }
