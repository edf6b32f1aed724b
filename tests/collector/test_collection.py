"""One run over the local Azure: what reaches the tables, for whom, and in which order."""

from collections import Counter
from collections.abc import Callable

import orjson
import pytest

from collector.run import failure_of
from registry.managed_application import Posture
from sandbox.faults.effects import Body, Status, html
from sandbox.faults.operations import PolicyQuery
from sandbox.services import Service
from sandbox.world.customers import MISSING, BulkStates, Resource
from sandbox.world.policies import SECURE_TRANSFER, STORAGE, Assignment
from tests.collector.conftest import RESULTS_TABLE, RUNS_TABLE, VERDICTS_TABLE, Fleet, key_of, key_of_row
from verdicts.outcome import Outcome


async def test_every_owned_state_becomes_one_row_and_no_foreign_state_any(fleet: Fleet) -> None:
    customers = await fleet.deploy("Contoso", "Fabrikam", "Northwind")
    customers[1].break_resource("web")
    fleet.sandbox.arm.page_size = 2

    summary = await fleet.collect()

    for customer in customers:
        rows = fleet.rows(Application_id=customer.application_id)
        assert Counter(map(key_of_row, rows)) == Counter(map(key_of, customer.owned_states()))
    assert summary.states == len(fleet.rows()) == sum(len(customer.owned_states()) for customer in customers)
    assert failure_of(summary) is None


async def test_every_page_is_asked_for_by_post_with_an_explicit_window_and_only_the_fields_needed(fleet: Fleet) -> None:
    await fleet.deploy("Contoso")
    fleet.sandbox.arm.page_size = 4

    await fleet.collect()

    pages = fleet.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="queryResults")
    assert {page.method for page in pages} == {"POST"}
    assert len(pages) == 3
    first = pages[0].query
    assert first["api-version"] == "2019-10-01"
    assert "policyAssignmentScope" in first["$select"]
    assert "isCompliant" not in first["$select"]
    assert first["$filter"].startswith("PolicyAssignmentScope eq '/subscriptions/")
    assert first["$from"].endswith("Z")


async def test_an_empty_filtered_answer_is_not_trusted(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.arm.filter_ignores_case = False
    for state in customer.states.documents:
        state["policyAssignmentScope"] = str(state["policyAssignmentScope"]).upper()

    await fleet.collect()

    result = fleet.results[customer.application_id]
    assert (result.outcome, result.states) == (Outcome.SUCCEEDED, len(customer.owned_states()))
    assert result.foreign_states == len(customer.foreign_states())
    assert len(fleet.rows()) == result.states


@pytest.mark.parametrize("spell", [str.lower, lambda scope: scope.replace("/resourceGroups/", "/resourcegroups/")])
async def test_a_service_that_minds_the_letter_case_still_gives_every_state(
    fleet: Fleet, spell: Callable[[str], str]
) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.arm.filter_ignores_case = False
    for state in customer.states.documents:
        state["policyAssignmentScope"] = spell(customer.managed_resource_group_id)

    await fleet.collect()

    assert len(fleet.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="queryResults")) == 2
    assert Counter(map(key_of_row, fleet.rows())) == Counter(map(key_of, customer.owned_states()))


@pytest.mark.parametrize(
    "refusal",
    [
        Status(400, code="InvalidFilterInQueryString"),
        html(404),
        Body(b"", status=404),
        html(414),
        Body(b"", status=431),
    ],
)
async def test_a_service_or_gateway_that_refuses_the_filter_is_asked_without_it(
    fleet: Fleet, refusal: Status | Body
) -> None:
    (customer,) = await fleet.deploy("Contoso")
    fleet.sandbox.faults.add(PolicyQuery(customer), refusal, times=1)

    await fleet.collect()

    assert Counter(map(key_of_row, fleet.rows())) == Counter(map(key_of, customer.owned_states()))
    assert fleet.results[customer.application_id].foreign_states == len(customer.foreign_states())


async def test_states_that_the_filter_overlooks_are_found_by_the_assignment_they_are_missed_for(fleet: Fleet) -> None:
    customer = fleet.sandbox.arm.add_customer("Contoso")
    await fleet.register(customer, assignments=True)
    fleet.sandbox.arm.filter_ignores_case = False
    overlooked = customer.assignments[0].name
    for state in customer.states.documents:
        if state["policyAssignmentName"] == overlooked:
            state["policyAssignmentScope"] = str(state["policyAssignmentScope"]).upper()

    await fleet.collect()

    assert Counter(map(key_of_row, fleet.rows())) == Counter(map(key_of, customer.owned_states()))
    result = fleet.results[customer.application_id]
    assert (result.assignments_without_states, result.foreign_states) == (0, len(customer.foreign_states()))


