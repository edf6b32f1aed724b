from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import deployment, postdeploy
from infra.hooks.run import HookError
from tests.infra import azure_states as states
from tests.infra.azure_states import NAMES, TENANT
from tests.infra.test_parameters import GUID

PROJECT = Path(__file__).resolve().parents[2]
AzureCli = Callable[[dict[str, Any]], Path]
API = "66666666-7777-8888-9999-000000000000"
ELSEWHERE = "dddddddd-0000-0000-0000-000000000004"
SIGNATURE = "new-signature-new-signature-new-signature"

DEPLOYED = {
    "AZURE_ENV_NAME": "production",
    "PUBLISHER_CLIENT_ID": GUID,
    "FUNCTION_APP_NAME": NAMES.function_app,
    "AZURE_RESOURCE_GROUP": "rg-production",
    "NOTIFICATION_ENDPOINT": "https://func-x.example/api",
    "NOTIFICATION_SIGNATURE": f"{SIGNATURE},old-signature",
    "CREDENTIAL_KIND": "federated",
}
SETTINGS = {
    "AZURE_CLIENT_ID": GUID,
    "AZURE_TENANT_ID": TENANT,
    "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID": "x",
    "NOTIFICATION_SIGNATURE": "@Microsoft.KeyVault(SecretUri=x)",
}
APP = {"name": NAMES.function_app, "tags": {"azd-service-name": "collector"}, "defaultHostName": "func-x.example"}
ANSWERS: dict[str, Any] = {
    **states.EVERYTHING,
    "functionapp function keys list": {"default": "the-key"},
    "functionapp list --": [{"name": "other", "tags": None}, APP],
    "functionapp config appsettings list": [{"name": name, "value": value} for name, value in SETTINGS.items()],
}
LACKING = {**ANSWERS, "ad app federated-credential list": []}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the hook as a log sees it."""
    return subprocess.run(
        [sys.executable, "-m", "infra.hooks.postdeploy", *arguments],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        check=False,
        text=True,
    )


def run_on_a_terminal(*arguments: str, **environment: str) -> str:
    """Runs the hook as a person sees it."""
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "infra.hooks.postdeploy", *arguments],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **environment},
        check=True,
        stdout=theirs,
    )
    os.close(theirs)
    output = b""
    try:
        while part := os.read(ours, 65536):
            output += part
    except OSError:  # Linux says so at the end of a terminal
        pass
    os.close(ours)
    return output.decode()


def test_a_log_gets_the_values_without_the_secrets(azure_cli: AzureCli) -> None:
    azure_cli(LACKING)
    done = run(**DEPLOYED)
    assert (done.returncode, done.stderr) == (0, "")
    assert "https://func-x.example/api?code=<function key>&sig=<signature>" in done.stdout
    for part in (
        "the-object-id",
        TENANT,
        "Contributor",
        "--group rg-production",
        f"Still to do: the app registration {GUID}",
    ):
        assert part in done.stdout
    assert done.stdout.endswith(f"run: {states.CREATE}\n")
    assert "the-key" not in done.stdout
    assert SIGNATURE not in done.stdout


def test_a_person_gets_the_whole_url_with_the_newer_signature(azure_cli: AzureCli) -> None:
    azure_cli(ANSWERS)
    output = run_on_a_terminal(**DEPLOYED)
    assert f" : https://func-x.example/api?code=the-key&sig={SIGNATURE}\r\n" in output
    assert "Still to do" not in output


def test_continuous_integration_gets_no_secret_on_a_terminal_either(azure_cli: AzureCli) -> None:
    azure_cli(ANSWERS)
    output = run_on_a_terminal(**DEPLOYED, CI="true")
    assert "the-key" not in output
    assert SIGNATURE not in output


def test_a_team_without_azd_gets_the_same_from_azure(azure_cli: AzureCli) -> None:
    azure_cli(LACKING)
    asked_of_azure = run("--group", "rg-production")
    assert (asked_of_azure.returncode, asked_of_azure.stderr) == (0, "")
    assert asked_of_azure.stdout == run(**DEPLOYED).stdout
    output = run_on_a_terminal("--group", "rg-production")
    assert "?code=the-key&sig=<signature>" in output
    assert deployment.SIGNATURE_PLACEHOLDER in output


def test_outputs_that_azd_does_not_have_yet_are_asked_of_azure(azure_cli: AzureCli) -> None:
    azure_cli(ANSWERS)
    assert "func-x.example" in run(AZURE_ENV_NAME="production").stdout


@pytest.mark.parametrize(
    ("answers", "environment", "part"),
    [
        (
            {"functionapp list --": []},
            {"AZURE_ENV_NAME": "production"},
            "no function app in rg-production yet; run: azd",
        ),
        ({"functionapp list --": states.NO_GROUP}, {"AZURE_RESOURCE_GROUP": "rg-x"}, "no function app in rg-x yet"),
        ({"functionapp list --": {}}, {"AZURE_ENV_NAME": "x"}, "could not look for the function app in rg-x"),
        ({"functionapp list --": [{"tags": []}]}, {"AZURE_ENV_NAME": "x"}, "no function app in rg-x yet"),
        ({"functionapp config appsettings list": None}, {"AZURE_ENV_NAME": "x"}, "could not be read"),
        ({"functionapp config appsettings list": []}, {"AZURE_ENV_NAME": "x"}, "is not complete; run: azd provision"),
        ({}, {}, "run: azd hooks run postdeploy, or: python3 -m infra.hooks.postdeploy --group <resource group>"),
        ({"account show": "ERROR: Please run 'az login'"}, {"AZURE_ENV_NAME": "x"}, "run: az login"),
    ],
)
def test_what_is_missing_is_one_line_that_says_what_to_do(
    azure_cli: AzureCli, answers: dict[str, Any], environment: dict[str, str], part: str
) -> None:
    azure_cli({**ANSWERS, **answers})
    done = run(**environment)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("problem: ")
    assert part in line


def test_a_cli_that_looks_elsewhere_is_told_and_not_asked(azure_cli: AzureCli) -> None:
    asked = azure_cli(ANSWERS)
    done = run(**DEPLOYED, AZURE_SUBSCRIPTION_ID=GUID)
    assert done.returncode == 0
    assert done.stderr.startswith("problem: AZURE_SUBSCRIPTION_ID: ")
    assert done.stderr.endswith(f"run: az account set --subscription {GUID}\n")
    assert f"az ad sp show --id {GUID} --query id --output tsv" in done.stdout
    assert asked.read_text() == "account show --output json\n"


def test_the_publishers_tenant_is_shown_and_not_asked_in_ours(azure_cli: AzureCli) -> None:
    asked = azure_cli(ANSWERS)
    done = run(**{**DEPLOYED, "CREDENTIAL_KIND": "secret"}, PUBLISHER_TENANT_ID=ELSEWHERE)
    assert f"Microsoft Entra tenant ID : {ELSEWHERE}\n" in done.stdout
    sign_in = f"az login --tenant {ELSEWHERE} --allow-no-subscriptions, and then: az ad sp show --id {GUID}"
    assert sign_in in done.stdout
    assert "Still to do" not in done.stdout
    assert "ad " not in asked.read_text()


def test_the_operations_page_and_its_missing_trust_are_told(azure_cli: AzureCli) -> None:
    settings = [{"name": name, "value": value} for name, value in {**SETTINGS, "API_CLIENT_ID": API}.items()]
    azure_cli(
        {
            f"ad app federated-credential list --id {GUID}": [states.TRUST],
            **LACKING,
            "functionapp config appsettings list": settings,
        }
    )
    page = "https://func-x.example/.auth/login/aad?post_login_redirect_uri=/api/dashboard"
    from_azd = run(**DEPLOYED, API_CLIENT_ID=API, OPERATIONS_PAGE=page).stdout
    assert f"Operations page: {page}\n" in from_azd
    (line,) = [line for line in from_azd.splitlines() if line.startswith("Still to do")]
    assert line.endswith(states.CREATE.replace(GUID, API))
    assert run("--group", "rg-production").stdout == from_azd


def test_the_operations_page_is_the_templates() -> None:
    assert f"{deployment.SIGN_IN_PATH}'" in (PROJECT / "infra" / "main.bicep").read_text()


@pytest.mark.parametrize("keys", [{}, [], None, {"default": 5}, states.REFUSED])
def test_a_key_that_cannot_be_read_stays_a_placeholder_with_its_reason(azure_cli: AzureCli, keys: object) -> None:
    azure_cli({**ANSWERS, "functionapp function keys list": keys})
    deployed = deployment.from_environment(DEPLOYED)
    assert deployed
    url, (reason,) = postdeploy.notification_url(deployed, SIGNATURE, in_full=True)
    assert url.endswith(f"?code=<function key>&sig={SIGNATURE}")
    assert reason.startswith("<function key>: could not be read (")


def test_an_environment_without_an_output_is_no_deployment() -> None:
    for name in ("AZURE_RESOURCE_GROUP", "FUNCTION_APP_NAME", "NOTIFICATION_ENDPOINT", "PUBLISHER_CLIENT_ID"):
        assert deployment.from_environment({**DEPLOYED, name: ""}) is None


def test_an_app_without_a_name_of_a_host_is_not_complete(azure_cli: AzureCli) -> None:
    azure_cli({**ANSWERS, "functionapp list --": [{**APP, "defaultHostName": None}]})
    with pytest.raises(HookError, match="not complete"):
        deployment.from_azure("rg-production")
