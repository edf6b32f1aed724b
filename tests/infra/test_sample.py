"""The managed application that a publisher deploys to see a first alert."""

from __future__ import annotations

import json

from checks.bicep_source import BicepFile
from infra.hooks.package import PROJECT

SAMPLE = PROJECT / "infra" / "samples" / "test-application"
IDS = json.loads((PROJECT / "infra" / "well_known_ids.json").read_text())
TEMPLATE = json.loads((SAMPLE / "mainTemplate.json").read_text())


def resource(kind: str) -> dict[str, object]:
    (found,) = (one for one in TEMPLATE["resources"] if one["type"] == kind)
    properties = found["properties"]
    assert isinstance(properties, dict)
    return properties


def test_the_policy_judges_what_the_tester_will_change() -> None:
    assignment = resource("Microsoft.Authorization/policyAssignments")
    policy = IDS["policies"]["secureTransfer"]["id"]
    assert assignment["policyDefinitionId"] == f"/providers/Microsoft.Authorization/policyDefinitions/{policy}"
    assert resource("Microsoft.Storage/storageAccounts")["supportsHttpsTrafficOnly"] is True
    # deny would stop the tester from violating it
    assert assignment["parameters"] == {"effect": {"value": "Audit"}}


def test_the_definition_authorizes_the_publisher_and_the_tester_and_notifies_one_endpoint() -> None:
    definition = BicepFile(SAMPLE / "definition.bicep")
    assert definition.syntax_errors == []
    assert {"publisherPrincipalId", "testerPrincipalId", "notificationUrl"} <= set(definition.parameters)
    assert "@secure()" in definition.parameters["notificationUrl"].decorators
    assert definition.text.count("roleDefinitionId: contributor") == 2
    assert definition.text.count("uri: notificationUrl") == 1, "a service catalog definition has one endpoint"


def test_what_the_portal_asks_for_is_a_parameter_of_the_template() -> None:
    interface = json.loads((SAMPLE / "createUiDefinition.json").read_text())
    assert set(interface["parameters"]["outputs"]) == set(TEMPLATE["parameters"])


def test_the_application_takes_what_the_definition_puts_out() -> None:
    assert "definitionId" in BicepFile(SAMPLE / "definition.bicep").outputs
    application = BicepFile(SAMPLE / "application.bicep")
    assert "definitionId" in application.parameters
    assert {"applicationId", "managedResourceGroup"} <= set(application.outputs)
