"""The Functions host behaves like Azure's where it matters: keys, routes, bodies, failures, what does not start."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import azure.functions as func
import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from sandbox.functions.host import FunctionsHost
from sandbox.functions.index import IndexingError, index_functions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVERY_BYTE = bytes(range(256))


def an_app() -> func.FunctionApp:
    app = func.FunctionApp()

    @app.route(route="echo/{name}", methods=["POST"])
    async def echo(req: func.HttpRequest) -> func.HttpResponse:
        headers = {
            "X-Name": req.route_params["name"],
            "X-Params": repr(dict(req.params)),
            "X-Trace": req.headers["x-t"],
        }
        return func.HttpResponse(req.get_body(), status_code=201, headers=headers, mimetype="application/octet-stream")

    @app.route(route="echo/{name}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def greet(req: func.HttpRequest) -> str:
        return f"hello {req.route_params['name']}"

    @app.route(route="echo/nobody", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def greet_nobody(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(None, status_code=204)

    @app.route(route="files/{*rest}", auth_level=func.AuthLevel.ANONYMOUS)
    def files(req: func.HttpRequest) -> str:
        return f"{req.method} {req.route_params['rest']}"

    @app.route(route="{*rest}", methods=["PATCH"], auth_level=func.AuthLevel.ANONYMOUS)
    def anything(req: func.HttpRequest) -> str:
        return f"anything {req.route_params['rest']}"

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    async def broken(req: func.HttpRequest) -> func.HttpResponse:
        raise ValueError("something internal")

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    async def silent(req: func.HttpRequest) -> Any:
        return None

    @app.route(auth_level=func.AuthLevel.ADMIN)
    async def secret(req: func.HttpRequest) -> str:
        return "only for the master key"

    return app


def a_host(app: func.FunctionApp, prefix: str | None = None, **settings: str) -> FunctionsHost:
    host_json = {} if prefix is None else {"extensions": {"http": {"routePrefix": prefix}}}
    return FunctionsHost(index_functions(app), host_json, settings)


@pytest.fixture
async def host() -> FunctionsHost:
    return a_host(an_app())


@pytest.fixture
async def client(host: FunctionsHost) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(host.application())) as client:
        yield client


@pytest.mark.parametrize("key", [None, "", "wrong", "é"])
async def test_a_function_needs_a_key(client: TestClient[Any, Any], key: str | None) -> None:
    query = {} if key is None else {"code": key}
    response = await client.post("/api/echo/me", params=query)
    assert (response.status, await response.read()) == (401, b"")


async def test_a_key_is_taken_from_the_query_and_from_the_header(
    client: TestClient[Any, Any], host: FunctionsHost
) -> None:
    for key in (host.keys.function, host.keys.master):
        assert (await client.post("/api/echo/me", params={"code": key}, headers={"x-t": ""})).status == 201
        assert (await client.post("/api/echo/me", headers={"x-functions-key": key, "x-t": ""})).status == 201


async def test_the_function_key_does_not_open_what_is_for_administrators(
    client: TestClient[Any, Any], host: FunctionsHost
) -> None:
    assert (await client.get("/api/secret", params={"code": host.keys.function})).status == 401
    assert (await client.get("/admin/functions", headers={"x-functions-key": host.keys.function})).status == 401
    assert (await client.get("/api/secret", params={"code": host.keys.master})).status == 200


async def test_anonymous_functions_need_no_key(client: TestClient[Any, Any]) -> None:
    response = await client.get("/api/echo/you")
    assert (response.status, await response.text()) == (200, "hello you")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/unknown"),
        ("GET", "/echo/you"),
        ("PUT", "/api/echo/you"),
        ("HEAD", "/api/echo/you"),
        ("GET", "/api/echo"),
        ("GET", "/api/echo/a/b"),
        ("POST", "/admin/functions/echo"),
    ],
)
async def test_an_unknown_route_and_a_wrong_method_are_not_found(
    client: TestClient[Any, Any], host: FunctionsHost, method: str, path: str
) -> None:
    response = await client.request(method, path, headers={"x-functions-key": host.keys.master})
    assert (response.status, await response.read()) == (404, b"")


async def test_a_function_gets_the_request_as_it_was_sent(client: TestClient[Any, Any], host: FunctionsHost) -> None:
    query = [("code", host.keys.function), ("sig", "a b&ü"), ("twice", "1"), ("twice", "2")]
    response = await client.post(
        "/api/echo/a%20name", params=query, data=EVERY_BYTE, headers=[("X-T", "one"), ("X-T", "two")]
    )
    assert response.status == 201
    assert await response.read() == EVERY_BYTE
    assert response.headers["X-Name"] == "a name"
    assert response.headers["X-Trace"] == "one,two"
    assert response.headers["Content-Type"] == "application/octet-stream"
    expected = {"code": host.keys.function, "sig": "a b&ü", "twice": "1,2"}
    assert eval(response.headers["X-Params"]) == expected  # noqa: S307 - what the app above wrote


async def test_a_path_matches_in_any_casing_and_a_fixed_route_before_a_parameter(client: TestClient[Any, Any]) -> None:
    assert (await client.get("/API/Echo/you/")).status == 200
    assert (await client.get("/api/echo/nobody")).status == 204


async def test_a_catch_all_takes_the_rest_of_the_path_and_every_method(client: TestClient[Any, Any]) -> None:
    response = await client.delete("/api/files/a/b.txt")
    assert await response.text() == "DELETE a/b.txt"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/files/a", "PATCH a"),
        ("/api/files", "PATCH "),
        ("/api/file", "anything file"),
        ("/API/a//b/", "anything a//b"),
        ("/api", "anything "),
        ("/api/", "anything "),
    ],
)
async def test_a_catch_all_takes_what_no_other_route_does_and_also_nothing(
    client: TestClient[Any, Any], path: str, answer: str
) -> None:
    response = await client.patch(path)
    assert (response.status, await response.text()) == (200, answer)


async def test_a_slash_that_is_encoded_parts_no_path(client: TestClient[Any, Any]) -> None:
    response = await client.patch(URL("/api/files/%2Fa%25b", encoded=True))
    assert (response.status, await response.text()) == (200, "PATCH %2Fa%b")


@pytest.mark.parametrize("path", ["//api/a", "/api//a", "/apis", "/a"])
async def test_two_slashes_before_a_catch_all_match_nothing(client: TestClient[Any, Any], path: str) -> None:
    async with client.session.patch(client.make_url("/").with_path(path)) as answer:
        assert answer.status == 404


async def test_an_exception_is_a_500_without_a_word_and_is_logged(
    client: TestClient[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "sandbox.functions.host"):
        response = await client.get("/api/broken")
    assert (response.status, await response.read()) == (500, b"")
    assert "Executed 'broken' (Failed" in caplog.text
    assert "ValueError: something internal" in caplog.text


async def test_an_answer_that_is_no_response_is_a_500(client: TestClient[Any, Any]) -> None:
    assert (await client.get("/api/silent")).status == 500


@pytest.mark.parametrize(("prefix", "path"), [("", "/echo/you"), ("v1/api", "/v1/api/echo/you")])
async def test_the_route_prefix_comes_from_host_json(prefix: str, path: str) -> None:
    async with TestClient(TestServer(a_host(an_app(), prefix).application())) as client:
        assert (await client.get(path)).status == 200
        assert (await client.get("/api/echo/you")).status == 404


def _with_trigger(decorate: str, **arguments: Any) -> func.FunctionApp:
    app = func.FunctionApp()

    async def work(item: Any) -> None: ...

    getattr(app, decorate)(arg_name="item", **arguments)(work)
    return app


def test_a_missing_setting_that_a_timer_is_bound_to_is_named() -> None:
    bound = {"schedule": "%NIGHTLY_SCHEDULE%"}
    for settings in ({}, {"NIGHTLY_SCHEDULE": ""}):
        with pytest.raises(IndexingError, match="the setting NIGHTLY_SCHEDULE is missing"):
            a_host(_with_trigger("timer_trigger", **bound), **settings)
    assert a_host(_with_trigger("timer_trigger", **bound), NIGHTLY_SCHEDULE="0 0 3 * * *").names == ["work"]


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "hourly",
        "* * * *",
        "0 0 0 * * * *",
        "0 61 * * * *",
        "@hourly",
        "0 0 0 L * *",
        "0 0 0 * * mon#1",
        "x * * * *",
    ],
)
def test_a_schedule_that_is_no_ncrontab_does_not_start(schedule: str) -> None:
    with pytest.raises(IndexingError, match=r"work: .* is no NCRONTAB schedule"):
        a_host(_with_trigger("timer_trigger", schedule=schedule))


def test_a_trigger_that_this_host_does_not_know_does_not_start() -> None:
    app = _with_trigger("blob_trigger", path="container/{name}", connection="AzureWebJobsStorage")
    with pytest.raises(IndexingError, match="work: this host has no blobTrigger"):
        a_host(app)


def test_an_output_binding_does_not_start() -> None:
    app = func.FunctionApp()

    @app.route()
    @app.blob_output(arg_name="out", path="container/file", connection="AzureWebJobsStorage")
    def write(req: func.HttpRequest, out: func.Out[str]) -> str:
        return ""

    with pytest.raises(IndexingError, match=r"write: .*no bindings besides triggers.*blob"):
        a_host(app)


def test_a_retry_policy_does_not_start() -> None:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    @app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:10")
    def tick(timer: func.TimerRequest) -> None: ...

    with pytest.raises(IndexingError, match="tick: this host has no retry policies"):
        a_host(app)


def test_a_function_whose_parameter_is_not_the_trigger_does_not_start() -> None:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    def tick(clock: func.TimerRequest) -> None: ...

    with pytest.raises(IndexingError, match=r"tick takes \['clock'\], and its trigger is bound to 'timer'"):
        a_host(app)


def test_a_route_with_a_constraint_does_not_start() -> None:
    app = func.FunctionApp()

    @app.route(route="items/{id:int}")
    def item(req: func.HttpRequest) -> str:
        return ""

    with pytest.raises(IndexingError, match="item: this host has no constraints"):
        a_host(app)


def test_two_functions_of_one_name_do_not_start() -> None:
    app = func.FunctionApp()

    async def first(item: Any) -> None: ...

    for schedule in ("0 0 * * * *", "0 30 * * * *"):
        app.timer_trigger(arg_name="item", schedule=schedule)(app.function_name("same")(first))
    with pytest.raises(IndexingError, match="same"):
        a_host(app)


def an_app_with_every_trigger() -> func.FunctionApp:
    app = an_app()

    @app.timer_trigger(arg_name="timer", schedule="%NIGHTLY_SCHEDULE%")
    def nightly(timer: func.TimerRequest) -> None: ...

    @app.queue_trigger(arg_name="message", queue_name="work", connection="NoSuchConnection")
    def work(message: func.QueueMessage) -> None: ...

    return app


@pytest.mark.parametrize("off", ["true", "True", "1"])
async def test_a_function_that_is_switched_off_is_listed_and_nothing_else(off: str) -> None:
    names = ("greet", "nightly", "work")
    host = a_host(an_app_with_every_trigger(), **{f"AzureWebJobs.{name}.Disabled": off for name in names})
    assert host.disabled == [*names]
    assert not {*names} & {*host.names}
    master = {"x-functions-key": host.keys.master}
    async with TestClient(TestServer(host.application())) as client:
        assert (await client.get("/api/echo/you")).status == 404
        assert (await client.get("/api/echo/nobody")).status == 204
        assert (await client.post("/admin/functions/nightly", headers=master)).status == 404
        listed = await (await client.get("/admin/functions", headers=master)).json()
    assert {one["name"]: one["isDisabled"] for one in listed} == {name: name in names for name in [*host.names, *names]}


@pytest.mark.parametrize("on", ["false", "0", "", "yes"])
def test_only_the_documented_values_switch_a_function_off(on: str) -> None:
    host = a_host(an_app(), **{"AzureWebJobs.greet.Disabled": on, "AzureWebJobs.other.Disabled": "true"})
    assert "greet" in host.names
    assert host.disabled == []
