"""What the portal asks the customer, what the customer sees, and the definition and package that carry it."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.bicep_source import BicepFile
from checks.templates.parser import read
from infra.hooks.package import PROJECT
from infra.hooks.run import HookError
from infra.pipeline import compile_template, managed_application
from infra.pipeline.managed_application import SAMPLE
from tests.infra.samples.sample import POLICIES, deployed

MAIN = BicepFile(SAMPLE / "main.bicep")
INTERFACE = json.loads((SAMPLE / "createUiDefinition.json").read_text())
VIEW = json.loads((SAMPLE / "viewDefinition.json").read_text())
OF_THE_APPLICATION = {"applicationResourceName", "managedResourceGroupId", "managedIdentity"}
"""Outputs that name the application itself and reach no template."""
TENANT = "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"


def elements() -> Iterator[tuple[str, dict[str, Any]]]:
    for step in INTERFACE["parameters"]["steps"]:
        for element in step["elements"]:
            yield f"steps('{step['name']}').{element['name']}", element


# The portal


def test_the_interface_is_of_the_schema_that_managed_applications_take() -> None:
    assert INTERFACE["handler"] == "Microsoft.Azure.CreateUIDef"
    assert INTERFACE["version"] == "0.1.2-preview"
    assert f"/{INTERFACE['version']}/" in INTERFACE["$schema"]
    assert set(INTERFACE["parameters"]) <= {"config", "basics", "steps", "outputs"}


def test_what_the_portal_puts_out_is_a_parameter_of_the_template_and_none_is_forgotten() -> None:
    outputs = set(INTERFACE["parameters"]["outputs"]) - OF_THE_APPLICATION
    assert outputs <= set(MAIN.parameters)
    assert {name for name, one in MAIN.parameters.items() if not one.has_default} <= outputs
    # Only the package of a plan says whose it is.
    assert set(MAIN.parameters) - outputs == {"publisherTenantId"}


def test_what_the_portal_puts_out_has_the_type_of_the_parameter() -> None:
    """A check box puts out true or false, location() and a tenant are texts; ARM converts neither."""
    types = {one.name: one.source for one in read(SAMPLE / "main.bicep") if one.kind == "param"}
    boxes = {f"[{name}]" for name, element in elements() if element["type"] == "Microsoft.Common.CheckBox"}
    for name, output in INTERFACE["parameters"]["outputs"].items():
        assert types[name] == ("bool" if output in boxes else "string"), name
    assert INTERFACE["parameters"]["outputs"]["location"] == "[location()]"
    assert types["publisherTenantId"] == "string"


def test_every_output_reads_an_element_that_is_asked_and_has_a_value_when_nobody_touches_it() -> None:
    asked = dict(elements())
    for output in INTERFACE["parameters"]["outputs"].values():
        for element in re.findall(r"steps\('\w+'\)\.\w+", output):
            assert asked[element]["type"] == "Microsoft.Common.CheckBox"
            assert asked[element]["defaultValue"] is False
    answers = [name for name, element in elements() if element["type"] != "Microsoft.Common.TextBlock"]
    assert all(any(name in output for output in INTERFACE["parameters"]["outputs"].values()) for name in answers)


def test_the_portal_makes_sure_that_azure_policy_can_evaluate_in_the_subscription() -> None:
    providers = INTERFACE["parameters"]["config"]["basics"]["subscription"]["resourceProviders"]
    assert "Microsoft.PolicyInsights" in providers


def test_the_view_needs_no_custom_provider() -> None:
    """They retire on 2026-10-31, and none can be made any more: CustomResources, Associations and commands need one."""
    assert {view["kind"] for view in VIEW["views"]} == {"Overview", "Metrics"}
    assert '"commands"' not in json.dumps(VIEW)
    assert not any("CustomProviders" in path.read_text() for path in SAMPLE.rglob("*.bicep"))


def test_the_view_has_what_its_schema_asks_for_and_measures_what_is_always_deployed() -> None:
    """The tables of learn.microsoft.com/azure/azure-resource-manager/managed-applications/concepts-view-definition."""
    assert set(VIEW) == {"$schema", "contentVersion", "views"}
    assert VIEW["$schema"].endswith("/viewdefinition/0.0.1-preview/ViewDefinition.json#")
    of_kind = {view["kind"]: view["properties"] for view in VIEW["views"]}
    assert set(of_kind["Overview"]) <= {"header", "description"}
    assert set(of_kind["Metrics"]) <= {"displayName", "version", "charts"}
    always = {one.type for one in deployed().resources}
    for chart in of_kind["Metrics"]["charts"]:
        assert {"displayName", "metrics"} <= set(chart) <= {"displayName", "chartType", "metrics"}
        assert chart["chartType"] in {"Bar", "Line", "Area", "Scatter"}
        for metric in chart["metrics"]:
            assert {"name", "aggregationType", "resourceType"} <= set(metric)
            assert metric["aggregationType"] in {"none", "sum", "min", "max", "avg", "unique", "percentile", "count"}
            assert metric["resourceType"] in always


# The definition, and the application of it


def test_the_definition_authorizes_the_publisher_and_the_operators_and_notifies_one_endpoint() -> None:
    definition = BicepFile(SAMPLE / "definition.bicep")
    assert definition.syntax_errors == []
    assert {"publisherPrincipalId", "operatorsPrincipalId", "notificationUrl"} <= set(definition.parameters)
    for secret in ("notificationUrl", "packageFileUri"):
        assert "@secure()" in definition.parameters[secret].decorators
    assert definition.text.count("roleDefinitionId: contributor") == 2
    assert definition.text.count("uri: notificationUrl") == 1, "a service catalog definition has one endpoint"
    assert "lockLevel: 'ReadOnly'" in definition.text


def test_the_application_takes_what_the_definition_puts_out() -> None:
    assert "definitionId" in BicepFile(SAMPLE / "definition.bicep").outputs
    application = BicepFile(SAMPLE / "application.bicep")
    assert "definitionId" in application.parameters
    assert {"applicationId", "managedResourceGroup"} <= set(application.outputs)


def test_the_table_in_the_document_is_the_table_that_is_assigned() -> None:
    text = (PROJECT / "docs" / "sample.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| \[(.+?)\]\(\S+%2F([0-9a-f-]{36})\) \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [
        (
            policy["name"],
            policy["builtIn"]["displayName"],
            policy["builtIn"]["id"],
            next(iter(policy["parameters"].values()))["value"],
            policy["why"],
        )
        for policy in POLICIES
    ]


# The package

AZ = """#!/bin/sh
echo "$*" >> "{folder}/asked"
case "$2" in
  install) mkdir -p "$AZURE_CONFIG_DIR/bin" && printf 'the compiler' > "$AZURE_CONFIG_DIR/bin/bicep" ;;
  build) echo '{{"compiled": true}}' > "$6"; echo "{diagnostic}" >&2; exit {status} ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return scripted(tmp_path, monkeypatch)


