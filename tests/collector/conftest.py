"""A fleet in the sandbox, registered, and one function that collects it without waiting between attempts."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableServiceClient

from collector.reporting.outcomes import ApplicationResult, RunSummary
from collector.run import run_collection
from publisher.credentials import service_principal_credential
from publisher.resource_ids import ApplicationId, ResourceGroupId, fold
from publisher.resource_manager import ResourceManager
from publisher.settings import CollectorSettings, ReconcileSettings
from registry.managed_application import ExpectedAssignment, ManagedApplication, Posture, Removal
from registry.ownership import Ownership
from registry.policies.definition_names import DefinitionNames
from registry.refresh import Refresher
from registry.registry import Registry
from sandbox.local_azure import Sandbox
from sandbox.services import Service
from sandbox.world.customers import BulkStates, Customer
from verdicts.ledger import LEDGER_TABLE, Entry, Ledger
from verdicts.publication import states_are_due

if TYPE_CHECKING:
    from publisher.retry import Sleep
    from verdicts.facts import ApplicationFacts

STATES_TABLE = "PolicyComplianceStates_CL"
RESULTS_TABLE = "PolicyCollectionResults_CL"
RUNS_TABLE = "PolicyCollectionRuns_CL"
VERDICTS_TABLE = "PolicyVerdicts_CL"
STATES_STREAM, RESULTS_STREAM, RUNS_STREAM, VERDICTS_STREAM = (
    f"Custom-{name}" for name in (STATES_TABLE, RESULTS_TABLE, RUNS_TABLE, VERDICTS_TABLE)
)
LATEST_VERDICTS = f"""{VERDICTS_TABLE}
| where isnotempty(Application_id)
| summarize arg_max(TimeGenerated, *) by Application_id, Policy_assignment_id"""
LATEST_RESULTS = f"""{RESULTS_TABLE}
| where isnotempty(Application_id)
| summarize arg_max(TimeGenerated, *) by Application_id"""


@dataclass
class Fleet:
    """What a test needs of the local Azure and of the collector."""

    sandbox: Sandbox
    waits: list[float] = field(default_factory=list)
    results: dict[str, ApplicationResult] = field(default_factory=dict)

    @property
    def settings(self) -> CollectorSettings:
        return CollectorSettings.from_environment(self.sandbox.environment)

    async def register(self, *customers: Customer, assignments: bool = False, posture: Posture | None = None) -> None:
        if not customers:
            await self.create_registry()
        async with Registry(self.settings) as registry:
            for customer in customers:
                await registry.save(_registered(customer, assignments=assignments, posture=posture), None)

    async def register_as_azure_says(self, customer: Customer) -> None:
        """Register an application with what Azure says about it now."""
        settings = ReconcileSettings.from_environment(self.sandbox.environment)
        credential = service_principal_credential(settings.service_principal, settings.cloud)
        async with credential, ResourceManager(credential, settings.cloud) as arm, Registry(self.settings) as registry:
            ownership = Ownership(settings.offers, settings.service_principal.tenant_id)
            refresher = Refresher(arm, registry, ownership, DefinitionNames(), self.sandbox.clock)
            await refresher.refresh(ApplicationId.parse(customer.application_id), deadline=time.monotonic() + 30)

    async def deploy(self, *names: str, **options: Any) -> list[Customer]:
        customers = [self.sandbox.arm.add_customer(name, **options) for name in names]
        await self.register(*customers)
        return customers

    async def deploy_many(self, count: int, *, per_subscription: int = 1, states: int = 3) -> list[Customer]:
        """Deploy a fleet that is quick to make: generated states, some applications in each subscription."""
        customers = [
            self.sandbox.arm.add_customer(
                f"Customer {number:05}",
                subscription_id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(number // per_subscription))),
                foreign=False,
                bulk=BulkStates(states),
            )
            for number in range(count)
        ]
        async with Registry(self.settings) as registry:
            for first in (0, *range(1, count, 32)):  # the first one creates the table
                some = customers[first : first + 32 if first else 1]
                await asyncio.gather(*(registry.save(_registered(one, assignments=False), None) for one in some))
        return customers

    async def create_registry(self) -> None:
        async with self.tables() as tables:
            await tables.create_table_if_not_exists(self.settings.table_name)

    async def add_row(self, **properties: Any) -> None:
        await self.create_registry()
        async with self.tables() as tables:
            await tables.get_table_client(self.settings.table_name).create_entity(properties)

    async def collect(
        self, *, time_limit: float = 60, only: str | None = None, sleep: Sleep | None = None, **settings: Any
    ) -> RunSummary:
        async def instantly(seconds: float) -> None:
            self.waits.append(seconds)
            await asyncio.sleep(0)

        self.results.clear()
        return await run_collection(
            replace(self.settings, **settings),
            trigger="test",
            only={ApplicationId.parse(only): ""} if only else None,
            on_result=lambda result: self.results.update({result.application_id: result}),
            time_limit=timedelta(seconds=time_limit),
            sleep=sleep or instantly,
            clock=self.sandbox.clock,
        )

    def outcome(self, customer: Customer) -> str:
        return self.results[customer.application_id].outcome.value

    def rows(self, table: str = STATES_TABLE, **where: Any) -> list[dict[str, Any]]:
        assert self.sandbox.workspace is not None
        return [
            row
            for row in self.sandbox.workspace.query(table)
            if all(row[column] == value for column, value in where.items())
        ]

    def verdicts(self, customer: Customer | None = None) -> dict[str, dict[str, Any]]:
        """The latest verdict row of each assignment, by its name; of one customer or of the only one."""
        rows = self.sandbox.workspace.query(LATEST_VERDICTS)
        wanted = customer.application_id.lower() if customer else None
        return {
            row["Policy_assignment_name"]: row for row in rows if wanted in {None, str(row["Application_id"]).lower()}
        }

    def latest_result(self, customer: Customer) -> dict[str, Any]:
        """The latest result row of an application."""
        (row,) = (
            row
            for row in self.sandbox.workspace.query(LATEST_RESULTS)
            if row["Application_id"].lower() == customer.application_id.lower()
        )
        return row

    async def ledger(self) -> dict[str, ApplicationFacts]:
        """What the ledger remembers, by folded application id."""
        async with Ledger(self.settings) as ledger:
            entries = [entry async for entry in ledger.entries()]
        return {fold(one.facts.application_id): one.facts for one in entries if isinstance(one, Entry)}

    async def facts(self, customer: Customer) -> ApplicationFacts:
        """What the ledger remembers of one application."""
        return (await self.ledger())[fold(customer.application_id)]

    def named_states(self, customer: Customer) -> list[dict[str, Any]]:
        """The state rows of the uploads that the latest verdict rows name."""
        names = {row["States_id"] for row in self.verdicts(customer).values()}
        return [row for name in names for row in self.rows(Run_id=name, Application_id=customer.application_id)]

    async def standing_rows(self, customer: Customer) -> list[dict[str, Any]]:
        """The state rows of the upload that the ledger names, all of which have to be there."""
        states = (await self.facts(customer)).states
        assert states is not None
        rows = self.rows(Run_id=states.run_id, Application_id=customer.application_id)
        assert len(rows) == states.rows
        return rows

    async def whose_turn_it_is(self) -> set[str]:
        """The folded ids of the applications whose states the next run uploads although nothing changed."""
        now = self.sandbox.clock()
        return {key for key, one in (await self.ledger()).items() if states_are_due(key, one.states, now)}

    def ledger_writes(self) -> list[str]:
        """The paths of the writes to the ledger's application rows since the last count."""
        return [
            request.path
            for request in self.sandbox.requests.of(Service.TABLES, path_part=LEDGER_TABLE)
            if request.method != "GET" and "control" not in request.path
        ]

    async def forget_registration(self, customer: Customer) -> None:
        """The application's registry row is lost."""
        async with self.tables() as tables:
            await tables.get_table_client(self.settings.table_name).delete_entity(*_keys(customer))

    async def spoil_registration(self, customer: Customer) -> None:
        """The application's registry row no longer names its managed resource group."""
        spoilt = {"managed_resource_group_id": "nonsense", "mrg_name": "nonsense!"}
        await self._merge(self.settings.table_name, customer, spoilt)

    async def remove_registration(self, customer: Customer) -> None:
        """The registry learns that the application is deleted."""
        async with Registry(self.settings) as registry:
            application_id = ApplicationId.parse(customer.application_id)
            row = await registry.find(application_id)
            removal = Removal(at=self.sandbox.clock(), confirmed=True, by="Azure", reason="ARM has deleted it")
            await registry.remove(application_id, row, removal)

    async def spoil_ledger_row(self, customer: Customer) -> None:
        """Whatever the ledger remembers of the application can no longer be read."""
        row = await self.ledger_row(customer)
        spoilt = {name: "nonsense" for name in row if name != "application_id"}
        await self._merge(LEDGER_TABLE, customer, spoilt)

    async def put_ledger_row(self, partition_key: str, row_key: str, **properties: Any) -> None:
        """A row of the ledger that no run wrote."""
        async with self.tables() as tables:
            await tables.create_table_if_not_exists(LEDGER_TABLE)
            await tables.get_table_client(LEDGER_TABLE).upsert_entity(
                {"PartitionKey": partition_key, "RowKey": row_key, **properties}, mode=UpdateMode.REPLACE
            )

    async def forget_ledger(self) -> None:
        """Nothing is remembered any more."""
        async with self.tables() as tables:
            await tables.delete_table(LEDGER_TABLE)

    async def ledger_row(self, customer: Customer) -> dict[str, Any]:
        """The properties of the application's row in the ledger."""
        async with self.tables() as tables:
            entity = await tables.get_table_client(LEDGER_TABLE).get_entity(*_keys(customer))
        return {name: value for name, value in entity.items() if name not in {"PartitionKey", "RowKey"}}

    async def _merge(self, table: str, customer: Customer, properties: dict[str, Any]) -> None:
        partition_key, row_key = _keys(customer)
        async with self.tables() as tables:
            await tables.get_table_client(table).update_entity(
                {"PartitionKey": partition_key, "RowKey": row_key, **properties}
            )

    def tables(self) -> TableServiceClient:
        return TableServiceClient.from_connection_string(self.sandbox.environment["AzureWebJobsStorage"])


