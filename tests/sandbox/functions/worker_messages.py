"""Stand-ins for the gRPC messages between the Functions host and Microsoft's Python worker library.

The library (PyPI azure-functions-runtime) is handed its message classes; only their field names matter to it.
Source: github.com/Azure/azure-functions-language-worker-protobuf.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Message(SimpleNamespace):
    """Any message: its fields are its attributes, and of a oneof exactly one is set."""

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's own name
        return next(iter(vars(self)), None)


class StatusResult(Message):
    Failure, Success = 0, 1


class BindingInfo(Message):
    in_, out, inout, undefined = 0, 1, 2, -1


class Protos:
    """The module of generated classes."""

    StatusResult = StatusResult
    BindingInfo = BindingInfo

    def __getattr__(self, _name: str) -> type[Message]:
        return Message


def worker_init(folder: str) -> Message:
    """The request that makes the worker index an app."""
    init = Message(capabilities={}, function_app_directory=folder)
    return Message(request=Message(worker_init_request=init), properties={"host": "127.0.0.1", "protos": Protos()})


def invocation(function_id: str, argument: str, **data: Any) -> Message:
    """The request that invokes a function with one argument, given as TypedData."""
    nothing = Message(trace_parent="", trace_state="", attributes={})
    call = Message(
        invocation_id="1",
        function_id=function_id,
        input_data=[InputBinding(name=argument, data=Message(**data))],
        trigger_metadata={},
        trace_context=nothing,
        retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
    )
    return Message(request=Message(invocation_request=call), properties={})


class InputBinding(Message):
    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's own name
        return "data"


def http_request(method: str, url: str, body: bytes, **query: str) -> Message:
    """An HTTP request as the host hands it over."""
    return Message(method=method, url=url, headers={}, params={}, query=query, body=Message(bytes=body))
