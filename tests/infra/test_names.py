from __future__ import annotations

from pathlib import Path

import pytest

from checks.reach.scenarios import scenarios
from checks.templates.deployment import deploy
from infra.hooks import names

INFRA = Path(__file__).resolve().parents[2] / "infra"
SUBSCRIPTION = "aaaaaaaa-0000-0000-0000-000000000001"


PUBLISHED = {
    # github.com/Azure/commercial-marketplace-offer-deploy: what an ARM template put out
    "/subscriptions/31e9f9a0-9fd2-4294-a0a3-0101246d9700/resourceGroups/rg-modm201-20230913120256/providers/"
    "Microsoft.Compute/virtualMachines/bobjacmodm201": "yvjxno3je5on2",
    # the tests of ArmFunctions in the public AzureNaming.Utilities
    "tyeth": "zcztcwvu6iyg6",
    "/subscriptions/3c7f956b-55ee-4686-9d30-da1eb631dc59/resourceGroups/rg-devopsshieldek010dev": "fd63l2gacbtca",
}


@pytest.mark.parametrize(("value", "expected"), PUBLISHED.items())
def test_unique_strings_are_those_that_were_published(value: str, expected: str) -> None:
    assert names.unique_string(value) == expected


@pytest.mark.parametrize(("values", "expected"), [(("hello", "world"), "a7wkljktk6wne"), (("test",), "rbgf3xv4ufgzg")])
def test_several_values_are_joined_with_dashes(values: tuple[str, ...], expected: str) -> None:
    assert names.unique_string(*values) == expected == names.unique_string("-".join(values))


def test_the_names_are_those_of_the_templates() -> None:
    templates = "\n".join(path.read_text() for path in INFRA.rglob("*.bicep"))
    assert "var resourceToken = toLower(uniqueString(subscription().id, environmentName, location))" in templates
    computed = names.resource_names(SUBSCRIPTION, "production", "westeurope")
    token = names.unique_string(f"/subscriptions/{SUBSCRIPTION}", "production", "westeurope")
    made = {
        (resource.type.rpartition("/")[2], resource.name.replace("…", token))
        for resource in deploy({**scenarios()[0], "apiClientId": "x"}).resources
    }
    assert {("resourceGroups", computed.resource_group), ("vaults", computed.key_vault)} <= made
    for app in computed.apps:
        assert ("sites", app.function_app) in made
        assert ("userAssignedIdentities", app.identity) in made
        assert ("storageAccounts", app.storage_account) in made


def test_the_front_has_the_names_of_the_single_app_that_there_was_before() -> None:
    """Its address stands in the plans, its keys lie in its storage account: an upgrade must find both."""
    token = "abcdefghijklm"
    front = names.app_names("front", token)
    assert (front.function_app, front.identity, front.storage_account) == (
        f"func-{token}",
        f"id-app-{token}",
        f"st{token}",
    )
    (plan,) = [one for one in deploy(scenarios()[0]).of_type("Microsoft.Web/serverfarms") if "worker" not in one.name]
    assert plan.name == "plan-…"


def test_no_name_is_longer_than_its_resource_allows() -> None:
    for app in names.resource_names(SUBSCRIPTION, "production", "westeurope").apps:
        assert len(app.storage_account) <= 24
        assert app.storage_account.isalnum()
        assert len(app.function_app) <= 60


def test_the_token_and_the_environment_follow_from_other_names() -> None:
    computed = names.resource_names(SUBSCRIPTION, "production", "westeurope")
    front = computed.app("front")
    assert names.app_names("front", names.token_of(front.function_app)) == front
    assert names.environment_of(computed.resource_group) == "production"
