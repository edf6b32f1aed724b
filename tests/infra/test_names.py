from __future__ import annotations

import re
from pathlib import Path

import pytest

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
    # The expression of each name, as Bicep writes it.
    expressions = {
        computed.resource_group: ("resourceGroup", "${environmentName}"),
        computed.app_identity: ("managedIdentity", "app-${resourceToken}"),
        computed.function_app: ("functionApp", "${resourceToken}"),
        computed.key_vault: ("keyVault", "${resourceToken}"),
        computed.storage_account: ("storageAccount", "${resourceToken}"),
    }
    short = dict(re.findall(r'"(\w+)": "([\w-]+)"', (INFRA / "abbreviations.json").read_text()))
    for name, (abbreviation, rest) in expressions.items():
        assert f"'${{abbreviations.{abbreviation}}}{rest}'" in templates
        filled = rest.replace("${resourceToken}", token).replace("${environmentName}", "production")
        assert name == short[abbreviation] + filled


def test_identity_and_environment_follow_from_other_names() -> None:
    computed = names.resource_names(SUBSCRIPTION, "production", "westeurope")
    assert names.identity_of(computed.function_app) == computed.app_identity
    assert names.environment_of(computed.resource_group) == "production"
