"""The contender "floor": what Python with aiohttp and orjson needs at least for the same rows.

It fetches, parses, builds the same rows, compresses and uploads. It has no retries, deadline, ownership check, limits,
outcomes or tokens; the collector's time minus this one's is what those cost.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import aiohttp
import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONCURRENCY: Final = 32
UPLOADS_IN_FLIGHT: Final = 6
CHUNK_BYTES: Final = 900_000
STREAM: Final = "Custom-PolicyComplianceStates_CL"
SELECT: Final = (
    "timestamp,resourceId,resourceType,resourceLocation,complianceState,policyAssignmentId,policyAssignmentName,"
    "policyAssignmentScope,policyDefinitionId,policyDefinitionName,policyDefinitionAction,policyDefinitionReferenceId,"
    "policySetDefinitionId"
)
VERDICTS: Final = {"Compliant": True, "Exempt": True, "NonCompliant": False}
State = dict[str, Any]


class RowBuilder:
    """The state rows of one application, from its registry entity."""

    def __init__(self, entity: dict[str, Any], run_id: str, time: str) -> None:
        assignments = orjson.loads(entity["assignments"])
        self._names = {one["id"].lower(): one["display_name"] for one in assignments}
        self._definitions = {one["definition_id"].lower(): one["definition_display_name"] for one in assignments}
        self._constant = {
            "TimeGenerated": time,
            "Run_id": run_id,
            "Application_id": entity["application_id"],
            "Application_name": entity["app_name"],
            "Customer_name": entity.get("customer_name") or entity["subscription_id"],
            "Customer_subscription_id": entity["subscription_id"],
            "Managed_resource_group_id": entity["managed_resource_group_id"],
            "Plan_name": entity["plan_name"],
            "Plan_version": entity["plan_version"],
        }

    def row(self, state: State) -> dict[str, Any]:
        """Return the row of one policy state."""
        assignment, definition = state["policyAssignmentId"].lower(), state["policyDefinitionId"].lower()
        policy_set = state["policySetDefinitionId"]
        return {
            **self._constant,
            "Policy_assignment_id": assignment,
            "Policy_assignment_name": state["policyAssignmentName"],
            "Policy_assignment_display_name": self._names.get(assignment, state["policyAssignmentName"]),
            "Judged_by": "AzurePolicy",
            "Policy_definition_id": definition,
            "Policy_definition_name": state["policyDefinitionName"],
            "Policy_definition_display_name": self._definitions.get(definition),
            "Policy_definition_reference_id": state["policyDefinitionReferenceId"] or None,
            "Policy_set_definition_id": policy_set.lower() if policy_set else None,
            "Policy_effect": state["policyDefinitionAction"],
            "Resource_id": state["resourceId"],
            "Resource_type": state["resourceType"].lstrip("/"),
            "Resource_location": state["resourceLocation"],
            "Compliance_state": state["complianceState"],
            "Is_compliant": VERDICTS.get(state["complianceState"]),
            "Reason": None,
            "Resource_count": 1,
            "Evaluated_at": state["timestamp"],
        }


class Floor:
    """One collection, with one HTTP session."""

    def __init__(self, session: aiohttp.ClientSession, environment: dict[str, str]) -> None:
        self._session = session
        self._environment = environment
        self._rule = f"{environment['DATA_COLLECTION_ENDPOINT']}/dataCollectionRules/"
        self._rule += environment["DATA_COLLECTION_IMMUTABLE_ID"]
        self._time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._chunk: list[bytes] = []
        self._size = 2
        self._results: list[dict[str, Any]] = []
        self._uploads = set[asyncio.Task[None]]()

    async def run(self) -> None:
        """Collect everything."""
        waiting: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(CONCURRENCY)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CONCURRENCY):
                tasks.create_task(self._work(waiting))
            async for entity in self._registry():
                await waiting.put(entity)
            for _ in range(CONCURRENCY):
                await waiting.put(None)
        await self._flush()
        await asyncio.gather(*self._uploads)
        for first in range(0, len(self._results), 1000):
            body = gzip.compress(orjson.dumps(self._results[first : first + 1000]), compresslevel=1)
            await self._upload("Custom-PolicyCollectionResults_CL", body)

    async def _registry(self) -> AsyncIterator[dict[str, Any]]:
        storage = dict(part.partition("=")[::2] for part in self._environment["AzureWebJobsStorage"].split(";") if part)
        parameters: dict[str, str] = {}
        while True:
            async with self._session.get(f"{storage['TableEndpoint']}/applications()", params=parameters) as answer:
                entities = orjson.loads(await answer.read())["value"]
                following = answer.headers.get("x-ms-continuation-NextPartitionKey")
            for entity in entities:
                yield entity
            if following is None:
                return
            parameters = {"NextPartitionKey": following}

    async def _work(self, waiting: asyncio.Queue[dict[str, Any] | None]) -> None:
        while (entity := await waiting.get()) is not None:
            await self._collect(entity)

    async def _collect(self, entity: dict[str, Any]) -> None:
        builder = RowBuilder(entity, "floor", self._time)
        group = entity["managed_resource_group_id"]
        url: str | None = (
            f"{self._environment['AZURE_RESOURCE_MANAGER_ENDPOINT']}{group}/providers/Microsoft.PolicyInsights"
            f"/policyStates/latest/queryResults?api-version=2019-10-01&$select={quote(SELECT)}"
        )
        states = 0
        while url:
            async with self._session.post(url) as answer:
                page = orjson.loads(await answer.read())
            states += len(page["value"])
            for state in page["value"]:
                row = orjson.dumps(builder.row(state))
                if self._size + len(row) > CHUNK_BYTES:
                    await self._flush()
                self._chunk.append(row)
                self._size += len(row) + 1
            url = page["@odata.nextLink"]
        application_id = entity["application_id"]
        self._results.append({"TimeGenerated": self._time, "Application_id": application_id, "States": states})

    async def _flush(self) -> None:
        rows, self._chunk, self._size = self._chunk, [], 2
        while len(self._uploads) >= UPLOADS_IN_FLIGHT:
            await asyncio.wait(self._uploads, return_when=asyncio.FIRST_COMPLETED)
        if rows:
            task = asyncio.create_task(self._compress_and_upload(rows))
            self._uploads.add(task)
            task.add_done_callback(self._uploads.discard)

    async def _compress_and_upload(self, rows: list[bytes]) -> None:
        await self._upload(STREAM, await asyncio.to_thread(_compressed, rows))

    async def _upload(self, stream: str, body: bytes) -> None:
        url = f"{self._rule}/streams/{stream}?api-version=2023-01-01"
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        async with self._session.post(url, data=body, headers=headers) as answer:
            answer.raise_for_status()


def _compressed(rows: list[bytes]) -> bytes:
    return gzip.compress(b"[" + b",".join(rows) + b"]", compresslevel=1)


async def main() -> None:
    """Collect the fleet that the environment names."""
    connector = aiohttp.TCPConnector(limit=CONCURRENCY + UPLOADS_IN_FLIGHT, ssl=ssl.create_default_context())
    async with aiohttp.ClientSession(connector=connector) as session:
        await Floor(session, dict(os.environ)).run()


if __name__ == "__main__":
    asyncio.run(main())
