"""The endpoints of the publisher's Azure cloud: public, US Government, China, or another one that settings name."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from publisher.environment import Environment

_RESOURCE_MANAGER: Final = "AZURE_RESOURCE_MANAGER_ENDPOINT"
CLOUD_SETTING_NAMES: Final = ("AZURE_AUTHORITY_HOST", _RESOURCE_MANAGER, "MONITOR_AUDIENCE")


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
    name: str = "the public cloud"
    """"" for a cloud of one's own, whose endpoints may be anywhere."""

    def mixed_with(self, url: str) -> str:
        """Return what is wrong with an endpoint that is another cloud's, "" for one of this cloud or of none known."""
        other = _known_cloud_of(url)
        if other is None or not self.name or other.name == self.name:
            return ""
        reference = self.authority_host if _known_cloud_of(self.authority_host) else self.resource_manager_endpoint
        return f"belongs to {other.name}, and {reference} to {self.name}; give the endpoints of one cloud"

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
    "Azure US Government",
)
CHINA: Final = Cloud(
    "https://login.chinacloudapi.cn",
    "https://management.chinacloudapi.cn",
    "https://monitor.azure.cn",
    "core.chinacloudapi.cn",
    "api://AzureADTokenExchangeChina",
    "https://api.loganalytics.azure.cn",
    "https://portal.azure.cn",
    "Azure China",
)
_STORAGE_SERVICES: Final = ("table", "queue", "blob", "file", "dfs", "web")
_DOMAINS: Final = {
    **dict.fromkeys(("azure.com", "azure.net", "windows.net", "microsoftonline.com", "loganalytics.io"), PUBLIC),
    **dict.fromkeys(("azure.us", "usgovcloudapi.net", "microsoftonline.us", "loganalytics.us"), US_GOVERNMENT),
    **dict.fromkeys(("azure.cn", "chinacloudapi.cn", "microsoftonline.cn"), CHINA),
}
"""The domains of each cloud's endpoints: sign-in, Azure Resource Manager, Azure Monitor, Log Analytics, storage."""


def is_azures(url: str) -> bool:
    """Tell whether an address is one of a known Azure cloud."""
    return _known_cloud_of(url) is not None


def wrong_service(url: str, service: str) -> str:
    """Return what is wrong with an address as that of one of Azure's storage services; "" for nothing.

    Of Cosmos DB and of an address of one's own nothing is known.
    """
    parts = urlsplit(url)
    _account, *labels = (parts.hostname or "").split(".")
    named = [label for label in labels if label in _STORAGE_SERVICES]
    if not is_azures(url) or named in ([], [service]):
        return "has a path; give the address of the service alone" if is_azures(url) and parts.path.strip("/") else ""
    return f"is not the {service} service; give the address of that one"


def cloud_from(env: Environment) -> Cloud:
    """Return the endpoints that are set, and otherwise those of the cloud that the authority host belongs to.

    Endpoints of two known clouds are noted; endpoints of no known cloud go with any.
    """
    hint = "give the endpoint of your cloud, or leave it out for the public one"
    authority = env.https_url("AZURE_AUTHORITY_HOST", PUBLIC.authority_host, hint=hint)
    resource_manager = env.https_url(_RESOURCE_MANAGER, "", hint=hint)
    known = _known_cloud_of(authority) or _known_cloud_of(resource_manager)
    base = known or PUBLIC
    cloud = replace(
        base,
        authority_host=authority,
        resource_manager_endpoint=resource_manager or base.resource_manager_endpoint,
        monitor_audience=env.https_url("MONITOR_AUDIENCE", base.monitor_audience, hint=hint),
        name=known.name if known else "",
    )
    note_mixed(env, cloud, _RESOURCE_MANAGER, cloud.resource_manager_endpoint)
    note_mixed(env, cloud, "MONITOR_AUDIENCE", cloud.monitor_audience)
    return cloud


def note_mixed(env: Environment, cloud: Cloud, name: str, url: str) -> None:
    """Note a setting whose endpoint is of another cloud than the rest."""
    if problem := cloud.mixed_with(url):
        env.problem(name, problem)


def _known_cloud_of(url: str) -> Cloud | None:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    return next((cloud for domain, cloud in _DOMAINS.items() if f".{host}".endswith(f".{domain}")), None)
