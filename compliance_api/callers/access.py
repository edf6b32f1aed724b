"""Who may call the API, and from which origin; endpoint.py asks before any handler runs."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from compliance_api.callers.principal import QUERY, READ, Principal, principal_of
from compliance_api.http import ProblemError, Request
from compliance_api.settings import PLATFORM_SIGN_IN, ApiSettings, is_behind_sign_in

_SAME_SITE: Final = frozenset({"same-origin", "none"})


def require_sign_in(variables: Mapping[str, str]) -> None:
    """Raise ProblemError 503 while the platform's sign-in is off: the caller's headers could then come from anybody."""
    if not is_behind_sign_in(variables):
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"The API serves nothing until App Service authentication is on ({PLATFORM_SIGN_IN}).",
        )


def require_reader(request: Request, settings: ApiSettings) -> Principal:
    """Return the caller; ProblemError 403 without a role that may read, or when another site's page asks."""
    return _require_role(request, settings, READ, Principal.may_read)


def require_querier(request: Request, settings: ApiSettings) -> Principal:
    """Return the caller; ProblemError 403 without the role for own queries, or when another site's page asks."""
    return _require_role(request, settings, QUERY, Principal.may_query)


def _require_role(
    request: Request, settings: ApiSettings, role: str, is_allowed: Callable[[Principal], bool]
) -> Principal:
    require_own_site(request)
    principal = principal_of(request, settings)
    if not is_allowed(principal):
        raise ProblemError(HTTPStatus.FORBIDDEN, f"This needs the app role {role}.")
    return principal


def require_own_site(request: Request) -> None:
    """Raise ProblemError 403 for what a page of another origin makes a browser send, with the caller's session cookie.

    Browsers tell by Sec-Fetch-Site, and older ones by Origin; programs send neither. A person who follows a link, from
    a chat or through the sign-in, opens the address as a document of its own, which the page with the link cannot
    read: that is answered.
    """
    if _is_link_followed(request):
        return
    site, origin = request.header("sec-fetch-site").lower(), request.header("origin")
    is_foreign = bool(origin) and _host_in(origin) != request.header("host").lower()
    if site not in _SAME_SITE if site else is_foreign:
        raise ProblemError(HTTPStatus.FORBIDDEN, "Requests that pages of other origins make are refused.")


def _host_in(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # such as http://[
        return ""


def _is_link_followed(request: Request) -> bool:
    return (
        request.method == "GET"
        and request.header("sec-fetch-mode").lower() == "navigate"
        and request.header("sec-fetch-dest").lower() == "document"
    )


def require_anybody(request: Request, settings: ApiSettings) -> Principal:
    """Return the caller, whatever their roles: the page holds no data, and links to it may stand on any site."""
    return principal_of(request, settings)
