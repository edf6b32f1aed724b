"""The clouds of Azure, and another one: whose endpoints, audiences and storage."""

import pytest

from compliance_api.settings import ApiSettings
from publisher.settings import Cloud, CollectorSettings, NotificationSettings
from tests.publisher.minimum import FRONT, GUID, KEY, MINIMUM, identity_storage, problems_of


@pytest.mark.parametrize(
    ("authority", "arm", "monitor", "tables", "exchange"),
    [
        (
            "https://login.microsoftonline.us",
            "management.usgovcloudapi.net",
            "monitor.azure.us",
            "core.usgovcloudapi.net",
            "api://AzureADTokenExchangeUSGov",
        ),
        (
            "login.chinacloudapi.cn",
            "management.chinacloudapi.cn",
            "monitor.azure.cn",
            "core.chinacloudapi.cn",
            "api://AzureADTokenExchangeChina",
        ),
        (
            "https://login.microsoftonline.com/",
            "management.azure.com",
            "monitor.azure.com",
            "core.windows.net",
            "api://AzureADTokenExchange",
        ),
    ],
)
def test_the_authority_host_decides_the_cloud(
    authority: str, arm: str, monitor: str, tables: str, exchange: str
) -> None:
    settings = CollectorSettings.from_environment(
        identity_storage(accountName="acc")
        | {"AZURE_AUTHORITY_HOST": authority, "DATA_COLLECTION_ENDPOINT": f"https://dce.ingest.{monitor}"}
    )
    assert settings.cloud.resource_manager_endpoint == f"https://{arm}"
    assert settings.cloud.resource_manager_audience == f"https://{arm}"
    assert settings.cloud.monitor_audience == f"https://{monitor}"
    assert settings.cloud.token_exchange_audience == exchange
    assert settings.storage.table_service_uri == f"https://acc.table.{tables}"


def test_endpoints_of_a_cloud_of_ones_own_can_be_set() -> None:
    cloud = CollectorSettings.from_environment(
        MINIMUM
        | {
            "AZURE_AUTHORITY_HOST": "https://127.0.0.1:8443",
            "AZURE_RESOURCE_MANAGER_ENDPOINT": "https://127.0.0.1:9443/",
            "MONITOR_AUDIENCE": "https://monitor.example",
        }
    ).cloud
    assert cloud.authority_host == "https://127.0.0.1:8443"
    assert cloud.resource_manager_endpoint == cloud.resource_manager_audience == "https://127.0.0.1:9443"
    assert cloud.monitor_audience == "https://monitor.example"


def test_a_regional_endpoint_takes_the_tokens_of_its_cloud() -> None:
    cloud = Cloud(resource_manager_endpoint="https://westeurope.management.azure.com")
    assert cloud.resource_manager_audience == "https://management.azure.com"


CHINA = {
    "AZURE_AUTHORITY_HOST": "https://login.chinacloudapi.cn",
    "DATA_COLLECTION_ENDPOINT": "https://dce.chinaeast2-1.ingest.monitor.azure.cn",
    "AzureWebJobsStorage": f"AccountName=acc;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn",
}
PUBLIC_STORAGE = f"AccountName=acc;AccountKey={KEY}"


def test_one_cloud_in_every_setting_is_fine_however_it_is_spelled() -> None:
    for authority in ("https://LOGIN.partner.microsoftonline.cn/", "login.chinacloudapi.cn:443"):
        given = MINIMUM | CHINA | {"AZURE_AUTHORITY_HOST": authority}
        cloud = CollectorSettings.from_environment(given).cloud
        assert cloud.resource_manager_endpoint == "https://management.chinacloudapi.cn"


