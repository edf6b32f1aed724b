from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infra.hooks import parameters
from infra.hooks.run import HookError

GUID = "11111111-2222-3333-4444-555555555555"
ENVIRONMENT = {
    "AZURE_ENV_NAME": "production",
    "AZURE_LOCATION": "westeurope",
    "PUBLISHER_CLIENT_ID": GUID,
    "NOTIFICATION_SIGNATURE": "a" * 32,
    "OFFERS": "contoso/monitoring",
    "ALERT_EMAIL": "operations@example.com",
}


def test_a_complete_environment_needs_no_more() -> None:
    values = parameters.resolve(ENVIRONMENT)
    assert parameters.problems(values) == []
    assert values["credentialKind"] == "federated"
    assert values["privateNetworking"] is False
    assert values["collectionInterval"] == "PT1H"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("ALERT_EMAIL", "", "alertEmail (ALERT_EMAIL): is empty"),
        (
            "NOTIFICATION_SIGNATURE",
            "short",
            "notificationSignature (NOTIFICATION_SIGNATURE): must be at least 32 characters",
        ),
        (
            "CREDENTIAL_KIND",
            "password",
            "credentialKind (CREDENTIAL_KIND): must be one of federated, certificate, secret",
        ),
        ("PUBLISHER_CLIENT_ID", "x", "publisherClientId (PUBLISHER_CLIENT_ID): must be at least 36 characters"),
        ("PRIVATE_NETWORKING", "maybe", "privateNetworking (PRIVATE_NETWORKING): must be of the type bool"),
        ("AZURE_ENV_NAME", "x" * 33, "environmentName (AZURE_ENV_NAME): must be at most 32 characters"),
    ],
)
def test_a_wrong_value_is_told_by_parameter_and_variable(variable: str, value: str, message: str) -> None:
    assert parameters.problems(parameters.resolve({**ENVIRONMENT, variable: value})) == [message]


def test_an_unknown_interval_names_those_that_there_are() -> None:
    (problem,) = parameters.problems(parameters.resolve({**ENVIRONMENT, "COLLECTION_INTERVAL": "PT7H"}))
    assert problem.startswith("collectionInterval (COLLECTION_INTERVAL): must be one of PT15M, PT30M, PT1H")


def test_the_template_constrains_what_people_choose() -> None:
    declared = parameters.declarations()
    assert declared["alertEmail"].limits["minLength"] > 0
    assert declared["notificationSignature"].limits["minLength"] >= 32
    assert declared["credentialKind"].allowed == ("federated", "certificate", "secret")
    assert not declared["alertEmail"].has_default


def test_the_written_file_is_what_az_takes_and_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    target = tmp_path / "parameters.json"
    assert parameters.main([str(target)]) == 0
    document = json.loads(target.read_text())
    assert document["parameters"]["alertEmail"] == {"value": "operations@example.com"}
    assert document["$schema"].endswith("deploymentParameters.json#")
    assert target.stat().st_mode & 0o077 == 0


def test_nothing_is_written_while_a_value_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**ENVIRONMENT, "ALERT_EMAIL": ""}.items():
        monkeypatch.setenv(name, value)
    assert parameters.main([str(tmp_path / "parameters.json")]) == 1
    assert capsys.readouterr().err == "alertEmail (ALERT_EMAIL): is empty\n"
    assert not (tmp_path / "parameters.json").exists()


def test_a_doubled_dollar_sign_keeps_what_is_meant_for_the_alert(tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    value = {"Customer": "$${data.alertContext.x}", "Environment": "${AZURE_ENV_NAME}", "Colour": "${COLOUR=blue}"}
    file.write_text(json.dumps({"parameters": {"alertCustomProperties": {"value": value}}}))
    assert parameters.resolve(ENVIRONMENT, file) == {
        "alertCustomProperties": {"Customer": "${data.alertContext.x}", "Environment": "production", "Colour": "blue"}
    }


def test_the_defaults_of_variables_are_those_of_the_template() -> None:
    template = parameters.TEMPLATE.read_text()
    document = json.loads(parameters.PARAMETERS_FILE.read_text())
    for name, entry in document["parameters"].items():
        variable = re.fullmatch(r"\$\{\w+=(.*)\}", entry["value"])
        default = re.search(rf"^param {name} \w+ = (.*)$", template, re.MULTILINE)
        assert (variable is None) == (default is None), name
        if variable and default:
            assert variable[1] == default[1].strip("'"), name


def test_numbers_come_as_texts_and_are_checked_as_numbers() -> None:
    values = parameters.resolve({**ENVIRONMENT, "RETENTION_IN_DAYS": "30", "INSTANCE_MEMORY_MB": "1024"})
    assert values["retentionInDays"] == 30
    assert parameters.problems(values) == ["instanceMemoryMB (INSTANCE_MEMORY_MB): must be one of 2048, 4096"]
    values = parameters.resolve({**ENVIRONMENT, "RETENTION_IN_DAYS": "ninety"})
    assert parameters.problems(values) == ["retentionInDays (RETENTION_IN_DAYS): must be of the type int"]


@pytest.mark.parametrize(
    ("text", "part"),
    [("{", "is not JSON"), ("[]", "an object named parameters"), ('{"parameters": {"x": {}}}', "x must be an object")],
)
def test_a_parameters_file_of_another_shape_is_refused_by_name(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "parameters.json"
    file.write_text(text)
    with pytest.raises(HookError) as refused:
        parameters.resolve(ENVIRONMENT, file)
    assert part in str(refused.value)
    assert str(file) in str(refused.value)
