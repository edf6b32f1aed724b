from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import cloud_checks, parameters, preprovision
from tests.infra.test_parameters import ENVIRONMENT, GUID

API = "66666666-7777-8888-9999-000000000000"
AzureCli = Callable[[dict[str, Any]], Path]

SIGNED_IN = {
    "account show": {"tenantId": GUID},
    "functionapp list-flexconsumption-locations": [{"name": "westeurope"}, {"name": "North Europe"}],
    "ad sp show": {"id": GUID},
    "identity list": [],
}


def check(**changes: str) -> preprovision.Report:
    environment = {**ENVIRONMENT, **changes}
    return preprovision.check_azure(parameters.resolve(environment), environment)


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        ("ALERT_EMAIL", "nobody-at-example", "is not an e-mail address"),
        ("PUBLISHER_CLIENT_ID", "1" * 36, "a GUID"),
        ("NOTIFICATION_SIGNATURE", "a" * 32 + " &?#", "part of a URL"),
        ("NOTIFICATION_SIGNATURE", "a" * 32 + ",short", "each value needs 32"),
        ("ALERT_WEBHOOK_URIS", "https://a.example,http://b.example", "must begin with https://"),
        ("AZURE_ENV_NAME", "under_score", "letters, digits and dashes"),
        ("PUBLISHER_CREDENTIAL", "secret", "is not used in federated mode"),
        ("API_CLIENT_ID", "the-api", "a GUID"),
        ("API_CLIENT_ID", GUID.upper(), "make one for the API"),
        ("API_ALLOWED_CLIENTS", API, "is set without apiClientId"),
    ],
)
def test_what_decorators_cannot_say_is_said_before(variable: str, value: str, part: str) -> None:
    (problem,) = preprovision.check_values(parameters.resolve({**ENVIRONMENT, variable: value})).problems
    assert part in problem
    assert variable in problem
    assert "secret" not in problem.replace("delete the secret", "")


@pytest.mark.parametrize(("clients", "problems"), [(f"{GUID}, {API}", 0), (f"{GUID};{API}", 1), (f"{GUID},", 1)])
def test_clients_of_the_api_are_guids_with_commas_between(clients: str, problems: int) -> None:
    environment = {**ENVIRONMENT, "API_CLIENT_ID": API, "API_ALLOWED_CLIENTS": clients}
    assert len(preprovision.check_values(parameters.resolve(environment)).problems) == problems


def test_the_registration_of_the_api_needs_a_service_principal_too(azure_cli: AzureCli) -> None:
    azure_cli({f"ad sp show --id {GUID}": {"id": GUID}, **SIGNED_IN, "ad sp show": "ERROR: it does not exist"})
    (problem,) = check(API_CLIENT_ID=API).problems
    assert problem.startswith(f"apiClientId (API_CLIENT_ID): {API} has no service principal")


def test_all_problems_come_at_once() -> None:
    found = preprovision.check_values(parameters.resolve({})).problems
    assert len(found) == 5
    assert all(": is empty" in problem for problem in found)


def test_a_good_environment_in_a_good_region_is_let_through(azure_cli: AzureCli) -> None:
    azure_cli(SIGNED_IN)
    report = check(AZURE_LOCATION="northeurope")
    assert report.problems == []
    assert any("federated-credential" in note for note in report.notes)


def test_a_region_without_flex_consumption_is_refused_with_those_that_have_it(azure_cli: AzureCli) -> None:
    azure_cli(SIGNED_IN)
    (problem,) = check(AZURE_LOCATION="moon").problems
    assert "moon does not offer" in problem
    assert "northeurope, westeurope" in problem


def test_a_registration_without_service_principal_is_refused(azure_cli: AzureCli) -> None:
    azure_cli({**SIGNED_IN, "ad sp show": "ERROR: Resource 'x' does not exist"})
    (problem,) = check().problems
    assert f"az ad sp create --id {GUID}" in problem


