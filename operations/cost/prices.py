"""Azure's list prices and what a month is made of, for the estimates of ``operations cost`` and of bench/costs.py.

docs/costs.md has the sources of the prices. Every amount is in CURRENCY, pay as you go, without free grants.
"""

from __future__ import annotations

from typing import Final

from registry.reconcile import AT_ONCE

CURRENCY: Final = "USD"
REGION: Final = "West Europe"
LOOKED_UP: Final = "2026-11-25"
"""When the prices were looked up."""

INGESTION: Final = 2.99
"""For a GB of Analytics logs."""

RETENTION: Final = 0.13
"""For a GB that is kept for a month longer than ingestion includes."""

ALERT_RULE: Final = 0.50
"""For a month of an alert rule that runs every 15 minutes or less often, its first time series included."""

TIME_SERIES: Final = 0.05
"""For a month of a further time series of such a rule."""

EXECUTION: Final = 0.000026
"""For a GB-second of Azure Functions on Flex Consumption."""

PRIVATE_HOURS: Final = {"NAT gateway": (1, 0.045), "public IP address": (1, 0.005), "private endpoints": (6, 0.01)}
"""How many of each the private mode has without the API (infra/modules/private_access.bicep), and an hour's price."""

PRIVATE_DNS_ZONES: Final = (8, 0.50)
"""How many zones the private mode has, and a month's price of one."""

NAT_GIGABYTE: Final = 0.045
"""For a GB through the NAT gateway."""

GIGABYTE: Final = 10**9
"""Bytes of a GB, as Log Analytics bills them."""

HOURS_OF_A_MONTH: Final = 730
"""As Azure's price lists count them."""

DAYS_OF_A_MONTH: Final = HOURS_OF_A_MONTH / 24

ALERT_RULES: Final = 25
"""Rules of infra/alert_rules.json and infra/security_alerts, without those about the tenant's root, which are off."""

DAYS_KEPT: Final = 90
"""The parameter retentionInDays of infra/main.bicep, unless another one is deployed."""

DAYS_INCLUDED: Final = 31
"""For so long the price of ingestion includes keeping the rows."""

INSTANCE_GIGABYTES: Final = 2
"""Memory of an instance: the parameter instanceMemoryMB of infra/main.bicep."""

SECONDS_TO_START: Final = 2
SECONDS_PER_CALL: Final = 0.5
RECONCILING_CALLS: Final = 3
SECONDS_TO_ASK: Final = 1
"""Of the worker's timer that looks every minute for applications to ask about: no execution counts for less."""


def retention(gigabytes: float) -> float:
    """Return what a month costs for keeping the rows of every month, of so many GB each, for DAYS_KEPT."""
    return gigabytes * (DAYS_KEPT - DAYS_INCLUDED) / DAYS_OF_A_MONTH * RETENTION


def alert_rules(time_series: float) -> float:
    """Return what a month of all alert rules costs, while they have so many alerts open."""
    return ALERT_RULES * ALERT_RULE + max(0, time_series - 1) * TIME_SERIES


def functions(runs: float, collecting_seconds: float, applications: float) -> float:
    """Return what a month of functions costs: collections, the daily reconciliation, and the timer that asks.

    Args:
        runs: collections of the month.
        collecting_seconds: how long all of them take together, without the seconds to start.
        applications: in the registry.
    """
    reconciling = applications * RECONCILING_CALLS * SECONDS_PER_CALL / AT_ONCE
    seconds = runs * SECONDS_TO_START + collecting_seconds + DAYS_OF_A_MONTH * reconciling
    return (seconds + HOURS_OF_A_MONTH * 60 * SECONDS_TO_ASK) * INSTANCE_GIGABYTES * EXECUTION
