"""Asks the advisory database OSV about every locked package; needs the internet, so it runs on GitHub.

`python -m checks.vulnerabilities` exits with 1 when a locked package has a known vulnerability, what runs in Azure and
tools alike: tools run where packages are built and releases are signed. Somebody may accept one by name, for a reason
and until a day, in checks/supply_chain/accepted.json; it is printed until then, and fails again from then on.

It fails also whenever it cannot be sure: a service that does not answer, answers nonsense, or does not know of
vulnerabilities that everybody knows has not said that all is well, and nobody asks about a lock of a kind that is not
known. OSV cannot compare the versions of GitHub Actions; zizmor asks GitHub about those (the workflow Supply chain).

Source: https://google.github.io/osv.dev/post-v1-querybatch/.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from checks.supply_chain.accepted import AcceptanceError, acceptances
from checks.supply_chain.locks import OSV, lock_files, packages
from infra.hooks.lock import Locked, LockError

if TYPE_CHECKING:
    from collections.abc import Sequence

SERVICE: Final = "https://api.osv.dev"
CANARIES: Final = (Locked("PyPI", "aiohttp", "3.8.0"), Locked("npm", "lodash", "4.17.15"))
"""Packages whose vulnerabilities have been known for years: an answer without them is not to be believed."""

_BATCH: Final = 500
_SECONDS: Final = 60


class NoAnswerError(Exception):
    """The advisory service did not give an answer that can be trusted."""


def advisories(packages: Sequence[Locked], service: str = SERVICE) -> dict[Locked, list[str]]:
    """Return the ids of known vulnerabilities by package, for those that have any; raise NoAnswerError."""
    asked = [*packages, *CANARIES]
    found: dict[Locked, list[str]] = {}
    for first in range(0, len(asked), _BATCH):
        batch = asked[first : first + _BATCH]
        for package, result in zip(batch, _ask(batch, service), strict=True):
            if result.get("vulns"):
                found[package] = sorted(str(one["id"]) for one in result["vulns"])
    unknown = [f"{canary.name} {canary.version}" for canary in CANARIES if canary not in found]
    if unknown:
        raise NoAnswerError(f"{service} knows of no vulnerability in {', '.join(unknown)}: it cannot be complete")
    return {package: ids for package, ids in found.items() if package in packages}


def _ask(batch: Sequence[Locked], service: str) -> list[dict[str, Any]]:
    queries = [
        {"package": {"name": package.name, "ecosystem": package.ecosystem}, "version": package.version}
        for package in batch
    ]
    request = urllib.request.Request(  # noqa: S310 - the scheme is ours
        f"{service}/v1/querybatch",
        data=json.dumps({"queries": queries}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            results = json.loads(answer.read())["results"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoAnswerError(f"{service} gave no answer: {type(error).__name__}: {error}") from error
    if not isinstance(results, list) or len(results) != len(batch):
        raise NoAnswerError(f"{service} answered about other packages than it was asked for")
    if not all(isinstance(result, dict) for result in results):
        raise NoAnswerError(f"{service} gave an answer that makes no sense")
    if any(result.get("next_page_token") for result in results):
        raise NoAnswerError(f"{service} told only a part of what it knows")
    return results


def main() -> int:
    """Print what is known; see the module for the exit status."""
    try:
        runtime, tools = packages()
        accepted = acceptances()
        known = advisories([*runtime, *tools], os.environ.get("OSV_SERVICE", SERVICE))
    except (NoAnswerError, LockError, AcceptanceError) as error:
        print(f"Nobody knows whether the packages are safe: {error}")
        return 1
    is_open, used = False, set[tuple[str, str]]()
    for package, ids in known.items():
        label = f"{'RUN TIME' if package in runtime else 'tool'}: {package.name} {package.version}"
        for advisory in ids:
            acceptance = accepted.get((package.name, advisory))
            used.add((package.name, advisory))
            is_open |= acceptance is None
            told = f" (accepted until {acceptance.until}: {acceptance.reason})" if acceptance else ""
            print(f"{label}: {advisory}{told}")
    for name, advisory in sorted(accepted.keys() - used):
        print(f"{name}: {advisory} is accepted and no longer known of what is locked: take it out")
    for name, kind in lock_files().items():
        if kind is not None and kind.audit != OSV:
            print(f"{name}: not asked here; {kind.audit}")
    counts = f"{len(runtime)} run-time packages and {len(tools)} tools asked about"
    print(f"{counts}, {len(known)} with known vulnerabilities")
    return int(is_open)


if __name__ == "__main__":
    sys.exit(main())
