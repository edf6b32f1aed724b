"""Which failure an HTTP answer or an SDK exception stands for."""

import json
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors.absence import says_gone
from publisher.errors.answers import as_failure, failure_of_status
from publisher.errors.kinds import (
    AccessDenied,
    AuthenticationFailed,
    AzureFailure,
    Blocked,
    MalformedAnswer,
    NotFound,
    NoToken,
    NotProjected,
    RequestRefused,
    Throttled,
    TimedOut,
    TransientFailure,
)
from publisher.errors.waits import retry_after_seconds
from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.texts import printable

ARM_BODY = json.dumps({"error": {"code": "TheCode", "message": "What happened.\r\nTrace: 1"}})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, RequestRefused),
        (400, RequestRefused),
        (401, AuthenticationFailed),
        (403, AccessDenied),
        (404, RequestRefused),
        (405, RequestRefused),
        (408, TransientFailure),
        (409, RequestRefused),
        (412, RequestRefused),
        (413, RequestRefused),
        (429, Throttled),
        (500, TransientFailure),
        (502, TransientFailure),
        (503, TransientFailure),
        (504, TransientFailure),
        (599, TransientFailure),
    ],
)
def test_the_status_tells_what_to_do(status: int, kind: type[AzureFailure]) -> None:
    failure = failure_of_status(status, {}, ARM_BODY)
    assert type(failure) is kind
    assert (failure.code, str(failure), failure.status) == ("TheCode", "What happened.", status)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            '{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret.\\r\\nTrace ID: 1"}',
            "AADSTS7000215",
        ),
        (
            '{"odata.error": {"code": "TableNotFound", "message": {"lang": "en-US", "value": "No table.\\nRequestId:1"}}}',
            "TableNotFound",
        ),
        ("<html>Bad gateway</html>", "Http502"),
        ("", "Http502"),
        ("[]", "Http502"),
        ('{"error": null}', "Http502"),
        ('{"error": {"code": 5, "message": []}}', "Http502"),
        ("[" * 100_000, "Http502"),
    ],
)
def test_the_code_is_found_in_every_services_wording(body: str, code: str) -> None:
    failure = failure_of_status(502, {}, body)
    assert failure.code == code
    assert "\n" not in str(failure)


@given(st.text())
def test_a_message_is_bounded_and_on_one_line_whatever_azure_sends(text: str) -> None:
    failure = failure_of_status(400, {}, json.dumps({"error": {"code": text, "message": text}}))
    assert len(str(failure)) <= 500
    assert str(failure).isprintable()
    assert failure.code.isprintable()


def test_a_long_text_says_that_it_was_cut() -> None:
    assert printable("x" * 1000, longest=10) == "xxxxxxxxx…"
    assert printable("a\x1b[31mb\r\nc") == "a [31mb  c"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "Retry-After": "7"}, 7),
        ({"x-ms-user-quota-resets-after": "00:00:05", "Retry-After": "1"}, 5),
        ({"x-ms-user-quota-resets-after": "1.02:03:04.5000000"}, 93784),
        ({"x-ms-user-quota-resets-after": "soon"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({}, None),
    ],
)
def test_azures_wish_to_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds


def test_a_date_to_wait_for_becomes_seconds() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    assert retry_after_seconds({"Retry-After": date}) == pytest.approx(120, abs=3)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (ServiceRequestError("connection refused"), TransientFailure, "ConnectionFailed"),
        (ServiceResponseError("connection reset"), TransientFailure, "NoAnswer"),
        (IncompleteReadError("cut"), MalformedAnswer, "IncompleteAnswer"),
        (zlib.error("incorrect header check"), MalformedAnswer, "IncompleteAnswer"),
        (DecodeError("not JSON"), MalformedAnswer, "MalformedAnswer"),
        (ClientAuthenticationError("no identity\nContent: secret"), NoToken, "NoToken"),
        (AzureError("something"), TransientFailure, "AzureError"),
        (TimeoutError(), TimedOut, "Timeout"),
        (ServiceResponseTimeoutError("silence"), TimedOut, "Timeout"),
    ],
)
def test_an_exception_of_the_sdk_has_its_failure(error: Exception, kind: type[AzureFailure], code: str) -> None:
    failure = as_failure(error)
    assert type(failure) is kind
    assert failure.code == code
    assert "secret" not in str(failure)


