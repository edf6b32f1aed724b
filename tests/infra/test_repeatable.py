from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra import azure_states as states
from tests.infra.test_parameters import ENVIRONMENT, GUID

PROJECT = Path(__file__).resolve().parents[2]
AzureCli = Callable[[states.Answers], Path]

NOT_YET = "the worker's identity does not exist yet"
LACKING = f"does not trust the worker's identity {states.PRINCIPAL}; run: {states.CREATE}\n"


def preprovision(**changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.hooks.preprovision"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **ENVIRONMENT, **changes},
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.mark.parametrize(
    ("answers", "note"),
    [
        pytest.param(states.NOTHING, NOT_YET, id="nothing"),
        pytest.param(states.EMPTY_GROUP, NOT_YET, id="empty group"),
        pytest.param(states.IDENTITY_ONLY, LACKING, id="identity only"),
        pytest.param(states.ALL_BUT_THE_APP, LACKING, id="everything but the app"),
        pytest.param(states.EVERYTHING, "", id="everything"),
    ],
)
def test_a_deployment_can_be_repeated_from_every_state(azure_cli: AzureCli, answers: states.Answers, note: str) -> None:
    azure_cli(answers)
    first, second = preprovision(), preprovision()
    assert (first.returncode, first.stderr) == (0, "")
    assert "nothing is in the way" in first.stdout
    notes = [line for line in first.stdout.splitlines(keepends=True) if line.startswith("note:")]
    assert len(notes) == (1 if note else 0), notes
    assert note in first.stdout
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"identity list": states.REFUSED}, id="the listing is refused"),
        pytest.param({"identity list": []}, id="the listing is not up to date"),
        pytest.param({"identity list": None}, id="the listing has another shape"),
        pytest.param(
            {"identity list": [{"name": "id-worker-old"}, {"name": states.WORKER.identity}]}, id="an older one is there"
        ),
        pytest.param(
            {
                "identity show": states.REFUSED,
                "identity list": [{"name": states.WORKER.identity, "principalId": states.PRINCIPAL}],
            },
            id="it is listed but not shown",
        ),
    ],
)
def test_the_identity_is_found_where_it_can_be_seen(azure_cli: AzureCli, answers: states.Answers) -> None:
    azure_cli({**answers, **{name: answer for name, answer in states.IDENTITY_ONLY.items() if name not in answers}})
    done = preprovision()
    assert done.returncode == 0
    assert states.CREATE in done.stdout


def test_an_identity_that_cannot_be_seen_is_not_taken_for_missing(azure_cli: AzureCli) -> None:
    azure_cli(
        {**states.IDENTITY_ONLY, "identity list": states.REFUSED, **dict.fromkeys(states.IDENTITY, states.REFUSED)}
    )
    done = preprovision()
    assert done.returncode == 0
    assert "could not look for the worker's identity" in done.stdout
    assert NOT_YET not in done.stdout


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "of-the-identity-that-was-deleted"},
        {"issuer": "https://login.microsoftonline.com/another/v2.0"},
        {"audiences": ["api://another"]},
        {"audiences": ["api://another"], "name": "made-by-hand"},
    ],
)
def test_a_credential_for_another_identity_is_updated_because_a_second_one_would_be_refused(
    azure_cli: AzureCli, change: dict[str, object]
) -> None:
    existing = {**states.TRUST, **change}
    azure_cli({**states.EVERYTHING, "ad app federated-credential list": [existing]})
    done = preprovision()
    assert done.returncode == 0
    update = (
        f"az ad app federated-credential update --id {GUID} --federated-credential-id {existing['name']} --parameters"
    )
    (note,) = [line for line in done.stdout.splitlines() if line.startswith("note:")]
    assert update in note
    assert states.PRINCIPAL in note.partition(update)[2]
    assert "create" not in note


def test_of_two_credentials_in_the_way_the_one_of_the_same_subject_is_updated(azure_cli: AzureCli) -> None:
    """The other one, of the same name, could not get the subject as long as this one has it."""
    namesake = {**states.TRUST, "subject": "of-the-identity-that-was-deleted"}
    by_hand = {**states.TRUST, "name": "made-by-hand", "audiences": ["api://another"]}
    azure_cli({**states.EVERYTHING, "ad app federated-credential list": [namesake, by_hand]})
    assert "--federated-credential-id made-by-hand " in preprovision().stdout


