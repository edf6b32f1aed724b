from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checks.bicep_source import BicepFile
from infra.hooks import summary
from tests.infra import azure_states as states
from tests.infra.test_parameters import GUID

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"AZURE_ENV_NAME": "staging", "PUBLISHER_CLIENT_ID": GUID, "GITHUB_ACTIONS": "true"}
OUTPUTS = {
    "AZURE_RESOURCE_GROUP": "rg-staging",
    "FRONT_APP_NAME": "func-x",
    "WORKER_APP_NAME": "func-worker-x",
    "API_APP_NAME": "",
    "NOTIFICATION_ENDPOINT": "https://func-x.example/api",
    "KEY_VAULT_NAME": "kv-x",
    "LOG_ANALYTICS_WORKSPACE_ID": "77777777-0000-0000-0000-000000000000",
    "FEDERATED_CREDENTIAL_COMMAND": states.CREATE,
    "API_FEDERATED_CREDENTIAL_COMMAND": "",
    "OPERATIONS_PAGE": "",
}


def written(tmp_path: Path, outputs: dict[str, Any]) -> Path:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({name: {"type": "String", "value": value} for name, value in outputs.items()}))
    return file


def summarised(tmp_path: Path, environment: dict[str, str] = ENVIRONMENT, **changes: Any) -> str:
    return summary.summary(summary.read_outputs(written(tmp_path, {**OUTPUTS, **changes})), environment)


def commands(text: str) -> list[str]:
    """The commands of the fenced blocks, one per line."""
    blocks = re.findall(r"^```sh\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def test_every_next_command_can_be_pasted_in_the_order_in_which_it_is_needed(tmp_path: Path) -> None:
    text = summarised(tmp_path)
    starts = [
        states.CREATE,
        "gh workflow run deploy.yml -f environment=staging -f parts=code",
        "az account show --query tenantId",
        f"az ad sp show --id {GUID}",
        "python3 -m infra.hooks.postdeploy --group rg-staging",
        "SITE=$(az functionapp show --resource-group rg-staging --name func-worker-x --query id --output tsv)",
        'az rest --method post --url "$SITE/hostruntime/admin/functions/collect_policy_states?api-version=2024-04-01"',
        "az extension add --name log-analytics --version 1.0.0b1 --allow-preview true",
        "az monitor log-analytics query --workspace 77777777-0000-0000-0000-000000000000",
    ]
    found = commands(text)
    assert len(found) == len(starts)
    for command, start in zip(found, starts, strict=True):
        assert command.startswith(start)
    assert "<" not in "".join(found)


def test_without_github_the_package_of_a_release_is_deployed_as_it_is(tmp_path: Path) -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "GITHUB_ACTIONS"}
    text = summarised(tmp_path, environment)
    deployed = [command for command in commands(text) if "config-zip" in command]
    names = ("func-worker-x", "func-x")
    assert deployed == [
        f"az functionapp deployment source config-zip --resource-group rg-staging --name {name} "
        "--src package.zip --build-remote false"
        for name in names
    ]
    assert "--name func-api-x --src" in summarised(tmp_path, environment, API_APP_NAME="func-api-x")
    assert "gh workflow" not in text


def test_nobody_needs_the_master_key(tmp_path: Path) -> None:
    text = summarised(tmp_path)
    assert "masterKey" not in text
    assert "x-functions-key" not in text


def test_blocks_are_shell(tmp_path: Path) -> None:
    script = "\n".join(commands(summarised(tmp_path)))
    assert subprocess.run(["/bin/sh", "-n"], input=script, check=False, text=True).returncode == 0


def test_the_values_for_partner_center_hold_placeholders_for_the_secrets(tmp_path: Path) -> None:
    text = summarised(tmp_path)
    assert "| `https://func-x.example/api?code=<function key>&sig=<signature>` |" in text
    assert "Contributor" in text
    assert "NOTIFICATION_SIGNATURE" in text


def test_the_publishers_own_tenant_is_shown_and_signed_in_to(tmp_path: Path) -> None:
    text = summarised(tmp_path, {**ENVIRONMENT, "PUBLISHER_TENANT_ID": states.TENANT}, FEDERATED_CREDENTIAL_COMMAND="")
    assert f"| Microsoft Entra tenant ID | {states.TENANT} |" in text
    found = commands(text)
    assert found[1] == f"az login --tenant {states.TENANT} --allow-no-subscriptions"
    assert "trust" not in text


def test_the_api_adds_its_page_and_its_trust(tmp_path: Path) -> None:
    trust = states.CREATE.replace(GUID, states.PRINCIPAL)
    text = summarised(tmp_path, API_FEDERATED_CREDENTIAL_COMMAND=trust, OPERATIONS_PAGE="https://page")
    assert commands(text)[:2] == [states.CREATE, trust]
    assert "| Operations page | https://page |" in text
    assert "Operations page" not in summarised(tmp_path)


def test_what_was_left_out_is_said(tmp_path: Path) -> None:
    assert "- no watch over the root" in summarised(tmp_path, NOTES=["no watch over the root"])
    for notes in ([], None, "text", [5]):
        assert "left out" not in summarised(tmp_path, NOTES=notes)


def test_names_of_outputs_are_read_in_any_case(tmp_path: Path) -> None:
    outputs = {name.capitalize(): value for name, value in OUTPUTS.items()}
    assert summary.summary(summary.read_outputs(written(tmp_path, outputs)), ENVIRONMENT) == summarised(tmp_path)


def test_outputs_that_are_read_are_outputs_of_the_template() -> None:
    known = set(BicepFile(PROJECT / "infra" / "main.bicep").outputs)
    assert known.issuperset(summary.REQUIRED)
    assert {"FEDERATED_CREDENTIAL_COMMAND", "API_FEDERATED_CREDENTIAL_COMMAND"} <= known


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "5", '{"A": 5}', '{"AZURE_RESOURCE_GROUP": {"value": 5}}'])
def test_a_bad_file_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(text)
    for path in (file, tmp_path / "missing.json"):
        done = subprocess.run(
            [sys.executable, "-m", "infra.hooks.summary", str(path)],
            cwd=PROJECT, capture_output=True, check=False, text=True,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"problem: {path}: ")
