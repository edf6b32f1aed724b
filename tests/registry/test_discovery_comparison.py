"""What Azure shows against what the registry has: everybody who is shown ends in one place, and nobody is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from publisher.errors.kinds import AccessDenied, Throttled
from publisher.resource_ids import ApplicationId, ResourceGroupId
from publisher.resource_manager import Application
from registry.discovery.comparison import compare
from registry.discovery.known import Known
from registry.discovery.search import Searched
from registry.discovery.subscriptions import Listed, Subscription, to_search
from registry.managed_application import Removal, Removed

SUBSCRIPTIONS = tuple(f"abcdef00-0000-4000-8000-00000000000{digit}" for digit in "abc")
NOW = datetime(2026, 3, 4, tzinfo=UTC)
IDS = [ApplicationId(one, "rg", f"app-{number}") for one in SUBSCRIPTIONS for number in range(3)]


def application(identity: ApplicationId, state: str, publisher: str, problem: str) -> Application:
    group = None if problem else ResourceGroupId(identity.subscription_id, "mrg")
    return Application(identity, group, state, "", "", publisher, "", "", "", "", group_problem=problem)


def refusal(one: Application) -> str:
    return "" if one.plan_publisher == "contoso" else "not ours"


def removed(identity: ApplicationId, *, confirmed: bool, by: str) -> Removed:
    return Removed(identity, Removal(NOW, confirmed, by), by != "Azure")


applications = st.builds(
    application,
    st.sampled_from(IDS),
    st.sampled_from(["Succeeded", "deleting", "Deleted", "Failed", ""]),
    st.sampled_from(["contoso", "mallory"]),
    st.sampled_from(["", "it names no group"]),
)
tombstones = st.builds(removed, st.sampled_from(IDS), confirmed=st.booleans(), by=st.sampled_from(["Azure", "ada"]))
failures = st.none() | st.sampled_from([AccessDenied("no", code="No"), Throttled("wait", code="Wait")])
searches = st.builds(
    Searched,
    st.builds(Subscription, st.sampled_from(SUBSCRIPTIONS), is_expected=st.booleans()),
    st.lists(applications, max_size=4).map(tuple),
    failures,
    st.lists(st.just("no id"), max_size=1).map(tuple),
)


@given(
    st.frozensets(st.sampled_from(IDS)),
    st.lists(tombstones, max_size=4),
    st.lists(searches, max_size=3, unique_by=lambda one: one.subscription.id),
    st.lists(applications, max_size=2),
)
def test_everybody_who_is_shown_is_registered_or_told_in_one_place(
    registered: frozenset[ApplicationId], gone: list[Removed], found: list[Searched], confirmed: list[Application]
) -> None:
    tombs = {one.application_id: one for one in gone if one.application_id not in registered}
    known = Known(registered, tombs)

    result = compare(known, found, confirmed, refusal)

    shown = {one.id for searched in found for one in searched.applications} | {one.id for one in confirmed}
    places = [result.missing, result.left_alone, result.unusable, result.foreign, result.going]
    told = [identity for place in places for identity in place]
    assert sorted(map(str, told)) == sorted(map(str, shown - registered))
    assert not any(tombs[one].is_operators for one in result.missing if one in tombs)
    assert all(one in registered and one not in shown for one in result.unseen)
    read = {one.subscription.id for one in found if not one.problem}
    assert {one.subscription_id for one in result.unseen} <= read
    assert result.searched + len(result.unread) + len(result.out_of_sight) == len(found)
    assert all(not one.subscription.is_expected for one in result.out_of_sight)
    assert result.is_complete is (not result.unread)


def test_a_subscription_of_the_registry_is_expected_unless_everybody_left_for_sure_and_azure_lists_it_not() -> None:
    listed, registered, left = SUBSCRIPTIONS
    known = Known(subscriptions=frozenset(SUBSCRIPTIONS), expecting=frozenset({registered}))
    places = {one.id: one for one in to_search(Listed({listed: Subscription(listed, "Contoso")}), known)}
    assert {one: place.is_expected for one, place in places.items()} == {listed: True, registered: True, left: False}
    assert str(places[listed]) == f"Contoso ({listed})"
    half_read = to_search(Listed({}, ("it broke off",)), known)
    assert all(one.is_expected for one in half_read)
