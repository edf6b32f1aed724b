"""The bench's server with a fleet that changes and an ingestion endpoint that counts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.hours.endpoint import IngestionEndpoint
from bench.hours.fleet import ChangingFleet
from bench.server import NO_CONTENT, BenchServer, json_answer
from sandbox.azure.policy_assignments import assignment_json, definition_json
from sandbox.world.policies import PLAN_ASSIGNMENTS

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from bench.workloads import Workload

_ASSIGNMENTS = "/providers/Microsoft.Authorization/policyAssignments"
_EXEMPTIONS = "/providers/Microsoft.Authorization/policyExemptions"
_API_VERSION = "2025-01-01"


class HoursServer(BenchServer):
    """Serves what a run also asks for when something was repaired: assignments, their definitions, exemptions."""

    def __init__(self, folder: Path, workload: Workload, began: datetime) -> None:
        self.ingestion = IngestionEndpoint()
        super().__init__(folder)
        self.fleet = self._answers = ChangingFleet(workload, "", began)

    def _answer(self, method: str, target: str, body: bytes) -> bytes:
        path = target.partition("?")[0]
        if path.startswith("/dataCollectionRules/"):
            self.ingestion.take(path.rpartition("/")[2], body)
            return NO_CONTENT
        if path.endswith((_ASSIGNMENTS, _EXEMPTIONS)):
            group, _, listed = path.partition("/providers/")
            owned = [replace(one, scope=group) for one in PLAN_ASSIGNMENTS] if "Assignments" in listed else []
            answer = {"value": [assignment_json(one, _API_VERSION) for one in owned]}
            return json_answer(json.dumps(answer).encode())
        for one in PLAN_ASSIGNMENTS:
            if path == one.definition.id:
                return json_answer(json.dumps(definition_json(one.definition, _API_VERSION)).encode())
        return super()._answer(method, target, body)
