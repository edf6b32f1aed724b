"""What a token endpoint may answer, Entra ID's or a managed identity's: checked before azure-identity reads it.

azure-identity takes whatever stands in `access_token` for a token, and logs an answer that it does not understand in
full, with the token in it. Nothing of an answer that is refused here is in the message.

Sources: RFC 6749 5.1 and 5.2 (the answer, an error), RFC 6750 2.1 (which characters a bearer token has).
"""

import re
import time
from http import HTTPStatus
from typing import Any, Final

from azure.core.pipeline.policies import ContentDecodePolicy

from publisher.errors.answers import failure_of_response
from publisher.errors.kinds import MalformedAnswer

LONGEST_LIFETIME_SECONDS: Final = 7 * 24 * 3600.0
"""Far more than any token lives, which is 28 hours at most (learn.microsoft.com/entra/identity/conditional-access/
concept-continuous-access-evaluation). One that claims more would never be renewed."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


def refuse_no_token(response: Any) -> None:
    """Raise the failure that an answer of a token endpoint tells of, unless it is a token that can be used.

    A hook for azure-identity's pipelines. Raises MalformedAnswer for a 2xx that is no such token.
    """
    answer = response.http_response
    if answer.status_code != HTTPStatus.OK:
        raise failure_of_response(answer)
    problem = _problem(answer)
    if problem:
        raise MalformedAnswer(problem, code="MalformedAnswer", status=answer.status_code)


def _problem(answer: Any) -> str:
    """Return what is wrong with an answer, "" for nothing."""
    try:
        # As azure-identity is going to read it: what is read in another way than it is used would not be checked.
        content = ContentDecodePolicy.deserialize_from_http_generics(answer)
    except Exception:  # noqa: BLE001 - no JSON, nested too deep, an unknown encoding: all quote the answer
        return "the answer is not JSON"
    if not isinstance(content, dict) or content.get("error") is not None:
        return "the answer is no token"
    token = content.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return "the answer has no access_token that is one"
    return _problem_of_times(content)


def _problem_of_times(content: dict[str, Any]) -> str:
    """Return what is wrong with a token's times, "" for nothing; azure-identity reads them with `int`."""
    now = {"expires_in": 0.0, "expires_on": time.time()}
    lifetimes = []
    for name in (name for name in now if content.get(name) not in (None, "")):
        seconds = _whole(content[name])
        if seconds is None:
            return f"the token's {name} is no number of seconds"
        lifetimes.append(seconds - now[name])
    if not lifetimes:
        return "the answer does not say how long the token is valid"
    if min(lifetimes) <= 0:
        return "the token has expired already; is the clock right?"
    return "the token is valid for longer than there are tokens" if max(lifetimes) > LONGEST_LIFETIME_SECONDS else ""


def _whole(value: object) -> int | None:
    """Return a number of seconds, or None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None