AS_DEPLOYED = Posture(definition_version="1.*.*")
"""What the plan's assignments judge, as the sandbox's Azure describes them."""


def _keys(customer: Customer) -> tuple[str, str]:
    application_id = ApplicationId.parse(customer.application_id)
    return application_id.partition_key, application_id.row_key


def _registered(customer: Customer, *, assignments: bool, posture: Posture | None = None) -> ManagedApplication:
    application_id = ApplicationId.parse(customer.application_id)
    return ManagedApplication(
        application_id=application_id,
        managed_resource_group_id=ResourceGroupId.parse(customer.managed_resource_group_id),
        customer_name=application_id.subscription_id,
        plan_name=customer.plan.name,
        plan_version=customer.plan.version,
        assignments=tuple(
            ExpectedAssignment(
                one.id, one.display_name, one.definition.id, one.definition.display_name, posture or AS_DEPLOYED
            )
            for one in customer.assignments
        )
        if assignments
        else None,
    )


@pytest.fixture
def fleet(sandbox: Sandbox) -> Fleet:
    return Fleet(sandbox)


def key_of(state: dict[str, Any]) -> tuple[str, ...]:
    """What makes a policy state one of its kind, from Azure's document."""
    return tuple(
        (state.get(name) or "").lower()
        for name in ("policyAssignmentId", "policyDefinitionReferenceId", "policyDefinitionId", "resourceId")
    )


def key_of_row(row: dict[str, Any]) -> tuple[str, ...]:
    """The same from a table row."""
    return tuple(
        (row[name] or "").lower()
        for name in (
            "Policy_assignment_id",
            "Policy_definition_reference_id",
            "Policy_definition_id",
            "Resource_id",
        )
    )