async def test_an_assignment_inside_the_managed_resource_group_belongs_to_the_application(fleet: Fleet) -> None:
    group = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/mrg-inner"
    store = f"{group}/providers/{STORAGE}/store"
    customer = fleet.sandbox.arm.add_customer(
        "Inner",
        subscription_id=group.split("/")[2],
        managed_resource_group="mrg-inner",
        resources=[Resource("store", STORAGE)],
        assignments=[
            Assignment("outer", "At the group", SECURE_TRANSFER),
            Assignment("inner", "At the store", SECURE_TRANSFER, store),
        ],
    )
    await fleet.register(customer, assignments=True)

    await fleet.collect()

    assert {row["Policy_assignment_name"] for row in fleet.rows()} == {"outer", "inner"}
    assert fleet.results[customer.application_id].assignments_without_states == 0


async def test_an_expected_assignment_without_states_is_counted(fleet: Fleet) -> None:
    customer = fleet.sandbox.arm.add_customer("Contoso")
    await fleet.register(customer, assignments=True)
    customer.remove_states(customer.assignments[0].name)

    await fleet.collect()

    result = fleet.results[customer.application_id]
    assert result.assignments_expected == len(customer.assignments)
    assert result.assignments_without_states == 1


async def test_an_assignment_that_judges_nothing_costs_no_second_query(fleet: Fleet) -> None:
    customer = fleet.sandbox.arm.add_customer("Contoso", foreign=False)
    nowhere = Posture(not_scopes=(customer.managed_resource_group_id.lower(),))
    await fleet.register(customer, assignments=True, posture=nowhere)
    customer.remove_states(None)

    await fleet.collect()

    assert len(fleet.sandbox.requests.of(Service.RESOURCE_MANAGER, path_part="queryResults")) == 1
    result = fleet.results[customer.application_id]
    assert (result.outcome, result.assignments_without_states) == (Outcome.NO_STATES, 0)


