"""The publication of the ledger: what is open stays in sight when the collection fails, without any credential."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector import blueprint
from collector.publication import Published, publish_ledger
from publisher.errors.kinds import AzureFailure
from publisher.settings import PublicationSettings
from sandbox.alerts.evaluation import AlertEvaluator
from sandbox.alerts.rules import read_rules
from sandbox.faults.effects import Status
from sandbox.faults.operations import TableRequest, Upload
from sandbox.services import Service
from sandbox.world.customers import Customer
from tests.collector.conftest import RESULTS_TABLE, VERDICTS_STREAM, VERDICTS_TABLE, Fleet
from tests.collector.test_blueprint import Tick
from verdicts.ledger import LEDGER_TABLE

EVENTS_TABLE = "ManagedApplicationEvents_CL"
VAULT = "baseline"


async def publish(fleet: Fleet) -> Published:
    """Publish with the settings of an app that has no credential of the publisher."""

    async def instantly(_: float) -> None:
        pass

    own = {name: value for name, value in fleet.sandbox.environment.items() if not name.startswith("AZURE_CLIENT")}
    return await publish_ledger(
        PublicationSettings.from_environment(own),
        time_limit=timedelta(seconds=30),
        sleep=instantly,
        clock=fleet.sandbox.clock,
    )


async def broken(fleet: Fleet) -> Customer:
    customer = fleet.sandbox.arm.add_customer("Contoso")
    await fleet.register(customer, assignments=True)
    customer.break_resource("vault")
    await fleet.collect()
    return customer


async def test_what_is_open_is_told_again_for_days_while_nothing_is_collected(fleet: Fleet) -> None:
    customer = await broken(fleet)
    alarm = fleet.verdicts(customer)[VAULT]["Alarm_key"]
    fleet.sandbox.requests.clear()

    for _ in range(12):
        fleet.sandbox.clock.advance(timedelta(hours=6))
        published = await publish(fleet)
        assert published.failure is None
        row = fleet.verdicts(customer)[VAULT]
        assert row["TimeGenerated"] > fleet.sandbox.clock() - timedelta(minutes=5)
        assert (row["Verdict"], row["Alarm_key"]) == ("NonCompliant", alarm)

    assert fleet.sandbox.requests.count(Service.RESOURCE_MANAGER) == 0
    assert fleet.sandbox.requests.count(Service.ENTRA_ID) == 0
    assert {name: row["Verdict"] for name, row in fleet.verdicts(customer).items() if name != VAULT} == {
        "secure-transfer": "Compliant",
        "web-https": "Compliant",
    }


async def test_an_application_that_is_unread_keeps_its_result_row(fleet: Fleet) -> None:
    customer = await broken(fleet)
    customer.revoke_access()
    fleet.sandbox.clock.advance(timedelta(hours=1))
    await fleet.collect()
    key = fleet.latest_result(customer)["Unread_alarm_key"]
    fleet.sandbox.clock.advance(timedelta(hours=30))

    await publish(fleet)

    result = fleet.latest_result(customer)
    assert key
    assert (result["Outcome"], result["Unread_alarm_key"]) == ("AccessDenied", key)
    assert result["TimeGenerated"] > fleet.sandbox.clock() - timedelta(minutes=5)


async def test_every_table_gets_a_heartbeat_that_names_no_application(fleet: Fleet) -> None:
    await publish(fleet)

    for table, column in ((VERDICTS_TABLE, "Verdict"), (RESULTS_TABLE, "Outcome"), (EVENTS_TABLE, "Event_type")):
        (row,) = fleet.rows(table)
        assert (row[column], row["Application_id"]) == ("Heartbeat", "")


async def test_a_publication_does_not_overtake_a_run_that_writes_meanwhile(fleet: Fleet) -> None:
    customer = await broken(fleet)
    before = fleet.sandbox.clock()
    fleet.sandbox.clock.advance(timedelta(hours=1))
    customer.repair()
    await fleet.collect()
    fleet.sandbox.clock.stop(before + timedelta(minutes=59))  # it began before the run wrote

    await publish(fleet)

    fleet.sandbox.clock.stop(before + timedelta(hours=2))
    assert fleet.verdicts(customer)[VAULT]["Verdict"] == "Compliant"


async def test_a_ledger_row_that_cannot_be_read_is_told_and_fails_the_publication(fleet: Fleet) -> None:
    customer = await broken(fleet)
    await fleet.spoil_ledger_row(customer)
    fleet.sandbox.clock.advance(timedelta(hours=1))

    published = await publish(fleet)

    assert (published.unreadable, published.failure is None) == (1, False)
    result = fleet.latest_result(customer)
    assert (result["Outcome"], result["Error_code"]) == ("Failed", "MalformedLedgerRow")
    assert result["Unread_alarm_key"]


@pytest.mark.parametrize("registered", [True, False], ids=["registered", "vanished"])
async def test_an_alarm_about_a_ledger_row_does_not_fire_anew_with_each_publication(
    fleet: Fleet, registered: bool
) -> None:
    customer = await broken(fleet)
    await fleet.spoil_ledger_row(customer)
    if not registered:
        await fleet.forget_registration(customer)
    await fleet.collect()
    (rule,) = [one for one in read_rules("PT1H") if one.name == "application-unread"]
    alerts = AlertEvaluator([rule], fleet.sandbox.workspace)
    (fired,) = alerts.evaluate(fleet.sandbox.clock())
    assert fired.dimensions["Plan"] == ("standard 1.0.0" if registered else "")

    for _ in range(2):
        fleet.sandbox.clock.advance(timedelta(hours=6))
        await publish(fleet)
        assert [alerts.evaluate(fleet.sandbox.clock()) for _ in range(4)] == [[]] * 4


async def test_a_ledger_row_whose_application_the_registry_cannot_name_is_not_told_by_another_name(
    fleet: Fleet,
) -> None:
    customer = await broken(fleet)
    (other,) = await fleet.deploy("Fabrikam")
    other.revoke_access()
    await fleet.collect()
    await fleet.spoil_ledger_row(customer)
    fleet.sandbox.faults.add(TableRequest("GET", fleet.settings.table_name), Status(403))
    fleet.sandbox.clock.advance(timedelta(hours=6))
    before = fleet.sandbox.clock() - timedelta(hours=1)

    published = await publish(fleet)

    assert (published.unreadable, published.failure is None) == (1, False)
    told = {row["Application_id"].lower() for row in fleet.rows(RESULTS_TABLE) if row["TimeGenerated"] > before}
    assert told == {"", other.application_id.lower()}


async def test_a_ledger_that_cannot_be_read_is_no_empty_ledger(fleet: Fleet) -> None:
    await broken(fleet)
    fleet.sandbox.faults.add(TableRequest("GET", LEDGER_TABLE), Status(500))

    with pytest.raises(AzureFailure):
        await publish(fleet)


async def test_rows_that_are_refused_fail_the_publication(fleet: Fleet) -> None:
    await broken(fleet)
    fleet.sandbox.faults.add(Upload(VERDICTS_STREAM), Status(400))

    published = await publish(fleet)

    assert "rows were not stored" in str(published.failure)


async def test_the_timer_publishes_with_the_settings_of_the_app(fleet: Fleet, environment: dict[str, str]) -> None:
    assert environment
    await broken(fleet)

    await blueprint.publish_verdicts(Tick())

    assert len(fleet.rows(VERDICTS_TABLE, Policy_assignment_name=VAULT)) == 2


async def test_a_control_row_that_cannot_be_read_fails_the_publication_by_name_and_hides_nothing(fleet: Fleet) -> None:
    customer = await broken(fleet)
    await fleet.put_ledger_row("~control", "snooze-x", plan="Standard", document=b"cut")
    fleet.sandbox.clock.advance(timedelta(hours=6))
    published = await publish(fleet)
    assert "snooze of Standard" in str(published.failure)
    assert fleet.verdicts(customer)[VAULT]["TimeGenerated"] > fleet.sandbox.clock() - timedelta(minutes=5)
