from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.reach.comparison import allowed
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
    "FRONT_APP_NAME": states.FRONT.function_app,
    "WORKER_APP_NAME": states.WORKER.function_app,
    "AZURE_RESOURCE_GROUP": "rg-production",
    "NOTIFICATION_ENDPOINT": "https://func-x.example/api",
    "NOTIFICATION_SIGNATURE": f"{SIGNATURE},old-signature",
    "CREDENTIAL_KIND": "federated",
}
SETTINGS = {
    "AZURE_CLIENT_ID": GUID,
    "AZURE_TENANT_ID": TENANT,
    "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID": "x",
}
APP = {"name": states.FRONT.function_app, "tags": {"azd-service-name": "front"}, "defaultHostName": "func-x.example"}
WORKER = {"name": states.WORKER.function_app, "tags": {"azd-service-name": "worker"}}
API_APP = {"name": states.API.function_app, "tags": {"azd-service-name": "api"}, "defaultHostName": "api-x.example"}
SETTINGS_OF_WORKER = f"functionapp config appsettings list --resource-group rg-production --name {WORKER['name']}"
SETTINGS_OF_API = f"functionapp config appsettings list --resource-group rg-production --name {API_APP['name']}"


def right(role: str, scope: str, name: str) -> dict[str, str]:
    """A role assignment, as az lists it."""
    group = f"/subscriptions/{states.SUBSCRIPTION}/resourceGroups/rg-production"
    definition = f"/subscriptions/{states.SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return {"id": f"/{name}", "roleDefinitionId": definition, "roleDefinitionName": name, "scope": f"{group}{scope}"}


BLOB_OWNER = right(
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    f"/providers/Microsoft.Storage/storageAccounts/{states.FRONT.storage_account}",
    "Storage Blob Data Owner",
)
ANSWERS: dict[str, Any] = {
    **states.EVERYTHING,
    "functionapp function keys list": {"default": "the-key"},
    "functionapp list --": [{"name": "other", "tags": None}, APP, WORKER],
    "functionapp config appsettings list": [{"name": name, "value": value} for name, value in SETTINGS.items()],
    f"role assignment list --all --assignee {states.FRONT_PRINCIPAL}": [BLOB_OWNER],
    "role assignment list": [],
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
            "no function app front and no worker in rg-production yet; run: azd",
        ),
        (
            {"functionapp list --": states.NO_GROUP},
            {"AZURE_RESOURCE_GROUP": "rg-x"},
            "no function app front and no worker in rg-x yet",
        ),
        ({"functionapp list --": {}}, {"AZURE_ENV_NAME": "x"}, "could not look for the function apps in rg-x"),
        ({"functionapp list --": [{"tags": []}]}, {"AZURE_ENV_NAME": "x"}, "no function app front"),
        ({"functionapp list --": [APP]}, {"AZURE_ENV_NAME": "x"}, "no function app worker in rg-x yet"),
        ({"functionapp config appsettings list": None}, {"AZURE_ENV_NAME": "x"}, "could not be read"),
        ({"functionapp config appsettings list": []}, {"AZURE_ENV_NAME": "x"}, "are not complete; run: azd provision"),
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
    azure_cli(
        {
            f"ad app federated-credential list --id {GUID}": [states.TRUST],
            SETTINGS_OF_API: [{"name": "API_CLIENT_ID", "value": API}],
            **LACKING,
            "functionapp list --": [APP, WORKER, API_APP],
        }
    )
    page = "https://api-x.example/.auth/login/aad?post_login_redirect_uri=/api/dashboard"
    told = {"API_CLIENT_ID": API, "API_APP_NAME": states.API.function_app, "OPERATIONS_PAGE": page}
    from_azd = run(**DEPLOYED, **told).stdout
    assert f"Operations page: {page}\n" in from_azd
    (line,) = [line for line in from_azd.splitlines() if line.startswith("Still to do")]
    assert line.endswith(states.create_for_api(API))
    assert run("--group", "rg-production").stdout == from_azd


