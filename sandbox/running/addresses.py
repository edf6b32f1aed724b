"""The addresses of a running sandbox: as command lines to paste, and as JSON for programs."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import orjson

from sandbox.alerts.receiver import PATH as ALERTS_PATH
from sandbox.azure.identity.directory import API_AUDIENCE, LOG_ANALYTICS_AUDIENCE, OPERATOR
from sandbox.azure.notifications import notification
from sandbox.environment import WORKSPACE_ID
from sandbox.installation import WEBHOOK
from sandbox.roles import Role
from sandbox.services import Service

if TYPE_CHECKING:
    from sandbox.installation import Installation
    from sandbox.world.customers import Customer

TOKEN_LIFETIME_SECONDS: Final = 2 * 24 * 60 * 60
"""As long as the sandbox's certificates are valid."""

EXAMPLE_QUERY: Final = (
    "PolicyCollectionResults_CL | summarize arg_max(TimeGenerated, Outcome, States) by Application_name"
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one installation.

    Files that command lines need are written into `folder`; their secrets are valid in this sandbox only.
    """

    installation: Installation
    folder: Path

    @property
    def notification_url(self) -> str:
        """What a publisher registers with Azure, with `/resource` appended as Azure does."""
        front, signature = self.installation.front, self.installation.sandbox.notification_signature
        return f"{front.url}{WEBHOOK}?{urlencode({'code': front.function_key, 'sig': signature})}"

    @property
    def query_url(self) -> str:
        """The Log Analytics query API of the workspace."""
        return f"{self.installation.sandbox.url(Service.LOG_ANALYTICS)}/v1/workspaces/{WORKSPACE_ID}/query"

    @property
    def api_url(self) -> str:
        """The product's API, behind the sign-in (docs/api.md)."""
        return f"{self.installation.front_door.url}/api"

    @property
    def customers_url(self) -> str:
        """Where customers can be made to act; see sandbox/running/playground.py."""
        return f"{self.installation.site_url}/customers"

    @property
    def alerts_url(self) -> str:
        """Where alerts arrive (POST) and can be read (GET)."""
        return self.installation.site_url + ALERTS_PATH

    def notify_command(self, customer: Customer) -> str:
        """A command line that tells the webhook that a customer's deployment has succeeded."""
        body = notification(customer, "PUT", "Succeeded", event_time=dt.datetime.now(dt.UTC))
        return (
            f"curl -i -X POST {shlex.quote(self.notification_url)} -H 'Content-Type: application/json' "
            f"-d {shlex.quote(orjson.dumps(body).decode())}"
        )

    def query_command(self) -> str:
        """A command line that queries the tables."""
        authority = self.installation.sandbox.certificate_authority
        bearer = self._bearer("log-analytics", self._query_token())
        body = orjson.dumps({"query": EXAMPLE_QUERY}).decode()
        return (
            f"curl --cacert {authority} {bearer} -H 'Content-Type: application/json' "
            f"-X POST {self.query_url} -d {shlex.quote(body)}"
        )

    def api_command(self) -> str:
        """A command line that asks the API how the fleet is."""
        return f"curl {self._bearer('api', self._api_token())} {self.api_url}/compliance"

    def collect_command(self) -> str:
        """A command line that runs one collection, as the worker, from any shell in the project's folder."""
        script = self.folder / "settings.sh"
        settings = self.installation.environment_of(Role.WORKER)
        lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(settings.items())]
        script.write_text("\n".join([*lines, ""]), encoding="utf-8")
        python = Path(sys.executable)
        shown = python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python
        return f"( . {script} && {shown} -m collector )"

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "apps": {
                role.value: {
                    "url": host.url,
                    "functions": host.functions,
                    "functionKey": host.function_key,
                    "masterKey": host.master_key,
                    "environment": self.installation.environment_of(role),
                }
                for role, host in self.installation.hosts.items()
            },
            "notificationUrl": self.notification_url,
            "operationsPage": self.installation.front_door.operations_page,
            "api": {"url": self.api_url, "audience": API_AUDIENCE, "token": self._api_token()},
            "logAnalytics": {"queryUrl": self.query_url, "token": self._query_token()},
            "alertsUrl": self.alerts_url,
            "customersUrl": self.customers_url,
            "certificateAuthority": str(self.installation.sandbox.certificate_authority),
            "services": {service.value: self.installation.sandbox.url(service) for service in Service},
            "processId": os.getpid(),
        }

    def _bearer(self, name: str, token: str) -> str:
        """Return curl's option for a token. It stands in a file: with it, a command line would be too long to paste."""
        header = self.folder / f"{name}.header"
        header.write_text(f"Authorization: Bearer {token}\n", encoding="utf-8")
        return f"-H @{header}"

    def _api_token(self) -> str:
        return self.installation.front_door.token(TOKEN_LIFETIME_SECONDS)

    def _query_token(self) -> str:
        issuer = self.installation.sandbox.directory.issuer
        return issuer.issue(OPERATOR, LOG_ANALYTICS_AUDIENCE, TOKEN_LIFETIME_SECONDS)
