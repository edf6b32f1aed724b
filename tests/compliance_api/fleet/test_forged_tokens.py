"""A page token is one of ours, for this very question, or it is refused; whatever it holds, it is never a defect."""

import base64
from typing import Any

import orjson
import pytest

from compliance_api.fleet import paging
from compliance_api.fleet.listing import Listing
from tests.compliance_api.conftest import Api
from tests.queries.fleet import Fleet, bad, good


@pytest.fixture(autouse=True)
def rows(api: Api, fleet: Fleet) -> None:
    fleet.run(hours_ago=1, alpha=[bad()], beta=[good()], gamma=[good()])


def forged(content: Any) -> str:
    """A token with a good check sum, as somebody makes who has read the source."""
    data = content if isinstance(content, bytes) else orjson.dumps(content)
    digest = paging._digest(data, repr(Listing.parse({})))
    return base64.urlsafe_b64encode(digest + data).decode().rstrip("=")


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"{", {}, None, 1, "x", [], [1], [None] * 7, [[]] * 7, [1.5, 2, 3, 4, "a", "b", "c"], ["a"] * 7, [True, 0, 0, 0, "", "", ""], [{"a": 1}]],
    ids=str,
)  # fmt: skip
async def test_a_forged_token_is_400(api: Api, content: Any) -> None:
    reply = await api.get("compliance/applications", page_token=forged(content))

    assert (reply.status, reply.json["field"]) == (400, "page_token")


@pytest.mark.parametrize("token", ["x", "é", "=" * 100, "A" * 10_000, "..", "\x00", "AAAAAAAAAAAAAAAAAAAA"])
async def test_what_is_no_token_is_400(api: Api, token: str) -> None:
    for path in ("compliance/applications", "saved_queries/applications"):
        assert (await api.get(path, page_token=token)).status == 400


async def test_a_token_of_another_question_is_400(api: Api) -> None:
    token = (await api.get("compliance/applications", page_size=1)).json["next_page_token"]
    saved = (await api.get("saved_queries/applications", page_size=1)).json["next_page_token"]

    assert token
    assert saved
    assert (await api.get("compliance/applications", page_size=1, page_token=token)).status == 200
    assert (await api.get("compliance/applications", sort="customer", page_token=token)).status == 400
    assert (await api.get("compliance/applications", page_token=saved)).status == 400
    assert (await api.get("saved_queries/applications", page_token=token)).status == 400
    assert (await api.get("saved_queries/assignments", page_token=saved)).status == 400
