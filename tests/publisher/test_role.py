"""The role of an app: one of three in Azure, all of them on a developer's machine, and otherwise one clear error."""

import pytest

from publisher.environment import SettingsError
from publisher.roles import PLATFORM_VARIABLES, Role, role_from


@pytest.mark.parametrize("name", ["front", "worker", "api"])
def test_each_role_runs_as_an_app_of_its_own(name: str) -> None:
    assert role_from({"APP_ROLE": name}) == Role(name)
    assert role_from({"APP_ROLE": f" {name}\n", "WEBSITE_SITE_NAME": "app", "WEBSITE_INSTANCE_ID": "1"}) == Role(name)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "is not set; give the app's role: front, worker or api"),
        ({"APP_ROLE": "  "}, "is not set; give the app's role: front, worker or api"),
        ({"APP_ROLE": "collector"}, "must be front, worker or api, not 'collector'"),
        ({"APP_ROLE": "Front"}, "must be front, worker or api, not 'Front'"),
        ({"APP_ROLE": "front,worker"}, "must be front, worker or api, not 'front,worker'"),
        ({"APP_ROLE": "ü\n" + "x" * 1000}, "must be front, worker or api, not '\\xfc\\n" + "x" * 38 + "'"),
    ],
)
def test_no_role_and_an_unknown_one_are_one_problem_that_says_what_to_set(variables: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        role_from(variables)
    assert error.value.problems == (f"APP_ROLE: {said}",)


def test_all_roles_in_one_process_are_for_a_developers_machine() -> None:
    assert role_from({"APP_ROLE": "local", "WEBSITE_SITE_NAME": "", "WEBSITE_AUTH_ENABLED": "True"}) == Role.LOCAL


@pytest.mark.parametrize("name", PLATFORM_VARIABLES)
def test_all_roles_in_one_process_are_refused_on_a_platform(name: str) -> None:
    with pytest.raises(SettingsError) as error:
        role_from({"APP_ROLE": "local", name: "something"})
    (problem,) = error.value.problems
    assert problem.startswith("APP_ROLE: local ")
    assert name in problem
    assert problem.endswith("deploy one app for each of front, worker and api")
