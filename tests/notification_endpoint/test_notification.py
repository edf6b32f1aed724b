"""The payload: both schemas in, garbage out, and nothing of it quoted."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification_endpoint.notification import InvalidNotification, Notification, parse_notification

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
APPLICATION = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Solutions/applications/app"
MARKETPLACE: dict[str, Any] = {
    "eventType": "PUT",
    "applicationId": APPLICATION,
    "eventTime": "2019-08-14T19:20:08.1707163Z",
    "provisioningState": "Succeeded",
    "billingDetails": {"resourceUsageId": "usage"},
    "plan": {"publisher": "publisherId", "product": "offer", "name": "skuName", "version": "1.0.1"},
}
SERVICE_CATALOG: dict[str, Any] = {
    "eventType": "PUT",
    "applicationId": APPLICATION.removeprefix("/"),
    "eventTime": "2019-08-14T19:20:08.1707163Z",
    "provisioningState": "Failed",
    "applicationDefinitionId": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Solutions/applicationDefinitions/d",
    "error": {
        "code": "ErrorCode",
        "message": "error message",
        "details": [{"code": "DetailedErrorCode", "message": "error message"}],
    },
}


def parse(payload: object) -> Notification:
    return parse_notification(json.dumps(payload).encode())


def reason_of(body: bytes) -> str:
    with pytest.raises(InvalidNotification) as refusal:
        parse_notification(body)
    return str(refusal.value)


def test_a_marketplace_notification_is_read() -> None:
    notification = parse(MARKETPLACE)
    assert (notification.event_type, notification.provisioning_state) == ("PUT", "Succeeded")
    assert str(notification.application_id) == APPLICATION
    assert notification.event_time == datetime(2019, 8, 14, 19, 20, 8, 170716, tzinfo=UTC)
    assert (notification.plan_publisher, notification.plan_product) == ("publisherId", "offer")
    assert (notification.plan_name, notification.plan_version) == ("skuName", "1.0.1")
    assert notification.resource_usage_id == "usage"
    assert notification.application_definition_id == notification.error_code == ""


def test_a_service_catalog_notification_without_leading_slash_is_read() -> None:
    notification = parse(SERVICE_CATALOG)
    assert str(notification.application_id) == APPLICATION
    assert notification.application_definition_id.endswith("/applicationDefinitions/d")
    assert (notification.error_code, notification.error_message) == ("ErrorCode", "error message")
    assert notification.plan_name == ""


def test_a_pretty_printed_body_and_members_we_do_not_know_are_fine() -> None:
    body = json.dumps(MARKETPLACE | {"new": {"of": ["Azure"]}, "error": None, "plan": None}, indent=4)
    assert parse_notification(f"\r\n{body}\r\n".encode()).plan_name == ""


def test_optional_parts_may_be_absent() -> None:
    bare = {name: MARKETPLACE[name] for name in ("eventType", "applicationId", "eventTime", "provisioningState")}
    assert parse(bare).application_id == parse(MARKETPLACE).application_id


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.5Z", datetime(2026, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("2026-01-02T03:04:05.123456789Z", datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
    ],
)
def test_times_of_every_precision_are_read_as_utc(text: str, moment: datetime) -> None:
    assert parse(MARKETPLACE | {"eventTime": text}).event_time == moment


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-02", "2026-13-02T03:04:05Z", "2026-01-02T24:01:00Z", "0001-01-01T00:00:00+14:00", "2026-01-02T03:04:05.Z",
     "2026-01-02T03:04:05.1234567890Z", "٢٠٢٦-01-02T03:04:05Z", "2026-W01-1T03:04:05Z", "2026-01-02T03:04:05Z\n", 1767322800],
)  # fmt: skip
def test_impossible_times_are_refused(text: object) -> None:
    assert reason_of(json.dumps(MARKETPLACE | {"eventTime": text}).encode()).startswith("eventTime is ")


@pytest.mark.parametrize("name", ["eventType", "applicationId", "eventTime", "provisioningState"])
@pytest.mark.parametrize("value", [None, "", "  ", 7, True, [], {}])
def test_what_must_be_there_must_be_text(name: str, value: object) -> None:
    assert reason_of(json.dumps(MARKETPLACE | {name: value}).encode()).startswith(name)
    rest = {other: content for other, content in MARKETPLACE.items() if other != name}
    assert reason_of(json.dumps(rest).encode()) == f"{name} is missing"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plan", "standard"),
        ("plan", []),
        ("plan", {"name": 7}),
        ("plan", {"version": {}}),
        ("billingDetails", "x"),
        ("billingDetails", {"resourceUsageId": 1}),
        ("error", "it failed"),
        ("error", {"code": 500}),
        ("applicationDefinitionId", {}),
    ],
)
def test_what_may_be_there_must_have_its_type(name: str, value: object) -> None:
    assert " is not " in reason_of(json.dumps(MARKETPLACE | {name: value}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"PUT"',
        b"42",
        b"{",
        b'{"eventType": "PUT"',
        b"eventType=PUT",
        b"\xff\xfe{\x00}\x00",
        b"\x00" * 100,
        bytes(range(256)),
        b"\xef\xbb\xbf" + json.dumps(MARKETPLACE).encode(),
        json.dumps(MARKETPLACE).encode("utf-16"),
        json.dumps(MARKETPLACE).encode("utf-32-le"),
        b"[" * 60_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
        json.dumps(MARKETPLACE)[:-1].encode() + b', "x": NaN}',
        json.dumps(MARKETPLACE)[:-1].encode() + b', "x": -Infinity}',
        json.dumps(MARKETPLACE)[:-1].encode() + b', "eventType": "DELETE"}',
        json.dumps(MARKETPLACE | {"plan": {}}).encode().replace(b'"plan": {}', b'"plan": {"a": 1, "a": 2}'),
        json.dumps(MARKETPLACE).encode() + b"{}",
    ],
)
def test_whatever_is_no_json_object_is_refused(body: bytes) -> None:
    assert reason_of(body)


def test_a_deep_payload_is_refused_and_azures_nested_errors_are_not() -> None:
    def nested(depth: int) -> object:
        value: object = 1
        for _ in range(depth):
            value = [{"details": value}]
        return value

    assert parse(MARKETPLACE | {"error": {"details": nested(10)}})
    assert "nested" in reason_of(json.dumps(MARKETPLACE | {"error": {"details": nested(50)}}).encode())


def test_a_body_of_64_kilobytes_is_the_largest() -> None:
    body = json.dumps(MARKETPLACE).encode()
    assert parse_notification(body + b" " * (64 * 1024 - len(body)))
    assert "65536 bytes" in reason_of(body + b" " * (64 * 1024 + 1 - len(body)))


@pytest.mark.parametrize(
    "value",
    [
        APPLICATION.replace("/applications/", "/applicationDefinitions/"),
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg",
        APPLICATION.replace("rg", ".."),
        APPLICATION.replace("rg", "r' or '1' eq '1"),
        APPLICATION + "\r\nX-Injected: 1",
        APPLICATION.replace("rg", "r\ud800g"),
        "SECRETMARKER",
    ],
)
def test_an_id_that_is_no_applications_is_refused_without_being_quoted(value: str) -> None:
    reason = reason_of(json.dumps(MARKETPLACE | {"applicationId": value}).encode())
    assert reason == "applicationId is not the id of a managed application"


def test_texts_are_made_printable_and_short() -> None:
    notification = parse(MARKETPLACE | {"plan": {"name": "a\r\nb\x1b[0m", "version": "v" * 5000}, "eventType": "P\nUT"})
    assert notification.plan_name == "a  b [0m"
    assert len(notification.plan_version) == 1000
    assert notification.event_type == "P UT"


@given(st.binary(max_size=2000))
def test_no_bytes_do_more_than_being_refused(body: bytes) -> None:
    with pytest.raises(InvalidNotification):
        parse_notification(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*MARKETPLACE, *SERVICE_CATALOG]) | st.text(max_size=10), JSON, max_size=8))
def test_no_mixture_of_members_and_types_does_more_than_being_refused(changes: dict[str, object]) -> None:
    try:
        notification = parse(MARKETPLACE | changes)
    except InvalidNotification:
        return
    assert notification.event_time.tzinfo is UTC
    for name in ("event_type", "provisioning_state", "plan_name", "error_message"):
        assert str(getattr(notification, name)).isprintable()
