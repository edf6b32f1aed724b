"""What is uploaded of a fleet that stands still, of one that changes, and when something breaks in between."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.faults.effects import Status
from sandbox.faults.operations import PolicyQuery, TableRequest, Upload
from tests.collector.conftest import STATES_STREAM, key_of, key_of_row
from verdicts.ledger import LEDGER_TABLE

if TYPE_CHECKING:
    from sandbox.world.customers import Customer
    from tests.collector.conftest import Fleet

SOON = timedelta(seconds=1)
"""Between two runs: nobody's turn comes, but for one time in a hundred thousand."""


async def again(fleet: Fleet) -> int:
    """Another run; returns how many state rows it uploaded."""
    fleet.sandbox.clock.advance(SOON)
    return len(fleet.rows(Run_id=(await fleet.collect()).run.run_id))


async def assert_stands(fleet: Fleet, customer: Customer) -> None:
    """The upload that every verdict row names has what Azure says now."""
    rows = await fleet.standing_rows(customer)
    assert sorted(map(key_of_row, rows)) == sorted(map(key_of, customer.owned_states()))
    for verdict in fleet.verdicts(customer).values():
        assert {verdict["States_id"]} == {row["Run_id"] for row in rows}
        assert {verdict["States_time"]} == {row["TimeGenerated"] for row in rows}
        assert verdict["States_rows"] == len(rows)


async def test_states_that_stand_still_are_uploaded_once_and_named_ever_after(fleet: Fleet) -> None:
    contoso, fabrikam = await fleet.deploy("Contoso", "Fabrikam")
    assert await again(fleet) == len(contoso.owned_states()) + len(fabrikam.owned_states())
    for _ in range(3):
        assert await again(fleet) == 0
    for customer in (contoso, fabrikam):
        await assert_stands(fleet, customer)


async def test_a_change_is_uploaded_by_the_next_run_for_the_application_alone_and_every_verdict_names_it(
    fleet: Fleet,
) -> None:
    contoso, fabrikam = await fleet.deploy("Contoso", "Fabrikam")
    await again(fleet)
    contoso.break_resource("vault")
    assert await again(fleet) == len(contoso.owned_states())
    contoso.repair()
    assert await again(fleet) == len(contoso.owned_states())
    for customer in (contoso, fabrikam):
        await assert_stands(fleet, customer)


async def test_all_uploads_everything_in_every_run_and_names_it(fleet: Fleet) -> None:
    (contoso,) = await fleet.deploy("Contoso")
    for _ in range(2):
        fleet.sandbox.clock.advance(SOON)
        summary = await fleet.collect(uploaded_states="all")
        rows = await fleet.standing_rows(contoso)
        assert {row["Run_id"] for row in rows} == {summary.run.run_id}


async def test_rows_that_are_refused_are_uploaded_by_the_next_run(fleet: Fleet) -> None:
    (contoso,) = await fleet.deploy("Contoso")
    await again(fleet)
    contoso.break_resource("vault")
    fleet.sandbox.faults.add(Upload(STATES_STREAM), Status(400), times=1)
    assert await again(fleet) == 0
    assert fleet.outcome(contoso) == "UploadFailed"
    assert await again(fleet) == len(contoso.owned_states())
    await assert_stands(fleet, contoso)


async def test_an_upload_that_the_ledger_was_not_told_of_is_made_again(fleet: Fleet) -> None:
    (contoso,) = await fleet.deploy("Contoso")
    await again(fleet)
    before = await fleet.standing_rows(contoso)
    contoso.break_resource("vault")
    fleet.sandbox.faults.add(TableRequest("PUT", LEDGER_TABLE), Status(403), times=1)
    await again(fleet)
    assert await fleet.standing_rows(contoso) == before
    assert await again(fleet) == len(contoso.owned_states())
    await assert_stands(fleet, contoso)


async def test_a_read_that_breaks_off_uploads_nothing_and_the_upload_before_stands(fleet: Fleet) -> None:
    (contoso,) = await fleet.deploy("Contoso")
    await again(fleet)
    before = await fleet.standing_rows(contoso)
    contoso.break_resource("vault")
    fleet.sandbox.arm.page_size = len(contoso.owned_states()) - 1
    fleet.sandbox.faults.add(PolicyQuery(contoso, page=2), Status(400))
    assert await again(fleet) == 0
    assert await fleet.standing_rows(contoso) == before
    assert {row["States_id"] for row in fleet.verdicts(contoso).values()} == {before[0]["Run_id"]}


async def test_an_application_that_is_deployed_anew_is_uploaded_anew(fleet: Fleet) -> None:
    (contoso,) = await fleet.deploy("Contoso")
    await again(fleet)
    await fleet.remove_registration(contoso)
    await again(fleet)
    await fleet.register_as_azure_says(contoso)
    await again(fleet)
    await assert_stands(fleet, contoso)