def test_credentials_of_others_neither_help_nor_hinder(azure_cli: AzureCli) -> None:
    others = [
        {**states.TRUST, "name": "github", "subject": "repo:x"},
        {},
        {"subject": states.PRINCIPAL, "audiences": 5},
    ]
    azure_cli({**states.EVERYTHING, "ad app federated-credential list": others})
    assert LACKING in preprovision().stdout


@pytest.mark.parametrize("answer", [states.REFUSED, None, {"value": []}, "ERROR: Resource 'x' does not exist"])
def test_credentials_that_cannot_be_listed_leave_the_command_in_the_note(azure_cli: AzureCli, answer: object) -> None:
    azure_cli({**states.EVERYTHING, "ad app federated-credential list": answer})
    done = preprovision()
    assert done.returncode == 0
    assert "could not list the federated credentials" in done.stdout
    assert states.CREATE in done.stdout


def test_the_identity_that_the_single_app_had_is_taken_out_of_the_trust(azure_cli: AzureCli) -> None:
    """After an upgrade the credential is still there, for what is the front now: it gets the worker's subject."""
    before = {**states.TRUST, "subject": states.FRONT_PRINCIPAL}
    azure_cli({**states.EVERYTHING, "ad app federated-credential list": [before]})
    (note,) = [line for line in preprovision().stdout.splitlines() if line.startswith("note:")]
    update = f"az ad app federated-credential update --id {GUID} --federated-credential-id {states.TRUST['name']} "
    assert states.PRINCIPAL in note.partition(update)[2]
    assert states.FRONT_PRINCIPAL not in note


@pytest.mark.parametrize(
    ("subject", "name"), [(states.FRONT_PRINCIPAL, states.FRONT.identity), (states.API_PRINCIPAL, states.API.identity)]
)
def test_a_registration_that_trusts_another_app_as_well_is_told_with_the_command_that_ends_it(
    azure_cli: AzureCli, subject: str, name: str
) -> None:
    another = {**states.TRUST, "name": "before", "subject": subject}
    azure_cli({**states.EVERYTHING, "ad app federated-credential list": [states.TRUST, another]})
    (note,) = [line for line in preprovision().stdout.splitlines() if line.startswith("note:")]
    assert f"{GUID} trusts {name}, which must not be able to act as it" in note
    assert note.endswith(f"run: az ad app federated-credential delete --id {GUID} --federated-credential-id before")


def test_the_registration_of_the_api_has_to_trust_the_api_and_not_the_worker(azure_cli: AzureCli) -> None:
    api = "66666666-7777-8888-9999-000000000000"
    azure_cli(
        {
            f"ad app federated-credential list --id {GUID}": [states.TRUST],
            **states.EVERYTHING,
            "ad app federated-credential list": [],
        }
    )
    done = preprovision(API_CLIENT_ID=api)
    (note,) = [line for line in done.stdout.splitlines() if line.startswith("note:")]
    assert note.endswith(states.create_for_api(api))


@pytest.mark.parametrize(
    ("cloud", "login", "audience"),
    [
        ("AzureUSGovernment", "https://login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
        ("AzureChinaCloud", "https://login.chinacloudapi.cn/", "api://AzureADTokenExchangeChina"),
    ],
)
def test_other_clouds_issue_and_expect_other_tokens(azure_cli: AzureCli, cloud: str, login: str, audience: str) -> None:
    azure_cli(
        {
            **states.IDENTITY_ONLY,
            "account show": {**states.SIGNED_IN["account show"], "environmentName": cloud},
            "cloud show": {"endpoints": {"activeDirectory": login}},
        }
    )
    done = preprovision()
    assert done.returncode == 0
    assert f"'issuer': '{login.rstrip('/')}/{states.TENANT}/v2.0'" in done.stdout
    assert f"'audiences': ['{audience}']" in done.stdout


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_shells_pass_the_command_on_as_az_reads_it(azure_cli: AzureCli, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    folder = azure_cli({"ad app": {}}).parent
    subprocess.run([shell, "-c", states.CREATE], check=True, stdout=subprocess.DEVNULL)
    *start, document = json.loads((folder / "arguments.json").read_text())
    assert start == ["ad", "app", "federated-credential", "create", "--id", GUID, "--parameters"]
    # az tries JSON first and a Python literal second.
    with pytest.raises(json.JSONDecodeError):
        json.loads(document)
    assert ast.literal_eval(document) == {"name": states.CREDENTIAL.name, **states.CREDENTIAL.document()}
