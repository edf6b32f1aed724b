"""The failures of calls to Azure, one class for each way to handle them.

Every failure has Azure's own error code and a bounded, printable message, without anything that was sent (tokens,
bodies).
"""

from typing import Final, Self

from publisher.texts import printable

_LONGEST_CODE: Final = 100
UNTOLD: Final = "Http{}"
"""The code of an answer without one, with its status."""


class AzureFailure(Exception):  # noqa: N818 - named for what happened, as its subclasses are
    """A call to Azure failed. `code` is Azure's error code or one of ours, `status` the HTTP status if any.

    `is_of_storage` tells that our own storage account failed, which says nothing of a customer.
    """

    is_of_storage = False

    def __init__(self, message: str, *, code: str, status: int | None = None) -> None:
        super().__init__(printable(message))
        self.code = printable(code, longest=_LONGEST_CODE)
        self.status = status

    def prefixed(self, context: str) -> Self:
        """Return the same failure with `context: ` before its message."""
        self.args = (printable(f"{context}: {self}"),)
        return self


class AuthenticationFailed(AzureFailure):
    """There is no token, or the service does not accept it: our own fault, whomever we ask about."""


class NoToken(AuthenticationFailed):
    """The token endpoint gave no token; the service itself was not called."""


class AccessDenied(AzureFailure):
    """The identity lacks the permission (403)."""


class NotProjected(AccessDenied):
    """A customer's subscription is not to be seen from our tenant: nothing is said of what is in it (FACTS 5.3)."""


class Blocked(AzureFailure):
    """The customer's subscription or resource group is in a state in which Azure refuses the call.

    It is disabled, locked, being deleted, or not registered for the service.
    """


class NotFound(AzureFailure):
    """The service itself says that what was asked for does not exist; see `publisher.errors.absence`.

    `said` has all that the JSON error document says, see `publisher.errors.reasons.Reasons`; None where another kind of
    answer said it: a header, XML, a text.
    """

    def __init__(
        self, message: str, *, code: str, status: int | None = None, said: tuple[str, ...] | None = None
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.said = said


class RequestRefused(AzureFailure):
    """Azure refuses the request (another 4xx, or a redirect): repeating it cannot help."""


class Unusable(RequestRefused):
    """Azure describes something that this program can never work with, however often it is asked."""


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


def is_gateways(failure: AzureFailure) -> bool:
    """Tell whether an answer had no service's error code: then a gateway on the way gave it."""
    return failure.status is not None and failure.code == UNTOLD.format(failure.status)


def is_our_own(failure: AzureFailure) -> bool:
    """Tell whether our own identity or storage is in trouble: nothing is said of a customer."""
    return failure.is_of_storage or isinstance(failure, AuthenticationFailed)
