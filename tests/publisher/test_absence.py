"""An absence is only Azure Resource Manager's own JSON word, and only about what was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors.absence import is_about, says_gone
from publisher.errors.answers import failure_of_status
from publisher.errors.kinds import AzureFailure, NotFound, TransientFailure
from publisher.resource_ids import ApplicationId, ResourceGroupId

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
OTHER_SUBSCRIPTION = "99999999-2222-4333-8444-555555555555"
SHOP = ApplicationId(SUBSCRIPTION, "rg-contoso", "shop")
GROUP = ResourceGroupId(SUBSCRIPTION, "rg-contoso")
TYPE = "Microsoft.Solutions/applications"
DATABASE = f"{GROUP}/providers/Microsoft.Sql/servers/one/databases/two"
ASSIGNMENT = f"{GROUP}/providers/Microsoft.Authorization/policyAssignments/keep-private"


def not_found(message: str, *, code: str = "ResourceNotFound", **more: object) -> AzureFailure:
    body = {"error": {"code": code, "message": message, **more}}
    return failure_of_status(404, {}, json.dumps(body))


@pytest.mark.parametrize("message", [
    "It was not found.",
    "",
    "The requested resource was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    "The resource doesn't exist.",
    f"The Resource '{TYPE}/shop' under resource group 'rg-contoso' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    f'The Resource "{TYPE}/SHOP" under resource group "RG-Contoso" was not found.',
    f"The Resource `{TYPE}/shop` couldn\u2019t be found.",
    f"The Resource \u2018{TYPE}/shop\u2019 under resource group \u201crg-contoso\u201d was not found.",
    f"The Resource &#39;{TYPE}/shop&#39; under resource group &quot;rg-contoso&quot; was not found.",
    f"The Resource \\u0027{TYPE}/shop\\u0027 was not found.",
    f"The Resource {TYPE}/shop under resource group rg-contoso was not found.",
    f"The resource {SHOP} was not found.",
    f"The resource '{str(SHOP).upper()}' was not found in subscription {SUBSCRIPTION}.",
    f"Could not find {SHOP}",
    f"GET https://management.azure.com{SHOP}?api-version=2021-07-01: it was not found.",
    f"Resource 'shop' of type '{TYPE}' was not found.",
    "The application shop in resource group rg-contoso does not exist.",
    "Application with name shop was not found.",
    "The resource was not found (404). See https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/ or aka.ms/arm-404.",
    "The gateway was asked for a resource that is gone.",
])  # fmt: skip
def test_what_names_nothing_or_only_what_was_asked_for_is_an_absence(message: str) -> None:
    assert says_gone(not_found(message), SHOP)


NAMES_SOMETHING_ELSE = [
    f"{TYPE}/shop-2", f"{TYPE}/sho", "Microsoft.Solutions/jitRequests/shop", "Microsoft.Solutions/applicationDefinitions/shop",
    "Microsoft.Network/applications/shop", f"{TYPE}/shop/providers/Microsoft.Insights/locks/shop", f"{TYPE}/shop/parts/shop",
    "other/shop", str(SHOP).replace(SUBSCRIPTION, OTHER_SUBSCRIPTION), str(SHOP).replace("rg-contoso", "rg-fabrikam"),
    f"{SHOP}/providers/Microsoft.Authorization/locks/a", str(SHOP).replace("shop", "till"), str(GROUP), "rg-contoso", TYPE,
    f"{TYPE}/shop…", f"https://management.azure.com{str(SHOP).replace('shop', 'till')}",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES_SOMETHING_ELSE)
@pytest.mark.parametrize(
    "quotes", ["''", '""', "``", "\u2018\u2019", "\u201c\u201d", "\u201e\u201c", "\u00ab\u00bb", "\u00b4\u00b4", ("&#39;", "&#39;"), ("&apos;", "&apos;"), ('\\"', '\\"'), ("[", "]"), ("", "")]
)  # fmt: skip
def test_what_names_something_else_is_none_however_it_is_quoted(name: str, quotes: str | tuple[str, str]) -> None:
    opening, closing = quotes
    assert not says_gone(not_found(f"The Resource {opening}{name}{closing} was not found."), SHOP)
    assert not says_gone(not_found(f"Not found: {opening}{name}{closing}"), SHOP)


@pytest.mark.parametrize("message", [
    f"The Resource '{TYPE}/shop' under resource group 'rg-fabrikam' was not found.",
    f"The Resource '{TYPE}/shop' under resource group rg-fabrikam was not found.",
    f"The Resource '{TYPE}/shop' under resource group with the name 'fabrikam' was not found.",
    f"The Resource {TYPE}/shop under resource group shop was not found.",
    f"The Resource '{TYPE}/shop' in subscription '{OTHER_SUBSCRIPTION}' was not found.",
    f"The Resource '{TYPE}/shop' in subscription {OTHER_SUBSCRIPTION} was not found.",
    f"The Resource '{TYPE}/shop' was not found. The Resource '{TYPE}/till' was not found.",
    f"The Resources '{TYPE}/shop', 'till' were not found.",
    f"The Resource '{TYPE}/shop' or its parent 'Microsoft.Web/sites/x' was not found.",
    f"The Resource '{TYPE}/shop' was not found, and store2 neither.",
    f"The Resource '{TYPE}/shop",
    f"The Resource '{TYPE}/sho",
    f"The Resource '{TYPE}/shop' under resource group 'rg-con",
    f"The Resource {TYPE}/shop...",
    f"The Resource '{TYPE}/shop' was not found. " + "Look there. " * 400,
    "The application till does not exist.",
    "Resource till was not found.",
    "till was not found.",
    "till is gone.",
    "Resource shop_ was not found.",
    "Resource .shop was not found.",
    "Resource (till) was not found.",
    "https://till.example/ was not found.",
    "GET https://management.azure.com/providers/Microsoft.Management/managementGroups/till: it was not found.",
    "The deployment till is missing.",
    f"The Resource '{TYPE}/shop/' was not found.",
    "Could not find till.",
    "name=till",
    "AADSTS500011: The resource principal was not found in the tenant.",
])  # fmt: skip
def test_one_name_that_does_not_fit_or_is_cut_is_enough(message: str) -> None:
    assert not says_gone(not_found(message), SHOP)


@pytest.mark.parametrize("more", [
    {"target": "till"},
    {"target": f"{TYPE}/till"},
    {"Target": str(SHOP).replace("rg-contoso", "rg-fabrikam")},
    {"target": ["till"]},
    {"resourceId": f"{SHOP}/parts/a"},
    {"resourceGroup": "shop"},
    {"subscriptionId": OTHER_SUBSCRIPTION},
    {"details": [{"code": "ResourceNotFound", "message": "m", "target": "till"}]},
    {"details": [{"code": "ResourceNotFound", "message": f"'{TYPE}/shop'"}, {"code": "ResourceNotFound", "message": f"'{TYPE}/till'"}]},
    {"innererror": {"message": "The resource 'till' was not found."}},
    {"detail": "The resource 'till' was not found."},
    {"message": "<Error><Code>ResourceNotFound</Code><Message>The resource till does not exist.</Message></Error>"},
    {"errorCode": "Timeout"},
    {"statusCode": 503},
], ids=str)  # fmt: skip
def test_the_target_and_every_detail_are_held_against_what_was_asked_for(more: dict[str, Any]) -> None:
    assert not says_gone(not_found(**{"message": "It was not found.", **more}), SHOP)


@pytest.mark.parametrize(
    "more",
    [{"target": None}, {"target": ""}, {"target": "shop"}, {"target": f"{SHOP}"}, {"resourceGroup": "rg-contoso"}, {"statusCode": 404}],
    ids=str,
)  # fmt: skip
def test_a_target_that_fits_changes_nothing(more: dict[str, Any]) -> None:
    message = f"The Resource '{TYPE}/shop' was not found."
    assert says_gone(not_found(message, **more), SHOP)


@pytest.mark.parametrize(("message", "is_gone"), [
    ("Resource group 'rg-contoso' could not be found.", True),
    ("Resource group rg-contoso could not be found.", True),
    (f"Resource group '{GROUP}' could not be found in subscription '{SUBSCRIPTION}'.", True),
    ("The resource group could not be found.", True),
    ("Resource group 'rg-contoso-2' could not be found.", False),
    ("Resource group rg-contoso-2 could not be found.", False),
    ("Resource group fabrikam could not be found.", False),
    ("Resource group 'shop' could not be found.", False),
    ("Resource groups 'rg-contoso', 'rg-fabrikam' could not be found.", False),
    (f"Resource group '/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/rg-contoso' could not be found.", False),
    ("Resource group 'rg-contoso", False),
    ("The application 'shop' could not be found.", False),
])  # fmt: skip
def test_a_missing_group_is_the_one_that_was_asked_for(message: str, is_gone: bool) -> None:
    failure = not_found(message, code="ResourceGroupNotFound")
    assert says_gone(failure, SHOP) is is_gone
    assert says_gone(failure, GROUP) is is_gone


@pytest.mark.parametrize(("asked", "message", "is_it"), [
    (DATABASE, "The Resource 'Microsoft.Sql/servers/one/databases/two' under resource group 'rg-contoso' was not found.", True),
    (DATABASE, "The Resource 'Microsoft.Sql/servers/one' under resource group 'rg-contoso' was not found.", False),
    (DATABASE, "The Resource 'Microsoft.Sql/servers/other/databases/two' was not found.", False),
    (ASSIGNMENT, "The policy assignment 'keep-private' is not found.", True),
    (ASSIGNMENT, "The policy assignment 'keep-private' could not be found in 'rg-contoso'.", True),
    (ASSIGNMENT, "The policy assignment keep-public is not found.", False),
    (ASSIGNMENT, "The policy definition 'keep-private-definition' could not be found.", False),
])  # fmt: skip
def test_children_and_assignments_are_held_against_the_whole_of_their_names(
    asked: str, message: str, is_it: bool
) -> None:
    assert is_about(not_found(message), asked) is is_it


@pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceGroupNotFound"])
def test_xml_headers_and_texts_are_not_arms_word(code: str) -> None:
    header = {"x-ms-error-code": code}
    message = "The specified resource does not exist."
    for headers, body in (
        (header, ""),
        (header, message),
        (header, "{}"),
        ({}, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"),
        ({}, f"{code}: {message}"),
        ({}, json.dumps([{"code": code, "message": message}])),
        ({}, json.dumps(json.dumps({"error": {"code": code, "message": message}}))),
        ({}, json.dumps({"error": {"code": code, "message": message}})[:-1]),
    ):
        failure = failure_of_status(404, headers, body)
        assert not says_gone(failure, SHOP)
        assert not says_gone(failure, GROUP)
        assert not is_about(failure, str(SHOP))


def test_storage_still_says_that_an_entity_does_not_exist() -> None:
    assert isinstance(failure_of_status(404, {"x-ms-error-code": "ResourceNotFound"}, ""), NotFound)
    assert isinstance(failure_of_status(404, {}, "<Error><Code>QueueNotFound</Code></Error>"), NotFound)


@pytest.mark.parametrize("body", [
    '{"error": {"code": "ResourceNotFound"}, "error": {"code": "ResourceNotFound"}}',
    '{"error": {"code": "Throttled"}, "error": {"code": "ResourceNotFound"}}',
    '{"error": {"code": "ResourceNotFound"}, "error": null}',
    '{"Error": {"code": "Throttled"}, "error": {"code": "ResourceNotFound"}}',
    '{"error": {"code": "Throttled", "code": "ResourceNotFound"}}',
    '{"error": {"code": "ResourceNotFound", "Code": "Throttled"}}',
    '{"error": {"CODE": "ResourceNotFound", "code": "ResourceNotFound"}}',
    '{"code": "ResourceNotFound", "code": "ResourceNotFound"}',
])  # fmt: skip
def test_a_name_that_comes_twice_is_read_as_neither(body: str) -> None:
    failure = failure_of_status(404, {}, body)
    assert type(failure) is TransientFailure
    assert failure.code == "Http404"
    assert not says_gone(failure, SHOP)


@pytest.mark.parametrize("body", [
    '{"error": {"code": "ResourceNotFound", "message": "The resource \'till\'", "message": "It was not found."}}',
    '{"error": {"code": "ResourceNotFound", "details": [{"code": "Throttled", "code": "ResourceNotFound"}]}}',
    '{"error": {"code": "ResourceNotFound", "details": [{"code": "Throttled"}], "Details": []}}',
])  # fmt: skip
def test_what_contradicts_itself_is_no_absence(body: str) -> None:
    assert not says_gone(failure_of_status(404, {}, body), SHOP)


@given(st.text(alphabet="'\"`\u2018\u2019 ./-_0aA:&#39;…resourcegroup", max_size=60))
def test_no_message_about_another_resource_is_an_absence(noise: str) -> None:
    assert not says_gone(not_found(f"{noise} {TYPE}/till {noise}"), SHOP)
    assert not says_gone(not_found(f"{noise} '{TYPE}/till' {noise}"), SHOP)
