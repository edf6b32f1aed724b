"""The payload: both schemas in, however odd their descriptions are; garbage out, and nothing of it quoted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notification_endpoint.notification import LARGEST_BODY_BYTES, InvalidNotification, parse_notification
from publisher.notifications import LARGEST_MESSAGE_BYTES, Notification, message_of, notification_in

RECEIVED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
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
REQUIRED = ("eventType", "applicationId", "provisioningState")
DESCRIBING = sorted({*MARKETPLACE, *SERVICE_CATALOG, "extra"} - {*REQUIRED})


def parse_body(body: bytes) -> Notification:
    return parse_notification(body, received_at=RECEIVED, correlation_id="c0ffee")


def parse(payload: object) -> Notification:
    return parse_body(json.dumps(payload).encode())


def reason_of(body: bytes) -> str:
    with pytest.raises(InvalidNotification) as refusal:
        parse_body(body)
    return str(refusal.value)


def with_text(name: str, text: str) -> bytes:
    """A body whose member `name` is the JSON text, however odd that is."""
    rest = {other: content for other, content in MARKETPLACE.items() if other != name}
    return f'{json.dumps(rest)[:-1]}, "{name}": {text}}}'.encode()


def nested(depth: int) -> str:
    return '{"details": ' * depth + '"why"' + "}" * depth


def test_a_marketplace_notification_is_read() -> None:
    notification = parse(MARKETPLACE)
    assert (notification.event_type, notification.provisioning_state) == ("PUT", "Succeeded")
    assert str(notification.application_id) == APPLICATION
    assert notification.event_time == datetime(2019, 8, 14, 19, 20, 8, 170716, tzinfo=UTC)
    assert (notification.received_at, notification.correlation_id) == (RECEIVED, "c0ffee")
    assert (notification.plan_publisher, notification.plan_product) == ("publisherId", "offer")
    assert (notification.plan_name, notification.plan_version) == ("skuName", "1.0.1")
    assert notification.application_definition_id == notification.error_code == notification.error_message == ""


def test_a_service_catalog_notification_without_leading_slash_is_read() -> None:
    notification = parse(SERVICE_CATALOG)
    assert str(notification.application_id) == APPLICATION
    assert notification.application_definition_id.endswith("/applicationDefinitions/d")
    assert (notification.error_code, notification.error_message) == ("DetailedErrorCode", "error message (ErrorCode)")
    assert notification.plan_name == ""


def test_a_pretty_printed_body_and_members_we_do_not_know_are_fine() -> None:
    body = json.dumps(MARKETPLACE | {"new": {"of": ["Azure"]}, "error": None, "plan": None}, indent=4)
    assert parse_body(f"\r\n{body}\r\n".encode()).plan_name == ""
    assert parse_body(b"\xef\xbb\xbf" + body.encode()) == parse_body(body.encode())


def test_an_id_an_event_type_and_a_state_are_enough() -> None:
    bare = parse({name: MARKETPLACE[name] for name in REQUIRED})
    assert bare.application_id == parse(MARKETPLACE).application_id
    assert (bare.kind, bare.event_time) == (("PUT", "Succeeded"), RECEIVED)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-02T03:04:05Z", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05.5Z", datetime(2025, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("2025-01-02T03:04:05.123456789Z", datetime(2025, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2025-01-02T03:04:05+02:00", datetime(2025, 1, 2, 1, 4, 5, tzinfo=UTC)),
        (" 2025-01-02T03:04:05+0200\n", datetime(2025, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2025-01-02 03:04:05,5 Z", datetime(2025, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
    ],
)
def test_times_of_every_precision_are_read_as_utc(text: str, moment: datetime) -> None:
    assert parse(MARKETPLACE | {"eventTime": text}).event_time == moment


def test_what_nobody_sees_around_an_id_or_a_word_is_no_part_of_it() -> None:
    around = {name: f"\ufeff\u200b {MARKETPLACE[name]}\u200b\n" for name in ("applicationId", "eventType")}
    odd = parse(MARKETPLACE | around | {"provisioningState": "Deleted\u200b"})
    assert (odd.application_id, odd.kind) == (parse(MARKETPLACE).application_id, ("PUT", "Deleted"))


@pytest.mark.parametrize("state", ["deleted", " DELETED ", "De\u200bleted", "\ufeffDeleted", "de-leted", "Deleted\r\n"])
def test_a_state_is_known_however_it_is_written(state: str) -> None:
    told = parse(MARKETPLACE | {"eventType": "\tdelete\u00ad", "provisioningState": state})
    assert told.kind == ("DELETE", "Deleted")
    assert notification_in(message_of(told).encode()).kind == told.kind


@pytest.mark.parametrize(
    "spelling",
    [f"//{APPLICATION}//", APPLICATION.replace("/", "//"), f" {APPLICATION}/ ", APPLICATION.replace("rg", "%72g")],
)
def test_an_id_is_known_however_it_is_slashed_or_encoded(spelling: str) -> None:
    assert str(parse(MARKETPLACE | {"applicationId": spelling}).application_id) == APPLICATION


@pytest.mark.parametrize(
    "value",
    ["", "now", "2025-01-02", "2025-13-02T03:04:05Z", "2025-01-02T24:01:00Z", "0001-01-01T00:00:00+14:00", "2025-01-02T03:04:05.Z",
     "2025-01-02T03:04:05.1234567890Z", "٢٠٢٥-01-02T03:04:05Z", "2025-W01-1T03:04:05Z", 1767322800, None, [], {}],
)  # fmt: skip
def test_a_time_that_cannot_be_read_is_that_of_receipt(value: object) -> None:
    assert parse(MARKETPLACE | {"eventTime": value}).event_time == RECEIVED


def test_a_time_of_the_future_is_that_of_receipt() -> None:
    later = (RECEIVED + timedelta(microseconds=1)).isoformat()
    for text in (later, "9999-12-31T23:59:59.9999999Z"):
        assert parse(MARKETPLACE | {"eventTime": text}).event_time == RECEIVED
    earlier = RECEIVED - timedelta(microseconds=1)
    assert parse(MARKETPLACE | {"eventTime": earlier.isoformat()}).event_time == earlier


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", "  ", 7, True, [], {}])
def test_what_must_be_there_must_be_text(name: str, value: object) -> None:
    assert reason_of(json.dumps(MARKETPLACE | {name: value}).encode()).startswith(name)
    rest = {other: content for other, content in MARKETPLACE.items() if other != name}
    assert reason_of(json.dumps(rest).encode()) == f"{name} is missing"


def with_another(name: str, value: object) -> list[bytes]:
    """Bodies that have a member beside those of the sample, before and behind them."""
    sample, other = json.dumps(MARKETPLACE)[1:-1], f'"{name}": {json.dumps(value)}'
    return [f"{{{sample}, {other}}}".encode(), f"{{{other}, {sample}}}".encode()]


CASES: list[Callable[[str], str]] = [str, str.upper, str.lower, lambda name: name[0].upper() + name[1:]]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("name", "value"),
    [("eventType", "DELETE"), ("provisioningState", "Failed"), ("applicationId", APPLICATION + "2"), ("eventType", 7)],
)
def test_two_of_one_name_with_different_values_are_refused(
    name: str, value: object, case: Callable[[str], str]
) -> None:
    wrong = "occurs twice, with different values" if isinstance(value, str) else "is not text"
    for body in with_another(case(name), value):
        assert reason_of(body) == f"{name} {wrong}"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", REQUIRED)
def test_two_of_one_name_with_one_value_are_one(name: str, case: Callable[[str], str]) -> None:
    for value in (MARKETPLACE[name], f" {MARKETPLACE[name]}\u200b", MARKETPLACE[name].upper(), None, "", " "):
        for body in with_another(case(name), value):
            told = parse_body(body)
            assert (told.kind, told.application_id) == (("PUT", "Succeeded"), parse(MARKETPLACE).application_id)


@pytest.mark.parametrize("case", CASES)
def test_a_null_hides_nothing_that_describes(case: Callable[[str], str]) -> None:
    for name in ("plan", "eventTime"):
        for body in with_another(case(name), None):
            assert parse_body(body) == parse(MARKETPLACE)


@pytest.mark.parametrize("name", DESCRIBING)
@pytest.mark.parametrize(
    "text",
    ["null", "7", "NaN", "-Infinity", "9" * 5_000, "true", '"text"', '"\\ud800"', '"a\nb"', "[]", "{}", "[[[7]]]", '{"a": 1, "a": 2}',
     '{"code": {"a": 1}, "message": 7, "name": [], "version": NaN, "publisher": null, "product": true}',
     nested(50), nested(20_000), "[" * 50_000 + "]" * 50_000, '"' + "x" * 200_000 + '"', f'"x", "{DESCRIBING[0]}": "y"'],
)  # fmt: skip
def test_what_only_describes_may_have_any_shape(name: str, text: str) -> None:
    notification = parse_body(with_text(name, text))
    assert (notification.kind, str(notification.application_id)) == (("PUT", "Succeeded"), APPLICATION)
    message = message_of(notification)
    assert len(message.encode()) <= LARGEST_MESSAGE_BYTES
    assert notification_in(message.encode()).application_id == notification.application_id


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('"it failed"', "", "it failed"),
        ('{"code": 500, "message": ["a", {"b": null}]}', "500", '["a", {"b": null}]'),
        ('{"message": "m"}', "", "m"),
        ('{"error": {"code": "Inner"}}', "Inner", ""),
        ('{"Code": "C", "Message": "m"}', "C", "m"),
        ('{"reason": "C"}', "", '{"reason": "C"}'),
        (f'{{"code": "Deep", "message": "m", "details": {nested(2_000)}}}', "Deep", "m"),
        (f'{{"code": "Deep", "message": "m", "details": {nested(20)}}}', "Deep", "why (m)"),
        ('[{"code": "Conflict", "message": "The name is taken."}]', "Conflict", "The name is taken."),
        ('[{"code": "", "message": ""}, {"code": "Late", "message": "m"}]', "Late", "m"),
        ('"{\\"code\\": \\"Quoted\\", \\"message\\": \\"m\\"}"', "Quoted", "m"),
        ('{"code": "C", "message": "first", "message": "last"}', "C", "last"),
        ("null", "", ""),
    ],
)
def test_an_error_of_another_shape_still_says_what_it_says(text: str, code: str, message: str) -> None:
    notification = parse_body(with_text("error", text))
    assert (notification.error_code, notification.error_message) == (code, message)


def test_a_plan_of_another_shape_still_says_what_it_says() -> None:
    plan = {"publisher": 7, "product": None, "name": ["a"], "version": {"major": 1}}
    notification = parse(MARKETPLACE | {"plan": plan, "applicationDefinitionId": 3})
    assert (notification.plan_publisher, notification.plan_product) == ("7", "")
    assert (notification.plan_name, notification.plan_version) == ('["a"]', '{"major": 1}')
    assert notification.application_definition_id == "3"
    assert parse(MARKETPLACE | {"plan": "standard"}).plan_name == ""


def test_bytes_that_are_no_text_cost_only_the_text_that_they_are_in() -> None:
    body = json.dumps(MARKETPLACE).encode()
    assert parse_body(body.replace(b"skuName", b"sku\xff")).plan_name == "sku\ufffd"
    reason = reason_of(body.replace(b"applications/app", b"applications/app\xff"))
    assert reason == "applicationId is not the id of a managed application"


def test_a_megabyte_is_the_largest_body() -> None:
    body = json.dumps(MARKETPLACE).encode()
    assert parse_body(body + b" " * (LARGEST_BODY_BYTES - len(body)))
    assert "1048576 bytes" in reason_of(body + b" " * (LARGEST_BODY_BYTES + 1 - len(body)))


@pytest.mark.parametrize(
    "value",
    [
        APPLICATION.replace("/applications/", "/applicationDefinitions/"),
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg",
        APPLICATION.replace("rg", ".."),
        APPLICATION.replace("rg", "r' or '1' eq '1"),
        APPLICATION + "\r\nX-Injected: 1",
        APPLICATION.replace("rg", "r\ud800g"),
        APPLICATION + "p" * 300_000,
        "SECRETMARKER",
    ],
)
def test_an_id_that_is_no_applications_is_refused_without_being_quoted(value: str) -> None:
    reason = reason_of(json.dumps(MARKETPLACE | {"applicationId": value}).encode())
    assert reason == "applicationId is not the id of a managed application"


@pytest.mark.parametrize("group", ["rg(1)", "rg.with.dots", "_rg", "größe", "日本", "R" * 90])
def test_odd_but_legal_resource_groups_are_read(group: str) -> None:
    name = APPLICATION.replace("/rg/", f"/{group}/")
    assert str(parse(MARKETPLACE | {"applicationId": name}).application_id) == name


def test_texts_are_made_printable_and_short() -> None:
    changes = {"plan": {"name": "a\r\nb\x1b[0m", "version": "v" * 5000}, "eventType": "P\nUT" + "x" * 500}
    notification = parse(MARKETPLACE | changes)
    assert notification.plan_name == "a  b [0m"
    assert len(notification.plan_version) == 1000
    assert notification.event_type.startswith("P UTx")
    assert len(notification.event_type) == 100


@given(st.binary(max_size=2000))
def test_no_bytes_do_more_than_being_refused(body: bytes) -> None:
    with pytest.raises(InvalidNotification):
        parse_body(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(DESCRIBING) | st.text(max_size=10).filter(lambda name: name not in REQUIRED), JSON, max_size=8))  # fmt: skip
def test_no_mixture_of_describing_members_costs_a_notification(changes: dict[str, object]) -> None:
    notification = parse(MARKETPLACE | changes)
    assert notification.event_time <= notification.received_at
    for name in ("event_type", "provisioning_state", "plan_name", "error_code", "error_message"):
        assert str(getattr(notification, name)).isprintable()
    again = notification_in(message_of(notification).encode())
    assert (again.application_id, again.kind) == (notification.application_id, notification.kind)


@given(st.dictionaries(st.sampled_from(REQUIRED), JSON, min_size=1, max_size=3))
def test_no_mixture_of_required_members_does_more_than_being_refused(changes: dict[str, object]) -> None:
    try:
        notification = parse(MARKETPLACE | changes)
    except InvalidNotification:
        return
    assert notification.event_type.isprintable()
    assert notification.provisioning_state.isprintable()
    assert message_of(notification)


@pytest.mark.parametrize("document", [MARKETPLACE, SERVICE_CATALOG])
@pytest.mark.parametrize("case", [str.upper, str.lower, lambda name: name[0].upper() + name[1:]])
def test_members_are_found_however_they_are_cased(case: Callable[[str], str], document: dict[str, Any]) -> None:
    def cased(value: Any) -> Any:
        if isinstance(value, list):
            return [cased(one) for one in value]
        return {case(name): cased(one) for name, one in value.items()} if isinstance(value, dict) else value

    assert parse(cased(document)) == parse(document)
