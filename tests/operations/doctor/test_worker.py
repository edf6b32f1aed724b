"""The doctor of the worker: a verdict for everything that can be wrong, what to do about it, and nothing written.

The settings are those of all roles in one process, so that a defect of one part is seen beside all the others.
"""

from __future__ import annotations

from typing import Any

import pytest
from azure.data.tables import TableClient

from collector.__main__ import main as collect
from operations.__main__ import main
from sandbox.faults.effects import Body, Status, html
from sandbox.faults.operations import IdentityTokenRequest, PolicyQuery, TableRequest, TokenRequest, Upload
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.workspace.schema import read_tables
from sandbox.world.customers import Access, Customer
from tests.operations.command_line import Cli
from tests.operations.doctor.findings import check, verdicts

STREAMS = [f"stream Custom-{name}" for name in read_tables()]


@pytest.fixture
def customer(sandbox: Sandbox, cli: Cli) -> Customer:
    customer = sandbox.arm.add_customer("Contoso")
    assert cli("add", customer.application_id).status == 0
    return customer


def test_a_healthy_installation_gets_a_clean_bill(cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
    assert collect(["--json"]) == 0
    sandbox.clear_counts()
    done = cli("doctor", "--json")
    assert (done.status, done.document["healthy"]) == (0, True)
    assert set(verdicts(done).values()) == {"ok"}
    assert set(verdicts(done)) >= {
        "settings",
        "token: service principal",
        "token: own identity, for the tables",
        "registry: read",
        "registry: write",
        "webhook",
        *STREAMS,
    }
    assert "policy states" in check(done, "application")["finding"]
    assert check(done, "application")["application_id"] == customer.application_id


def test_it_writes_nothing(cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
    before = cli("list", "--json").document
    rows = {name: sandbox.workspace.query(name) for name in read_tables()}
    sandbox.clear_counts()
    cli("doctor", "--all")
    assert sandbox.ingestion.accepted == []
    assert cli("list", "--json").document == before
    assert {name: sandbox.workspace.query(name) for name in read_tables()} == rows


def test_people_see_what_to_do(cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
    sandbox.rule.authorized_object_ids.clear()
    words = cli("doctor").words
    assert "Monitoring Metrics Publisher" in words
    assert f"{len(STREAMS)} failed" in words


def test_it_names_the_object_id_that_authorizations_need(cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
    (object_id,) = sandbox.arm.authorized_object_ids
    assert object_id in check(cli("doctor", "--json"), "token: service principal")["finding"]


def test_bad_settings_are_findings_and_the_rest_is_examined(
    cli: Cli, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFICATION_SIGNATURE", "short")
    monkeypatch.setenv("COLLECTION_SCHEDULE", "hourly")
    done = cli("doctor", "--json")
    assert done.status == 2
    found = verdicts(done)
    assert found["setting NOTIFICATION_SIGNATURE"] == found["setting COLLECTION_SCHEDULE"] == "failed"
    assert "webhook" not in found
    assert found["registry: read"] == "ok"


def test_without_a_way_into_the_tables_the_rest_is_examined(
    cli: Cli, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATA_COLLECTION_ENDPOINT")
    found = verdicts(cli("doctor", "--json"))
    assert found["setting DATA_COLLECTION_ENDPOINT"] == "failed"
    assert found["tables"] == found["policy states"] == "skipped"
    assert found["registry: write"] == "ok"


def test_without_anything_every_setting_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AzureWebJobsStorage"):
        monkeypatch.delenv(name)
    done = cli("doctor", "--json")
    assert done.status == 2
    assert {"setting AZURE_TENANT_ID", "setting AZURE_CLIENT_ID", "setting AzureWebJobsStorage"} <= set(verdicts(done))


def test_a_certificate_that_cannot_be_used_is_a_bad_setting(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text("not a certificate")
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(certificate))
    done = cli("doctor", "--json")
    assert (done.status, check(done, "setting AZURE_CLIENT_CERTIFICATE_PATH")["verdict"]) == (2, "failed")


def test_two_signatures_are_a_rotation_to_be_finished(
    cli: Cli, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFICATION_SIGNATURE", f"{'a' * 32},{'b' * 32}")
    done = cli("doctor", "--json")
    assert (done.status, check(done, "webhook")["verdict"]) == (0, "warning")
    assert "a" * 32 not in done.output


def test_a_missing_schedule_is_a_warning(cli: Cli, customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLLECTION_SCHEDULE")
    done = cli("doctor", "--json")
    assert (done.status, check(done, "setting COLLECTION_SCHEDULE")["verdict"]) == (0, "warning")


def test_an_expired_secret_shows_where_it_is(cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
    sandbox.faults.add(
        TokenRequest(), Status(401, message="AADSTS7000222: The provided client secret keys are expired.")
    )
    done = cli("doctor", "--json")
    assert done.status == 1
    found = check(done, "token: service principal")
    assert "AADSTS7000222" in found["finding"]
    assert "the client secret has expired" in found["finding"]
    assert "Rotate the credential" in found["next_step"]
    assert check(done, "application")["verdict"] == "failed"
    assert verdicts(done)["registry: read"] == "ok"


def test_an_identity_that_is_not_here_shows_where_it_is(cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
    sandbox.faults.add(IdentityTokenRequest(), Status(400))
    found = verdicts(cli("doctor", "--json"))
    assert found["token: own identity, for the tables"] == "failed"
    assert {found[stream] for stream in STREAMS} == {"failed"}
    assert found["token: service principal"] == "ok"


@pytest.mark.parametrize(("method", "failing"), [("GET", "registry: read"), ("PUT", "registry: write")])
def test_a_missing_storage_role_is_told_apart(
    cli: Cli, sandbox: Sandbox, customer: Customer, method: str, failing: str
) -> None:
    sandbox.faults.add(TableRequest(method), Status(403, code="AuthorizationPermissionMismatch"))
    done = cli("doctor", "--json")
    assert done.status == 1
    assert check(done, failing)["verdict"] == "failed"
    assert "Storage Table Data Contributor" in check(done, failing)["next_step"]


def test_an_empty_registry_is_a_warning(cli: Cli, customer: Customer) -> None:
    customer.delete()
    cli("reconcile")
    found = verdicts(cli("doctor", "--json"))
    assert (found["registry: read"], found["policy states"]) == ("warning", "skipped")


def test_a_stream_that_the_rule_lacks_is_found(cli: Cli, customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTS_STREAM_NAME", "Custom-Misspelt_CL")
    done = cli("doctor", "--json")
    assert done.status == 1
    assert verdicts(done)["stream Custom-Misspelt_CL"] == "failed"
    assert list(verdicts(done).values()).count("failed") == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Body(b"", status=204), False),
        (Status(400, code="InvalidPayload"), False),
        (Status(400, code="InvalidStream"), None),
    ],
)
def test_what_an_answer_does_not_tell_is_not_claimed(
    cli: Cli, sandbox: Sandbox, customer: Customer, answer: Body | Status, told: bool | None
) -> None:
    sandbox.faults.add(Upload(), answer)
    done = cli("doctor", "--json")
    found = check(done, STREAMS[0])
    assert found["verdict"] == ("failed" if told is None else "ok")
    if told is False:
        assert "only when rows arrive" in found["finding"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Status(403), "Monitoring Metrics Publisher"),
        (Status(404), "DATA_COLLECTION_IMMUTABLE_ID"),
        (Status(503), "status page"),
        (html(200), "DATA_COLLECTION_ENDPOINT"),
    ],
)
def test_every_refusal_of_the_tables_has_its_next_step(
    cli: Cli, sandbox: Sandbox, customer: Customer, fault: Any, words: str
) -> None:
    sandbox.faults.add(Upload(), fault)
    assert words in check(cli("doctor", "--json"), STREAMS[0])["next_step"]


def test_an_endpoint_that_is_not_there_is_found(cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
    with sandbox.offline(Service.LOGS_INGESTION):
        found = check(cli("doctor", "--json"), STREAMS[0])
    assert found["verdict"] == "failed"
    assert "ConnectionFailed" in found["finding"]


class TestPolicyReads:
    def test_one_application_is_read_unless_all_are_wanted(
        self, cli: Cli, sandbox: Sandbox, customer: Customer
    ) -> None:
        other = sandbox.arm.add_customer("Fabrikam")
        cli("add", other.application_id)
        refused = (customer, other)
        for one in refused:
            one.revoke_access(Access.STATES)
        one_only = cli("doctor", "--json").document["checks"]
        assert sum(bool(found["application_id"]) for found in one_only) == 1
        everything = cli("doctor", "--all", "--json")
        assert everything.status == 1
        named = {found["application_id"]: found["verdict"] for found in everything.document["checks"]}
        assert {named[one.application_id] for one in refused} == {"failed"}

    def test_an_application_can_be_chosen(self, cli: Cli, sandbox: Sandbox, customer: Customer) -> None:
        other = sandbox.arm.add_customer("Fabrikam")
        cli("add", other.application_id)
        done = cli("doctor", "--application", other.application_id, "--json")
        assert check(done, "application")["application_id"] == other.application_id
        done = cli("doctor", "--application", other.application_id + "-2", "--json")
        assert done.status == 1
        assert check(done, "application")["finding"] == "is not in the registry"

    def test_a_refusal_says_what_to_authorize(self, cli: Cli, customer: Customer) -> None:
        customer.revoke_access()
        found = check(cli("doctor", "--json"), "application")
        assert found["verdict"] == "failed"
        assert "object id" in found["next_step"]

    def test_an_application_that_is_gone_is_reconciled(self, cli: Cli, customer: Customer) -> None:
        customer.delete()
        assert "reconcile" in check(cli("doctor", "--json"), "application")["next_step"]

    def test_no_states_are_a_warning_and_not_health(self, cli: Cli, customer: Customer) -> None:
        customer.remove_states()
        done = cli("doctor", "--json")
        assert (done.status, check(done, "application")["verdict"]) == (0, "warning")
        assert "Microsoft.PolicyInsights" in check(done, "application")["next_step"]

    @pytest.mark.parametrize("fault", [Status(400), Status(503), html()])
    def test_an_answer_that_makes_no_sense_is_a_failure(
        self, cli: Cli, sandbox: Sandbox, customer: Customer, fault: Any
    ) -> None:
        sandbox.faults.add(PolicyQuery(), fault)
        assert check(cli("doctor", "--json"), "application")["verdict"] == "failed"

    def test_a_row_that_cannot_be_collected_is_a_failure(
        self, cli: Cli, sandbox: Sandbox, customer: Customer, environment: dict[str, str]
    ) -> None:
        with TableClient.from_connection_string(environment["AzureWebJobsStorage"], "applications") as table:
            table.create_entity({"PartitionKey": "x", "RowKey": "broken"})
        done = cli("doctor", "--json")
        assert (done.status, check(done, "registry row x/broken")["verdict"]) == (1, "failed")


def test_storage_reached_by_identity_gets_a_token_check(
    identity_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in identity_sandbox.environment.items():
        monkeypatch.setenv(name, value)
    assert main(["add", identity_sandbox.arm.add_customer("Contoso").application_id]) == 0
    capsys.readouterr()
    assert main(["doctor", "--json"]) == 0
    assert "own identity, for storage" in capsys.readouterr().out


def test_secrets_stay_secret(
    cli: Cli, sandbox: Sandbox, customer: Customer, environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    sandbox.faults.add(Upload(), Status(403))
    done = cli("doctor", "--all")
    seen = done.output + done.errors + caplog.text
    for name in ("AZURE_CLIENT_SECRET", "NOTIFICATION_SIGNATURE"):
        assert environment[name] not in seen
    assert "eyJ" not in seen
