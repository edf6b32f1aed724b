from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from checks import app_settings
from compliance_api.settings import ApiSettings
from infra.hooks.parameters import declarations
from publisher.configuration.cloud import CHINA, PUBLIC, US_GOVERNMENT
from publisher.configuration.timers import has_probe
from publisher.roles import Role, role_from
from publisher.settings import (
    CollectorSettings,
    NotificationSettings,
    ProbeSettings,
    PublicationSettings,
    ReconcileSettings,
    SettingsError,
)
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
COMMON = {
    "MANAGED_IDENTITY_CLIENT_ID": GUID,
    "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us/",
    "AzureWebJobsStorage__blobServiceUri": "https://stx.blob.core.usgovcloudapi.net/",
    "AzureWebJobsStorage__credential": "managedidentity",
    "AzureWebJobsStorage__clientId": GUID,
}
VALUES = {
    Role.FRONT: {
        **COMMON,
        "APP_ROLE": "front",
        "NOTIFICATIONS__queueServiceUri": "https://stworkerx.queue.core.usgovcloudapi.net/",
        "NOTIFICATION_SIGNATURE": "a" * 32,
    },
    Role.WORKER: {
        **COMMON,
        "APP_ROLE": "worker",
        "AZURE_TENANT_ID": GUID,
        "AZURE_CLIENT_ID": GUID,
        "AZURE_RESOURCE_MANAGER_ENDPOINT": "https://management.usgovcloudapi.net/",
        "MONITOR_AUDIENCE": "https://monitor.azure.us",
        "OFFERS": "contoso/monitoring",
        "TABLE_NAME": "applications",
        "DATA_COLLECTION_ENDPOINT": "https://dce-x.usgovvirginia-1.ingest.monitor.azure.us",
        "DATA_COLLECTION_IMMUTABLE_ID": "dcr-" + "0" * 32,
        "STREAM_NAME": "Custom-PolicyComplianceStates_CL",
        "RESULTS_STREAM_NAME": "Custom-PolicyCollectionResults_CL",
        "RUNS_STREAM_NAME": "Custom-PolicyCollectionRuns_CL",
        "VERDICTS_STREAM_NAME": "Custom-PolicyVerdicts_CL",
        "EVENTS_STREAM_NAME": "Custom-ManagedApplicationEvents_CL",
        "AUDIT_STREAM_NAME": "Custom-ManagedApplicationAudit_CL",
        "COLLECTION_SCHEDULE": "0 0 * * * *",
        "PROBE_SCHEDULE": "",
        "DISCOVERY": "nightly",
        "COLLECTION_MODE": "fan-out",
        "COMPLIANT_STATES": "summarised",
        "UPLOADED_STATES": "all",
        "STATES_WINDOW_HOURS": "48",
        "MAX_CONCURRENT_APPLICATIONS": "32",
        "MAX_CONCURRENT_PER_SUBSCRIPTION": "4",
        "MAX_ROWS_PER_APPLICATION": "20000",
        "CANARY_APPLICATION_ID": f"/subscriptions/{GUID}/resourceGroups/canary/providers/Microsoft.Solutions/applications/canary",
        "AzureWebJobsStorage__queueServiceUri": "https://stx.queue.core.usgovcloudapi.net/",
        "AzureWebJobsStorage__tableServiceUri": "https://stx.table.core.usgovcloudapi.net/",
    },
    Role.API: {
        **COMMON,
        "APP_ROLE": "api",
        "AZURE_TENANT_ID": GUID,
        "MONITOR_AUDIENCE": "https://monitor.azure.us",
        "DATA_COLLECTION_ENDPOINT": "https://dce-x.usgovvirginia-1.ingest.monitor.azure.us",
        "AUDIT_IMMUTABLE_ID": "dcr-" + "0" * 32,
        "AUDIT_STREAM_NAME": "Custom-ManagedApplicationAudit_CL",
        "API_CLIENT_ID": OTHER_GUID,
        "API_ALLOWED_CLIENTS": f"{GUID},{OTHER_GUID}",
        "API_STALE_AFTER_MINUTES": "1800",
        "API_CACHE_SECONDS": "60",
        "LOG_ANALYTICS_WORKSPACE_ID": GUID,
        "LOG_ANALYTICS_ENDPOINT": "https://api.loganalytics.us",
        "QUERY_MAX_DAYS": "93",
        "QUERY_MAX_ROWS": "5000",
        "QUERY_MAX_MEGABYTES": "8",
        "QUERY_MAX_SECONDS": "50",
    },
}


def test_the_template_sets_exactly_what_the_code_of_each_role_reads() -> None:
    assert app_settings.problems() == []


def test_the_values_of_these_tests_are_settings_of_the_template() -> None:
    for role, names in app_settings.template_settings().items():
        of_credentials = {name for settings in CREDENTIAL_SETTINGS.values() for name in settings}
        missing = names - VALUES[role].keys() - app_settings.FOR_THE_HOST
        assert missing == (of_credentials if role is Role.WORKER else set())
        assert VALUES[role].keys() <= names


