"""Rows of ManagedApplicationAudit_CL: one for each request that reaches the API's code, and for each command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from publisher.configuration.version import VERSION
from publisher.texts import iso_milliseconds, printable, well_formed

if TYPE_CHECKING:
    from datetime import datetime

_LONGEST_COMMAND: Final = 4000

Outcome = Literal["answered", "begun", "done", "refused", "failed", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One row; infra/tables says what its columns mean. `Writer` is stamped by the data collection rule.

    Args:
        began: when the request came in, or the command began.
        kind: what it is; of requests there is a status, of commands an exit status.
        duration_ms: None for what only begins.
    """

    began: datetime
    kind: Literal["request", "command"]
    outcome: Outcome
    correlation_id: str
    actor_id: str = ""
    actor_name: str = ""
    actor_kind: Literal["user", "application", "operator", "unknown"] = "unknown"
    client_id: str = ""
    address: str = ""
    route: str = ""
    operation: str = ""
    method: str = ""
    command: str = ""
    status: int | None = None
    exit_status: int | None = None
    reason: str = ""
    application_id: str = ""
    is_fleet_wide: bool = False
    query_hash: str = ""
    rows: int | None = None
    duration_ms: int | None = None

    def columns(self) -> dict[str, Any]:
        """Return the row as it is uploaded; texts that others chose are one line of what can be seen."""
        return {
            "TimeGenerated": iso_milliseconds(self.began),
            "Kind": self.kind,
            "Actor_id": self.actor_id,
            "Actor_name": _line(self.actor_name),
            "Actor_kind": self.actor_kind,
            "Client_id": self.client_id,
            "Address": self.address,
            "Route": self.route,
            "Operation": self.operation,
            "Method": self.method,
            "Command": _line(self.command, longest=_LONGEST_COMMAND),
            "Status": self.status,
            "Exit_status": self.exit_status,
            "Outcome": self.outcome,
            "Reason": _line(self.reason),
            "Application_id": self.application_id,
            "Is_fleet_wide": self.is_fleet_wide,
            "Query_hash": self.query_hash,
            "Rows": self.rows,
            "Duration_ms": self.duration_ms,
            "Correlation_id": self.correlation_id,
            "Version": VERSION,
        }


def _line(text: str, longest: int = 500) -> str:
    return printable(well_formed(text), longest=longest)
