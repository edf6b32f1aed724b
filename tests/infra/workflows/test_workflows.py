from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks import workflows
from checks.bicep_source import read_templates
from infra.hooks.before.cloud_checks import ALWAYS_REGISTERED
from infra.pipeline import github_variables

PROJECT = Path(__file__).resolve().parents[3]
FOLDER = workflows.GITHUB / "workflows"


@pytest.fixture
def github(tmp_path: Path) -> Path:
    copy = tmp_path / ".github"
    shutil.copytree(workflows.GITHUB, copy)
    return copy


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())["jobs"]
    return found


def spoil(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)


def test_the_workflows_pass_every_check() -> None:
    assert workflows.problems() == []


def test_every_kind_of_mistake_in_a_workflow_is_found(github: Path) -> None:
    lint = "      - run: make lint\n"
    spoil(
        github / "workflows" / "check.yml",
        {
            "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2": "actions/checkout@v6",
            "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0": "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405",
            "permissions: {}": "permissions: write-all",
            lint: "      - run: cd $GITHUB_WORKSPACE && make lint ${{ github.event.pull_request.title }}\n",
            "    timeout-minutes: 10\n": "",
        },
    )
    session = "    environment: preview\n    permissions:\n      id-token: write"
    spoil(
        github / "workflows" / "what-if.yml",
        {session: session.partition("\n")[2]},
    )
    spoil(github / "workflows" / "ci.yml", {"$/.github/workflows/check.yml": "$/../elsewhere.yml"})
    found = "\n".join(workflows.problems(github))
    for complaint in (
        "pin the action by its full commit: - uses: actions/checkout@v6",
        "pin the action by its full commit: uses: $/../elsewhere.yml",
        "say the version in a comment: actions/setup-python@",
        "set `permissions: {}`",
        "has no timeout-minutes",
        "signs in without an environment",
        "SC2086",
        "template-injection",
    ):
        assert complaint in found, complaint


