"""Ids and names from outside: an id means one application, and no name alters a query."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from collector.reading.ownership import owned_scopes
from publisher.policy_states.query import query_url
from publisher.resource_ids import ApplicationId, InvalidResourceId, ResourceGroupId
from registry.managed_application import ExpectedAssignment, ManagedApplication
from tests.reliability.hostile_requests import SUBSCRIPTION, application_ids, junk_text, segment


@given(application_ids())
def test_an_id_that_is_taken_can_only_mean_one_application(text: str) -> None:
    try:
        identity = ApplicationId.parse(text)
    except InvalidResourceId:
        return
    assert ApplicationId.parse(str(identity)) == identity
    assert quote(str(identity), safe="/()").count("/") == 8
    assert not set(identity.partition_key + identity.row_key) & set("/\\#?%'\t\n\r\x7f")
    assert identity.row_key.count("|") == 2
    assert not {".", ".."} & set(str(identity).split("/"))


def _is_utf8(text: str) -> bool:
    return text.isascii() or "\ufffd" not in text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


names = st.one_of(segment, junk_text).filter(_is_utf8)  # what is read from JSON is


@given(
    st.lists(st.tuples(names, names), max_size=4),
    st.sampled_from(["mrg", "mrg-(a)_b.c", "MRG-ß"]),
)
def test_nothing_from_outside_can_alter_the_filter_of_a_policy_query(
    assigned: list[tuple[str, str]], group: str
) -> None:
    identity = ApplicationId(SUBSCRIPTION, "rg", "app")
    managed = ResourceGroupId(SUBSCRIPTION, group)
    application = ManagedApplication(
        identity,
        managed,
        "Contoso",
        assignments=tuple(
            ExpectedAssignment(
                f"{managed}/providers/a/{scope}/providers/Microsoft.Authorization/policyAssignments/{name}", "", "", ""
            )
            for scope, name in assigned
        ),
    )
    url = query_url("https://arm.example", managed, datetime(2026, 1, 1, tzinfo=UTC), scopes=owned_scopes(application))
    parts = urlsplit(url)
    parameters = dict(pair.split("=") for pair in parts.query.split("&"))
    assert sorted(parameters) == ["$filter", "$from", "$select", "api-version"]
    term = r"PolicyAssignmentScope eq '((?:[^']|'')*)'"
    text = unquote(parameters["$filter"], errors="strict")
    assert re.fullmatch(f"{term}(?: or {term})*", text, re.DOTALL)
    spellings = [found.replace("''", "'") for found in re.findall(term, text, re.DOTALL)]
    scopes = owned_scopes(application)
    assert {spelling.lower() for spelling in spellings} == {scope.lower() for scope in scopes}
    assert set(scopes) <= set(spellings)