@pytest.mark.parametrize("kind", CREDENTIAL_SETTINGS)
def test_the_worker_accepts_what_the_template_sets(kind: str) -> None:
    environment = {**VALUES[Role.WORKER], **CREDENTIAL_SETTINGS[kind]}
    assert role_from(environment) is Role.WORKER
    settings = CollectorSettings.from_environment(environment)
    assert settings.storage.table_service_uri == "https://stx.table.core.usgovcloudapi.net"
    assert settings.cloud.resource_manager_endpoint == "https://management.usgovcloudapi.net"
    assert PublicationSettings.from_environment(environment).storage == settings.storage
    assert ReconcileSettings.from_environment(environment).offers.marketplace == {("contoso", "monitoring")}


def test_front_and_api_accept_what_the_template_sets() -> None:
    front, api = VALUES[Role.FRONT], VALUES[Role.API]
    assert (role_from(front), role_from(api)) == (Role.FRONT, Role.API)
    notifications = NotificationSettings.from_environment(front)
    assert notifications.signatures == ("a" * 32,)
    assert notifications.queue.queue_service_uri == "https://stworkerx.queue.core.usgovcloudapi.net"
    assert notifications.queue.identity_client_id == GUID
    assert ApiSettings.from_environment(api).allowed_clients == {GUID, OTHER_GUID}


def test_front_and_api_have_nothing_to_become_the_publisher_with() -> None:
    secrets = {name for settings in CREDENTIAL_SETTINGS.values() for name in settings} | {"AZURE_CLIENT_ID"}
    for role, names in app_settings.template_settings().items():
        assert bool(names & secrets) is (role is Role.WORKER)
        assert ("NOTIFICATION_SIGNATURE" in names) is (role is Role.FRONT)


@pytest.mark.parametrize(("parameter", "setting"), LIMITS.items())
def test_the_template_allows_what_the_api_allows_and_nothing_else(parameter: str, setting: str) -> None:
    limits = declarations()[parameter].limits
    for allowed in (limits["minValue"], limits["maxValue"]):
        ApiSettings.from_environment({**VALUES[Role.API], setting: str(allowed)})
    for refused in (limits["minValue"] - 1, limits["maxValue"] + 1):
        with pytest.raises(SettingsError, match=setting):
            ApiSettings.from_environment({**VALUES[Role.API], setting: str(refused)})


def test_the_probe_is_off_unless_somebody_gives_its_schedule() -> None:
    assert not has_probe(VALUES[Role.WORKER])
    given = VALUES[Role.WORKER] | CREDENTIAL_SETTINGS["federated"]
    probed = ProbeSettings.from_environment({**given, "PROBE_SCHEDULE": "0 */5 * * * *"})
    assert probed.interval == timedelta(minutes=5)


def test_a_run_is_called_stale_after_two_and_a_half_intervals() -> None:
    intervals = json.loads((app_settings.PROJECT / "infra" / "alert_rules.json").read_text())["collectionIntervals"]
    for name, interval in intervals.items():
        assert timedelta(minutes=interval["minutes"]) == parse_duration(name)
    source = (app_settings.PROJECT / "infra" / "main.bicep").read_text()
    assert "staleAfterMinutes: interval.minutes * 5 / 2\n" in source
    hourly = ApiSettings.from_environment({**VALUES[Role.API], "API_STALE_AFTER_MINUTES": ""}).stale_after
    assert hourly == timedelta(minutes=intervals["PT1H"]["minutes"] * 5 // 2)


def test_each_cloud_queries_where_its_tokens_are_for() -> None:
    clouds = json.loads((app_settings.PROJECT / "infra" / "clouds.json").read_text())
    by_name = {"AzureCloud": PUBLIC, "AzureUSGovernment": US_GOVERNMENT, "AzureChinaCloud": CHINA}
    assert {name: cloud["logAnalyticsEndpoint"] for name, cloud in clouds.items()} == {
        name: cloud.log_analytics_endpoint for name, cloud in by_name.items()
    }


def test_a_setting_that_only_the_code_of_a_role_knows_is_found() -> None:
    read = app_settings.settings_read()
    found = app_settings.problems(read={**read, Role.API: {*read[Role.API], "NEW_SETTING"}})
    assert found == ["api: NEW_SETTING is read by the code but never set"]


def test_a_setting_that_only_a_trigger_names_is_found() -> None:
    found = app_settings.problems(by_triggers=["OTHER_SCHEDULE"])
    assert found == [f"{role}: OTHER_SCHEDULE is read by the code but never set" for role in app_settings.ROLES]


def test_a_setting_that_only_the_template_knows_is_found() -> None:
    read = app_settings.settings_read()
    found = app_settings.problems(read={**read, Role.WORKER: read[Role.WORKER] - {"TABLE_NAME"}})
    assert found == ["worker: TABLE_NAME is set but nothing of this role reads it"]


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        (
            "AzureWebJobsStorage: 'x'",
            "front: AzureWebJobsStorage must not be set (a connection string would hold a key",
        ),
        ("OFFERS: '*'", "front: OFFERS is set but nothing of this role reads it"),
        ("AZURE_CLIENT_ID: 'x'", "front: AZURE_CLIENT_ID is set but nothing of this role reads it"),
    ],
)
def test_a_key_or_a_setting_of_another_role_in_the_fronts_app_is_found(
    infrastructure: Path, setting: str, problem: str
) -> None:
    template = infrastructure / "modules" / "app_settings.bicep"
    text = template.read_text()
    template.write_text(text.replace("var frontSettings = {", f"var frontSettings = {{\n  {setting}", 1))
    assert any(found.startswith(problem) for found in app_settings.problems(infrastructure))
