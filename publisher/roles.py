"""The role of a Functions app: which part of the product it runs, and so what its identity may do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from publisher.environment import SettingsError

ROLE_SETTING: Final = "APP_ROLE"

PLATFORM_VARIABLES: Final = (
    "WEBSITE_SITE_NAME",
    "WEBSITE_INSTANCE_ID",
    "WEBSITE_POD_NAME",
    "CONTAINER_APP_NAME",
    "KUBERNETES_SERVICE_HOST",
)
"""Variables of a process that runs on Azure Functions, or in a cluster; Core Tools and the sandbox set none of them."""


class Role(StrEnum):
    """What an app does. Each of the first three runs as an app of its own, with an identity of its own."""

    FRONT = "front"
    """Answers the webhook: the only app that strangers reach."""
    WORKER = "worker"
    """Takes notifications from the queue, collects and judges; it has no HTTP route."""
    API = "api"
    """Answers people and agents from the workspace."""
    LOCAL = "local"
    """All of them in one process, on a developer's machine."""


def role_from(variables: Mapping[str, str]) -> Role:
    """Return the role that the environment names; raise SettingsError, also for `local` on a platform."""
    value = variables.get(ROLE_SETTING, "").strip()
    if not value:
        raise SettingsError((f"{ROLE_SETTING}: is not set; give the app's role: front, worker or api",))
    try:
        role = Role(value)
    except ValueError:
        raise SettingsError((f"{ROLE_SETTING}: must be front, worker or api, not {value[:40]!a}",)) from None
    on_platform = [name for name in PLATFORM_VARIABLES if variables.get(name)]
    if role is Role.LOCAL and on_platform:
        problem = (
            f"{ROLE_SETTING}: local runs every role in one process, which is for a developer's machine only, and "
            f"{on_platform[0]} says that this is none; deploy one app for each of front, worker and api"
        )
        raise SettingsError((problem,))
    return role
