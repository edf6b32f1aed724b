"""Whether the values of the parameters are right, beyond what Bicep checks: their forms, and how they fit together."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

from infra.hooks import parameters
from infra.hooks.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_GUID: Final = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_SIGNATURE: Final = r"[A-Za-z0-9._~-]{32,}"
_OFFER: Final = (
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
    r"|/?(?i:subscriptions/[0-9a-f-]{36}/resourceGroups/[^/\s,]{1,90}/providers/Microsoft\.Solutions"
    r"/applicationDefinitions/[^/\s,]{1,64}))"
)
"""As publisher/configuration/offers.py reads it: a test compares the two."""
FORMS: Final = {
    "environmentName": (r"[A-Za-z0-9][A-Za-z0-9-]{0,31}", "use letters, digits and dashes, 32 at most"),
    "location": (r"[A-Za-z0-9]+( [A-Za-z0-9]+)*", "must be the name of an Azure region, for instance westeurope"),
    "publisherClientId": (_GUID, "must be the application (client) id of the app registration, a GUID"),
    "publisherTenantId": (_GUID, "must be the id of the app registration's tenant, a GUID, or empty"),
    "offers": (
        rf"\*|[\s,]*{_OFFER}([\s,]+{_OFFER})*[\s,]*",
        "must have publisher/product of each offer and the id of each definition, with commas between; or * for all",
    ),
    "alertEmail": (r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+", "is not an e-mail address"),
    "notificationSignature": (
        rf"{_SIGNATURE}(,{_SIGNATURE})*",
        "each value needs 32 or more letters, digits or - . _ ~ (it is part of a URL)",
    ),
    "budgetStart": (
        r"20[0-9]{2}-(0[1-9]|1[0-2])-01",
        "must be the first day of a month, this one or a later one, as in 2027-01-01",
    ),
    "alertWebhookUris": (r"(\s*(https://[^,]+)?(,|$))*", "every webhook must begin with https://"),
    "apiClientId": (_GUID, "must be the application (client) id of the API's own app registration, a GUID"),
    "apiAllowedClients": (rf"\s*{_GUID}\s*(,\s*{_GUID}\s*)*", "must be client ids (GUIDs) with commas between"),
}
"""What a value that is not empty has to look like, and what is said when it does not."""


ADDRESS_PREFIXES: Final = ("network", "appSubnet", "workerSubnet", "apiSubnet", "endpointsSubnet", "operators")
"""What the parameter addressPrefixes has, when it is given at all."""


def check_values(values: Mapping[str, Any]) -> Report:
    """What the template's declarations say about the values, and what they cannot say."""
    found = parameters.complaints(values)

    def given(name: str) -> Any:
        """The value of a parameter that is right so far; empty for another, which is complained about already."""
        return "" if name in found else values.get(name, "")

    for name, (form, message) in FORMS.items():
        if (value := given(name)) and not re.fullmatch(form, value):
            found[name] = message
    found |= _api_complaints(given, values) | _cost_complaints(given, values)
    if given("credentialKind") == "federated" and given("publisherCredential"):
        found["publisherCredential"] = "is not used in federated mode: leave it empty, and delete the secret it holds"
    report = Report()
    if found.get("offers") == "is empty":
        message = "is empty: name the offers, or service-catalog definitions, whose applications are yours"
        report.problems.append(parameters.refusal("offers", message, "<publisher>/<product>"))
        del found["offers"]
    report.problems += parameters.lines(found)
    report.problems += _network_problems(given("privateNetworking"), given("deploymentSources"))
    missing = [name for name in ADDRESS_PREFIXES if name not in (given("addressPrefixes") or ADDRESS_PREFIXES)]
    if missing:
        report.problems.append(
            f"{parameters.label('addressPrefixes')}: lacks {', '.join(missing)}, see docs/private.md"
        )
    if given("alertOnElevatedAccess") and given("privateNetworking"):
        message = "alert queries cannot read Azure Resource Graph over private link, so not with privateNetworking"
        report.problems.append(parameters.refusal("alertOnElevatedAccess", message, "false"))
    return report


def _api_complaints(given: Callable[[str], Any], values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with who signs in to the API and calls it."""
    found = {}
    if given("apiClientId") and given("apiClientId").lower() == given("publisherClientId").lower():
        found["apiClientId"] = "must not be the registration that reads the customers: make one for the API"
    if given("apiAllowedClients") and not values.get("apiClientId"):
        found["apiAllowedClients"] = "is set without apiClientId: there is no API that they could call"
    return found


def _cost_complaints(given: Callable[[str], Any], values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the daily cap and the budget."""
    found = {}
    if given("monthlyBudget") and not values.get("budgetStart"):
        found["budgetStart"] = "is empty, and monthlyBudget is set: give the first day of this month, as in 2027-01-01"
    if given("dailyCapGigabytes") == 0:
        found["dailyCapGigabytes"] = "is 0, so that no row would be taken: give gigabytes, or -1 for no cap"
    return found


def _network_problems(is_private: bool, deployment_sources: str) -> list[str]:  # noqa: FBT001 - a value of a parameter
    """What is wrong with the addresses that packages are deployed from. Nobody could deploy without one."""
    sources = [source for source in deployment_sources.replace(" ", "").split(",") if source]
    for source in sources:
        try:
            ipaddress.IPv4Network(source)
        except ValueError:
            message = f"{source[:50]!r} is no IPv4 address or range, such as 203.0.113.7 or 203.0.113.0/24"
            return [f"{parameters.label('deploymentSources')}: {message}"]
    if is_private and not sources:
        message = "is empty, so nobody could deploy: name the public addresses that packages are deployed from"
        return [parameters.refusal("deploymentSources", message, "<address or range>")]
    return []