def scripted(folder: Path, monkeypatch: pytest.MonkeyPatch, diagnostic: str = "", status: int = 0) -> Path:
    az = folder / "az"
    az.write_text(AZ.format(folder=folder, diagnostic=diagnostic, status=status))
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(folder / "azure"))
    published = {"bicep-linux-x64": hashlib.sha256(b"the compiler").hexdigest()}
    (folder / "runtime.json").write_text(json.dumps({"bicepVersion": "v1.0.0", "bicepSha256": published}))
    monkeypatch.setattr(compile_template, "RUNTIME", folder / "runtime.json")
    return folder / "asked"


def contents(package: Path) -> dict[str, Any]:
    with zipfile.ZipFile(package) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def test_the_package_has_the_three_files_at_its_root(
    asked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert managed_application.main([str(tmp_path / "made")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'made' / 'app.zip'}\n"
    assert contents(tmp_path / "made" / "app.zip") == {
        "mainTemplate.json": {"compiled": True},
        "createUiDefinition.json": INTERFACE,
        "viewDefinition.json": VIEW,
    }
    assert json.loads((tmp_path / "made" / "mainTemplate.json").read_text()) == {"compiled": True}
    assert f"bicep build --file {SAMPLE / 'main.bicep'} --outfile " in asked.read_text()


def test_the_package_of_a_plan_says_whose_it_is_without_asking_the_customer(asked: Path, tmp_path: Path) -> None:
    assert managed_application.main([str(tmp_path / "made"), "--publisher-tenant", TENANT.upper()]) == 0
    interface = contents(tmp_path / "made" / "app.zip")["createUiDefinition.json"]
    assert interface["parameters"]["outputs"].pop("publisherTenantId") == TENANT
    assert interface == INTERFACE
    assert asked.exists()


def test_the_same_sources_make_the_same_package(asked: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        managed_application.make_package(tmp_path / name)
    assert (tmp_path / "one" / "app.zip").read_bytes() == (tmp_path / "two" / "app.zip").read_bytes()
    assert asked.exists()


def test_something_else_than_a_tenant_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        managed_application.main([str(tmp_path / "made"), "--publisher-tenant", "contoso"])
    assert stopped.value.code == 2
    assert "'contoso' is no tenant id" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_a_template_that_does_not_compile_leaves_the_package_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(tmp_path, monkeypatch)
    managed_application.make_package(tmp_path / "made")
    before = (tmp_path / "made" / "app.zip").read_bytes()
    scripted(tmp_path, monkeypatch, diagnostic="ERROR: broken", status=1)
    with pytest.raises(HookError, match="broken"):
        managed_application.make_package(tmp_path / "made")
    assert (tmp_path / "made" / "app.zip").read_bytes() == before
