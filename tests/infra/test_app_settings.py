from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from checks import app_settings
from compliance_api.settings import ApiSettings
from infra.hooks.parameters import declarations
from publisher.configuration.cloud import CHINA, PUBLIC, US_GOVERNMENT
from publisher.settings import CollectorSettings, NotificationSettings, SettingsError
from sandbox.workspace.iso8601 import parse_duration

GUID = "11111111-2222-3333-4444-555555555555"
OTHER_GUID = "66666666-7777-8888-9999-000000000000"
LIMITS = {
    "apiCacheSeconds": "API_CACHE_SECONDS",
    "queryMaxDays": "QUERY_MAX_DAYS",
    "queryMaxRows": "QUERY_MAX_ROWS",
    "queryMaxMegabytes": "QUERY_MAX_MEGABYTES",
    "queryMaxSeconds": "QUERY_MAX_SECONDS",
}
CREDENTIAL_SETTINGS = {
    "federated": {"PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID": GUID},
    "certificate": {"AZURE_CLIENT_CERTIFICATE": "bm8gY2VydGlmaWNhdGU="},
    "secret": {"AZURE_CLIENT_SECRET": "a secret from the vault", "AZURE_CLIENT_SECRET_EXPIRES_ON": "2027-06-30"},
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
    "VERDICTS_STREAM_NAME": "Custom-PolicyVerdicts_CL",
    "EVENTS_STREAM_NAME": "Custom-ManagedApplicationEvents_CL",
    "COLLECTION_SCHEDULE": "0 0 * * * *",
    "COLLECTION_MODE": "fan-out",
    "COMPLIANT_STATES": "summarised",
    "STATES_WINDOW_HOURS": "48",
    "MAX_CONCURRENT_APPLICATIONS": "32",
    "MAX_CONCURRENT_PER_SUBSCRIPTION": "4",
    "CANARY_APPLICATION_ID": f"/subscriptions/{GUID}/resourceGroups/canary/providers/Microsoft.Solutions/applications/canary",
    "NOTIFICATION_SIGNATURE": "a" * 32,
    "API_CLIENT_ID": OTHER_GUID,
    "API_ALLOWED_CLIENTS": f"{GUID},{OTHER_GUID}",
    "API_STALE_AFTER_MINUTES": "1800",
    "API_CACHE_SECONDS": "60",
    "LOG_ANALYTICS_WORKSPACE_ID": GUID,
    "LOG_ANALYTICS_ENDPOINT": "https://api.loganalytics.us",
    "QUERY_MAX_DAYS": "31",
    "QUERY_MAX_ROWS": "5000",
    "QUERY_MAX_MEGABYTES": "8",
    "QUERY_MAX_SECONDS": "50",
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
    assert ApiSettings.from_environment(environment).allowed_clients == {GUID, OTHER_GUID}


@pytest.mark.parametrize(("parameter", "setting"), LIMITS.items())
def test_the_template_allows_what_the_api_allows_and_nothing_else(parameter: str, setting: str) -> None:
    limits = declarations()[parameter].limits
    for allowed in (limits["minValue"], limits["maxValue"]):
        ApiSettings.from_environment({**VALUES, setting: str(allowed)})
    for refused in (limits["minValue"] - 1, limits["maxValue"] + 1):
        with pytest.raises(SettingsError, match=setting):
            ApiSettings.from_environment({**VALUES, setting: str(refused)})


def test_a_run_is_called_stale_after_two_and_a_half_intervals() -> None:
    intervals = json.loads((app_settings.PROJECT / "infra" / "alert_rules.json").read_text())["collectionIntervals"]
    for name, interval in intervals.items():
        assert timedelta(minutes=interval["minutes"]) == parse_duration(name)
    source = (app_settings.PROJECT / "infra" / "main.bicep").read_text()
    assert "staleAfterMinutes: interval.minutes * 5 / 2\n" in source
    hourly = ApiSettings.from_environment({**VALUES, "API_STALE_AFTER_MINUTES": ""}).stale_after
    assert hourly == timedelta(minutes=intervals["PT1H"]["minutes"] * 5 // 2)


def test_each_cloud_queries_where_its_tokens_are_for() -> None:
    clouds = json.loads((app_settings.PROJECT / "infra" / "clouds.json").read_text())
    by_name = {"AzureCloud": PUBLIC, "AzureUSGovernment": US_GOVERNMENT, "AzureChinaCloud": CHINA}
    assert {name: cloud["logAnalyticsEndpoint"] for name, cloud in clouds.items()} == {
        name: cloud.log_analytics_endpoint for name, cloud in by_name.items()
    }


def test_a_setting_that_only_the_code_knows_is_found() -> None:
    found = app_settings.problems(read=[*app_settings.settings_read(), "NEW_SETTING"])
    assert found == ["app_settings.bicep: NEW_SETTING is read by the code but never set"]


def test_a_setting_that_only_a_trigger_names_is_found() -> None:
    found = app_settings.problems(by_triggers=["COLLECTION_SCHEDULE", "OTHER_SCHEDULE"])
    assert found == ["app_settings.bicep: OTHER_SCHEDULE is read by the code but never set"]


def test_a_setting_that_only_the_template_knows_is_found() -> None:
    found = app_settings.problems(read=app_settings.settings_read() - {"TABLE_NAME"})
    assert found == ["app_settings.bicep: TABLE_NAME is set but nothing reads it"]


def test_a_connection_string_in_the_template_is_found(tmp_path: Path) -> None:
    template = tmp_path / "app_settings.bicep"
    text = app_settings.TEMPLATE.read_text()
    template.write_text(text.replace("var hostSettings = {", "var hostSettings = {\n  AzureWebJobsStorage: 'x'", 1))
    assert any("AzureWebJobsStorage must not be set" in problem for problem in app_settings.problems(template))
