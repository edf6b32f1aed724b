"""How long the host lets an invocation run, in every spelling that the host takes; and what it does not take, told."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from operations.doctor.worker import WorkerSettings
from publisher.configuration.function_timeout import UNLIMITED, function_timeout
from publisher.settings import SettingsError
from tests.publisher.minimum import RECONCILING

OVERRIDE = "AzureFunctionsJobHost__functionTimeout"
MINUTES = timedelta(minutes=1)
SPANS = [
    ("00:30:00", 30 * MINUTES),
    ("-1", UNLIMITED),
    ("00:10", 10 * MINUTES),
    ("0:10:0", 10 * MINUTES),
    ("1.00:00:00", timedelta(days=1)),
    ("2.03:04:05", timedelta(days=2, hours=3, minutes=4, seconds=5)),
    ("1:00:00:00", timedelta(days=1)),
    ("1.02:30", timedelta(days=1, hours=2, minutes=30)),
    ("00:10:00.5", timedelta(minutes=10, milliseconds=500)),
    ("00:00:01.0000000", timedelta(seconds=1)),
    ("1", timedelta(days=1)),
    ("24:00:00", timedelta(days=24)),
    (" 00:20:00 ", 20 * MINUTES),
    ("25:13:10", timedelta(days=25, hours=13, minutes=10)),
    ("10675199.02:48:05.4775807", timedelta(days=10675199, hours=2, minutes=48, seconds=5, microseconds=477580)),
    ("\t10675199\n", timedelta(days=10675199)),
]
NONE = ["", "never", "30 minutes", "00:60:00", "00:00:60", "24:61:00", "-00:10:00", "-2", "00:00:00", "00:00:00.9"]
NONE += [
    "1.24:00:00",
    "00:10:00.12345678",
    "00;10;00",
    "PT10M",
    "\u0660\u0660:10:00",
    "9" * 40,
    "10675200",
    "10675199.02:48:06",
    "24:00",
    "30:00",
    "0:00:10:00:00",
    '"00:10:00"',
]


@pytest.fixture
def host_json(tmp_path: Path) -> Path:
    path = tmp_path / "host.json"
    path.write_text('{"version": "2.0", "functionTimeout": "00:30:00"}', encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "span"), SPANS)
def test_a_time_span_is_read_as_the_host_reads_it(host_json: Path, text: str, span: timedelta) -> None:
    assert function_timeout({OVERRIDE: text}, host_json) == span
    host_json.write_text(json.dumps({"functionTimeout": text}), encoding="utf-8-sig")
    assert function_timeout({}, host_json) == span


@pytest.mark.parametrize("text", NONE)
def test_what_is_none_is_told_by_the_name_of_where_it_stands(host_json: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=f"^{OVERRIDE}: is no time span; give one as in 00:30:00"):
        function_timeout({OVERRIDE: text}, host_json)
    host_json.write_text(json.dumps({"functionTimeout": text}), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^host\.json: functionTimeout is no time span; give one as in 00:30:00"):
        function_timeout({}, host_json)


@pytest.mark.parametrize("name", ["AZUREFUNCTIONSJOBHOST__FUNCTIONTIMEOUT", "AzureFunctionsJobHost:functionTimeout"])
def test_the_app_setting_wins_in_any_casing(host_json: Path, name: str) -> None:
    assert function_timeout({name: "00:05:00"}, host_json) == 5 * MINUTES
    host_json.write_text('{"functionTimeout": "never"}', encoding="utf-8")
    assert function_timeout({name: "00:05:00"}, host_json) == 5 * MINUTES


@pytest.mark.parametrize("content", ["{}", '{"functionTimeout": null}', '{"version": "2.0"}'])
def test_without_a_setting_the_plan_decides(host_json: Path, content: str) -> None:
    host_json.write_text(content, encoding="utf-8")
    assert function_timeout({}, host_json) == 30 * MINUTES
    assert function_timeout({"WEBSITE_SKU": "FlexConsumption", "CONTAINER_NAME": "c"}, host_json) == 30 * MINUTES
    assert function_timeout({"WEBSITE_SKU": "ElasticPremium"}, host_json) == 30 * MINUTES
    assert function_timeout({"WEBSITE_SKU": "Dynamic"}, host_json) == 5 * MINUTES
    assert function_timeout({"WEBSITE_SITE_NAME": "func", "CONTAINER_NAME": "c"}, host_json) == 5 * MINUTES
    assert function_timeout({"CONTAINER_NAME": "c"}, host_json) == 30 * MINUTES


@pytest.mark.parametrize("text", ["-1", "00:10:01", "1.00:00:00"])
def test_the_consumption_plan_allows_ten_minutes(host_json: Path, text: str) -> None:
    consumption = {"WEBSITE_SKU": "Dynamic"}
    assert function_timeout({**consumption, OVERRIDE: "00:10:00"}, host_json) == 10 * MINUTES
    with pytest.raises(SettingsError, match=f"{OVERRIDE}: is more than the ten minutes"):
        function_timeout({**consumption, OVERRIDE: text}, host_json)


@pytest.mark.parametrize("content", ["", "{", "[]", '"00:30:00"', "\0", '{"a": 1} // so', '{"a": 1,}', "[" * 200_000])
def test_a_host_json_that_is_none_is_told(host_json: Path, content: str) -> None:
    host_json.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^host\.json: "):
        function_timeout({}, host_json)
    host_json.unlink()
    with pytest.raises(SettingsError, match=r"^host\.json: cannot be read"):
        function_timeout({}, host_json)


def test_a_host_json_that_is_nested_deep_is_read_all_the_same(host_json: Path) -> None:
    depth = 100_000
    host_json.write_text(f'{{"a": {"[" * depth}{"]" * depth}, "FunctionTimeout": "00:20:00"}}', encoding="utf-8")
    assert function_timeout({}, host_json) == 20 * MINUTES


def test_the_doctor_tells_it_as_a_bad_setting_of_the_worker() -> None:
    problems = set[str]()
    WorkerSettings.from_environment(RECONCILING, problems)
    assert problems == set()
    WorkerSettings.from_environment(RECONCILING | {OVERRIDE: "forever"}, problems)
    (told,) = problems
    assert told.startswith(f"{OVERRIDE}: is no time span")
