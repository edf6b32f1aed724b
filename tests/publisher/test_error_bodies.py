"""Which code and message an answer's body gives for a failure, whatever its shape; and what it can never say."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors.absence import says_gone
from publisher.errors.answers import failure_of_status
from publisher.errors.kinds import AccessDenied, AuthenticationFailed, Blocked, NotFound, RequestRefused
from publisher.resource_ids import ApplicationId

APPLICATION = ApplicationId.parse(
    "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/shop/providers/Microsoft.Solutions/applications/till"
)
QUOTA = {"code": "QuotaReached", "message": "No cores are left in this region."}
QUOTA_TEXT = json.dumps({"error": QUOTA})
QUOTA_XML = f"<?xml version='1.0'?>\n<Error><Code>QuotaReached</Code><Message>{QUOTA['message']}</Message></Error>"


def reason(body: object, status: int = 400) -> tuple[str, str]:
    failure = failure_of_status(status, {}, body if isinstance(body, str) else json.dumps(body))
    return failure.code, str(failure)


@pytest.mark.parametrize(
    "body",
    [
        QUOTA,
        {"error": QUOTA},
        {"Error": {"Code": "QuotaReached", "Message": QUOTA["message"]}},
        {"CODE": "QuotaReached", "MESSAGE": QUOTA["message"]},
        {"errorCode": "QuotaReached", "errorMessage": QUOTA["message"]},
        {"statusCode": "QuotaReached", "message": QUOTA["message"]},
        {"odata.error": {"code": "QuotaReached", "message": {"lang": "en", "value": QUOTA["message"]}}},
        {"error": "QuotaReached", "message": QUOTA["message"]},
        {"error": "QuotaReached", "error_description": QUOTA["message"]},
        [QUOTA],
        {"errors": [QUOTA]},
        {"status": "Failed", "error": QUOTA},
        "\ufeff" + QUOTA_TEXT,
        "\n" + json.dumps(QUOTA, indent=2),
        "\ufffd\ufffd" + QUOTA_TEXT.replace("", "\0"),
        "<Error><Code>QuotaReached</Code><Message>No cores are left in this region.\nRequestId:7\nTime:2026-01-02</Message></Error>",
        '\ufeff<?xml version="1.0"?>\n<m:error xmlns:m="urn:m"><m:code>QuotaReached</m:code><m:message xml:lang="en">No cores are left in this region.</m:message></m:error>',
        "<Error><Message><![CDATA[No cores are left in this region.]]></Message><Code>QuotaReached</Code></Error>",
    ],
    ids=str,
)  # fmt: skip
def test_code_and_message_are_found_in_every_wrapping(body: object) -> None:
    assert reason(body) == ("QuotaReached", "No cores are left in this region.")


@pytest.mark.parametrize(
    "error",
    [
        {"code": "Outer", "message": "See inner.", "innererror": QUOTA},
        {"Code": "Outer", "Message": "See inner.", "InnerError": {"Code": "QuotaReached", "Message": QUOTA["message"]}},
        {"code": "Outer", "innererror": {"code": "Middle", "message": "?", "innererror": QUOTA}},
        {"code": "Outer", "message": "Failed.", "details": [QUOTA]},
        {"code": "Outer", "message": "Failed.", "details": [{"code": "", "message": ""}, QUOTA]},
        {"code": "Outer", "message": "Failed.", "details": [{"code": "Conflict", "details": [QUOTA]}]},
        {"code": "Outer", "message": "Failed.", "details": [{"code": "Conflict", "message": QUOTA_TEXT}]},
        {"code": "Outer", "message": "Failed.", "details": [{"code": "Early", "message": "m"}, {"message": QUOTA_TEXT}]},
        {"code": "Outer", "message": QUOTA_TEXT},
        {"code": "Outer", "message": f"It failed, details: {QUOTA_TEXT} Look there."},
        {"code": "Outer", "message": json.dumps(QUOTA_TEXT)},
        {"code": "Outer", "message": f"Response: {json.dumps(QUOTA_TEXT)[1:-1]}"},
        {"code": "Outer", "message": json.dumps({"status": "Failed", "error": {"code": "X", "message": QUOTA_TEXT}})},
        {"code": "Outer", "message": {"error": QUOTA}},
        {"code": "Outer", "message": QUOTA_XML},
        {"code": "Outer", "message": f"The service answered: {QUOTA_XML}"},
        {"code": "Outer", "message": "m", "details": [{"code": "Conflict", "message": QUOTA_XML}]},
        {"statusCode": "Conflict", "statusMessage": {"error": QUOTA}},
        {"code": "Outer", "message": "m", "innererror": {"code": "QuotaReached", "innererror": {"message": QUOTA["message"]}}},
    ],
    ids=str,
)  # fmt: skip
def test_of_reasons_within_reasons_the_innermost_is_told(error: dict[str, Any]) -> None:
    assert reason({"error": error}) == ("QuotaReached", "No cores are left in this region.")
    assert reason(error) == ("QuotaReached", "No cores are left in this region.")


def test_what_an_inner_reason_lacks_is_taken_from_the_outer_one() -> None:
    firewall = {"error": {"code": "Forbidden", "message": "Not from there.", "innererror": {"code": "ByFirewall"}}}
    assert reason(firewall, 403) == ("ByFirewall", "Not from there.")
    numbers = {"error": {"code": "Refused", "message": "No.", "innererror": {"code": 1234, "message": "Not so."}}}
    assert reason(numbers) == ("Refused", "Not so.")
    assert reason({"statusCode": 400, "message": "No identity of that id."}) == ("Http400", "No identity of that id.")
    assert reason({"StatusCode": 400, "Message": "No identity."}) == ("Http400", "No identity.")
    cut = {"code": "Outer", "message": QUOTA_TEXT[: QUOTA_TEXT.index("left") + 4]}
    assert reason(cut) == ("QuotaReached", "No cores are left")


@pytest.mark.parametrize("separator", [" ", "\r\n"])
def test_entra_ids_own_code_is_told_and_its_ids_are_cut(separator: str) -> None:
    guid = "8f0e0000-0000-4000-8000-00000000abcd"
    description = "AADSTS7000222: The secret has expired."
    tail = separator.join(("", f"Trace ID: {guid}", f"Correlation ID: {guid}", "Timestamp: 2026-01-02 03:04:05Z"))
    body = {"error": "invalid_client", "error_description": description + tail, "error_codes": [7000222]}
    assert reason(body, 401) == ("AADSTS7000222", description)
    assert reason({"error": "invalid_client", "error_description": "No.", "error_codes": [90002]})[0] == "AADSTS90002"
    assert reason({"error": "invalid_scope", "error_description": "No."}) == ("invalid_scope", "No.")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<html><head><title>404</title></head><body><p>Nothing&nbsp;here.</p></body></html>", "404: Nothing here."),
        ("<html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1><hr>proxy</html>", "502 Bad Gateway proxy"),
        ("<!DOCTYPE html>\n<style>p {}</style><script>let a = 1 < 2</script><p>Too\nbusy", "Too busy"),
        ("<h2>Our services are not available.</h2><code>ResourceNotFound</code>", "Our services are not available. ResourceNotFound"),
        ("upstream failed:\n\n  the connection was reset\r\n", "upstream failed: the connection was reset"),
        ("<title>Oops</title><p>Not now. Ref A: 7E2F00 Ref B: AMS01EDGE Reference #18.2a3b", "Oops: Not now."),
        ("It failed. (tracking id is '8f0e0000-0000-4000-8000-00000000abcd'). See there.", "It failed. See there."),
        ("It broke.\n   at Some.Service.Call(String a)\n   at Other.Place()", "It broke."),
        ('It broke.\nTraceback (most recent call last):\n  File "a.py", line 1', "It broke."),
        ('{"error": {"code": "Cut", "message": "The answer bro', "The answer bro"),
        ('{"type": "about:blank", "title": "Bad request", "detail": "The scope is odd."}', "The scope is odd."),
        ('{"title": "Invalid.", "errors": {"scope": ["It ends with a slash."]}}', "It ends with a slash."),
        ('{"Message": "An error has occurred.", "ExceptionMessage": "No such view."}', "No such view."),
        ('"only a text"', "only a text"),
        ("null", "Azure answered 404"),
        ("\x1f\x8b\ufffd\ufffd\ufffd\ufffd\ufffd", "Azure answered 404"),
        ("", "Azure answered 404"),
    ],
)  # fmt: skip
def test_what_is_no_services_error_gives_its_words_and_no_code(body: str, message: str) -> None:
    assert reason(body, 404) == ("Http404", message)


NOT_HERE = {"code": "ResourceNotFound", "message": "It is not here."}


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "BadRequest", "message": "m", "innererror": NOT_HERE}},
        {"error": {"message": "m", "innererror": NOT_HERE}},
        {"error": {"innererror": NOT_HERE}},
        {"error": {"code": "404", "message": "m", "details": [NOT_HERE]}},
        {"error": {"code": "BadRequest", "message": json.dumps(NOT_HERE)}},
        {"message": json.dumps(NOT_HERE)},
        {"error": {**NOT_HERE, "innererror": {"code": "Throttled", "message": "m"}}},
        {"error": {**NOT_HERE, "details": [NOT_HERE, {"code": "Timeout", "message": "m"}]}},
        {"error": {**NOT_HERE, "message": json.dumps({"code": "AuthorizationFailed", "message": "m"})}},
        {"error": {**NOT_HERE, "innererror": {**NOT_HERE, "message": "The Resource 'Microsoft.Web/sites/x' was not found."}}},
        {"error": {**NOT_HERE, "details": [{}] * 20_000}},
    ],
    ids=lambda body: str(body)[:80],
)  # fmt: skip
def test_an_absence_is_only_what_the_whole_answer_says(body: object) -> None:
    assert not says_gone(failure_of_status(404, {}, json.dumps(body)), APPLICATION)


@pytest.mark.parametrize(
    "body",
    [
        NOT_HERE,
        {"error": NOT_HERE},
        {"error": {**NOT_HERE, "innererror": {}, "details": []}},
        {"error": {**NOT_HERE, "innererror": {"code": "", "type": "x"}, "details": None}},
        {"error": {**NOT_HERE, "details": [NOT_HERE]}},
        {"error": {"code": "ResourceNotFound", "message": "The Resource 'Microsoft.Solutions/applications/till' under resource group 'shop' was not found.", "innererror": {"message": "Look elsewhere."}}},
    ],
    ids=str,
)  # fmt: skip
def test_an_outer_absence_stays_one_where_the_inner_reason_says_nothing_else(body: object) -> None:
    failure = failure_of_status(404, {}, json.dumps(body))
    assert isinstance(failure, NotFound)
    assert says_gone(failure, APPLICATION)


@pytest.mark.parametrize(
    ("status", "outer", "inner", "kind"),
    [
        (409, "Conflict", "ScopeLocked", Blocked),
        (409, "ScopeLocked", "Whatever", Blocked),
        (400, "BadRequest", "ExpiredAuthenticationToken", AuthenticationFailed),
        (403, "Forbidden", "ByFirewall", AccessDenied),
        (404, "ResourceNotFound", "Whatever", RequestRefused),
    ],
)
def test_the_innermost_code_that_says_whose_fault_it_is_decides(
    status: int, outer: str, inner: str, kind: type[Exception]
) -> None:
    body = {"error": {"code": outer, "message": "m", "innererror": {"code": inner}}}
    failure = failure_of_status(status, {}, json.dumps(body))
    assert (type(failure), failure.code) == (kind, inner)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (409, {"code": "Conflict", "details": [{"code": "ScopeLocked"}, {"code": "ScopeLocked"}]}, Blocked),
        (409, {"code": "ScopeLocked", "details": [{"code": "A"}, {"code": "B"}]}, Blocked),
        (409, {"code": "Conflict", "details": [{"code": "ScopeLocked"}, {"code": "QuotaReached"}]}, RequestRefused),
        (409, {"code": "Conflict", "details": [{"code": "A"}, {"code": "B", "innererror": {"code": "ScopeLocked"}}]}, RequestRefused),
        (403, {"code": "Forbidden", "details": [{"code": "A"}, {"code": "ScopeLocked"}]}, AccessDenied),
        (400, {"code": "BadRequest", "details": [{"code": "ScopeLocked"}, {"code": "TokenExpired"}]}, RequestRefused),
        (401, {"code": "TokenExpired", "details": [{"code": "ScopeLocked"}]}, AuthenticationFailed),
        (401, {"code": "Unauthorized", "details": [{"code": "ScopeLocked"}]}, AuthenticationFailed),
        (403, {"code": "TokenExpired", "innererror": {"code": "ScopeLocked"}}, AuthenticationFailed),
        (409, {"code": "ScopeLocked", "innererror": {"code": "TokenExpired"}}, Blocked),
    ],
    ids=str,
)  # fmt: skip
def test_one_detail_among_others_does_not_decide_whose_fault_it_is(
    status: int, error: dict[str, Any], kind: type[Exception]
) -> None:
    assert type(failure_of_status(status, {}, json.dumps({"error": error}))) is kind
    assert type(failure_of_status(status, {}, json.dumps(error))) is kind


def test_details_without_a_reason_around_them_decide_only_together() -> None:
    for details in ([{"code": "ScopeLocked"}, {"code": "A"}], [{"code": "A"}, {"code": "ScopeLocked"}]):
        assert type(failure_of_status(409, {}, json.dumps(details))) is RequestRefused
        assert type(failure_of_status(409, {}, json.dumps({"errors": details}))) is RequestRefused
    assert type(failure_of_status(409, {}, json.dumps([{"code": "ScopeLocked"}]))) is Blocked


def test_a_web_page_inside_a_message_is_told_in_its_words() -> None:
    page = "<html><head><title>502 Bad Gateway</title></head><body><hr>proxy</body></html>"
    assert reason({"error": {"code": "Upstream", "message": page}}) == ("Upstream", "502 Bad Gateway: proxy")
    assert reason({"error": {"code": "Upstream", "message": f"It answered {page}"}})[1].startswith("It answered: 502")


@pytest.mark.parametrize("text", [
    "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.c2ln", "url ?code=s3cr3t-k3y&sig=abc%2Fdef",
    "AccountKey=" + "Ab1+" * 20 + "==", '{"access_token": "opaque-token-7"}', "SharedKey store:Q2FmZUJhYmU9",
])  # fmt: skip
@pytest.mark.parametrize("shape", ["{}", '{{"message": {}}}', '{{"code": "C", "details": [{}]}}', "<p>{}</p>"])
def test_a_request_that_is_repeated_in_an_answer_does_not_give_secrets_away(text: str, shape: str) -> None:
    told = " ".join(reason(shape.format(json.dumps(text) if shape.startswith("{{") else text)))
    for secret in ("eyJ", "s3cr3t", "abc%2F", "Ab1+", "opaque-token", "Q2FmZ"):
        assert secret not in told


@pytest.mark.parametrize("body", [
    '{"error":{"code":"A","details":[' * 50_000, "[" * 500_000, json.dumps({"message": "{" + "\\" * 300_000}),
    "<script" * 100_000, "<Error>" + "<code" * 100_000, "&amp;" * 500_000, json.dumps({"message": "a" * 900_000}),
    json.dumps({"code": "A", "details": [{"code": "B", "message": "{x}"}] * 30_000}), '{"code":' * 100_000 + '"message": "',
])  # fmt: skip
def test_a_huge_or_deep_body_is_read_in_bounded_time(body: str) -> None:
    began = time.process_time()
    code, message = reason(body)
    assert time.process_time() - began < 3
    assert (len(code) <= 100, len(message) <= 500) == (True, True)


PIECES = st.sampled_from(
    ["code", "Message", "error", "details", "innererror", "statusCode", "errors", "ResourceNotFound", "AADSTS7", "value",
     "{", "}", '"', "<Error>", "<Code>", "</", "\\", "\ufeff", QUOTA_TEXT, "eyJhbGciOiJub25lIn0.e30.x", "\n   at a(", "\ud800"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PIECES | st.text(max_size=4), inner, max_size=5),
)


@given(TEXTS | JSON.map(json.dumps), st.sampled_from([400, 401, 403, 404, 409, 429, 500, 503]))
def test_no_body_breaks_the_reader_or_gives_a_token_away(body: str, status: int) -> None:
    failure = failure_of_status(status, {}, body)
    told = f"{failure.code}: {failure}"
    assert told.isprintable()
    assert (len(failure.code) <= 100, len(str(failure)) <= 500) == (True, True)
    assert "eyJh" not in told


@given(JSON, JSON)
def test_no_inner_reason_makes_an_absence(inner: object, other: object) -> None:
    body = {"error": {"code": "Refused", "message": other, "innererror": inner, "details": [other, inner]}}
    assert not isinstance(failure_of_status(404, {}, json.dumps(body)), NotFound)
