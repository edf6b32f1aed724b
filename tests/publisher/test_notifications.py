"""The message from the webhook to the worker: what goes in comes out, it is small, and strangers' messages are told."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.notifications import (
    LARGEST_MESSAGE_BYTES,
    MalformedMessage,
    Notification,
    message_of,
    notification_in,
)
from publisher.resource_ids import ApplicationId

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
APPLICATION = ApplicationId("abcdef00-0000-4000-8000-00000000000a", "Customer-RG", "App")
NOTIFICATION = Notification(
    event_type="put",
    provisioning_state="SUCCEEDED",
    application_id=APPLICATION,
    event_time=MOMENT - timedelta(minutes=1),
    received_at=MOMENT,
    correlation_id="c0ffee",
    plan_publisher="contoso",
    plan_product="secure-analytics",
    plan_name="standard",
    plan_version="1.0.0",
    application_definition_id="/subscriptions/s/definition",
    error_code="DeploymentFailed",
    error_message="It failed.",
)
DESCRIBING = [
    field.name for field in fields(Notification) if field.name.startswith(("plan_", "application_definition", "error_"))
]
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - they get one
NAMES = st.text(alphabet="aZ09-_.()ßЖ日ก\u0e34\u0308\u093f", min_size=1, max_size=90).filter(
    lambda name: not name.endswith(".")
)
IDS = st.builds(ApplicationId, st.uuids().map(str), NAMES, NAMES)
SHORT = st.text(max_size=60)


def read(**changes: Any) -> Notification:
    return notification_in(json.dumps(json.loads(message_of(NOTIFICATION)) | changes).encode())


def test_a_message_says_the_whole_notification() -> None:
    assert notification_in(message_of(NOTIFICATION).encode()) == NOTIFICATION
    assert NOTIFICATION.kind == ("PUT", "Succeeded")


@given(
    st.builds(
        Notification,
        event_type=SHORT,
        provisioning_state=SHORT,
        application_id=IDS,
        event_time=TIMES,
        received_at=TIMES,
        correlation_id=SHORT,
        **dict.fromkeys(DESCRIBING, SHORT),
    )
)
def test_whatever_goes_in_comes_out_and_no_time_is_in_the_future(notification: Notification) -> None:
    again = notification_in(message_of(notification).encode())
    assert again == replace(notification, event_time=min(notification.event_time, notification.received_at))
    assert str(again.application_id) == str(notification.application_id), "spelled as it was"


@given(st.fixed_dictionaries(dict.fromkeys(DESCRIBING, st.text(max_size=20) | st.text(min_size=400, max_size=3_000))))
def test_a_message_is_small_however_much_there_is_to_describe(texts: dict[str, str]) -> None:
    notification = replace(NOTIFICATION, **texts)  # type: ignore[arg-type]
    message = message_of(notification)
    assert len(message.encode()) <= LARGEST_MESSAGE_BYTES
    again = notification_in(message.encode())
    assert all(texts[name].startswith(getattr(again, name)) for name in DESCRIBING)
    assert replace(again, **texts) == notification  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("character", "kept", "kept_of_reason"), [("x", 500, 500), ("日", 100, 500), ('"', 500, 500), ("\x00", 100, 100)]
)
def test_describing_texts_are_cut_together_as_far_as_they_must_and_a_reason_last(
    character: str, kept: int, kept_of_reason: int
) -> None:
    notification = replace(NOTIFICATION, **dict.fromkeys(DESCRIBING, character * 5_000))  # type: ignore[arg-type]
    message = message_of(notification)
    assert len(message.encode()) <= LARGEST_MESSAGE_BYTES
    again = notification_in(message.encode())
    reason = {"error_code", "error_message"}
    assert {len(getattr(again, name)) for name in set(DESCRIBING) - reason} == {kept}
    assert {len(getattr(again, name)) for name in reason} == {kept_of_reason}


def test_what_no_message_can_hold_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match="too long"):
        message_of(replace(NOTIFICATION, event_type="x" * LARGEST_MESSAGE_BYTES))
    longest = replace(NOTIFICATION, application_id=ApplicationId(APPLICATION.subscription_id, "日" * 90, "語" * 260))
    assert notification_in(message_of(longest).encode()).application_id == longest.application_id


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05.678901+00:00", MOMENT),
        ("2026-01-02T05:04:05.678901+02:00", MOMENT),
        ("2026-01-02T03:04:05.678902+00:00", MOMENT),
        ("9999-12-31T23:59:59+00:00", MOMENT),
        ("2026-01-02T03:04:05+00:00", MOMENT.replace(microsecond=0)),
    ],
)
def test_an_event_happened_at_the_latest_when_it_was_received(text: str, moment: datetime) -> None:
    event_time = read(event_time=text).event_time
    assert (event_time, event_time.tzinfo) == (moment, UTC)


def test_times_go_over_in_utc() -> None:
    local = MOMENT.astimezone(timezone(timedelta(hours=5)))
    document = json.loads(message_of(replace(NOTIFICATION, received_at=local)))
    assert document["received_at"] == "2026-01-02T03:04:05.678901+00:00"


def test_a_text_that_is_missing_is_empty_so_that_a_newer_front_and_an_older_worker_agree() -> None:
    document = json.loads(message_of(NOTIFICATION))
    for name in DESCRIBING:
        del document[name]
    again = notification_in(json.dumps(document | {"something": "new"}).encode())
    assert (again.plan_name, again.application_id) == ("", APPLICATION)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 2}, "the message is no notification of version 1"),
        ({"version": None}, "the message is no notification of version 1"),
        ({"application_id": "SECRETMARKER"}, "application_id is not the id of a managed application"),
        ({"application_id": None}, "application_id is not the id of a managed application"),
        ({"application_id": ["SECRETMARKER"]}, "application_id is not the id of a managed application"),
        ({"event_type": {"SECRETMARKER": 1}}, "event_type is not text"),
        ({"plan_name": 7}, "plan_name is not text"),
        ({"error_message": None}, "error_message is not text"),
        ({"event_time": "SECRETMARKER"}, "event_time is no time"),
        ({"event_time": None}, "event_time is no time"),
        ({"received_at": 1767322800}, "received_at is no time"),
        ({"received_at": "0001-01-01T00:00:00+14:00"}, "received_at is no time"),
    ],
)
def test_a_message_that_no_webhook_of_ours_sent_is_told_and_not_quoted(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(MalformedMessage) as error:
        read(**changes)
    assert str(error.value) == said


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"7", b'"text"', b"{", b"{}", b"\xff", b"[" * 50_000, b'{"version": 1}']
)
def test_garbage_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        notification_in(body)


@given(st.dictionaries(st.sampled_from([field.name for field in fields(Notification)]), st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.lists(st.integers(), max_size=2) | st.floats(allow_nan=False, allow_infinity=False), max_size=6))  # fmt: skip
def test_no_mixture_of_types_does_more_than_being_malformed(changes: dict[str, Any]) -> None:
    try:
        notification = read(**changes)
    except MalformedMessage:
        return
    assert notification.event_time <= notification.received_at