@pytest.mark.parametrize(
    "step", ["actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "$/.github/actions/x"]
)
def test_code_of_a_pull_request_in_a_job_that_signs_in_is_found(github: Path, step: str) -> None:
    session = "      id-token: write # signs in to Azure by federation\n    steps:\n"
    spoil(github / "workflows" / "what-if.yml", {session: f"{session}      - uses: {step}\n"})
    found = workflows.problems(github)
    assert "what-if.yml: job ask can sign in to Azure and has the code of the pull request" in found


def test_a_workflow_that_github_would_not_take_is_found(github: Path) -> None:
    spoil(github / "workflows" / "check.yml", {"      - run: make lint": "      - ran: make lint"})
    found = workflows.problems(github)
    assert any("Unexpected value 'ran'" in problem for problem in found)
    assert any(problem.startswith("check.yml: $.jobs") for problem in found), found


def test_dependabot_is_checked_too(github: Path) -> None:
    spoil(github / "dependabot.yml", {"interval: weekly": "interval: fortnightly"})
    assert any(problem.startswith("dependabot.yml: ") for problem in workflows.problems(github))


def test_no_workflow_stores_a_credential() -> None:
    for path in FOLDER.glob("*.yml"):
        text = path.read_text()
        assert "client-secret" not in text
        assert "creds:" not in text
        assert "publish-profile" not in text


# Deploy


def test_code_waits_for_the_infrastructure_and_both_for_lint_and_tests() -> None:
    deploy = jobs("deploy.yml")
    assert {"changes", "check"} <= set(deploy["infrastructure"]["needs"])
    assert {"changes", "check", "package", "infrastructure"} <= set(deploy["code"]["needs"])
    condition = deploy["code"]["if"]
    for needed in ("check", "package"):
        assert f"needs.{needed}.result == 'success'" in condition
    allowed = set(re.findall(r"needs\.infrastructure\.result == '(\w+)'", condition))
    assert allowed == {"success", "skipped"}, "an infrastructure that failed or was cancelled keeps code back"
    assert deploy["check"]["uses"] == "$/.github/workflows/check.yml"
    runs = [step.get("run") for job in jobs("check.yml").values() for step in job["steps"]]
    assert {"make lint", "make test"} <= set(runs)


def test_every_job_that_deploys_asks_first_whose_resource_group_it_is() -> None:
    for name in ("infrastructure", "code"):
        job = jobs("deploy.yml")[name]
        scripts = [step.get("run", "") for step in job["steps"]]
        at = {
            word: next(number for number, script in enumerate(scripts) if word in script)
            for word in ("environment_guard", "sub create" if name == "infrastructure" else "config-zip")
        }
        assert list(at.values()) == sorted(at.values())


def test_an_environment_is_named_by_github_and_by_no_variable() -> None:
    chosen = "${{ inputs.environment || 'production' }}"
    for name in ("infrastructure", "code"):
        job = jobs("deploy.yml")[name]
        assert job["environment"] == chosen
        assert job["env"]["AZURE_ENV_NAME"] == chosen
    assert yaml.safe_load((FOLDER / "deploy.yml").read_text())["concurrency"]["group"] == f"deploy-{chosen}"
    for path in FOLDER.glob("*.yml"):
        assert "vars.AZURE_ENV_NAME" not in path.read_text()


def test_the_infrastructure_gets_every_secret_of_the_parameters_file_in_one_step() -> None:
    _, secret = github_variables.names()
    steps = [step for job in jobs("deploy.yml").values() for step in job.get("steps", [])]
    step, smoke_test = [step for step in steps if "secrets." in str(step.get("env"))]
    assert step["env"] == {name: f"${{{{ secrets.{name} }}}}" for name in secret}
    assert "infra.hooks.parameters" in step["run"]
    # The other one sends a notification that is signed, and needs no more than that.
    assert smoke_test["env"] == {"NOTIFICATION_SIGNATURE": "${{ secrets.NOTIFICATION_SIGNATURE }}"}
    assert "infra.hooks.smoke_test" in smoke_test["run"]


def test_the_long_tests_run_every_night_and_a_failure_is_told() -> None:
    workflow = yaml.safe_load((FOLDER / "nightly.yml").read_text())
    # YAML reads the word on as true.
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}
    minute, hour, *rest = workflow[True]["schedule"][0]["cron"].split()
    assert minute.isdigit()
    assert hour.isdigit()
    assert rest == ["*", "*", "*"]
    run, tell = workflow["jobs"]["long"], workflow["jobs"]["tell"]
    assert "make test-long" in [step.get("run") for step in run["steps"]]
    assert run["permissions"] == {"contents": "read"}
    assert tell["permissions"] == {"issues": "write"}
    assert tell["if"] == "${{ !cancelled() && needs.long.result != 'success' }}"
    # What writes issues runs no code of the repository.
    (job,) = jobs("tell.yml").values()
    assert not any("checkout" in step.get("uses", "") for step in job["steps"])


def test_an_audit_that_fails_is_told_unless_a_pull_request_shows_it() -> None:
    audit = jobs("supply-chain.yml")
    tell = audit.pop("tell")
    assert set(tell["needs"]) == set(audit)
    for name in audit:
        assert f"needs.{name}.result != 'success'" in tell["if"]
    assert "!cancelled() && github.event_name != 'pull_request'" in tell["if"]
    assert tell["permissions"] == {"issues": "write"}
    assert all(job["permissions"] == {"contents": "read"} for job in audit.values())
    scripts = [step.get("run", "") for job in audit.values() for step in job["steps"]]
    assert "python3 -m checks.vulnerabilities" in scripts
    # Without the internet zizmor knows neither advisories nor whose commit it is.
    (online,) = [script for script in scripts if "zizmor" in script]
    assert "offline" not in online
    assert "no-online-audits" not in online