def test_a_failure_of_ours_stays_what_it_is_and_a_defect_is_none() -> None:
    failure = NotFound("gone", code="ResourceNotFound")
    assert as_failure(failure) is failure
    assert as_failure(KeyError("defect")) is None


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AuthorizationFailed", AccessDenied),
        (401, "InvalidAuthenticationTokenTenant", NotProjected),
        (404, "SubscriptionNotFound", NotProjected),
        (404, "subscriptionnotfound", NotProjected),
        (401, "ExpiredAuthenticationToken", AuthenticationFailed),
        (401, "InvalidAuthenticationTokenAudience", AuthenticationFailed),
        (403, "InvalidAuthenticationTokenAudience", AuthenticationFailed),
        (401, "SomethingNew", AuthenticationFailed),
        (404, "ResourceNotFound", NotFound),
        (404, "ResourceGroupNotFound", NotFound),
        (400, "ResourceNotFound", RequestRefused),
        (404, "NoRegisteredProviderFound", RequestRefused),
        (404, "InvalidResourceNamespace", RequestRefused),
        (404, "InvalidResourceType", RequestRefused),
        (404, "ParentResourceNotFound", RequestRefused),
        (404, "NotFound", RequestRefused),
        (409, "ReadOnlyDisabledSubscription", Blocked),
        (403, "ReadOnlyDisabledSubscription", Blocked),
        (409, "MissingSubscriptionRegistration", Blocked),
        (409, "ScopeLocked", Blocked),
        (409, "ResourceGroupBeingDeleted", Blocked),
        (409, "Conflict", RequestRefused),
        (429, "ScopeLocked", Throttled),
        (503, "ResourceNotFound", TransientFailure),
    ],
)
def test_the_code_tells_whose_fault_it_is(status: int, code: str, kind: type[AzureFailure]) -> None:
    assert type(failure_of_status(status, {}, json.dumps({"error": {"code": code}}))) is kind


@pytest.mark.parametrize("body", ["", "<html><h1>404 Not Found</h1></html>", "{}", '{"message": "no"}', "null"])
def test_a_gateways_word_is_neither_an_absence_nor_a_denial(body: str) -> None:
    assert type(failure_of_status(404, {}, body)) is TransientFailure
    assert type(failure_of_status(403, {}, body)) is RequestRefused


APPLICATION = ApplicationId("11111111-2222-4333-8444-555555555555", "rg-Contoso", "shop")
GROUP = ResourceGroupId(APPLICATION.subscription_id, "rg-contoso")
STORE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/store"


@pytest.mark.parametrize(
    ("asked", "code", "message", "is_gone"),
    [
        (APPLICATION, "ResourceNotFound", "The Resource 'Microsoft.Solutions/applications/Shop' under resource group 'RG-contoso' was not found.", True),
        (APPLICATION, "resourcenotfound", "It was not found.", True),
        (APPLICATION, "ResourceNotFound", f"The resource '{APPLICATION}' does not exist.", True),
        (APPLICATION, "ResourceNotFound", "The Resource 'Microsoft.Solutions/applications/other' under resource group 'rg-Contoso' was not found.", False),
        (APPLICATION, "ResourceNotFound", "The Resource 'Microsoft.Solutions/applications/shop' under resource group 'other' was not found.", False),
        (APPLICATION, "ResourceNotFound", "The Resource 'Microsoft.Network/gateways/shop' under resource group 'rg-Contoso' was not found.", False),
        (APPLICATION, "ResourceGroupNotFound", "Resource group 'rg-contoso' could not be found.", True),
        (APPLICATION, "ResourceGroupNotFound", "Resource group 'other' could not be found.", False),
        (APPLICATION, "SubscriptionNotFound", "The subscription could not be found.", False),
        (APPLICATION, "PolicyAssignmentNotFound", "", False),
        (GROUP, "ResourceGroupNotFound", "Resource group 'rg-CONTOSO' could not be found.", True),
        (GROUP, "ResourceNotFound", "The Resource 'Microsoft.PolicyInsights/policyStates/latest' was not found.", False),
        (STORE, "ResourceNotFound", "The Resource 'Microsoft.Storage/storageAccounts/store' under resource group 'rg-contoso' was not found.", True),
        (STORE, "ResourceNotFound", "The Resource 'Microsoft.Storage/storageAccounts/another' under resource group 'rg-contoso' was not found.", False),
    ],
)  # fmt: skip
def test_gone_is_what_arm_says_of_what_was_asked_for(
    asked: ApplicationId | ResourceGroupId | str, code: str, message: str, is_gone: bool
) -> None:
    body = json.dumps({"error": {"code": code, "message": message}})
    assert says_gone(failure_of_status(404, {}, body), asked) is is_gone
    assert not says_gone(failure_of_status(400, {}, body), asked)
    assert not says_gone(failure_of_status(503, {}, body), asked)
