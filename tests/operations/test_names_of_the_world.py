"""Customers whose names are written in other scripts: registered, collected, stored and shown like all others."""

import json
import unicodedata

import pytest
from rich.cells import cell_len

from collector.__main__ import main as collect
from sandbox.local_azure import Sandbox
from tests.operations.command_line import Cli

THAI, HINDI, HEBREW = "โรงแรมริมน้ำ", "हिन्दी-ऐप", "מִלּוֹן"
COMPOSED, DECOMPOSED = "Ứng-dụng", unicodedata.normalize("NFD", "Ứng-dụng")
WIDE = "日本語の管理対象アプリケーション" * 4


@pytest.mark.parametrize(
    ("group", "name"),
    [(THAI, HINDI), (HEBREW, THAI), (DECOMPOSED, DECOMPOSED), (WIDE, WIDE), ("ก\u0e34" * 45, "ก" * 260)],
    ids=["marks", "points", "decomposed", "wide", "longest"],
)
def test_an_application_of_any_name_is_registered_collected_and_shown(
    cli: Cli, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], group: str, name: str
) -> None:
    customer = sandbox.arm.add_customer(
        "Contoso", resource_group=group, application_name=name, managed_resource_group=f"mrg-{group}"[:90]
    )
    customer.break_resource("vault")

    added = cli("add", customer.application_id, "--json")
    assert added.status == 0, added.errors
    capsys.readouterr()
    assert collect(["--json"]) == 0
    [read] = json.loads(capsys.readouterr().out)["applications"]
    assert (read["application_id"], read["outcome"]) == (customer.application_id, "Succeeded")
    states = sandbox.workspace.query("PolicyComplianceStates_CL")
    assert {row["Application_id"] for row in states} == {customer.application_id}
    assert {row["Application_name"] for row in states} == {name}
    assert len(cli("show", customer.application_id, "--json").document["ledger"]["assignments"]) > 0
    assert cli("list", "--find", name[-8:], "--json").document["applications"]
    assert cli("check", "--json").document["differences"] == []


def test_composed_and_decomposed_names_are_two_applications(cli: Cli, sandbox: Sandbox) -> None:
    for name in (COMPOSED, DECOMPOSED):
        customer = sandbox.arm.add_customer(
            f"Contoso {len(name)}",
            resource_group=f"rg-{name}",
            application_name=name,
            managed_resource_group=f"m-{name}",
        )
        assert cli("add", customer.application_id).status == 0
    found = cli("list", "--json").document["applications"]
    assert {one["application_id"].rpartition("/")[2] for one in found} == {COMPOSED, DECOMPOSED}


@pytest.mark.parametrize(
    "name", [THAI, HINDI, HEBREW, DECOMPOSED, WIDE], ids=["Thai", "Hindi", "Hebrew", "decomposed", "wide"]
)
def test_tables_of_eighty_columns_stay_in_line(
    cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    customer = sandbox.arm.add_customer("Contoso", resource_group=f"rg-{name}"[:90], application_name=name)
    cli("add", customer.application_id)
    monkeypatch.setenv("COLUMNS", "80")
    done = cli("list")
    assert done.status == 0
    lines = [line for line in done.output.splitlines() if line[:1] in "│┃"]
    assert lines
    assert {cell_len(line) for line in lines} == {cell_len(lines[0])}
    assert cell_len(lines[0]) <= 80


@pytest.mark.parametrize("arguments", [("list", "%s"), ("show", "%s"), ("%s",), ("name", "x", "%s"), ("add", "--%s")])
def test_what_is_wrong_on_the_command_line_is_repeated_harmlessly(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli(*(one.replace("%s", "edoc\u202e\x1b[31m") for one in arguments))
    assert done.status == 2
    assert not {"\u202e", "\x1b"} & set(done.output + done.errors)


def test_a_name_that_turns_a_line_around_is_shown_harmlessly(
    cli: Cli, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    cli("add", customer.application_id)
    for state in customer.states.documents:
        if str(state["resourceId"]).endswith("vault"):
            state["resourceId"] = f"{state['resourceId']}-\u202eedoc\x1b[31m"
            state["complianceState"] = "NonCompliant"
    assert collect([]) == 0
    told = capsys.readouterr().out + cli("show", customer.application_id).output
    [row] = [row for row in sandbox.workspace.query("PolicyVerdicts_CL") if row["Alarm_says"]][:1]
    as_json = cli("show", customer.application_id, "--json").output
    for text in (told, row["Alarm_says"], row["Label_assignment"], as_json):
        assert "\u202e" not in text
        assert "\x1b[31m" not in text
    assert "edoc" in row["Alarm_says"]
