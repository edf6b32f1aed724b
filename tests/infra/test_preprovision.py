from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import parameters, preprovision
from infra.hooks.before.values import ADDRESS_PREFIXES, check_values
from infra.hooks.run import HookError
from publisher.configuration.offers import offers_from
from publisher.environment import Environment, SettingsError
from tests.infra.test_parameters import ENVIRONMENT, GUID

API = "66666666-7777-8888-9999-000000000000"
AzureCli = Callable[[dict[str, Any]], Path]


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        ("ALERT_EMAIL", "nobody-at-example", "is not an e-mail address"),
        ("OFFERS", "contoso", "publisher/product of each offer"),
        ("OFFERS", "contoso/monitoring,*", "publisher/product of each offer"),
        ("OFFERS", "", "run: azd env set OFFERS <publisher>/<product>"),
        ("DEPLOYMENT_SOURCES", "203.0.113.7, home", "'home' is no IPv4 address or range"),
        ("DEPLOYMENT_SOURCES", "203.0.113.7/24", "is no IPv4 address or range"),
        ("PRIVATE_NETWORKING", "true", "run: azd env set DEPLOYMENT_SOURCES <address or range>"),
        ("PUBLISHER_CLIENT_ID", "1" * 36, "a GUID"),
        ("NOTIFICATION_SIGNATURE", "a" * 32 + " &?#", "part of a URL"),
        ("NOTIFICATION_SIGNATURE", "a" * 32 + ",short", "each value needs 32"),
        ("ALERT_WEBHOOK_URIS", "https://a.example,http://b.example", "must begin with https://"),
        ("AZURE_ENV_NAME", "under_score", "letters, digits and dashes"),
        ("PUBLISHER_TENANT_ID", "contoso.example", "or empty"),
        ("PUBLISHER_CREDENTIAL", "secret", "is not used in federated mode"),
        ("API_CLIENT_ID", "the-api", "a GUID"),
        ("API_CLIENT_ID", GUID.upper(), "make one for the API"),
        ("API_ALLOWED_CLIENTS", API, "is set without apiClientId"),
        ("AZURE_LOCATION", "westeurope\n", "name of an Azure region"),
        ("AZURE_LOCATION", "west\udcff", "name of an Azure region"),
        ("STATES_WINDOW_HOURS", "9" * 5000, "must be of the type int"),
        ("STATES_WINDOW_HOURS", "\uff14\uff18", "must be of the type int"),
    ],
)
def test_what_decorators_cannot_say_is_said_before(variable: str, value: str, part: str) -> None:
    (problem,) = check_values(parameters.resolve({**ENVIRONMENT, variable: value})).problems
    assert part in problem
    assert variable in problem or "DEPLOYMENT_SOURCES" in problem
    assert "secret" not in problem.replace("delete the secret", "")


@pytest.mark.parametrize(("clients", "problems"), [(f"{GUID}, {API}", 0), (f"{GUID};{API}", 1), (f"{GUID},", 1)])
def test_clients_of_the_api_are_guids_with_commas_between(clients: str, problems: int) -> None:
    environment = {**ENVIRONMENT, "API_CLIENT_ID": API, "API_ALLOWED_CLIENTS": clients}
    assert len(check_values(parameters.resolve(environment)).problems) == problems


def test_all_problems_come_at_once() -> None:
    found = check_values(parameters.resolve({})).problems
    assert len(found) == 6
    assert all(": is empty" in problem for problem in found)


DEFINITION = f"/subscriptions/{GUID}/resourceGroups/rg-x/providers/Microsoft.Solutions/applicationDefinitions/d"


@pytest.mark.parametrize(
    "offers",
    [
        "contoso/monitoring",
        "contoso/monitoring, contoso/another-offer",
        "contoso/monitoring\ncontoso/another-offer\n",
        DEFINITION,
        f"{DEFINITION.upper()},contoso/monitoring",
        DEFINITION.removeprefix("/"),
        "*",
        "contoso",
        "contoso/",
        "contoso/monitoring/plan",
        "contoso/monitoring;contoso/other",
        "*,contoso/monitoring",
        "https://example.com/offer",
        DEFINITION.replace("applicationDefinitions", "applications"),
        ",",
    ],
)
def test_the_checks_take_the_offers_that_the_worker_takes(offers: str) -> None:
    """They stand in two places, because the checks run without the product's packages."""
    is_taken = check_values(parameters.resolve({**ENVIRONMENT, "OFFERS": offers})).problems == []
    environment = Environment({"OFFERS": offers})
    read = offers_from(environment)
    try:
        environment.finish()
        is_read = bool(read.every or read.marketplace or read.definitions)
    except SettingsError:
        is_read = False
    assert is_taken is is_read


