"""The door: who is let in, and from where. Everything that serves data or pages asks here first."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from compliance_api.callers.principal import QUERY, READ, Principal, principal_of
from compliance_api.http import ProblemError, Request
from compliance_api.settings import PLATFORM_SIGN_IN, ApiSettings, is_behind_sign_in

_OWN_FETCHES: Final = frozenset({"same-origin", "none"})


def require_sign_in(variables: Mapping[str, str]) -> None:
    """Refuse to serve at all while the platform's sign-in is off: anybody could then claim to be anyone."""
    if not is_behind_sign_in(variables):
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"The API serves nothing until App Service authentication is on ({PLATFORM_SIGN_IN}).",
        )


def require_reader(request: Request, settings: ApiSettings) -> Principal:
    """Return who calls; refuse those without a role that lets them read, and what other sites make a browser ask."""
    require_own_site(request)
    principal = principal_of(request, settings)
    if not principal.may_read():
        raise ProblemError(HTTPStatus.FORBIDDEN, f"This needs the app role {READ}.")
    return principal


def require_querier(request: Request, settings: ApiSettings) -> Principal:
    """Return who calls; refuse those who may not run queries of their own."""
    require_own_site(request)
    principal = principal_of(request, settings)
    if not principal.may_query():
        raise ProblemError(HTTPStatus.FORBIDDEN, f"This needs the app role {QUERY}.")
    return principal


def require_own_site(request: Request) -> None:
    """Refuse what a page of another origin makes a browser send along with the caller's session cookie.

    Browsers tell by Sec-Fetch-Site, and older ones by Origin; programs send neither.
    """
    site, origin = request.header("sec-fetch-site").lower(), request.header("origin")
    is_foreign = bool(origin) and urlsplit(origin).netloc.lower() != request.header("host").lower()
    if site not in _OWN_FETCHES if site else is_foreign:
        raise ProblemError(HTTPStatus.FORBIDDEN, "Requests that pages of other origins make are refused.")


def require_anybody(request: Request, settings: ApiSettings) -> Principal:
    """Return who calls, whatever their roles: the page itself shows nothing, and links to it come from anywhere."""
    return principal_of(request, settings)
