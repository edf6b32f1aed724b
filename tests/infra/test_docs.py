from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from checks.bicep_source import BicepFile
from checks.documented_commands import documents
from checks.documents.markdown import SHELLS, read
from checks.documents.shell_commands import parse
from compliance_api.callers.principal import QUERY, READ
from infra.hooks import parameters
from operations.parser import command_parser
from verdicts.outcome import Outcome

PROJECT = Path(__file__).resolve().parent.parent.parent
DOCS = PROJECT / "docs"
OURS = sorted(path.name for path in DOCS.glob("*.md"))


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of the headings of a document."""
    return {section.anchor for section in read(path).sections}


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if target.startswith("http"):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def test_the_files_of_a_release_are_those_that_the_documents_deploy() -> None:
    workflow = (PROJECT / ".github" / "workflows" / "release.yml").read_text()
    built = set(re.findall(r"out/release/([\w.]+)\"", workflow))
    assert built == {"package.zip", "sbom.cdx.json", "main.json"}
    text = (DOCS / "release.md").read_text()
    assert all(f"`{name}`" in text for name in built)


def test_what_is_deployed_by_hand_comes_from_the_folder_into_which_only_verified_files_get() -> None:
    text = (DOCS / "release.md").read_text()
    verify = text.index("gh attestation verify")
    moved = text.index('mv "unverified/$file" release/')
    assert "&&" in text[verify:moved], "moved only when it was verified"
    assert "--source-digest" in text[verify:moved]
    deployed = re.findall(r"(?:--template-file|--src) (\S+)", text[: text.index("## With the portal only")])
    assert deployed == ["release/main.json", "release/package.zip"]
    assert verify < text.index("az deployment sub create")


def leads_to_a_command(path: Path, text: str) -> bool:
    """Whether a text has a command, or a link to a section with one, or with a link to one."""
    if re.search(r"`(?:python -m operations|az|azd) [^`]+`", text):
        return True
    targets = [
        target.partition("#") for target in re.findall(r"\]\(([^)\s]+)\)", text) if not target.startswith("http")
    ]
    linked = [(path.parent / file if file else path, anchor) for file, _, anchor in targets]
    sections = [read(file).find(anchor) for file, anchor in linked if anchor]
    return any(
        snippet.is_block and snippet.language in SHELLS
        for one in sections
        if one is not None
        for snippet in one.snippets
    )


def alerts() -> dict[str, str]:
    """What the sections about alerts say there is to do, by heading."""
    page = (DOCS / "operations.md").read_text()
    about = page[page.index("\n## Alerts\n") : page.index("\n## What error codes mean\n")]
    sections = [one.partition("\n") for one in about.split("\n### ")[1:]]
    return {heading: text.partition("**Action:**")[2].partition("\n- **")[0] for heading, _, text in sections}


@pytest.mark.parametrize("heading", alerts())
def test_every_alert_leads_to_a_command_that_acts(heading: str) -> None:
    assert leads_to_a_command(DOCS / "operations.md", alerts()[heading])


def shell_of(page: str, *anchor_starts: str) -> str:
    """The shell blocks of the sections of a page whose anchors begin so, without what only azd's users can run."""
    blocks = [
        snippet.text
        for section in read(DOCS / page).sections
        if section.anchor.startswith(anchor_starts)
        for snippet in section.snippets
        if snippet.is_block and snippet.language in SHELLS
    ]
    return "".join(line for line in "".join(blocks).splitlines(keepends=True) if "azd env get-value" not in line)


@pytest.mark.parametrize(
    "before",
    [
        shell_of("github.md", "the-shell", "2-", "7-"),
        shell_of("deployment.md", "2-") + shell_of("release.md", "2-", "4-") + shell_of("github.md", "7-"),
    ],
    ids=["github", "release"],
)
def test_who_has_no_azd_has_every_variable_of_the_path_to_the_first_alert(before: str) -> None:
    known = set[str]()
    for variable in parse(before + shell_of("deployment.md", "5-", "6-", "7-", "8-", "9-", "10-")).variables:
        if variable.is_set:
            known.add(variable.name)
        assert variable.name in known, variable.name


def test_the_change_log_says_where_the_operators_commands_went() -> None:
    text = " ".join((PROJECT / "CHANGELOG.md").read_text().split())
    assert "`python -m operations` takes the place of `python -m publisher`" in text


def test_the_index_names_every_page_once() -> None:
    rows = re.findall(r"^\| \[(\S+)\]\((\S+)\) \|", (DOCS / "README.md").read_text(), re.MULTILINE)
    assert all(title == target for title, target in rows)
    assert sorted(target for _, target in rows) == [name for name in OURS if name != "README.md"]