def test_the_variables_are_taken_over_before_they_are_needed() -> None:
    for file, job in (("deploy.yml", "infrastructure"), ("what-if.yml", "request")):
        scripts = [step.get("run", "") for step in jobs(file)[job]["steps"]]
        taken = next(number for number, script in enumerate(scripts) if "github_variables" in script)
        used = [number for number, script in enumerate(scripts) if "hooks.parameters" in script]
        assert used
        assert taken < min(used)


def test_what_was_tested_is_what_is_deployed() -> None:
    """Template and package are built in the same run, and the jobs with a session in Azure build neither."""
    deploy = jobs("deploy.yml")
    built = {"infrastructure": "template", "code": "package"}
    for name, artifact in built.items():
        steps = deploy[name]["steps"]
        downloaded = [step["with"]["name"] for step in steps if "download-artifact" in step.get("uses", "")]
        assert downloaded == [artifact]
        assert not any("bicep" in step.get("run", "") or "hooks.package" in step.get("run", "") for step in steps)


def test_no_session_in_azure_begins_before_the_very_file_that_is_deployed_was_verified() -> None:
    deploy = jobs("deploy.yml")
    built = {
        "infrastructure": ("main.json", "check.outputs.template-sha256"),
        "code": ("package.zip", "package.outputs.sha256"),
    }
    assert {name for name, job in deploy.items() if "azure/login" in str(job)} == set(built)
    for name, (file, sha256) in built.items():
        steps = deploy[name]["steps"]
        at = [number for number, step in enumerate(steps) if "infra.pipeline.provenance" in step.get("run", "")]
        login = [number for number, step in enumerate(steps) if step.get("uses", "").startswith("azure/login@")]
        fetched = [number for number, step in enumerate(steps) if "download-artifact" in step.get("uses", "")]
        assert len(at) == len(login) == len(fetched) == 1
        assert fetched < at < login
        verify = steps[at[0]]
        assert verify["run"] == f'python3 -m infra.pipeline.provenance "$RUNNER_TEMP/{file}" "$SHA256"'
        assert verify["env"]["SHA256"] == f"${{{{ needs.{sha256} }}}}"
        assert not {"if", "continue-on-error"} & verify.keys()
        assert deploy[name]["permissions"]["attestations"] == "read"
        assert "needs.attest.result == 'success'" in deploy[name]["if"]
        assert sum(f'"$RUNNER_TEMP/{file}"' in step.get("run", "") for step in steps[login[0] :]) == 1


def test_what_signs_attestations_has_neither_files_nor_code_and_gets_the_hashes_from_who_built() -> None:
    deploy = jobs("deploy.yml")
    attest = deploy["attest"]
    assert attest["permissions"] == {"id-token": "write", "attestations": "write"}
    assert all(step["uses"].startswith("actions/attest-build-provenance@") for step in attest["steps"])
    assert [step["with"] for step in attest["steps"]] == [
        {"subject-name": "main.json", "subject-digest": "sha256:${{ needs.check.outputs.template-sha256 }}"},
        {"subject-name": "package.zip", "subject-digest": "sha256:${{ needs.package.outputs.sha256 }}"},
    ]
    outputs = yaml.safe_load((FOLDER / "check.yml").read_text())[True]["workflow_call"]["outputs"]
    assert outputs["template-sha256"]["value"] == "${{ jobs.template.outputs.sha256 }}"
    for job in (jobs("check.yml")["template"], deploy["package"]):
        (output,) = job["outputs"].values()
        step = next(step for step in job["steps"] if step.get("id") == output.split(".")[1])
        assert "sha256sum" in step["run"]
    # What could be replaced while the tests ran is compared before it is released.
    release = jobs("release.yml")["build"]["steps"]
    (compare,) = [step for step in release if "sha256sum --check --strict" in step.get("run", "")]
    assert compare["env"] == {"SHA256": "${{ needs.check.outputs.template-sha256 }}"}


