"""The API's settings: every problem at once, by name."""

from typing import Any

import pytest

from compliance_api.settings import API_SETTING_NAMES, ApiSettings
from publisher.environment import SettingsError
from publisher.settings import SETTING_NAMES

GUID = "11111111-2222-4333-8444-555555555555"
REQUIRED = {
    "AZURE_TENANT_ID": GUID,
    "API_CLIENT_ID": GUID,
    "LOG_ANALYTICS_WORKSPACE_ID": GUID,
    "DATA_COLLECTION_ENDPOINT": "https://dce.example",
    "AUDIT_IMMUTABLE_ID": "dcr-00000000000000000000000000000000",
}


def test_four_ids_and_an_endpoint_are_enough() -> None:
    settings = ApiSettings.from_environment(REQUIRED)

    assert settings.query_endpoint == settings.query_audience == "https://api.loganalytics.io"
    assert settings.allowed_clients == {GUID}
    assert (settings.limits.timespan.days, settings.limits.rows, settings.limits.seconds) == (93, 5000, 50)


def test_every_setting_that_is_read_is_listed() -> None:
    read: set[str] = set()

    class Recording(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            read.add(name)
            return super().get(name, default)

    ApiSettings.from_environment(Recording(REQUIRED))

    assert read - set(SETTING_NAMES) == set(API_SETTING_NAMES)


def test_all_problems_are_told_at_once() -> None:
    wrong = {
        "API_CLIENT_ID": "api://x",
        "API_ALLOWED_CLIENTS": f"{GUID}, everyone",
        "LOG_ANALYTICS_WORKSPACE_ID": "/subscriptions/x",
        "LOG_ANALYTICS_ENDPOINT": "http://plain.example",
        "QUERY_MAX_ROWS": "0",
        "QUERY_MAX_SECONDS": "600",
        "API_CACHE_SECONDS": "-1",
    }

    with pytest.raises(SettingsError) as caught:
        ApiSettings.from_environment(wrong)

    assert [problem.partition(":")[0] for problem in caught.value.problems] == sorted(
        {*wrong, "AZURE_TENANT_ID", "DATA_COLLECTION_ENDPOINT", "AUDIT_IMMUTABLE_ID"}
    )


@pytest.mark.parametrize(
    ("authority", "endpoint", "portal"),
    [
        ("https://login.microsoftonline.us", "https://api.loganalytics.us", "https://portal.azure.us"),
        ("https://login.chinacloudapi.cn", "https://api.loganalytics.azure.cn", "https://portal.azure.cn"),
    ],
)
def test_other_clouds_are_known_by_their_authority(authority: str, endpoint: str, portal: str) -> None:
    settings = ApiSettings.from_environment({**REQUIRED, "AZURE_AUTHORITY_HOST": authority})

    assert (settings.query_endpoint, settings.query_audience, settings.portal) == (endpoint, endpoint, portal)


def test_a_private_endpoint_keeps_the_cloud_s_audience() -> None:
    settings = ApiSettings.from_environment({**REQUIRED, "LOG_ANALYTICS_ENDPOINT": "https://private.example"})

    assert settings.query_endpoint == "https://private.example"
    assert settings.query_audience == "https://api.loganalytics.io"


def test_allowed_clients_are_compared_without_case() -> None:
    other = "AAAAAAAA-2222-4333-8444-555555555555"
    settings = ApiSettings.from_environment({**REQUIRED, "API_ALLOWED_CLIENTS": f" {other} ,, "})

    assert settings.allowed_clients == {GUID, other.lower()}
