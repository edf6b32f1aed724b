"""``python -m sandbox settings``: an example of local.settings.json for each role, to run it beside `make sandbox`.

A role is a part of the app that can run in an app of its own: its file holds the settings that its functions read, and
switches the functions of the other roles off. Azure Functions Core Tools take such a file as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sandbox.address_book import BLOBS, FIXED
from sandbox.azure.azurite import account
from sandbox.azure.web import HOST
from sandbox.environment import Place, is_plain, settings
from sandbox.functions.easy_auth import SETTINGS as SIGN_IN_SETTINGS
from sandbox.functions.index import load_functions
from sandbox.functions.local_settings import as_local_settings
from sandbox.functions.process import REPOSITORY
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME: Final = "local.settings.example.json"

FOR_EVERY_HOST: Final = {
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "NO_PROXY": HOST,  # where a proxy is set, it has no part in this
}
_OF_ALL: Final = (
    "AzureWebJobsStorage",
    "AZURE_AUTHORITY_HOST",
    "AZURE_RESOURCE_MANAGER_ENDPOINT",
    "AZURE_TENANT_ID",
    "MANAGED_IDENTITY_CLIENT_ID",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "SSL_CERT_FILE",
)
"""The host keeps its own things in AzureWebJobsStorage, and the Azure SDKs and OpenSSL read the last three."""
_OF_THE_REGISTRY: Final = (
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "TABLE_NAME",
    "DATA_COLLECTION_ENDPOINT",
    "DATA_COLLECTION_IMMUTABLE_ID",
)


@dataclass(frozen=True, slots=True)
class Role:
    """One role: the folder that its example is in, the folders of its functions, and the settings besides _OF_ALL."""

    folder: str
    rooms: tuple[str, ...]
    settings: tuple[str, ...]

    def values(self, given: Mapping[str, str], room_of_function: Mapping[str, str]) -> dict[str, str]:
        """Return the app settings: what the host needs, what the role reads, and which functions are off."""
        read = {name: given[name] for name in (*_OF_ALL, *self.settings)}
        others = sorted(name for name, room in room_of_function.items() if room not in self.rooms)
        return FOR_EVERY_HOST | read | {f"AzureWebJobs.{name}.Disabled": "true" for name in others}


FRONT: Final = Role("notification_endpoint", ("notification_endpoint",), (*_OF_THE_REGISTRY, "NOTIFICATION_SIGNATURE"))
WORKER: Final = Role("collector", ("collector", "verdicts"), (*_OF_THE_REGISTRY, "COLLECTION_SCHEDULE"))
API: Final = Role(
    "compliance_api",
    ("compliance_api",),
    (
        "API_CLIENT_ID",
        "API_ALLOWED_CLIENTS",
        "LOG_ANALYTICS_ENDPOINT",
        "LOG_ANALYTICS_WORKSPACE_ID",
        *SIGN_IN_SETTINGS,  # in Azure the platform sets it; here `make sandbox` plays the sign-in
    ),
)
ROLES: Final = (FRONT, WORKER, API)


def fixed_settings() -> dict[str, str]:
    """Return every setting of a `make sandbox`, which need not be running; paths are relative to the project."""
    assert FIXED.folder is not None  # noqa: S101 - for the type checker
    place = Place(
        urls={service: _url(service) for service in Service},
        blob_url=f"http://{HOST}:{FIXED.port(BLOBS)}",
        certificate_authority=FIXED.folder.relative_to(REPOSITORY) / "ca.pem",
        account=account(0),
        identity_storage=False,
        book=FIXED,
    )
    return settings(place, {"AZURE_CLIENT_SECRET": FIXED.client_secret}) | SIGN_IN_SETTINGS


def write_examples(project: Path) -> list[Path]:
    """Write each role's example into its folder below `project`, and return the files."""
    given = fixed_settings()
    room_of_function = {one.name: one.call.__module__.partition(".")[0] for one in load_functions(REPOSITORY)}
    written = []
    for role in ROLES:
        path = project / role.folder / NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_local_settings(role.values(given, room_of_function)), encoding="utf-8")
        written.append(path)
    return written


def _url(service: Service) -> str:
    scheme = "http" if is_plain(service, identity_storage=False) else "https"
    return f"{scheme}://{HOST}:{FIXED.port(service)}"
