from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from checks import bicep
from checks import infrastructure as infrastructure_checks
from checks.documents.markdown import read
from checks.reach.scenarios import scenarios
from checks.templates.deployment import deploy

DOCS = bicep.INFRASTRUCTURE.parent / "docs"


def test_the_templates_hold_together() -> None:
    assert bicep.problems() == []
    assert infrastructure_checks.problems() == []


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{old!r} is not in {file}"
    file.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("modules/identity.bicep", "name: identityName", "name: identityName }", "syntax error"),
        (
            "main.bicep",
            "    storageSku: storageSku\n",
            "",
            "module foundation: modules/foundation.bicep requires storageSku",
        ),
        (
            "main.bicep",
            "    storageSku: storageSku\n",
            "    storageSku: storageSku\n    colour: 'blue'\n",
            "module foundation: modules/foundation.bicep has no parameter colour",
        ),
        (
            "main.bicep",
            "'modules/identity.bicep'",
            "'modules/identities.bicep'",
            "modules/identities.bicep does not exist",
        ),
        (
            "main.bicep",
            "identities[workerApp].outputs.principalId",
            "identities[workerApp].outputs.objectId",
            "module identities has no output objectId",
        ),
        (
            "main.bicep",
            "    identityName: api.identity\n",
            "    identityName: alertsIdentity.outputs.principalId\n",
            "module apiReadsTables: alertsIdentity.outputs.principalId is known at run time only",
        ),
        (
            "modules/foundation.bicep",
            "    workspaceName: names.workspace\n",
            "    workspaceName: storageAccount.properties.workspace\n",
            "storageAccount.properties.workspace is known at run time only",
        ),
        ("modules/alerts.bicep", "queries/collector_silent.kql", "queries/silent.kql", "is loaded but does not exist"),
        (
            "modules/identity.bicep",
            "@description('Azure region of the identity.')\n",
            "",
            "location has no description",
        ),
        (
            "modules/identity.bicep",
            "param tags object",
            "param tags object\n\n@description('x')\nparam unused string",
            "unused is never used",
        ),
        (
            "modules/identity.bicep",
            "name: identityName",
            "name: map([identityName], n => n)[0]",
            "a lambda needs a newer Bicep",
        ),
        (
            "modules/identity.bicep",
            "identity.properties.principalId",
            "identity.?properties.principalId",
            "safe dereference needs a newer Bicep",
        ),
        (
            "modules/identity.bicep",
            "  tags: tags\n}",
            "  tags: tags\n  zones: [ 'a', 'b' ]\n}",
            "on one line needs a newer Bicep",
        ),
        ("modules/identity.bicep", "// One identity", "\n" * 150 + "// One identity", "a module has 150 lines at most"),
    ],
)
def test_a_broken_template_is_found(infrastructure: Path, file: str, old: str, new: str, complaint: str) -> None:
    replace(infrastructure / file, old, new)
    assert any(complaint in problem for problem in bicep.problems(infrastructure)), bicep.problems(infrastructure)


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (
            "modules/alerts.bicep",
            "  collector_silent: ",
            "  collector_quiet: ",
            "does not load the query collector_silent",
        ),
        (
            "modules/alerts.bicep",
            "  collector_silent: ",
            "  collector_quiet: ",
            "loads collector_quiet, which no rule uses",
        ),
        ("modules/alerts.bicep", "'let Interval = 12h;'", "'let Interval = 6h;'", "does not put anything in the place"),
        (
            "queries/collector_silent.kql",
            "2000-01-01T00:00:00Z",
            "2001-01-01",
            "collector_silent.kql does not have 2000-01-01T00:00:00Z",
        ),
        ("main.bicep", "  'PT12H'\n", "", "exactly the intervals"),
        ("main.parameters.json", '"alertEmail"', '"alertMail"', "has no parameter alertMail"),
        ("main.parameters.json", '"alertEmail"', '"alertMail"', "alertEmail is required"),
        (
            "clouds.json",
            '"monitorAudience": "https://monitor.azure.us"',
            '"audience": "x"',
            "AzureUSGovernment must have",
        ),
    ],
)
def test_data_that_the_template_does_not_know_is_found(
    infrastructure: Path, file: str, old: str, new: str, complaint: str
) -> None:
    replace(infrastructure / file, old, new)
    assert any(complaint in problem for problem in infrastructure_checks.problems(infrastructure))


def test_every_identity_of_a_rule_is_a_managed_one() -> None:
    rule = (bicep.INFRASTRUCTURE / "modules" / "log_alert.bicep").read_text()
    assert "type: 'UserAssigned'" in rule
    others = [path.name for path in bicep.INFRASTRUCTURE.rglob("*.bicep") if "scheduledQueryRules@" in path.read_text()]
    assert others == ["log_alert.bicep"], "every rule is made by the one module that gives it an identity"


def test_every_rule_links_to_its_section_of_the_runbook() -> None:
    """log_alert.bicep makes the anchor of the display name, as GitHub makes it of the heading."""
    rule = (bicep.INFRASTRUCTURE / "modules" / "log_alert.bicep").read_text()
    assert "var anchor = replace(replace(toLower(displayName), ' ', '-'), '\\'', '')\n" in rule
    assert "  Runbook: '${context.runbook}#${anchor}'\n" in rule
    assert "customProperties: union(links, context.customProperties)\n" in rule
    rules = json.loads((bicep.INFRASTRUCTURE / "alert_rules.json").read_text())["rules"]
    rules += json.loads((bicep.INFRASTRUCTURE / "security_alerts" / "rules.json").read_text()).values()
    sections = {section.anchor for section in read(DOCS / "operations.md").sections}
    for one in rules:
        assert one["displayName"].lower().replace(" ", "-").replace("'", "") in sections, one["displayName"]


