"""Who the Azure CLI is signed in as, and whether that is where the deployment goes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.azure_cli import NOT_INSTALLED, ask_object
from infra.hooks.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOUDS: Final = Path(__file__).resolve().parent.parent / "clouds.json"


@dataclass(frozen=True, slots=True)
class Account:
    """The subscription that the CLI is set to, the tenant it belongs to, and the cloud both are in."""

    subscription_id: str
    tenant_id: str
    cloud_name: str

    def has_tenant(self, tenant_id: str) -> bool:
        """Whether a tenant is the subscription's; an empty id stands for that tenant."""
        return not tenant_id or tenant_id.lower() == self.tenant_id.lower()


def check_sign_in(environment: Mapping[str, str]) -> tuple[Report, Account | None]:
    """Return the findings, and the account when it is the one that the environment deploys with.

    azd keeps its own sign-in. AZURE_SUBSCRIPTION_ID and AZURE_TENANT_ID say where it deploys, once it knows.
    """
    tenant = environment.get("AZURE_TENANT_ID", "")
    sign_in = f"az login --tenant {tenant}" if tenant else "az login"
    answer = ask_object("account", "show")
    if not answer.found:
        if answer.reason == NOT_INSTALLED:
            return Report(problems=[answer.reason]), None
        return Report(problems=[f"the Azure CLI is not signed in, or fails ({answer.reason}); run: {sign_in}"]), None
    account = Account(answer.text("id"), answer.text("tenantId"), answer.text("environmentName") or "AzureCloud")
    if not account.subscription_id or account.subscription_id == account.tenant_id:
        # So the CLI shows a sign-in with --allow-no-subscriptions: the tenant stands where the subscription should.
        return Report(problems=[f"the Azure CLI is signed in without a subscription; run: {sign_in}"]), None
    if not account.tenant_id:
        return Report(problems=[f"az account show tells no tenant; run: {sign_in}"]), None
    report = Report()
    for variable, actual, repair in (
        ("AZURE_TENANT_ID", account.tenant_id, "az login --tenant"),
        ("AZURE_SUBSCRIPTION_ID", account.subscription_id, "az account set --subscription"),
    ):
        wanted = environment.get(variable, "")
        if wanted and wanted.lower() != actual.lower():
            report.problems.append(
                f"{variable}: the deployment goes to {wanted}, but the Azure CLI looks at {actual or 'nothing'}; "
                f"run: {repair} {wanted}"
            )
    return report, None if report.problems else account


def endpoints_of(cloud_name: str) -> dict[str, Any] | None:
    """Return what clouds.json says about a cloud; None when it does not list it."""
    clouds: dict[str, dict[str, Any]] = json.loads(CLOUDS.read_text(encoding="utf-8"))
    return clouds.get(cloud_name)


def known_clouds() -> list[str]:
    """Return the names of the clouds that clouds.json lists."""
    return list(json.loads(CLOUDS.read_text(encoding="utf-8")))