def test_the_documents_ask_for_the_versions_that_the_deployment_needs() -> None:
    text = (DOCS / "deployment.md").read_text()
    required = yaml.safe_load((PROJECT / "azure.yaml").read_text())["requiredVersions"]["azd"]
    (azd,) = re.findall(r"\[azd\]\(\S+\) ([\d.]+) or later", text)
    assert required == f">= {azd}.0"
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    (python,) = re.findall(r"\| Python ([\d.]+) or later with pip", text)
    assert project["requires-python"] == f">={python}"
    azure_cli = r"\[Azure CLI\]\(\S+\) ([\d.]+) or later"
    assert re.findall(azure_cli, text) == re.findall(azure_cli, (DOCS / "github.md").read_text())


def test_every_parameter_is_explained_with_its_variable() -> None:
    text = (DOCS / "parameters.md").read_text()
    for name in parameters.declarations():
        variable = parameters.variables_of(name)
        expected = f"| `{name}` | `{variable}` |" if variable != name else f"| `{name}` | |"
        assert expected in text, expected


def test_every_alert_has_a_section_with_its_severity_and_what_to_do() -> None:
    rules = json.loads((PROJECT / "infra" / "alert_rules.json").read_text())["rules"]
    rules += json.loads((PROJECT / "infra" / "security_alerts" / "rules.json").read_text()).values()
    text = (DOCS / "operations.md").read_text()
    drills = (DOCS / "drills.md").read_text()
    for rule in rules:
        section = text.split(f"### {rule['displayName']}\n")[1].split("\n### ")[0]
        assert f"Severity {rule['severity']}, rule `{rule['name']}`" in section
        for part in ("**Meaning:**", "**First look"):
            assert part in section, (rule["name"], part)
        assert "action" in section.lower()
        assert f"| {rule['displayName']} |" in drills, f"no drill for {rule['displayName']}"


def test_every_alert_of_the_activity_log_has_a_section_and_a_drill() -> None:
    alerts = json.loads((PROJECT / "infra" / "security_alerts" / "activity.json").read_text())
    text = (DOCS / "operations.md").read_text()
    drills = (DOCS / "drills.md").read_text()
    assert "| An alert rule is unhealthy |" in drills, "the rules' own alert is no entry of the list"
    for alert in alerts:
        section = text.split(f"### {alert['displayName']}\n")[1].split("\n### ")[0]
        assert f"Activity log alert `{alert['name']}`" in section
        for part in ("**Meaning:**", "**First look", "#find-out-who-did-it", "**Usual causes:**", "**Does not tell:**"):
            assert part in section, (alert["name"], part)
        assert f"| {alert['displayName']} |" in drills, f"no drill for {alert['displayName']}"


@pytest.mark.parametrize("outcome", [*Outcome])
def test_every_outcome_is_explained_where_people_and_programs_look(outcome: Outcome) -> None:
    for place in ("README.md", "infra/tables/PolicyCollectionResults_CL.json", "compliance_api/openapi.json"):
        assert re.search(rf"\b{outcome.value}\b", (PROJECT / place).read_text()), place
    is_read = outcome in {Outcome.SUCCEEDED, Outcome.NO_STATES}
    assert is_read or f"| `{outcome.value}`" in (DOCS / "operations.md").read_text()


def test_the_api_gets_the_roles_that_the_code_asks_for() -> None:
    registration = json.loads((PROJECT / "infra" / "api_registration.json").read_text())
    assert {role["value"] for role in registration["appRoles"]} == {READ, QUERY}
    assert all(role["allowedMemberTypes"] == ["User", "Application"] for role in registration["appRoles"])
    (scope,) = registration["api"]["oauth2PermissionScopes"]
    ids = [scope["id"], *(role["id"] for role in registration["appRoles"])]
    assert len(set(ids)) == 3
    assert f'"delegatedPermissionIds": ["{scope["id"]}"]' in (DOCS / "api.md").read_text()
    # Tokens of version 1 name another issuer than the one that the sign-in expects.
    assert registration["api"]["requestedAccessTokenVersion"] == 2


def test_every_command_of_python_m_operations_in_the_documents_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    for name in OURS:
        for command in re.findall(r"python -m operations (\w+)", (DOCS / name).read_text()):
            with pytest.raises(SystemExit) as end:
                command_parser().parse_args([command, "--help"])
            assert end.value.code == 0, f"{name}: {command}: {capsys.readouterr().err}"


def test_every_output_that_the_documents_ask_for_is_one() -> None:
    outputs = BicepFile(PROJECT / "infra" / "main.bicep").outputs
    variables = {parameters.variables_of(name) for name in parameters.declarations()}
    for name in OURS:
        for asked in re.findall(r"azd env get-value (\w+)", (DOCS / name).read_text()):
            assert asked in outputs or asked in variables, f"{name}: {asked}"