def test_alerts_tell_of_rules_that_fail() -> None:
    alerts = (bicep.INFRASTRUCTURE / "modules" / "rule_alerts.bicep").read_text()
    assert alerts.count("resource unhealthy ") == 1
    conditions = re.findall(r"field: '(.*)'\n +equals: '(.*)'\n", alerts)
    assert [value for field, value in conditions if field == "category"] == ["ResourceHealth"]
    health = {value for field, value in conditions if field == "properties.currentHealthStatus"}
    assert health == {"Degraded", "Unavailable", "Unknown"}
    assert alerts.count("      resourceGroup().id\n") == 1
    sections = {section.anchor for section in read(DOCS / "operations.md").sections}
    assert set(re.findall(r"runbook\}#([\w-]+)'", alerts)) <= sections


def test_every_alert_of_the_activity_log_links_to_its_section_of_the_runbook() -> None:
    sections = {section.anchor for section in read(DOCS / "operations.md").sections}
    alerts = deploy(scenarios()[0]).of_type("Microsoft.Insights/activityLogAlerts")
    for alert in alerts:
        said, _, runbook = alert.body["properties"]["description"].partition(" See docs/operations.md#")
        assert said.endswith("."), alert.name
        assert runbook in sections, alert.name


def test_shared_keys_and_passwords_are_off() -> None:
    modules = bicep.INFRASTRUCTURE / "modules"
    assert "allowSharedKeyAccess: false" in (modules / "storage.bicep").read_text()
    assert "enablePurgeProtection: true" in (modules / "key_vault.bicep").read_text()
    assert "enableRbacAuthorization: true" in (modules / "key_vault.bicep").read_text()
    assert (modules / "workspace.bicep").read_text().lower().count("disablelocalauth: true") == 2
    assert (modules / "function_app.bicep").read_text().count("allow: false") == 2


def test_no_public_endpoint_is_written_into_a_template() -> None:
    for path in bicep.INFRASTRUCTURE.rglob("*.bicep"):
        for name in ("windows.net", "azure.com", "microsoftonline", "azurewebsites", "vault.azure"):
            assert name not in path.read_text(), (
                f"{path.name} has {name}: environment() or clouds.json knows the cloud's"
            )


def test_roles_are_given_on_the_narrowest_scope_and_named_by_guid() -> None:
    for path in (bicep.INFRASTRUCTURE / "modules").glob("*.bicep"):
        text = path.read_text()
        for declaration in text.split("'Microsoft.Authorization/roleAssignments@")[1:]:
            body = declaration.split("\n}")[0]
            assert "  scope: " in body, f"{path.name}: a role without scope would hold for the resource group"
            assert "  name: guid(" in body
            assert "ServicePrincipal" in body


def test_every_role_id_is_used() -> None:
    names = json.loads((bicep.INFRASTRUCTURE / "well_known_ids.json").read_text())["roles"]
    modules = "".join(path.read_text() for path in (bicep.INFRASTRUCTURE / "modules").glob("*.bicep"))
    assert [name for name in names if f"roles.{name}.id" not in modules] == []


def test_the_deny_all_rules_stand_last_and_in_both_directions() -> None:
    groups = (bicep.INFRASTRUCTURE / "modules" / "security_groups.bicep").read_text()
    assert groups.count("priority: 4096") == 2
    assert groups.count("      denyAllInbound\n") == 2
    assert groups.count("      denyAllOutbound\n") == 2
    assert "'VirtualNetwork'" not in groups


def test_the_sign_in_stands_before_everything_that_the_api_answers() -> None:
    sign_in = (bicep.INFRASTRUCTURE / "modules" / "easy_auth.bicep").read_text()
    assert "requireAuthentication: true" in sign_in
    assert "unauthenticatedClientAction: 'RedirectToLoginPage'" in sign_in
    assert "redirectToProvider: 'azureactivedirectory'" in sign_in
    assert "excludedPaths" not in sign_in


def test_the_sign_in_has_no_secret() -> None:
    sign_in = (bicep.INFRASTRUCTURE / "modules" / "easy_auth.bicep").read_text()
    settings = (bicep.INFRASTRUCTURE / "modules" / "app_settings.bicep").read_text()
    assert "clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'" in sign_in
    assert "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: ownClientId\n" in settings


def test_the_workbook_stands_in_the_gallery_that_the_documents_name() -> None:
    """A resource id as the source would put it into that resource's gallery, not under Monitor > Workbooks."""
    workbook = (bicep.INFRASTRUCTURE / "modules" / "workbook.bicep").read_text()
    assert "sourceId: 'Azure Monitor'\n" in workbook
    for name in ("deployment.md", "operations.md"):
        assert "Monitor > Workbooks" in (bicep.INFRASTRUCTURE.parent / "docs" / name).read_text(), name


def test_azd_offers_regions_to_choose_from() -> None:
    location = bicep.BicepFile(bicep.INFRASTRUCTURE / "main.bicep").parameters["location"]
    assert "@metadata({\n  azd: {\n    type: 'location'\n  }\n})" in location.decorators


def test_what_a_cloud_or_the_private_mode_cannot_do_is_left_out_with_a_note() -> None:
    main = (bicep.INFRASTRUCTURE / "main.bicep").read_text()
    assert "var canAskResourceGraph = !privateNetworking && cloud.resourceGraphInAlerts\n" in main
    assert "    alertOnElevatedAccess: alertOnElevatedAccess && canAskResourceGraph\n" in main
    assert "output NOTES array = alertOnElevatedAccess && !canAskResourceGraph ? [" in main
    clouds = json.loads((bicep.INFRASTRUCTURE / "clouds.json").read_text())
    assert {name for name, cloud in clouds.items() if cloud["resourceGraphInAlerts"]} == {"AzureCloud"}