def test_what_the_single_app_was_allowed_and_the_front_is_not_is_told_with_the_command_that_ends_it(
    azure_cli: AzureCli,
) -> None:
    account = f"/providers/Microsoft.Storage/storageAccounts/{states.FRONT.storage_account}"
    registry = right("0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", account, "Storage Table Data Contributor")
    vault = right(
        "4633458b-17de-408a-b874-0445c86b69e6", f"/providers/Microsoft.KeyVault/vaults/{NAMES.key_vault}", "x"
    )
    azure_cli(
        {
            f"role assignment list --all --assignee {states.FRONT_PRINCIPAL}": [BLOB_OWNER, registry, vault],
            **{words: answer for words, answer in ANSWERS.items() if states.FRONT_PRINCIPAL not in words},
        }
    )
    of_registry, of_vault = [line for line in run(**DEPLOYED).stdout.splitlines() if line.startswith("Still to do")]
    assert f"the front's identity {states.FRONT.identity} is Storage Table Data Contributor on " in of_registry
    assert of_registry.endswith("run: az role assignment delete --ids /Storage Table Data Contributor")
    assert of_vault.endswith("run: az role assignment delete --ids /x")


def test_a_right_on_the_resource_group_is_surplus_whoever_has_it(azure_cli: AzureCli) -> None:
    contributor = right("b24988ac-6180-42a0-ab88-20f7382dd24c", "", "Contributor")
    azure_cli({**ANSWERS, "role assignment list": [contributor]})
    (line,) = [line for line in run(**DEPLOYED).stdout.splitlines() if line.startswith("Still to do")]
    assert "the worker's identity" in line
    assert "Contributor on /subscriptions/" in line


def test_every_right_that_the_template_gives_is_no_surplus(azure_cli: AzureCli) -> None:
    token = states.FRONT.function_app.removeprefix("func-")
    listed = {
        f"role assignment list --all --assignee {principal}": [
            right(one.right.role_id, "/providers/" + one.right.scope.replace("…", token), one.role_name)
            for one in allowed()
            if one.right.identity.replace("…", token) == identity
        ]
        for principal, identity in (
            (states.FRONT_PRINCIPAL, states.FRONT.identity),
            (states.PRINCIPAL, states.WORKER.identity),
            (states.API_PRINCIPAL, states.API.identity),
        )
    }
    assert [len(rights) for rights in listed.values()] == [4, 6, 4]
    azure_cli({**listed, **{words: answer for words, answer in ANSWERS.items() if "role assignment" not in words}})
    assert "Still to do" not in run(**DEPLOYED, API_APP_NAME=states.API.function_app).stdout


def test_rights_that_cannot_be_listed_are_told_as_that(azure_cli: AzureCli) -> None:
    listed = {words: states.REFUSED if "role assignment" in words else answer for words, answer in ANSWERS.items()}
    azure_cli(listed)
    lines = [line for line in run(**DEPLOYED).stdout.splitlines() if line.startswith("Still to do")]
    assert [line.partition(" may do")[0] for line in lines] == [
        f"Still to do: could not see what {name}" for name in (states.FRONT.identity, states.WORKER.identity)
    ]


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


def test_a_rotation_that_removed_the_default_key_leaves_another_to_print(azure_cli: AzureCli) -> None:
    deployed = deployment.from_environment(DEPLOYED)
    assert deployed
    azure_cli({**ANSWERS, "functionapp function keys list": {"second": "the-second-key"}})
    assert postdeploy.notification_url(deployed, SIGNATURE, in_full=True) == (
        f"https://func-x.example/api?code=the-second-key&sig={SIGNATURE}",
        [],
    )
    azure_cli({**ANSWERS, "functionapp function keys list": {"a": "another", "default": "the-key"}})
    url, (line,) = postdeploy.notification_url(deployed, SIGNATURE, in_full=True)
    assert "code=the-key&" in url
    assert line == "code is the key default; the function has others, and takes any of them: a"


def test_an_environment_without_an_output_is_no_deployment() -> None:
    names = "AZURE_RESOURCE_GROUP FRONT_APP_NAME WORKER_APP_NAME NOTIFICATION_ENDPOINT PUBLISHER_CLIENT_ID"
    for name in names.split():
        assert deployment.from_environment({**DEPLOYED, name: ""}) is None


def test_an_app_without_a_name_of_a_host_is_not_complete(azure_cli: AzureCli) -> None:
    azure_cli({**ANSWERS, "functionapp list --": [{**APP, "defaultHostName": None}, WORKER]})
    with pytest.raises(HookError, match="not complete"):
        deployment.from_azure("rg-production")
