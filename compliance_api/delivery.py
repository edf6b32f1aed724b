"""The last step of every answer: JSON, entity tag, compression, and the headers that say who may keep it.

An entity tag is weak: it stands for the data, not for the age of the run that they are from, which grows by itself.
Source: RFC 9110 (conditional requests, content coding), RFC 9111 (caching).
"""

import gzip
import hashlib
import re
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import orjson

from compliance_api.correlation import HEADER
from compliance_api.http import PROBLEM_TYPE, Answer, Request
from compliance_api.selection import VERSION
from publisher.texts import plain_json

_SMALLEST: Final = 1000
"""Below this many bytes compression costs more than it saves."""

_LEVEL: Final = 5
_AGE: Final = re.compile(rb'"age_seconds":\d+')
_KEEP: Final = "private, no-cache"
"""The caller's own cache may keep an answer, and asks before it uses it again; nobody else's may."""


def delivered(request: Request, answer: Answer, correlation_id: str) -> Answer:
    """Return what goes over the wire; not modified (304) when the caller has it already."""
    body = answer.body if answer.content is None else plain_json(orjson.dumps(answer.content, default=str))
    headers = {**answer.headers, HEADER: correlation_id, "api-supported-versions": VERSION, "Vary": "Accept-Encoding"}
    if request.method == "GET" and answer.status == HTTPStatus.OK:
        headers = {"ETag": _tag(body), "Cache-Control": _KEEP, **headers}
        if _has(request.header("if-none-match"), headers["ETag"]):
            return replace(answer, body=b"", content=None, status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if len(body) >= _SMALLEST and answer.media_type != PROBLEM_TYPE and _takes_gzip(request.header("accept-encoding")):
        body = gzip.compress(body, _LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
        if "ETag" in headers:
            headers["ETag"] = f"W/{headers['ETag'].removeprefix('W/')}"
    return replace(answer, body=body, content=None, headers=headers)


def _tag(body: bytes) -> str:
    return f'W/"{hashlib.blake2b(_AGE.sub(b"", body), digest_size=16).hexdigest()}"'


def _has(header: str, tag: str) -> bool:
    """Tell whether If-None-Match has a tag; weak ones are equal to strong ones here."""
    given = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in given or tag.removeprefix("W/") in given


def _takes_gzip(header: str) -> bool:
    weights: dict[str, bool] = {}
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        weights[name.strip()] = re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight) is None
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))