def test_a_job_that_signs_attestations_and_runs_something_is_taken_for_one_that_signs_in(github: Path) -> None:
    first = "    steps:\n      # A private repository has attestations"
    spoil(github / "workflows" / "deploy.yml", {first: first.replace("steps:\n", "steps:\n      - run: make test\n")})
    found = workflows.problems(github)
    assert "deploy.yml: job attest signs in without an environment whose approval guards it" in found


# What-if


def test_only_the_job_that_runs_nothing_of_a_pull_request_has_a_session_in_azure() -> None:
    compare = jobs("what-if.yml")
    assert [name for name, job in compare.items() if "id-token" in job["permissions"]] == ["ask"]
    for step in compare["ask"]["steps"]:
        assert "python" not in step.get("run", "")
        assert "checkout" not in step.get("uses", "")
    for name, rights in (("comment", {"pull-requests": "write"}), ("drift", {"issues": "write"})):
        assert compare[name]["permissions"] == rights
        assert not any("checkout" in step.get("uses", "") for step in compare[name]["steps"])


def test_drift_is_looked_for_every_week() -> None:
    events = yaml.safe_load((FOLDER / "what-if.yml").read_text())[True]
    (schedule,) = events["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", schedule["cron"])


# Documents


def test_every_variable_and_secret_that_a_person_has_to_set_is_explained() -> None:
    """Those with a default are explained with their parameter, in docs/parameters.md."""
    text = (PROJECT / "docs" / "github.md").read_text()
    named = {
        name for path in FOLDER.glob("*.yml") for name in re.findall(r"(?:vars|secrets)\.([A-Z_]+)", path.read_text())
    }
    plain, secret = github_variables.names()
    parameters = (PROJECT / "infra" / "main.parameters.json").read_text()
    required = {name for name in plain if f"${{{name}}}" in parameters}
    assert {"AZURE_CLIENT_ID", "AZURE_LOCATION", "ALERT_EMAIL"} <= named | required
    for name in named | required | set(secret):
        assert f"`{name}`" in text, name


def test_every_resource_provider_of_the_templates_is_registered_in_the_documents() -> None:
    """The deployer cannot register a provider."""
    types = {use.text for file in read_templates(PROJECT / "infra").values() for use in file.resource_types}
    needed = {name.partition("/")[0] for name in types} - set(ALWAYS_REGISTERED)
    (listed,) = re.findall(r"for provider in ([^;]+); do", (PROJECT / "docs" / "github.md").read_text())
    # Microsoft.App runs Flex Consumption in a network, and no template names it.
    assert set(listed.replace("\\\n", " ").split()) == needed | {"Microsoft.App"}


def test_every_file_and_program_that_the_document_names_is_there() -> None:
    text = (PROJECT / "docs" / "github.md").read_text()
    for name in re.findall(r"python3 -m ([\w.]+)", text):
        assert (PROJECT / f"{name.replace('.', '/')}.py").exists(), name
    for name in re.findall(r"gh workflow run ([\w.-]+)", text):
        assert (FOLDER / name).exists(), name
    for name in re.findall(r"infra/pipeline/\w+\.json", text):
        assert (PROJECT / name).exists(), name


def test_azure_builds_nothing_that_was_not_tested() -> None:
    """az asks for a remote build of a Python app on Flex Consumption unless --build-remote false is said."""
    for path in (*(workflows.GITHUB / "workflows").glob("*.yml"), *(workflows.GITHUB.parent / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert text.count("config-zip") == text.count("--build-remote false"), path.name
        assert "--build-remote true" not in text


def test_the_checks_and_the_summary_know_where_the_workflow_deploys() -> None:
    environment = jobs("deploy.yml")["infrastructure"]["env"]
    for name in ("AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"):
        assert environment[name] == f"${{{{ vars.{name} }}}}"
