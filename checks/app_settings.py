"""Checks that the template gives the app of each role exactly the settings that its code reads, and no other role's."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from checks.reach.scenarios import scenarios
from checks.templates.deployment import INFRASTRUCTURE, deploy
from compliance_api.settings import ApiSettings
from publisher.configuration.proxies import PROXY_SETTING_NAMES
from publisher.configuration.resource_settings import QUEUE_SETTING_NAMES
from publisher.configuration.webhook import SIGNATURE_SETTING
from publisher.environment import SettingsError
from publisher.roles import ROLE_SETTING, Role
from publisher.settings import SETTING_NAMES, NotificationSettings

PROJECT: Final = Path(__file__).resolve().parent.parent
ROLES: Final = (Role.FRONT, Role.WORKER, Role.API)
CODE_FOLDERS: Final = {
    Role.FRONT: ("notification_endpoint",),
    Role.WORKER: ("collector", "registry", "verdicts"),
    Role.API: ("compliance_api",),
}

NOT_ON_AZURE: Final = {
    "AzureWebJobsStorage": "a connection string would hold a key; the identity is used",
    "AzureWebJobsStorage__accountName": "the services' addresses are set, which every cloud has",
    "AZURE_FEDERATED_TOKEN_FILE": "Kubernetes sets it, for workload identity",
    "AZURE_CLIENT_CERTIFICATE_PATH": "Flex Consumption has no file to name; the vault's value is passed",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": "the vault keeps the certificate, and no password is needed",
    "NOTIFICATIONS": "a connection string would hold a key; the identity is used",
    "NOTIFICATIONS__accountName": "the address of the queue service is set, which every cloud has",
    "NOTIFICATIONS__credential": "the app's own identity is used without being named",
    "NOTIFICATIONS__clientId": "the app's own identity is used without being named",
    "WEBSITE_AUTH_ENABLED": "the platform sets it",
    **{
        cased: "nothing stands between the apps and Azure"
        for name in PROXY_SETTING_NAMES
        for cased in (name, name.upper())
    },
}
"""Settings that the code reads for other hosts, with the reason why the template leaves them out."""

FOR_THE_HOST: Final = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS",
}
"""Settings that the Functions host and the platform's sign-in read, whether the code does or not."""

DEFAULT_IS_RIGHT: Final = {
    "AZURE_RESOURCE_MANAGER_ENDPOINT": "front and api never call Azure Resource Manager",
    "MONITOR_AUDIENCE": "the front sends no rows",
}
"""Settings of the cloud that every role reads with all others, and that only the worker needs."""

_FOR_THE_FRONT: Final = {*QUEUE_SETTING_NAMES, SIGNATURE_SETTING}
_NAMED_BY_TRIGGER: Final = re.compile(r"\"%(\w+)%\"")


def template_settings(infrastructure: Path = INFRASTRUCTURE) -> dict[Role, set[str]]:
    """Return the names of the app settings of each role's app, whatever the credential is."""
    found: dict[Role, set[str]] = {role: set() for role in ROLES}
    for parameters in scenarios():
        for settings in deploy(parameters, infrastructure).of_type("Microsoft.Web/sites/config"):
            if settings.name == "appsettings":
                found[Role(settings.body["properties"][ROLE_SETTING])] |= settings.body["properties"].keys()
    return found


def settings_read() -> dict[Role, set[str]]:
    """Return the names of every setting that the code of each role reads."""
    return {
        Role.FRONT: {ROLE_SETTING, *_asked(NotificationSettings.from_environment), *_FOR_THE_FRONT},
        Role.WORKER: set(SETTING_NAMES) - _FOR_THE_FRONT,
        Role.API: {ROLE_SETTING, *_asked(ApiSettings.from_environment)},
    }


def _asked(read: Callable[[Mapping[str, str]], object]) -> set[str]:
    asked = Asked()
    with suppress(SettingsError):  # nothing is set, so everything is asked for and then complained about
        read(asked)
    return asked.names


def trigger_settings(role: Role, project: Path = PROJECT) -> set[str]:
    """Return the names of the settings that a role's triggers take by %NAME%."""
    sources = (path for folder in CODE_FOLDERS[role] for path in sorted((project / folder).rglob("*.py")))
    return {name for path in sources for name in _NAMED_BY_TRIGGER.findall(path.read_text(encoding="utf-8"))}


class Asked(Mapping[str, str]):
    """An environment in which nothing is set, and which remembers what was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def problems(
    infrastructure: Path = INFRASTRUCTURE,
    read: Mapping[Role, Collection[str]] | None = None,
    by_triggers: Collection[str] | None = None,
) -> list[str]:
    """Return one line for each setting that only one side knows; empty when both agree."""
    given, needed = template_settings(infrastructure), settings_read() if read is None else read
    found = list[str]()
    for role in ROLES:
        triggers = trigger_settings(role) if by_triggers is None else by_triggers
        optional = NOT_ON_AZURE.keys() | (set() if role is Role.WORKER else DEFAULT_IS_RIGHT.keys())
        missing = sorted({*needed[role], *triggers} - given[role] - optional)
        surplus = sorted(given[role] - {*needed[role], *triggers} - FOR_THE_HOST)
        forbidden = sorted(given[role] & NOT_ON_AZURE.keys())
        found += (f"{role}: {name} is read by the code but never set" for name in missing)
        found += (f"{role}: {name} is set but nothing of this role reads it" for name in surplus)
        found += (f"{role}: {name} must not be set ({NOT_ON_AZURE[name]})" for name in forbidden)
    return found
