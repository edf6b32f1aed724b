"""``plan``: how severe findings of a plan are, and until when each is due, is settled from a file."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sandbox.local_azure import Sandbox
from tests.operations.command_line import Cli
from tests.operations.ledger_facts import LedgerNow, assignment, facts
from tests.operations.test_agreements import damage
from verdicts.plan_settings import OVERDUE_AFTER_DAYS, PlanSettings, Severity
from verdicts.publisher_checks.ids import check_id

SURE = ("--reason", "agreed with security", "--yes")
SOUND = {
    "plan": "Standard",
    "severity": "low",
    "severities": {"Vault-Private": "critical", "tags": "Medium"},
    "overdue_after_days": {"critical": 1, "low": 180},
    "checks": {"NSG-without-deny-all": {}, "route-past-firewall": {"firewall_addresses": ["10.0.0.4 "]}},
}


CHECKS: dict[str, Any] = {"plan": "Standard"}
NSG, ROUTES = "nsg-without-deny-all", "route-past-firewall"


def written(folder: Path, content: Any) -> str:
    path = folder / "plan.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return str(path)


def long_name(seed: int) -> str:
    """A name as long as one may be, which no compression makes much shorter."""
    return "".join(map(chr, Random(seed).choices(range(0x4E00, 0x9FA5), k=400)))  # noqa: S311 - a name, no secret


def settled(ledger: LedgerNow) -> dict[str, PlanSettings]:
    async def all_of_them(opened: Any) -> dict[str, PlanSettings]:
        return dict((await opened.control()).plans)

    return ledger.ask(all_of_them)


def test_a_file_is_settled_with_the_persons_name(cli: Cli, sandbox: Sandbox, ledger: LedgerNow, tmp_path: Path) -> None:
    done = cli("plan", "settle", "--file", written(tmp_path, SOUND), *SURE, "--json")
    assert (done.status, done.document["settled"]) == (0, True), done.errors
    [(name, settings)] = settled(ledger).items()
    assert (name, settings.plan_name, settings.person, settings.reason) == (
        "standard",
        "Standard",
        "ada",
        "agreed with security",
    )
    assert settings.severity is Severity.LOW
    assert settings.severities == {"vault-private": Severity.CRITICAL, "tags": Severity.MEDIUM}
    assert settings.checks == {
        "nsg-without-deny-all": {},
        "route-past-firewall": {"firewall_addresses": ("10.0.0.4",)},
    }
    assert settings.overdue_after_days == OVERDUE_AFTER_DAYS | {Severity.CRITICAL: 1, Severity.LOW: 180}
    [row] = sandbox.workspace.query("ManagedApplicationEvents_CL")
    assert (row["Registry_action"], row["Plan_name"], row["Person"], row["Reason"]) == (
        "PlanSettled",
        "Standard",
        "ada",
        "agreed with security",
    )


def test_what_is_shown_can_be_settled_again(cli: Cli, ledger: LedgerNow, tmp_path: Path) -> None:
    cli("plan", "settle", "--file", written(tmp_path, SOUND), *SURE)
    before = settled(ledger)
    every, shown = cli("plan", "show", "--json").document["plans"]
    assert (every["plan"], every["severity"], every["settled_at"]) == ("", "medium", None)
    assert cli("plan", "settle", "--file", written(tmp_path, shown), *SURE).status == 0
    [(name, after)] = settled(ledger).items()
    assert (after.severities, after.overdue_after_days, after.checks) == (
        before[name].severities,
        before[name].overdue_after_days,
        before[name].checks,
    )
    words = cli("plan", "show").words
    assert "vault-private Critical" in words
    assert "nsg-without-deny-all, route-past-firewall (10.0.0.4)" in words
    assert "agreed with security" in words


def test_a_plan_goes_back_to_what_holds_for_every_plan(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, tmp_path: Path
) -> None:
    cli("plan", "settle", "--file", written(tmp_path, SOUND), *SURE)
    assert cli("plan", "reset", "--plan", "STANDARD", *SURE).status == 0
    assert settled(ledger) == {}
    again = cli("plan", "reset", "--plan", "standard", *SURE)
    assert (again.status, "nothing is settled for plan standard" in again.errors) == (1, True)
    rows = sandbox.workspace.query("ManagedApplicationEvents_CL | order by Event_time asc")
    assert [row["Registry_action"] for row in rows] == ["PlanSettled", "PlanSettingsEnded"]


def test_settings_that_cannot_be_read_are_not_called_nothing(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, tmp_path: Path
) -> None:
    cli("plan", "settle", "--file", written(tmp_path, SOUND), *SURE)
    damage(sandbox)
    done = cli("plan", "reset", "--plan", "standard", *SURE)
    assert (done.status, "nothing is settled" in done.errors) == (1, False)
    assert "the ledger's settings of Standard cannot be read" in done.errors
    assert "operations ledger repair" in done.errors
    assert "nothing is settled for plan other" in cli("plan", "reset", "--plan", "other", *SURE).errors


def test_nothing_is_settled_by_a_dry_run_or_without_a_yes(cli: Cli, ledger: LedgerNow, tmp_path: Path) -> None:
    file = written(tmp_path, SOUND)
    shown = cli("plan", "settle", "--file", file, "--reason", "r", "--dry-run")
    assert (shown.status, "Nothing was changed" in shown.words) == (0, True)
    refused = cli("plan", "settle", "--file", file, "--reason", "r")
    assert (refused.status, "--yes" in refused.errors) == (2, True)
    assert settled(ledger) == {}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "plan.json:1: no JSON"),
        ("[]", "plan.json:1: the file must be an object"),
        ("{}", 'plan.json:1: plan is missing; "" is every plan'),
        (SOUND | {"plan": 1}, "plan.json:2: plan must be text"),
        (SOUND | {"plan": "a\nb"}, "plan.json:2: plan cannot be used: a name is one line"),
        (SOUND | {"plan": "a\u202eb"}, "plan.json:2: plan cannot be used: a name is one line"),
        (SOUND | {"plan": "a" * 257}, "plan.json:2: plan cannot be used: a name is one line of at most 256"),
        (SOUND | {"severities": {"a\nb": "low"}}, "plan.json:4: severities has a name that is not one line"),
        (SOUND | {"severities": {"a" * 401: "low"}}, "plan.json:4: severities has a name that is not one line"),
        (
            SOUND | {"severities": {str(number): "low" for number in range(201)}},
            "plan.json:4: severities names more than 200 assignments",
        ),
        (SOUND | {"sevrity": "low"}, "sevrity is no field; fields are"),
        (SOUND | {"severity": "urgent"}, "plan.json:3: severity must be one of critical, high, medium, low"),
        (SOUND | {"severities": ["x"]}, "plan.json:4: severities must be an object"),
        (SOUND | {"severities": {"tags": "bad"}}, "plan.json:5: severities.tags must be one of critical"),
        (SOUND | {"severities": {"tags": None}}, "plan.json:5: severities.tags must be one of critical"),
        (SOUND | {"severities": {"a": "low", "A": "low"}}, "plan.json:6: severities.A names an assignment that has"),
        (SOUND | {"severities": {" / ": "low"}}, "plan.json:5: severities. /  names no assignment"),
        (SOUND | {"overdue_after_days": {"urgent": 1}}, "overdue_after_days.urgent is no field; fields are critical"),
        (SOUND | {"overdue_after_days": {"low": 0}}, "overdue_after_days.low must be a number of days from 1 to"),
        (SOUND | {"overdue_after_days": {"low": "7"}}, "overdue_after_days.low must be a number of days from 1 to"),
        (SOUND | {"overdue_after_days": {"low": True}}, "overdue_after_days.low must be a number of days from 1 to"),
        (CHECKS | {"checks": ["nsg-without-deny-all"]}, "plan.json:3: checks must be an object"),
        (CHECKS | {"checks": {"all": {}}}, "plan.json:4: checks.all is no check; checks are nsg-without-deny-all, "),
        (CHECKS | {"checks": {"nsg-without-deny-all": True}}, "plan.json:4: checks.nsg-without-deny-all must be an"),
        (CHECKS | {"checks": {NSG: {"strict": []}}}, "plan.json:5: checks.nsg-without-deny-all.strict is no field"),
        (
            CHECKS | {"checks": {NSG: {}, NSG.upper(): {}}},
            "plan.json:5: checks.NSG-WITHOUT-DENY-ALL names a check that",
        ),
        (CHECKS | {"checks": {ROUTES: {}}}, "plan.json:4: checks.route-past-firewall.firewall_addresses is missing"),
        (
            CHECKS | {"checks": {ROUTES: {"firewall_addresses": []}}},
            "plan.json:5: checks.route-past-firewall.firewall_addresses is missing; it takes private addresses",
        ),
        (
            CHECKS | {"checks": {ROUTES: {"firewall_addresses": "10.0.0.4"}}},
            "plan.json:5: checks.route-past-firewall.firewall_addresses must be a list of private addresses",
        ),
        (
            CHECKS | {"checks": {ROUTES: {"firewall_addresses": ["10.0.0.4", "10.0.0"]}}},
            "plan.json:7: checks.route-past-firewall.firewall_addresses[1] must be one of private addresses",
        ),
        (
            CHECKS | {"checks": {"identity-with-wide-role": {"allowed_roles": [" "]}}},
            "plan.json:6: checks.identity-with-wide-role.allowed_roles[0] must be one of names or ids of roles",
        ),
        (
            CHECKS | {"checks": {"identity-with-wide-role": {"allowed_roles": ["Reader"] * 101}}},
            "plan.json:5: checks.identity-with-wide-role.allowed_roles has 101 texts, and may have 100",
        ),
        (
            CHECKS | {"checks": {"identity-with-wide-role": {"allowed_roles": ["Reader", "a" * 201]}}},
            "plan.json:7: checks.identity-with-wide-role.allowed_roles[1] has more than 200 characters",
        ),
        (
            CHECKS | {"severities": {long_name(number): "low" for number in range(200)}},
            "plan.json: all of it is too long for the ledger; name fewer assignments in severities",
        ),
        (
            CHECKS | {"checks": {"public-network-access": {"allowed_addresses": [7]}}},
            "plan.json:6: checks.public-network-access.allowed_addresses[0] must be one of addresses or prefixes",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(
    cli: Cli, ledger: LedgerNow, tmp_path: Path, content: Any, complaint: str
) -> None:
    done = cli("plan", "settle", "--file", written(tmp_path, content), *SURE)
    assert done.status == 2
    assert complaint in done.errors
    assert settled(ledger) == {}


def test_what_ends_with_a_check_is_shown_before_it_is_switched_off(
    cli: Cli, sandbox: Sandbox, ledger: LedgerNow, tmp_path: Path
) -> None:
    customer = sandbox.arm.add_customer("Contoso")
    group = str(customer.managed_resource_group_id)
    found = assignment(customer, NSG, "one", "two", id=check_id(group, NSG))
    plan = customer.plan.name
    ledger.write(facts(customer, found, assignment(customer, "baseline", "three")))
    switched_on = {"plan": plan, "checks": {NSG: {}}}
    kept = cli("plan", "settle", "--file", written(tmp_path, switched_on), *SURE, "--json")
    assert kept.document["checks_that_end"] == []
    file = written(tmp_path, {"plan": plan, "checks": {}})
    shown = cli("plan", "settle", "--file", file, "--reason", "r", "--dry-run", "--json")
    ends = {"check": NSG, "applications": 1, "violations_that_end": 2}
    assert shown.document["checks_that_end"] == [ends]
    assert "Open violations that end" in cli("plan", "settle", "--file", file, "--reason", "r", "--dry-run").words
    other = cli("plan", "settle", "--file", written(tmp_path, {"plan": "other"}), *SURE, "--json")
    assert other.document["checks_that_end"] == []
    reset = cli("plan", "reset", "--plan", plan, *SURE, "--json")
    assert reset.document["checks_that_end"] == [ends]
