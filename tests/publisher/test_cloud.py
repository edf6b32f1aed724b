"""The clouds of Azure, and another one: whose endpoints, audiences and storage."""

import pytest

from publisher.settings import Cloud, CollectorSettings
from tests.publisher.minimum import MINIMUM, identity_storage


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
        identity_storage(accountName="acc") | {"AZURE_AUTHORITY_HOST": authority}
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