def test_address_ranges_without_a_subnet_for_each_app_are_told() -> None:
    """Those that were given before there were three apps have one."""
    before = {"network": "10.0.0.0/24", "appSubnet": "10.0.0.0/26", "endpointsSubnet": "10.0.0.64/26", "operators": []}
    values = parameters.resolve(ENVIRONMENT)
    (problem,) = check_values({**values, "addressPrefixes": before}).problems
    assert problem.endswith("lacks workerSubnet, apiSubnet, see docs/private.md")
    more = {"workerSubnet": "10.0.0.128/26", "apiSubnet": "10.0.0.192/26"}
    assert check_values({**values, "addressPrefixes": before | more}).problems == []
    template = (parameters.TEMPLATE).read_text().partition("param addressPrefixes object = {\n")[2].partition("\n}")[0]
    assert {line.split(":")[0].strip() for line in template.splitlines()} == set(ADDRESS_PREFIXES)


def test_packages_are_deployed_from_addresses_and_ranges() -> None:
    environment = {**ENVIRONMENT, "PRIVATE_NETWORKING": "true", "DEPLOYMENT_SOURCES": "203.0.113.7, 198.51.100.0/24"}
    assert check_values(parameters.resolve(environment)).problems == []


def test_the_hook_ends_with_1_before_it_asks_azure(
    azure_cli: AzureCli, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = azure_cli({})
    for name, value in {**ENVIRONMENT, "ALERT_EMAIL": ""}.items():
        monkeypatch.setenv(name, value)
    assert preprovision.main() == 1
    output = capsys.readouterr()
    assert output.err == "problem: alertEmail (ALERT_EMAIL): is empty\n"
    assert "1 problem(s), nothing was changed" in output.out
    assert not asked.exists()


def test_the_watch_over_the_root_is_refused_in_private_mode() -> None:
    network = {"PRIVATE_NETWORKING": "true", "DEPLOYMENT_SOURCES": "203.0.113.7"}
    environment = {**ENVIRONMENT, **network, "ALERT_ON_ELEVATED_ACCESS": "true"}
    (problem,) = check_values(parameters.resolve(environment)).problems
    assert problem.startswith("alertOnElevatedAccess (ALERT_ON_ELEVATED_ACCESS): ")
    assert problem.endswith("run: azd env set ALERT_ON_ELEVATED_ACCESS false")


@pytest.mark.parametrize("value", [5, None, [], {}])
def test_a_value_of_a_wrong_type_is_one_line_for_every_parameter(value: object) -> None:
    names = parameters.declarations()
    report = check_values({name: value for name in names if name not in ("tags", "cloud")})
    told = [problem.split(" (")[0] for problem in report.problems]
    assert len(told) == len(set(told))
    assert {"environmentName", "publisherTenantId", "alertWebhookUris", "apiAllowedClients"} <= set(told)


def install_azd(folder: Path, script: str) -> None:
    azd = folder / "azd"
    azd.write_text(f"#!/bin/sh\n{script}\n")
    azd.chmod(0o700)


def test_azd_gets_a_random_signature_once_and_not_among_its_arguments(
    azure_cli: AzureCli, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = azure_cli({}).parent
    install_azd(
        folder, f'echo "$@" >> {tmp_path}/asked; stat -c %a "$4" >> {tmp_path}/mode; cat "$4" >> {tmp_path}/kept'
    )
    environment = {"AZURE_ENV_NAME": "test"}
    preprovision.provide_signature(environment)
    preprovision.provide_signature(environment)
    signature = environment["NOTIFICATION_SIGNATURE"]
    assert len(signature) >= 32
    (asked,) = (tmp_path / "asked").read_text().splitlines()
    assert asked.startswith("env set --file ")
    assert asked.endswith(" --environment test")
    assert (tmp_path / "kept").read_text() == f'NOTIFICATION_SIGNATURE="{signature}"\n'
    assert (tmp_path / "mode").read_text() == "600\n"
    assert signature not in asked + capsys.readouterr().out
    assert not Path(asked.split()[3]).exists()


@pytest.mark.parametrize(
    ("script", "complaint"),
    [("#!/bin/sh\nexec sleep 5\n", "no answer within 0.2 s"), ("#!/nonexistent\n", "could not be started")],
)
def test_an_azd_that_waits_or_cannot_start_is_one_line(
    azure_cli: AzureCli, monkeypatch: pytest.MonkeyPatch, script: str, complaint: str
) -> None:
    folder = azure_cli({}).parent
    install_azd(folder, "")
    (folder / "azd").write_text(script)
    monkeypatch.setattr(preprovision, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(HookError, match=complaint):
        preprovision.provide_signature({"AZURE_ENV_NAME": "test"})


def test_an_azd_that_does_not_keep_the_signature_is_one_line_without_it(azure_cli: AzureCli) -> None:
    folder = azure_cli({}).parent
    install_azd(folder, 'echo "ERROR: environment not found" >&2; cat "$4" >&2; exit 1')
    environment = {"AZURE_ENV_NAME": "test"}
    with pytest.raises(HookError) as refused:
        preprovision.provide_signature(environment)
    (line,) = str(refused.value).splitlines()
    assert 'environment not found NOTIFICATION_SIGNATURE="***"' in line
    assert line.endswith("and not as an argument: docs/parameters.md#secrets")
    assert "NOTIFICATION_SIGNATURE" not in environment
