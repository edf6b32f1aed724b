"""The least that the settings must say, and what is wrong with less."""

from collections.abc import Callable, Mapping

import pytest

from publisher.settings import CollectorSettings, SettingsError

GUID = "11111111-2222-4333-8444-555555555555"
CLIENT = "aaaaaaaa-2222-4333-8444-555555555555"
IDENTITY = "bbbbbbbb-2222-4333-8444-555555555555"
KEY = f"c2VjcmV0LWtleQ{'A' * 72}=="
"""As long as Azure's, which are 64 bytes."""

CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={KEY};EndpointSuffix=core.windows.net"
SECRET = "s3cret~value"
SIGNATURE = "a-signature-with-32-characters--"
OWN = {
    "AzureWebJobsStorage": CONNECTION,
    "TABLE_NAME": "applications",
    "DATA_COLLECTION_ENDPOINT": "https://dce-abcd.westeurope-1.ingest.monitor.azure.com",
    "DATA_COLLECTION_IMMUTABLE_ID": "dcr-0123456789abcdef0123456789abcdef",
}
MINIMUM = {"AZURE_TENANT_ID": GUID, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": SECRET, **OWN}
"""Of the collector."""

RECONCILING = MINIMUM | {"OFFERS": "contoso/secure-analytics"}
FRONT = {
    "NOTIFICATIONS__queueServiceUri": "https://worker.queue.core.windows.net",
    "NOTIFICATION_SIGNATURE": SIGNATURE,
}


def problems_of(
    variables: Mapping[str, str],
    read: Callable[[Mapping[str, str]], object] = CollectorSettings.from_environment,
) -> dict[str, str]:
    """What is wrong with the settings, by name."""
    with pytest.raises(SettingsError) as error:
        read(variables)
    return dict(problem.split(": ", 1) for problem in error.value.problems)


def problems_with(**changes: str | None) -> dict[str, str]:
    """What is wrong with the collector's settings after changes; None takes a setting away."""
    variables = MINIMUM | {name: value for name, value in changes.items() if value is not None}
    return problems_of({name: value for name, value in variables.items() if changes.get(name, "") is not None})


def identity_storage(**settings: str) -> dict[str, str]:
    """The collector's settings with a managed identity for storage."""
    variables = {name: value for name, value in MINIMUM.items() if name != "AzureWebJobsStorage"}
    return variables | {f"AzureWebJobsStorage__{name}": value for name, value in settings.items()}
