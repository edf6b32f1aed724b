"""What answers of Azure, and exceptions of its SDKs, tell of: the failures of `publisher.errors.kinds`."""

import zlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, Protocol, cast

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from publisher.errors.bodies import reasons_in
from publisher.errors.codes import kind_of
from publisher.errors.kinds import (
    UNTOLD,
    AccessDenied,
    AuthenticationFailed,
    AzureFailure,
    MalformedAnswer,
    NotFound,
    NoToken,
    RequestRefused,
    Throttled,
    TimedOut,
    TransientFailure,
)
from publisher.errors.masking import masked
from publisher.errors.waits import retry_after_seconds
from publisher.texts import first_line

_STORAGE_CODE: Final = "x-ms-error-code"


def failure_of_status(status: int, headers: Mapping[str, str], body: str) -> AzureFailure:
    """Return the failure that an HTTP answer with a wrong status tells of: its error codes decide, then its status.

    It has code and message of the innermost reason in the body (`publisher.errors.reasons`). A 403 or 404 without any
    code is a gateway's, not the service's. A 2xx other than the one that the service answers with says nothing of what
    was done.
    """
    if status // 100 == 2:  # noqa: PLR2004
        return MalformedAnswer("the answer is not what the service answers with", code="MalformedAnswer", status=status)
    reasons = reasons_in(body)
    codes = reasons.codes or list(filter(None, [headers.get(_STORAGE_CODE, "")]))
    code = codes[0] if codes else UNTOLD.format(status)
    message = reasons.message or f"Azure answered {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message, code=code, status=status, retry_after=retry_after_seconds(headers))
    is_passing = status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if is_passing or (status == HTTPStatus.NOT_FOUND and not codes):
        return TransientFailure(message, code=code, status=status, retry_after=retry_after_seconds(headers))
    deciding = reasons.deciding if reasons.codes else codes
    kind = _kind_by_codes(deciding, status, says_one_thing=reasons.is_one or not reasons.codes)
    if kind is NotFound:
        return NotFound(message, code=code, status=status, said=reasons.said if reasons.codes else None)
    if kind is not None and issubclass(kind, TransientFailure):
        return kind(message, code=code, status=status, retry_after=retry_after_seconds(headers))
    return (kind or _kind_by_status(status, is_told=bool(codes)))(message, code=code, status=status)


def _kind_by_codes(codes: Sequence[str], status: int, *, says_one_thing: bool) -> type[AzureFailure] | None:
    """Return the failure that codes, the innermost first, stand for; None when they do not say.

    Where they contradict each other, the outermost that says something is Azure's own word about our request. An
    absence is only what the whole answer says: no reason in it has another code, and the outermost one has it.
    """
    kinds = [kind for code in codes if (kind := kind_of(code, status)) and (says_one_thing or kind is not NotFound)]
    return kinds[-1] if kinds else None


def _kind_by_status(status: int, *, is_told: bool) -> type[AzureFailure]:
    if status == HTTPStatus.UNAUTHORIZED:
        return AuthenticationFailed
    return AccessDenied if status == HTTPStatus.FORBIDDEN and is_told else RequestRefused


class _Response(Protocol):
    """What the responses of all the SDKs have."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def text(self) -> str: ...


def failure_of_response(response: _Response) -> AzureFailure:
    """Return the failure that an SDK's response with a wrong status tells of."""
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
    if isinstance(error, RecursionError):  # the SDKs' own JSON parser, on what is nested thousands of levels deep
        return MalformedAnswer("the answer is nested too deep", code="MalformedAnswer")
    return _failure_of_sdk_error(error) if isinstance(error, AzureError) else None


def _failure_of_sdk_error(error: AzureError) -> AzureFailure:
    """Return the failure in an SDK's exception: of its response if it has one, else of its class."""
    response = cast("_Response | None", getattr(error, "response", None))
    if response is not None:
        return failure_of_response(response)
    message = masked(str(error))
    if isinstance(error, ServiceRequestError):
        return TransientFailure(f"no connection: {message}", code="ConnectionFailed")
    if isinstance(error, ServiceResponseError):
        return TransientFailure(f"no answer: {message}", code="NoAnswer")
    if isinstance(error, ClientAuthenticationError):
        return NoToken(first_line(message), code="NoToken")
    if isinstance(error, DecodeError):
        return MalformedAnswer("the answer is not what the service answers with", code="MalformedAnswer")
    return TransientFailure(first_line(message), code=type(error).__name__)
