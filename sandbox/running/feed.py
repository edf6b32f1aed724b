"""What `make sandbox` tells as it happens: notifications, collections, alerts, and what the apps warn of."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from sandbox.alerts.deliveries import Delivery

if TYPE_CHECKING:
    from rich.console import Console

    from sandbox.installation import Installation

_LATEST_RUN: Final = "PolicyCollectionRuns_CL | top 1 by TimeGenerated desc"
_UNREAD: Final = (
    "PolicyCollectionResults_CL | where Run_id == '{run_id}' and Outcome !in ('Succeeded', 'NoStates') "
    "| project Application_name, Outcome | order by Application_name asc"
)
_EVENTS: Final = (
    "ManagedApplicationEvents_CL | where isnotempty(Provisioning_state) | order by TimeGenerated asc "
    "| project Event_id, Event_type, Provisioning_state, Application_name, Registry_action, Registry_error"
)
_LOG_LINE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (?P<level>\w+) +(?P<logger>[\w.]+): (?P<message>.*)")


class Feed:
    """Prints a line for each notification, each collection, each alert and each warning of the apps."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._begun = False
        self._showing: dict[str, bool] = {}
        self._events: set[tuple[str, str]] = set()
        self._latest_run = ""
        self._alerts = 0

    def begin(self) -> None:
        """Print from now on."""
        self._begun = True

    def end(self) -> None:
        """Print nothing any more: what hosts say while they are ended is no news."""
        self._begun = False

    def log_line(self, role: str, line: str) -> None:
        """Take a line of a Functions host's log; notifications, warnings and failures are shown."""
        if found := _LOG_LINE.fullmatch(line):
            is_notification = found["logger"].startswith("notification_endpoint")
            self._showing[role] = is_notification or found["level"] in {"WARNING", "ERROR", "CRITICAL"}
            line = found["message"] if found["level"] == "INFO" else f"{found['level'].lower()}: {found['message']}"
        if self._showing.get(role) and self._begun:
            self._say(f"{role}: {line}", "")

    def follow(self, installation: Installation) -> None:
        """Show what has become of notifications since the last call, and a collection that has ended.

        After a collection the alert rules are evaluated, and what they tell is shown.
        """
        workspace = installation.sandbox.workspace
        for event in workspace.query(_EVENTS):
            if (told := (event["Event_id"], event["Registry_action"])) not in self._events:
                self._events.add(told)
                if self._begun:
                    self._say(_what_became_of(event), "")
        [run] = workspace.query(_LATEST_RUN) or [{"Run_id": ""}]
        if run["Run_id"] == self._latest_run:
            return
        self._latest_run = run["Run_id"]
        self._say(_described(run, workspace.query(_UNREAD.format(run_id=self._latest_run))), "cyan")
        installation.evaluate_alerts(dt.datetime.now(dt.UTC))
        received = [Delivery.read(payload) for payload in installation.receiver.payloads]
        for alert in received[self._alerts :]:
            self._say(f"alert {alert.severity} {alert.summary}", "red" if alert.condition == "Fired" else "green")
        self._alerts = len(received)

    def _say(self, text: str, style: str) -> None:
        if not self._quiet:
            self._console.print(Text(f"{dt.datetime.now(dt.UTC):%H:%M:%S}  {text}", style=style), soft_wrap=True)


def _what_became_of(event: dict[str, Any]) -> str:
    kind, name = f"{event['Event_type']}/{event['Provisioning_state']}", event["Application_name"]
    why = f" ({event['Registry_error']})" if event["Registry_error"] else ""
    return f"{kind} of {name}: {event['Registry_action']}{why}"


def _described(run: dict[str, Any], unread: list[dict[str, Any]]) -> str:
    text = (
        f"collected ({run['Trigger']}): {run['Applications']} applications, {run['States']} states, "
        f"{run['Noncompliant_states']} not compliant"
    )
    names = ", ".join(f"{row['Application_name']} ({row['Outcome']})" for row in unread)
    return f"{text}; not read: {names}" if names else text
