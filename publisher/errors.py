"""The failures of calls to Azure, one class for each way to handle them.

Every failure has Azure's own error code and a bounded, printable message, without anything that was sent (tokens,
bodies).
"""

import email.utils
import json
import math
import time
import zlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Protocol, Self, cast

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

_LONGEST_MESSAGE: Final = 500
_NOT_PROJECTED: Final = frozenset({"InvalidAuthenticationTokenTenant", "SubscriptionNotFound"})
_REPEATABLE: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class AzureFailure(Exception):  # noqa: N818 - named for what happened, as its subclasses are
    """A call to Azure failed. `code` is Azure's error code or one of ours, `status` the HTTP status if any.

    `is_of_storage` tells that our own storage account failed, which says nothing of a customer.
    """

    is_of_storage = False

    def __init__(self, message: str, *, code: str, status: int | None = None) -> None:
        super().__init__(printable(message))
        self.code = printable(code, longest=100)
        self.status = status

    def prefixed(self, context: str) -> Self:
        """Return the same failure with `context: ` before its message."""
        self.args = (printable(f"{context}: {self}"),)
        return self


class AuthenticationFailed(AzureFailure):
    """There is no token, or Azure does not accept it (401)."""


class NoToken(AuthenticationFailed):
    """The token endpoint gave no token; the service itself was not called."""


class AccessDenied(AzureFailure):
    """The identity lacks the permission (403)."""


class NotFound(AzureFailure):
    """The resource does not exist, or is not visible to the identity (404)."""


class RequestRefused(AzureFailure):
    """Azure refuses the request (another 4xx, or a redirect): repeating it cannot help."""


class TransientFailure(AzureFailure):
    """Repeating the call can help. `retry_after` is how long Azure asks to wait, in seconds, if it does."""

    def __init__(self, message: str, *, code: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, code=code, status=status)
        self.retry_after = retry_after


class Throttled(TransientFailure):
    """Too many requests (429)."""


class TimedOut(TransientFailure):
    """The service took the request and did not answer within the read time-out."""


class MalformedAnswer(TransientFailure):
    """The answer is broken off, not JSON, or lacks what it must have."""


class DeadlineExceeded(TransientFailure):
    """The deadline that we set for the call is over."""


def is_out_of_reach(failure: AzureFailure) -> bool:
    """Tell whether we may not read a customer's resources: permission denied, or not projected into our tenant.

    Without the projection ARM answers 401 (InvalidAuthenticationTokenTenant) to a valid token, or does not find a
    subscription that exists (FACTS 5.3).
    """
    return isinstance(failure, AccessDenied) or is_not_projected(failure)


def is_not_projected(failure: AzureFailure) -> bool:
    """Tell whether a customer's subscription is not to be seen from our tenant: nothing is said of what is in it."""
    return failure.code in _NOT_PROJECTED


def is_our_own(failure: AzureFailure) -> bool:
    """Tell whether our own identity or storage is in trouble: nothing is said of a customer."""
    return failure.is_of_storage or (isinstance(failure, AuthenticationFailed) and not is_not_projected(failure))


def failure_of_status(status: int, headers: Mapping[str, str], body: str) -> AzureFailure:
    """Return the failure that an HTTP answer other than 2xx tells of.

    `body` is used when it has ARM's form, `{"error": {"code": …, "message": …}}`, or that of Entra ID.
    """
    code, message = _code_and_message(body)
    code = code or f"Http{status}"
    message = message or f"Azure answered {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message, code=code, status=status, retry_after=retry_after_seconds(headers))
    if status in _REPEATABLE or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientFailure(message, code=code, status=status, retry_after=retry_after_seconds(headers))
    kinds: dict[int, type[AzureFailure]] = {
        HTTPStatus.UNAUTHORIZED: AuthenticationFailed,
        HTTPStatus.FORBIDDEN: AccessDenied,
        HTTPStatus.NOT_FOUND: NotFound,
    }
    return kinds.get(status, RequestRefused)(message, code=code, status=status)


class _Response(Protocol):
    """What the responses of all the SDKs have."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def text(self) -> str: ...


def failure_of_response(response: _Response) -> AzureFailure:
    """Return the failure that an SDK's response with another status than 2xx tells of."""
    try:
        body = response.text()
    except Exception:  # noqa: BLE001 - without the body only its message is lost
        body = ""
    return failure_of_status(response.status_code, response.headers, body)


def as_failure(error: BaseException) -> AzureFailure | None:
    """Return the failure that an exception of the Azure SDK, or a time-out, stands for; None for anything else."""
    if isinstance(error, AzureFailure):
        return error
    if isinstance(error, TimeoutError):
        return TimedOut("the call took too long", code="Timeout")
    if isinstance(error, ServiceResponseTimeoutError):
        return TimedOut("no answer in time", code="Timeout")
    if isinstance(error, IncompleteReadError | zlib.error):  # zlib: a compressed answer that is none
        return MalformedAnswer("the answer broke off", code="IncompleteAnswer")
    if isinstance(error, ServiceRequestError):
        return TransientFailure(f"no connection: {error}", code="ConnectionFailed")
    return _failure_of_sdk_error(error) if isinstance(error, AzureError) else None


def _failure_of_sdk_error(error: AzureError) -> AzureFailure:
    """Return the failure in an SDK's exception: of its response if it has one, else of its class."""
    response = cast("_Response | None", getattr(error, "response", None))
    if response is not None and not 200 <= response.status_code < 300:  # noqa: PLR2004
        failure = failure_of_response(response)
        storage_code = getattr(error, "error_code", None)  # Table storage sends some errors as XML, the SDK reads it
        if isinstance(storage_code, str) and failure.code.startswith("Http"):
            failure.code = printable(str(getattr(storage_code, "value", storage_code)), longest=100)
        return failure
    if isinstance(error, ServiceResponseError):
        return TransientFailure(f"no answer: {error}", code="NoAnswer")
    if isinstance(error, ClientAuthenticationError) and response is None:
        return NoToken(first_line(str(error)), code="NoToken")
    if isinstance(error, DecodeError | ClientAuthenticationError):  # a token endpoint's 200 without a token
        return MalformedAnswer("the answer is not what the service answers with", code="MalformedAnswer")
    return TransientFailure(first_line(str(error)), code=type(error).__name__)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long Azure asks to wait, from Retry-After (seconds or a date) or its millisecond forms."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _number(headers.get(name))
        if milliseconds is not None:
            return milliseconds / 1000
    value = headers.get("Retry-After")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError, TypeError):
        return None


def printable(text: str, *, longest: int = _LONGEST_MESSAGE) -> str:
    """Return a text that is safe in logs, rows and messages: at most `longest` characters, all of them printable."""
    cut = text[: longest + 1]
    clean = "".join(character if character.isprintable() else " " for character in cut)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def first_line(text: str) -> str:
    """Return the first line of a message; further lines of SDK messages have contents and traces."""
    return text.strip().partition("\n")[0].strip()


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _code_and_message(body: str) -> tuple[str, str]:
    """Return the error code and message in a body of ARM, Entra ID or Table storage; "" for what it lacks."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    error = content.get("error", content.get("odata.error")) if isinstance(content, dict) else None
    if isinstance(error, str):  # Entra ID: {"error": "invalid_client", "error_description": "AADSTS…"}
        return error, first_line(_text(content.get("error_description")))
    if not isinstance(error, dict):
        return "", ""
    message = error.get("message")
    if isinstance(message, dict):  # Table storage: {"message": {"lang": "en-US", "value": …}}
        message = message.get("value")
    return _text(error.get("code")), first_line(_text(message))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
