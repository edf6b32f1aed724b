"""What the log of the sandbox's servers counts."""

from __future__ import annotations

from aiohttp.test_utils import make_mocked_request

from sandbox.azure.request_log import RequestLog
from sandbox.services import Service


def test_a_request_that_began_before_the_log_was_cleared_is_not_counted_when_it_ends() -> None:
    log = RequestLog()
    with log.record(Service.RESOURCE_MANAGER, make_mocked_request("GET", "/before")):
        log.clear()
        assert log.most_at_once(Service.RESOURCE_MANAGER) == 1
    assert log.count(Service.RESOURCE_MANAGER) == 0
    with log.record(Service.RESOURCE_MANAGER, make_mocked_request("GET", "/after")) as entry:
        entry.status = 200
    assert log.count(Service.RESOURCE_MANAGER, 200) == 1