def test_a_missing_federated_credential_is_refused_once_the_identity_exists(azure_cli: AzureCli) -> None:
    azure_cli(
        {
            **SIGNED_IN,
            "identity list": [
                {"name": "id-alerts-x", "principalId": "other"},
                {"name": "id-app-x", "principalId": "ours"},
            ],
            "ad app federated-credential list": [{"subject": "other"}],
        }
    )
    (problem,) = check(FEDERATED_CREDENTIAL_COMMAND="az ad app federated-credential create --id x").problems
    assert "does not trust the app's identity ours" in problem
    assert "az ad app federated-credential create --id x" in problem


def test_an_existing_federated_credential_is_enough(azure_cli: AzureCli) -> None:
    azure_cli(
        {
            **SIGNED_IN,
            "identity list": [{"name": "id-app-x", "principalId": "ours"}],
            "ad app federated-credential list": [{"subject": "ours"}],
        }
    )
    report = check()
    assert (report.problems, report.notes) == ([], [])


def test_what_could_not_be_looked_up_is_a_note_and_never_a_pass(azure_cli: AzureCli) -> None:
    azure_cli({"account show": {"tenantId": GUID}})
    report = check(PRIVATE_NETWORKING="true")
    assert report.problems == []
    for part in ("regions", "service principal", "identity", "Microsoft.App", "Microsoft.Network"):
        assert any(part in note for note in report.notes), part


def test_the_private_mode_wants_its_providers(azure_cli: AzureCli) -> None:
    azure_cli({**SIGNED_IN, "provider show": {"registrationState": "NotRegistered"}})
    problems = check(PRIVATE_NETWORKING="true").problems
    assert any("az provider register --namespace Microsoft.App --wait" in problem for problem in problems)


def test_a_secret_mode_without_a_value_is_noted(azure_cli: AzureCli) -> None:
    azure_cli(SIGNED_IN)
    report = check(CREDENTIAL_KIND="secret")
    assert report.problems == []
    assert "key vault must already hold it" in report.notes[0]


def test_nobody_signed_in_says_how_to(azure_cli: AzureCli) -> None:
    azure_cli({})
    assert "run az login" in check().problems[0]


def test_without_the_azure_cli_the_report_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    report, account = cloud_checks.check_sign_in()
    assert "not installed" in report.problems[0]
    assert account == {}


def test_an_answer_that_is_no_json_is_no_answer(azure_cli: AzureCli) -> None:
    log = azure_cli({"account show": {}})
    log.with_name("az").write_text("#!/bin/sh\necho 'Please sign in'\n")
    report, _ = cloud_checks.check_sign_in()
    assert "did not answer with JSON" in report.problems[0]


def test_the_hook_ends_with_1_before_it_asks_azure(
    azure_cli: AzureCli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = azure_cli(SIGNED_IN)
    for name, value in {**ENVIRONMENT, "ALERT_EMAIL": ""}.items():
        monkeypatch.setenv(name, value)
    assert preprovision.main() == 1
    output = capsys.readouterr()
    assert output.err == "problem: alertEmail (ALERT_EMAIL): is empty\n"
    assert "1 problem(s), nothing was changed" in output.out
    assert not asked.exists()


def test_azd_gets_a_random_signature_once(
    azure_cli: AzureCli, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = azure_cli(SIGNED_IN).parent
    azd = folder / "azd"
    azd.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/kept\n')
    azd.chmod(0o700)
    environment = {"AZURE_ENV_NAME": "test"}
    preprovision.provide_signature(environment)
    preprovision.provide_signature(environment)
    assert len(environment["NOTIFICATION_SIGNATURE"]) >= 32
    kept = (tmp_path / "kept").read_text().splitlines()
    assert kept == [f"env set NOTIFICATION_SIGNATURE {environment['NOTIFICATION_SIGNATURE']} --environment test"]
    assert environment["NOTIFICATION_SIGNATURE"] not in capsys.readouterr().out