@pytest.mark.parametrize(
    ("changes", "name", "clouds"),
    [
        ({"AZURE_RESOURCE_MANAGER_ENDPOINT": "https://management.usgovcloudapi.net"}, None, ("US Government", "China")),
        ({"AZURE_RESOURCE_MANAGER_ENDPOINT": "westeurope.management.azure.com"}, None, ("the public cloud", "China")),
        ({"MONITOR_AUDIENCE": "https://Monitor.Azure.US/"}, None, ("US Government", "China")),
        ({"DATA_COLLECTION_ENDPOINT": MINIMUM["DATA_COLLECTION_ENDPOINT"]}, None, ("the public cloud", "China")),
        ({"AzureWebJobsStorage": PUBLIC_STORAGE}, None, ("the public cloud", "China")),
        (
            {
                "AzureWebJobsStorage": "",
                "AzureWebJobsStorage__tableServiceUri": "https://acc.z1.table.storage.azure.net",
            },
            "AzureWebJobsStorage__tableServiceUri",
            ("the public cloud", "China"),
        ),
    ],
)
def test_an_endpoint_of_another_cloud_is_told_by_name(
    changes: dict[str, str], name: str | None, clouds: tuple[str, str]
) -> None:
    problems = problems_of(MINIMUM | CHINA | changes)
    assert list(problems) == [name or next(iter(changes))]
    (told,) = problems.values()
    assert all(cloud in told for cloud in (*clouds, "login.chinacloudapi.cn"))


def test_endpoints_of_another_cloud_are_told_too_when_the_authority_host_was_forgotten() -> None:
    problems = problems_of(MINIMUM | CHINA | {"AZURE_AUTHORITY_HOST": ""})
    assert set(problems) == {"DATA_COLLECTION_ENDPOINT", "AzureWebJobsStorage"}
    assert all("https://login.microsoftonline.com" in told for told in problems.values())


def test_the_queue_of_the_front_and_the_workspace_of_the_api_are_of_their_cloud() -> None:
    china = {"AZURE_AUTHORITY_HOST": CHINA["AZURE_AUTHORITY_HOST"]}
    assert list(problems_of(FRONT | china, NotificationSettings.from_environment)) == ["NOTIFICATIONS__queueServiceUri"]
    api = dict.fromkeys(("AZURE_TENANT_ID", "API_CLIENT_ID", "LOG_ANALYTICS_WORKSPACE_ID"), GUID) | china
    api |= {"DATA_COLLECTION_ENDPOINT": "https://dce.example", "AUDIT_IMMUTABLE_ID": "dcr-" + "0" * 32}
    assert ApiSettings.from_environment(api).cloud.monitor_audience == "https://monitor.azure.cn"
    assert ApiSettings.from_environment(api).query_endpoint == "https://api.loganalytics.azure.cn"
    mixed = api | {"LOG_ANALYTICS_ENDPOINT": "https://api.loganalytics.io"}
    assert "Azure China" in problems_of(mixed, ApiSettings.from_environment)["LOG_ANALYTICS_ENDPOINT"]
    new = {**api, "AZURE_AUTHORITY_HOST": "", "LOG_ANALYTICS_ENDPOINT": "https://api.loganalytics.azure.com"}
    assert ApiSettings.from_environment(new).query_endpoint == "https://api.loganalytics.azure.com"


def test_endpoints_of_no_known_cloud_go_with_any() -> None:
    own = {"AZURE_RESOURCE_MANAGER_ENDPOINT": "https://azure.com.example", "MONITOR_AUDIENCE": "https://notazure.us"}
    storage = {"AzureWebJobsStorage": f"AccountName=acc;AccountKey={KEY};EndpointSuffix=example"}
    given = MINIMUM | CHINA | own | storage | {"DATA_COLLECTION_ENDPOINT": "https://127.0.0.1:8443"}
    assert CollectorSettings.from_environment(given).cloud.monitor_audience == "https://notazure.us"
    own_sign_in = {"AZURE_AUTHORITY_HOST": "https://localhost:8443"}
    assert CollectorSettings.from_environment(MINIMUM | own_sign_in).cloud.name == ""
    government = {"AZURE_RESOURCE_MANAGER_ENDPOINT": "https://management.usgovcloudapi.net"}
    problems = problems_of(MINIMUM | own_sign_in | government)
    assert "https://management.usgovcloudapi.net" in problems["DATA_COLLECTION_ENDPOINT"]
