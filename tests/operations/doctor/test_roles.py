"""The doctor examines what the role of the app needs, and says what an app has that another one alone should have."""

from __future__ import annotations

import pytest

from sandbox.world.customers import Customer
from tests.operations.doctor.conftest import Doctor
from tests.operations.doctor.findings import check, verdicts


@pytest.mark.parametrize(
    ("role", "examined", "not_examined"),
    [
        ("front", {"webhook", "queue notifications"}, {"registry: read", "token: service principal"}),
        (
            "worker",
            {"registry: read", "setting OFFERS", "pending applications"},
            {"webhook", "table PolicyVerdicts_CL"},
        ),
        ("api", {"token: own identity, for the workspace", "table PolicyVerdicts_CL"}, {"webhook", "registry: read"}),
        ("local", {"webhook", "registry: read", "table PolicyVerdicts_CL", "queue notifications"}, set[str]()),
    ],
)
def test_what_an_app_of_this_role_needs_is_examined(
    doctor: Doctor, customer: Customer, role: str, examined: set[str], not_examined: set[str]
) -> None:
    done = doctor(role)
    assert done.status == 0, done.output
    assert (done.document["healthy"], done.document["role"]) == (True, role)
    assert verdicts(done)["settings"] == "ok"
    assert examined <= verdicts(done).keys()
    assert not not_examined & verdicts(done).keys()


@pytest.mark.parametrize("value", ["", "back"])
def test_without_a_role_only_that_is_said(doctor: Doctor, value: str) -> None:
    done = doctor("worker", APP_ROLE=value)
    assert done.status == 2
    assert verdicts(done) == {"setting APP_ROLE": "failed", "everything else": "skipped"}
    assert "front, worker or api" in check(done, "setting APP_ROLE")["finding"] + check(done, "setting")["next_step"]


@pytest.mark.parametrize(
    ("role", "name", "owner"),
    [
        ("front", "AZURE_CLIENT_SECRET", "worker"),
        ("front", "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID", "worker"),
        ("api", "AZURE_CLIENT_CERTIFICATE", "worker"),
        ("api", "NOTIFICATION_SIGNATURE", "front"),
        ("worker", "NOTIFICATION_SIGNATURE", "front"),
    ],
)
def test_a_secret_in_the_wrong_app_is_a_warning(
    doctor: Doctor, customer: Customer, role: str, name: str, owner: str
) -> None:
    done = doctor(role, **{name: "0123456789abcdef" * 2})
    found = check(done, f"setting {name}")
    assert (done.status, found["verdict"]) == (0, "warning")
    assert owner in found["finding"]
    assert "0123456789abcdef" not in done.output


@pytest.mark.parametrize("role", ["front", "api"])
def test_applications_are_the_workers(doctor: Doctor, role: str) -> None:
    done = doctor(role, "--all")
    assert done.status == 2
    assert "for the worker" in done.words
