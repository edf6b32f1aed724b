"""The resource group of an environment, and its variables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.pipeline import github_variables
from tests.infra.workflows.runner import PROJECT, run

AzureCli = Callable[[dict[str, Any]], Path]
OURS = {"name": "rg-production", "location": "westeurope", "tags": {"azd-env-name": "production"}}

# The resource group of the environment


def guard(**environment: str) -> tuple[int, str]:
    done = run("environment_guard", **{"AZURE_ENV_NAME": "production", "AZURE_LOCATION": "West Europe", **environment})
    return done.returncode, done.stderr


def test_an_environment_deploys_into_its_own_resource_group(azure_cli: AzureCli) -> None:
    asked = azure_cli({"group show": OURS})
    assert guard() == (0, "")
    assert "group show --name rg-production " in asked.read_text()


CREATE = "az group create --name rg-production --location westeurope --tags azd-env-name=production"
"""A region with a space in its name would be two words."""


@pytest.mark.parametrize(
    ("group", "told"),
    [
        ({**OURS, "tags": {"azd-env-name": "Production"}}, "belongs to the environment Production, not to production"),
        ({**OURS, "tags": None}, "has no tag azd-env-name; if it is meant for production: " + CREATE),
        ({**OURS, "location": "northeurope"}, "gh variable set AZURE_LOCATION --env production --body northeurope"),
        ("ERROR: Resource group 'rg-production' could not be found.", f"there is no rg-production: {CREATE}"),
        ("ERROR: AuthorizationFailed", "could not be looked up (AuthorizationFailed)"),
    ],
)
def test_any_other_resource_group_is_refused(azure_cli: AzureCli, group: Any, told: str) -> None:
    azure_cli({"group show": group})
    status, problem = guard()
    assert status == 1
    assert told in problem
    assert len(problem.splitlines()) == 1


@pytest.mark.parametrize("variable", ["AZURE_ENV_NAME", "AZURE_LOCATION"])
def test_a_missing_name_or_region_is_told_by_its_variable(azure_cli: AzureCli, variable: str) -> None:
    azure_cli({"group show": OURS})
    status, problem = guard(**{variable: ""})
    assert (status, f"{variable} is empty" in problem) == (1, True)


# The variables of the GitHub environment


def test_every_variable_of_the_parameters_file_reaches_the_template_and_no_other() -> None:
    text = (PROJECT / "infra" / "main.parameters.json").read_text()
    plain, secret = github_variables.names()
    for name in [*plain, *secret, "AZURE_ENV_NAME"]:
        assert f"${{{name}" in text
    assert text.count("${") == len(plain) + len(secret) + 1
    variables = {name: f"value of\n{name}" for name in plain}
    others = {"PATH": "/evil", "AZURE_ENV_NAME": "staging", "BASH_ENV": "/evil"}
    done = run("github_variables", ENVIRONMENT_VARIABLES=json.dumps({**variables, **others}))
    assert done.returncode == 0, done.stderr
    assert read_environment_file(done.stdout) == variables


def test_a_variable_cannot_end_its_own_value_and_begin_another() -> None:
    plain, _ = github_variables.names()
    done = run("github_variables", ENVIRONMENT_VARIABLES=json.dumps({plain[0]: "x\nEOF\nPATH=/evil"}))
    assert list(read_environment_file(done.stdout)) == [plain[0]]


def test_a_secret_that_is_stored_as_a_variable_is_refused_without_being_shown() -> None:
    _, secret = github_variables.names()
    assert {"NOTIFICATION_SIGNATURE", "PUBLISHER_CREDENTIAL", "ALERT_WEBHOOK_URIS"} <= set(secret)
    for name in secret:
        done = run("github_variables", ENVIRONMENT_VARIABLES=json.dumps({name: "hush-hush"}))
        assert (done.returncode, done.stdout) == (1, "")
        assert f"gh secret set {name}" in done.stderr
        assert "hush" not in done.stderr


def test_variables_that_are_no_json_are_told() -> None:
    done = run("github_variables", ENVIRONMENT_VARIABLES="")
    assert (done.returncode, done.stderr) == (1, "ENVIRONMENT_VARIABLES must hold toJSON(vars)\n")


def read_environment_file(text: str) -> dict[str, str]:
    """Read GITHUB_ENV as the runner does."""
    lines, found = iter(text.splitlines()), dict[str, str]()
    for line in lines:
        name, _, end = line.partition("<<")
        found[name] = "\n".join(iter(lines.__next__, end))
    return found