async def test_a_customer_without_states_is_not_evaluated_rather_than_compliant(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso", foreign=True)
    customer.remove_states(None)

    summary = await fleet.collect()

    assert fleet.outcome(customer) == "NoStates"
    assert (summary.succeeded, summary.states) == (1, 0)


async def test_states_are_judged_by_compliance_state_with_three_values(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    customer.remove_states(None)
    verdicts = {
        "Compliant": True,
        "Exempt": True,
        "NonCompliant": False,
        "Unknown": None,
        "Error": None,
        "Conflict": None,
        "Protected": None,
        "InventedTomorrow": None,
    }
    template = fleet.sandbox.arm.add_customer("Template").states.documents[0]
    for state in verdicts:
        scope = customer.managed_resource_group_id
        document = {**template, "policyAssignmentScope": scope, "resourceId": f"{scope}/{state}"}
        customer.states.documents.append({**document, "complianceState": state, "isCompliant": False})

    await fleet.collect()

    assert {row["Compliance_state"]: row["Is_compliant"] for row in fleet.rows()} == verdicts
    assert fleet.results[customer.application_id].noncompliant_states == 1


async def test_odd_states_are_uploaded_truthfully(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso")
    long_tag = "x" * 70_000
    customer.add_state(resourceId=None, policyDefinitionReferenceId="", policySetDefinitionId="")
    customer.add_state(resourceId="/größe/日本/😀", complianceState=MISSING)
    customer.add_state(resourceId=long_tag, resourceType=MISSING, timestamp=MISSING)
    customer.add_state(resourceId=17, resourceLocation=["westeurope"], policyAssignmentName=None)

    summary = await fleet.collect()

    assert fleet.outcome(customer) == "Succeeded"
    assert summary.rejected_rows == 0
    by_resource = {row["Resource_id"]: row for row in fleet.rows()}
    assert by_resource[""]["Policy_definition_reference_id"] == ""
    assert by_resource[""]["Policy_set_definition_id"] == ""
    assert by_resource["/größe/日本/😀"]["Is_compliant"] is None
    assert by_resource["17"]["Resource_location"] == '["westeurope"]'
    assert any(resource and resource.startswith("xxx") for resource in by_resource)
    assert len(fleet.rows()) == len(customer.owned_states())


async def test_an_element_that_is_no_state_makes_the_reading_incomplete(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso", foreign=False)
    readable = len(customer.owned_states())
    page = {"value": [None, "text", *customer.states.documents]}
    fleet.sandbox.faults.add(PolicyQuery(customer), Body(orjson.dumps(page)))

    summary = await fleet.collect()

    result = fleet.results[customer.application_id]
    assert (result.outcome, result.error_code) == (Outcome.FAILED, "MalformedState")
    assert len(fleet.rows()) == readable
    assert summary.rejected_rows == 2


async def test_compliant_states_are_summarised_on_request_and_nothing_else_is(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso", bulk=BulkStates(200, noncompliant_every=10))

    await fleet.collect(compliant_states="summarised")

    rows = fleet.rows()
    assert sum(row["Resource_count"] for row in rows) == 200
    assert sum(row["Is_compliant"] is False for row in rows) == 20
    summarised = [row for row in rows if row["Resource_id"] == ""]
    assert {row["Compliance_state"] for row in summarised} == {"Compliant"}
    assert len({key_of_row(row) for row in summarised}) == len(summarised)
    assert fleet.results[customer.application_id].states == 200


async def test_an_empty_registry_still_gives_the_heartbeat(fleet: Fleet) -> None:
    await fleet.create_registry()

    summary = await fleet.collect()

    assert summary.completed
    assert [row["Applications"] for row in fleet.rows(RUNS_TABLE)] == [0]


async def test_a_run_limited_to_one_application_writes_no_run_row_and_announces_its_verdict_rows(fleet: Fleet) -> None:
    contoso, _ = await fleet.deploy("Contoso", "Fabrikam")

    summary = await fleet.collect(only=contoso.application_id)

    [result] = fleet.rows(RESULTS_TABLE)
    assert result["Application_id"] == contoso.application_id
    assert result["Partial_run_verdicts"] == len(fleet.rows(VERDICTS_TABLE)) > 0
    assert fleet.rows(RUNS_TABLE) == []
    assert failure_of(summary) is None

    await fleet.collect()

    whole = [row for row in fleet.rows(RESULTS_TABLE) if row["Run_id"] != result["Run_id"]]
    assert {row["Partial_run_verdicts"] for row in whole} == {None}, "the run row announces them"


async def test_states_go_first_then_verdicts_and_results_and_the_run_row_last(fleet: Fleet) -> None:
    await fleet.deploy("Contoso", "Fabrikam")

    await fleet.collect()

    streams = [entry.path.rpartition("/")[2] for entry in fleet.sandbox.requests.of(Service.LOGS_INGESTION)]
    assert [stream.removeprefix("Custom-") for stream in streams] == [
        "PolicyComplianceStates_CL",
        VERDICTS_TABLE,
        RESULTS_TABLE,
        RUNS_TABLE,
    ]


async def test_all_rows_of_a_run_share_one_time_and_one_run_id(fleet: Fleet) -> None:
    await fleet.deploy("Contoso", "Fabrikam")

    summary = await fleet.collect()

    rows = [*fleet.rows(), *fleet.rows(RESULTS_TABLE), *fleet.rows(RUNS_TABLE)]
    assert len({row["TimeGenerated"] for row in rows}) == 1
    assert {row["Run_id"] for row in rows} == {summary.run.run_id}


async def test_one_token_is_fetched_for_each_audience(fleet: Fleet) -> None:
    await fleet.deploy(*(f"Customer {number}" for number in range(40)))

    await fleet.collect()

    assert fleet.sandbox.requests.count(Service.ENTRA_ID) == 1
    assert fleet.sandbox.requests.count(Service.MANAGED_IDENTITY) == 1


async def test_no_more_applications_are_read_at_once_than_the_settings_allow(fleet: Fleet) -> None:
    subscription = "22222222-2222-4222-8222-222222222222"
    await fleet.deploy(*(f"Crowd {number}" for number in range(12)), subscription_id=subscription)
    fleet.sandbox.set_latency(Service.RESOURCE_MANAGER, 0.02)

    await fleet.collect(max_concurrent_per_subscription=3)

    assert fleet.sandbox.requests.most_at_once(Service.RESOURCE_MANAGER) <= 3
    assert len(fleet.results) == 12


async def test_a_large_application_is_uploaded_in_chunks_below_the_limit(fleet: Fleet) -> None:
    (customer,) = await fleet.deploy("Contoso", bulk=BulkStates(5_000))

    summary = await fleet.collect()

    assert summary.uploaded_rows == 5_001
    assert len(fleet.rows()) == 5_000
    assert fleet.sandbox.requests.count(Service.LOGS_INGESTION, 413) == 0
    assert fleet.sandbox.requests.count(Service.LOGS_INGESTION) > 5
    assert fleet.outcome(customer) == "Succeeded"
