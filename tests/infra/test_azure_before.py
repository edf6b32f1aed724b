"""What is asked of Azure before a deployment: where it is deployed, names, regions, providers, tenants, clouds."""

from __future__ import annotations

import pytest

from infra.hooks.before import cloud_checks
from infra.hooks.names import resource_names
from tests.infra import azure_states as states
from tests.infra.azure_states import NAMES, SUBSCRIPTION, TENANT, AzureCli, check
from tests.infra.test_parameters import GUID

API = "66666666-7777-8888-9999-000000000000"
ELSEWHERE = "dddddddd-0000-0000-0000-000000000004"


def test_the_cli_looks_where_azd_deploys(azure_cli: AzureCli) -> None:
    azure_cli(states.EVERYTHING)
    report = check(AZURE_SUBSCRIPTION_ID=SUBSCRIPTION.upper(), AZURE_TENANT_ID=TENANT.upper())
    assert (report.problems, report.notes) == ([], [])


def test_the_object_id_in_place_of_the_client_id_is_refused_with_the_right_one(azure_cli: AzureCli) -> None:
    azure_cli({f"ad sp show --id {GUID}": {"id": GUID, "appId": API}, **states.EVERYTHING})
    (problem,) = check().problems
    assert problem.startswith(f"publisherClientId (PUBLISHER_CLIENT_ID): {GUID} is the object id")
    assert problem.endswith(f"run: azd env set PUBLISHER_CLIENT_ID {API}")


def test_a_region_without_flex_consumption_is_refused_with_those_that_have_it(azure_cli: AzureCli) -> None:
    azure_cli({**states.NOTHING, "group show": states.NO_GROUP})
    (problem,) = check(AZURE_LOCATION="moon").problems
    assert "moon does not offer" in problem
    assert "northeurope, westeurope; run: azd env set AZURE_LOCATION <region>" in problem


def test_on_github_the_command_sets_a_variable_there(azure_cli: AzureCli, monkeypatch: pytest.MonkeyPatch) -> None:
    azure_cli(states.NOTHING)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("AZURE_ENV_NAME", "staging")
    (problem,) = check(AZURE_LOCATION="moon").problems
    assert problem.endswith("run: gh variable set AZURE_LOCATION --env staging --body <region>")


def test_a_registration_without_service_principal_is_refused(azure_cli: AzureCli) -> None:
    azure_cli({f"ad sp show --id {API}": "ERROR: Resource 'x' does not exist or ...", **states.EVERYTHING})
    (problem,) = check(API_CLIENT_ID=API).problems
    assert problem.startswith(f"apiClientId (API_CLIENT_ID): {API} has no service principal")
    assert problem.endswith(f"az ad sp create --id {API}")


@pytest.mark.parametrize("kind", ["certificate", "secret"])
def test_a_registration_in_another_tenant_works_with_a_credential(azure_cli: AzureCli, kind: str) -> None:
    asked = azure_cli(states.EVERYTHING)
    report = check(PUBLISHER_TENANT_ID=ELSEWHERE, CREDENTIAL_KIND=kind, PUBLISHER_CREDENTIAL="x")
    assert report.problems == []
    (note,) = report.notes
    assert f"az login --tenant {ELSEWHERE} --allow-no-subscriptions, and then: az ad sp show --id {GUID}" in note
    assert "ad " not in asked.read_text()


def test_in_another_tenant_neither_federation_nor_the_api_can_work(azure_cli: AzureCli) -> None:
    azure_cli(states.EVERYTHING)
    kind, api = check(PUBLISHER_TENANT_ID=ELSEWHERE, API_CLIENT_ID=API).problems
    assert kind.startswith("credentialKind (CREDENTIAL_KIND): ")
    assert "publisherTenantId (PUBLISHER_TENANT_ID)" in kind
    assert kind.endswith("run: azd env set CREDENTIAL_KIND certificate")
    assert api.startswith("apiClientId (API_CLIENT_ID): ")
    assert api.endswith('run: azd env set API_CLIENT_ID ""')


