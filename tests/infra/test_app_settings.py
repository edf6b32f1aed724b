from __future__ import annotations

from pathlib import Path

import pytest

from checks import app_settings
from publisher.settings import SETTING_NAMES, CollectorSettings, NotificationSettings

GUID = "11111111-2222-3333-4444-555555555555"
CREDENTIAL_SETTINGS = {
    "federated": {"PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID": GUID},
    "certificate": {"AZURE_CLIENT_CERTIFICATE": "bm8gY2VydGlmaWNhdGU="},
    "secret": {"AZURE_CLIENT_SECRET": "a secret from the vault"},
}
VALUES = {
    "AZURE_TENANT_ID": GUID,
    "AZURE_CLIENT_ID": GUID,
    "MANAGED_IDENTITY_CLIENT_ID": GUID,
    "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us/",
    "AZURE_RESOURCE_MANAGER_ENDPOINT": "https://management.usgovcloudapi.net/",
    "MONITOR_AUDIENCE": "https://monitor.azure.us",
    "TABLE_NAME": "applications",
    "DATA_COLLECTION_ENDPOINT": "https://dce-x.usgovvirginia-1.ingest.monitor.azure.us",
    "DATA_COLLECTION_IMMUTABLE_ID": "dcr-" + "0" * 32,
    "STREAM_NAME": "Custom-PolicyComplianceStates_CL",
    "RESULTS_STREAM_NAME": "Custom-PolicyCollectionResults_CL",
    "RUNS_STREAM_NAME": "Custom-PolicyCollectionRuns_CL",
    "EVENTS_STREAM_NAME": "Custom-ManagedApplicationEvents_CL",
    "COLLECTION_SCHEDULE": "0 0 * * * *",
    "COLLECTION_MODE": "fan-out",
    "COMPLIANT_STATES": "summarised",
    "STATES_WINDOW_HOURS": "48",
    "MAX_CONCURRENT_APPLICATIONS": "32",
    "MAX_CONCURRENT_PER_SUBSCRIPTION": "4",
    "NOTIFICATION_SIGNATURE": "a" * 32,
    "AzureWebJobsStorage__blobServiceUri": "https://stx.blob.core.usgovcloudapi.net/",
    "AzureWebJobsStorage__queueServiceUri": "https://stx.queue.core.usgovcloudapi.net/",
    "AzureWebJobsStorage__tableServiceUri": "https://stx.table.core.usgovcloudapi.net/",
    "AzureWebJobsStorage__credential": "managedidentity",
    "AzureWebJobsStorage__clientId": GUID,
}


def test_the_template_sets_exactly_what_the_code_reads() -> None:
    assert app_settings.problems() == []


@pytest.mark.parametrize("kind", CREDENTIAL_SETTINGS)
def test_the_code_accepts_what_the_template_sets(kind: str) -> None:
    environment = {**VALUES, **CREDENTIAL_SETTINGS[kind]}
    assert set(VALUES) <= app_settings.template_settings()
    settings = CollectorSettings.from_environment(environment)
    assert settings.storage.table_service_uri == "https://stx.table.core.usgovcloudapi.net"
    assert settings.cloud.resource_manager_endpoint == "https://management.usgovcloudapi.net"
    assert NotificationSettings.from_environment(environment).signatures == ("a" * 32,)


def test_a_setting_that_only_the_code_knows_is_found() -> None:
    found = app_settings.problems(read=[*SETTING_NAMES, "NEW_SETTING"])
    assert found == ["app_settings.bicep: NEW_SETTING is read by the code but never set"]


def test_a_setting_that_only_a_trigger_names_is_found() -> None:
    found = app_settings.problems(by_triggers=["COLLECTION_SCHEDULE", "OTHER_SCHEDULE"])
    assert found == ["app_settings.bicep: OTHER_SCHEDULE is read by the code but never set"]


def test_a_setting_that_only_the_template_knows_is_found() -> None:
    found = app_settings.problems(read=[name for name in SETTING_NAMES if name != "TABLE_NAME"])
    assert found == ["app_settings.bicep: TABLE_NAME is set but nothing reads it"]


def test_a_connection_string_in_the_template_is_found(tmp_path: Path) -> None:
    template = tmp_path / "app_settings.bicep"
    text = app_settings.TEMPLATE.read_text()
    template.write_text(text.replace("var hostSettings = {", "var hostSettings = {\n  AzureWebJobsStorage: 'x'", 1))
    assert any("AzureWebJobsStorage must not be set" in problem for problem in app_settings.problems(template))
