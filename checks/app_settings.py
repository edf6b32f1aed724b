"""Checks that the template sets exactly the app settings that the code reads, and those that triggers name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.bicep_source import BicepFile
from compliance_api.settings import ApiSettings
from publisher.environment import SettingsError
from publisher.settings import SETTING_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection

PROJECT: Final = Path(__file__).resolve().parent.parent
TEMPLATE: Final = PROJECT / "infra" / "modules" / "app_settings.bicep"
CODE_FOLDERS: Final = ("collector", "notification_endpoint", "registry", "verdicts", "publisher", "compliance_api")

NOT_ON_AZURE: Final = {
    "AzureWebJobsStorage": "a connection string would hold a key; the identity is used",
    "AzureWebJobsStorage__accountName": "the services' addresses are set, which every cloud has",
    "AZURE_CLIENT_CERTIFICATE_PATH": "Flex Consumption has no file to name; the vault's value is passed",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD": "the vault keeps the certificate, and no password is needed",
}
"""Settings that the code reads for other hosts, with the reason why the template leaves them out."""

FOR_THE_HOST: Final = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureWebJobsStorage__blobServiceUri",
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
    "WEBSITE_AUTH_AAD_ALLOWED_TENANTS",
}
"""Settings that the Functions host and the platform's sign-in read and the code does not."""

_KINDS: Final = frozenset({"federated", "certificate", "secret"})
_NAMED_BY_TRIGGER: Final = re.compile(r"\"%(\w+)%\"")


def template_settings(template: Path = TEMPLATE) -> set[str]:
    """Return the names of every app setting that the template can set."""
    source = BicepFile(template)
    variables = ("productSettings", "apiSettings", "signInSettings", "hostSettings", "credentialSettings")
    return {key for variable in variables for key in source.object_keys(variable)} - _KINDS


def settings_read() -> set[str]:
    """Return the names of every setting that the code reads, the API's included."""
    asked = Asked()
    with suppress(SettingsError):  # nothing is set, so everything is asked for and then complained about
        ApiSettings.from_environment(asked)
    return set(SETTING_NAMES) | asked.names


def trigger_settings(project: Path = PROJECT) -> set[str]:
    """Return the names of the settings that triggers take by %NAME%."""
    sources = (path for folder in CODE_FOLDERS for path in sorted((project / folder).rglob("*.py")))
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
    template: Path = TEMPLATE, read: Collection[str] | None = None, by_triggers: Collection[str] | None = None
) -> list[str]:
    """Return one line for each setting that only one side knows; empty when both agree."""
    is_set = template_settings(template)
    needed = (settings_read() if read is None else set(read)) | set(
        trigger_settings() if by_triggers is None else by_triggers
    )
    missing = sorted(needed - is_set - NOT_ON_AZURE.keys())
    surplus = sorted(is_set - needed - FOR_THE_HOST)
    forbidden = sorted(is_set & NOT_ON_AZURE.keys())
    return [
        *(f"{template.name}: {name} is read by the code but never set" for name in missing),
        *(f"{template.name}: {name} is set but nothing reads it" for name in surplus),
        *(f"{template.name}: {name} must not be set ({NOT_ON_AZURE[name]})" for name in forbidden),
    ]