def test_the_subscriptions_own_tenant_is_no_other_tenant(azure_cli: AzureCli) -> None:
    azure_cli(states.EVERYTHING)
    report = check(PUBLISHER_TENANT_ID=TENANT.upper())
    assert (report.problems, report.notes) == ([], [])


def test_a_credential_mode_without_a_value_is_noted(azure_cli: AzureCli) -> None:
    azure_cli(states.EVERYTHING)
    report = check(CREDENTIAL_KIND="secret")
    assert report.problems == []
    assert "key vault must already hold it" in report.notes[0]


def test_a_cloud_that_is_not_listed_is_refused(azure_cli: AzureCli) -> None:
    account = {**states.SIGNED_IN["account show"], "environmentName": "AzureGermanCloud"}
    azure_cli({**states.EVERYTHING, "account show": account})
    (problem,) = check().problems
    assert problem.startswith("cloud: infra/clouds.json does not list AzureGermanCloud")
    assert "az cloud set --name" in problem


def test_the_watch_over_the_root_is_refused_where_alerts_cannot_read_resource_graph(azure_cli: AzureCli) -> None:
    account = {**states.SIGNED_IN["account show"], "environmentName": "AzureUSGovernment"}
    azure_cli({**states.EVERYTHING, "account show": account})
    (problem,) = check(ALERT_ON_ELEVATED_ACCESS="true").problems
    assert problem.startswith("alertOnElevatedAccess (ALERT_ON_ELEVATED_ACCESS): ")
    assert problem.endswith("run: azd env set ALERT_ON_ELEVATED_ACCESS false")


def test_the_group_of_another_region_cannot_be_used(azure_cli: AzureCli) -> None:
    azure_cli({**states.EVERYTHING, "group show": {"location": "northeurope"}})
    (problem,) = check().problems
    assert "rg-production is in northeurope and cannot move" in problem
    assert problem.endswith("run: azd env set AZURE_LOCATION northeurope")


def test_a_region_that_is_spelled_in_another_way_would_make_a_second_installation(azure_cli: AzureCli) -> None:
    azure_cli(states.EVERYTHING)
    (problem,) = check(AZURE_LOCATION="West Europe").problems
    assert problem.startswith("location (AZURE_LOCATION): ")
    assert states.FRONT.identity in problem
    assert problem.endswith("run: azd env set AZURE_LOCATION <region as it was spelled before>")


@pytest.mark.parametrize(("group", "has_group"), [(states.NO_GROUP, False), ({"location": "West Europe"}, True)])
def test_a_deleted_vault_that_holds_the_name_is_recovered(azure_cli: AzureCli, group: object, has_group: bool) -> None:
    azure_cli({**states.EMPTY_GROUP, "group show": group, "keyvault list-deleted": [{"name": NAMES.key_vault}]})
    (problem,) = check().problems
    recover = f"az keyvault recover --name {NAMES.key_vault} --location westeurope --resource-group rg-production"
    assert problem.endswith(recover)
    assert ("az group create --name rg-production --location westeurope" in problem) is not has_group


def test_names_that_others_have_are_refused_all_at_once(azure_cli: AzureCli) -> None:
    asked = azure_cli({**states.NOTHING, **states.TAKEN, "keyvault list-deleted": [{"name": NAMES.key_vault}]})
    problems = check().problems
    taken = [NAMES.key_vault]
    taken += [name for app in (states.FRONT, states.WORKER) for name in (app.storage_account, app.function_app)]
    assert [f" {name} " in problem for name, problem in zip(taken, problems, strict=True)] == [True] * 5
    assert problems[1].startswith("environmentName (AZURE_ENV_NAME): ")
    assert "(It is taken.)" in problems[1]
    assert problems[2].endswith("run: azd env new <other name>")
    assert f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Web/checkNameAvailability" in asked.read_text()


