"""``python -m sandbox settings``: an example of local.settings.json for each role, to run it beside `make sandbox`.

Each app's file holds its role, and the settings that this role reads. Azure Functions Core Tools take it as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.address_book import FIXED, KEY_DOORS
from sandbox.azure.web import HOST
from sandbox.environment import Place, is_plain, settings
from sandbox.functions.easy_auth import SETTINGS as SIGN_IN_SETTINGS
from sandbox.functions.local_settings import as_local_settings
from sandbox.functions.process import REPOSITORY
from sandbox.roles import Role
from sandbox.services import Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME: Final = "local.settings.example.json"

FOLDERS: Final[Mapping[Role, str]] = {
    Role.FRONT: "notification_endpoint",
    Role.WORKER: "collector",
    Role.API: "compliance_api",
}
"""The folder that the example of a role is in."""

FOR_EVERY_HOST: Final = {
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "NO_PROXY": HOST,  # where a proxy is set, it has no part in this
}


def example_of(role: Role) -> dict[str, str]:
    """Return the app settings of a role in a `make sandbox`, which need not run; paths are relative to the project.

    The app's own storage, which the host reads as well, is reached with its key: Core Tools would not trust the
    sandbox's certificates.
    """
    assert FIXED.folder is not None  # noqa: S101 - for the type checker
    place = Place(
        urls={service: _url(service) for service in Service},
        certificate_authority=FIXED.folder.relative_to(REPOSITORY) / "ca.pem",
        account=0,
        identity_storage=True,
        book=FIXED,
        key_urls={service: f"http://{HOST}:{FIXED.port(name)}" for service, name in KEY_DOORS.items()},
    )
    found = FOR_EVERY_HOST | settings(place, role, {"AZURE_CLIENT_SECRET": FIXED.client_secret}, host_key=True)
    # In Azure the platform sets what signs callers in; here `make sandbox` plays the sign-in.
    return found | SIGN_IN_SETTINGS if role is Role.API else found


def write_examples(project: Path) -> list[Path]:
    """Write each role's example into its folder below `project`, and return the files."""
    written = []
    for role, folder in FOLDERS.items():
        path = project / folder / NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_local_settings(example_of(role)), encoding="utf-8")
        written.append(path)
    return written


def _url(service: Service) -> str:
    scheme = "http" if is_plain(service, identity_storage=True) else "https"
    return f"{scheme}://{HOST}:{FIXED.port(service)}"
