"""The endpoints of the publisher's Azure cloud: public, US Government, China, or another one that settings name."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from publisher.environment import Environment

CLOUD_SETTING_NAMES: Final = ("AZURE_AUTHORITY_HOST", "AZURE_RESOURCE_MANAGER_ENDPOINT", "MONITOR_AUDIENCE")


@dataclass(frozen=True, slots=True)
class Cloud:
    """The endpoints of one Azure cloud. Endpoints are https URLs without trailing slash."""

    authority_host: str = "https://login.microsoftonline.com"
    resource_manager_endpoint: str = "https://management.azure.com"
    monitor_audience: str = "https://monitor.azure.com"
    storage_suffix: str = "core.windows.net"
    token_exchange_audience: str = "api://AzureADTokenExchange"  # noqa: S105 - an audience, not a token
    log_analytics_endpoint: str = "https://api.loganalytics.io"
    portal: str = "https://portal.azure.com"

    @property
    def resource_manager_audience(self) -> str:
        """The audience of tokens for ARM: the cloud's endpoint, also when a regional one is set."""
        host = urlsplit(self.resource_manager_endpoint).netloc
        for known in (PUBLIC, US_GOVERNMENT, CHINA):
            if host.endswith("." + urlsplit(known.resource_manager_endpoint).netloc):
                return known.resource_manager_endpoint
        return self.resource_manager_endpoint


PUBLIC: Final = Cloud()
US_GOVERNMENT: Final = Cloud(
    "https://login.microsoftonline.us",
    "https://management.usgovcloudapi.net",
    "https://monitor.azure.us",
    "core.usgovcloudapi.net",
    "api://AzureADTokenExchangeUSGov",
    "https://api.loganalytics.us",
    "https://portal.azure.us",
)
CHINA: Final = Cloud(
    "https://login.chinacloudapi.cn",
    "https://management.chinacloudapi.cn",
    "https://monitor.azure.cn",
    "core.chinacloudapi.cn",
    "api://AzureADTokenExchangeChina",
    "https://api.loganalytics.azure.cn",
    "https://portal.azure.cn",
)
_CLOUD_OF_AUTHORITY: Final = {
    **{cloud.authority_host: cloud for cloud in (PUBLIC, US_GOVERNMENT, CHINA)},
    "https://login.partner.microsoftonline.cn": CHINA,
}


def cloud_from(env: Environment) -> Cloud:
    """Return the endpoints that are set, and otherwise those of the cloud that the authority host belongs to."""
    hint = "give the endpoint of your cloud, or leave it out for the public one"
    authority = env.https_url("AZURE_AUTHORITY_HOST", PUBLIC.authority_host, hint=hint)
    base = _CLOUD_OF_AUTHORITY.get(authority.lower(), PUBLIC)
    return Cloud(
        authority,
        env.https_url("AZURE_RESOURCE_MANAGER_ENDPOINT", base.resource_manager_endpoint, hint=hint),
        env.https_url("MONITOR_AUDIENCE", base.monitor_audience, hint=hint),
        base.storage_suffix,
        base.token_exchange_audience,
        base.log_analytics_endpoint,
        base.portal,
    )