def test_the_names_of_the_api_have_to_be_free_only_when_there_is_one(azure_cli: AzureCli) -> None:
    azure_cli({**states.NOTHING, **states.TAKEN})
    assert not any(states.API.function_app in problem for problem in check().problems)
    problems = check(API_CLIENT_ID=API).problems
    assert any(f"function app {states.API.function_app} is taken" in problem for problem in problems)
    assert any(f"storage account {states.API.storage_account} is taken" in problem for problem in problems)


def test_the_name_of_a_vault_that_somebody_else_has_is_refused(azure_cli: AzureCli) -> None:
    vaults = (
        f"rest --method post --url /subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/checkNameAvailability"
    )
    azure_cli({vaults: {"nameAvailable": False}, **states.NOTHING})
    (problem,) = check().problems
    assert f"the name of the key vault {NAMES.key_vault} is taken outside this deployment; names" in problem


def test_a_taken_name_needs_another_environment_of_github_there(
    azure_cli: AzureCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure_cli({**states.NOTHING, "storage account check-name": {"nameAvailable": False}})
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    problems = check().problems
    assert len(problems) == 2
    for problem in problems:
        assert "make a GitHub environment with another name" in problem
        assert "azd" not in problem


def test_a_region_with_spaces_stays_one_word_of_a_command(azure_cli: AzureCli) -> None:
    vault = resource_names(SUBSCRIPTION, "production", "West Europe").key_vault
    azure_cli({**states.NOTHING, "keyvault list-deleted": [{"name": vault}]})
    assert "--location westeurope --resource-group" in check(AZURE_LOCATION="West Europe").problems[0]
    azure_cli({**states.EVERYTHING, "group show": {"location": "North Europe"}})
    assert check().problems[0].endswith('run: azd env set AZURE_LOCATION "North Europe"')


def test_the_providers_are_those_of_the_templates() -> None:
    private = cloud_checks.required_providers(is_private=True)
    public = cloud_checks.required_providers(is_private=False)
    assert [name.lower() for name in private] == [name.lower() for name in states.PROVIDERS]
    assert set(private) - set(public) == set(cloud_checks.PRIVATE_MODE_PROVIDERS)


@pytest.mark.parametrize("provider", cloud_checks.PRIVATE_MODE_PROVIDERS)
def test_the_private_mode_wants_its_providers_before(azure_cli: AzureCli, provider: str) -> None:
    azure_cli({**states.EVERYTHING, "provider list": states.providers(provider)})
    assert check().problems == []
    (problem,) = check(PRIVATE_NETWORKING="true").problems
    assert problem.startswith("privateNetworking (PRIVATE_NETWORKING): ")
    assert problem.endswith(f"run: az provider register --namespace {provider} --wait")


OWNER = {"actions": ["*"], "notActions": []}
CONTRIBUTOR = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}


@pytest.mark.parametrize(
    ("permissions", "may_register"),
    [
        ({"value": [OWNER]}, True),
        ({"value": [{"actions": ["*/read"]}, CONTRIBUTOR]}, True),
        ({"value": [{"actions": ["microsoft.web/*"]}]}, True),
        ({"value": [{"actions": ["*"], "notActions": ["*/register/action"]}]}, False),
        ({"value": [{"actions": ["Microsoft.Web/sites/*"]}]}, False),
        ({"value": None}, False),
        (states.REFUSED, False),
    ],
)
def test_a_missing_provider_is_a_problem_for_who_may_not_register_it(
    azure_cli: AzureCli, permissions: object, may_register: bool
) -> None:
    azure_cli({**states.NOTHING, "provider list": states.providers("Microsoft.Web"), "rest --method get": permissions})
    report = check()
    told = [line for line in (*report.problems, *report.notes) if "Microsoft.Web" in line]
    assert len(told) == 1
    assert told[0].endswith("az provider register --namespace Microsoft.Web --wait")
    assert bool(report.problems) is not may_register
