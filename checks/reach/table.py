"""The table of docs/security.md: who can reach what. Written from the rights, never by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.reach.comparison import allowed
from checks.templates.deployment import INFRASTRUCTURE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT: Final = INFRASTRUCTURE.parent / "docs" / "security.md"
BEGIN: Final = "<!-- reach: written by `python -m checks.reach --write` -->"
END: Final = "<!-- end of reach -->"
_NAMES: Final = {
    "id-app-…": "**front**",
    "id-worker-…": "**worker**",
    "id-api-…": "**api**",
    "id-alerts-…": "alert rules",
}
_WHEN: Final = {"always": "", "api": "", "credential": " (only with a certificate or a client secret)"}
_KINDS: Final = (
    ("/queues/", "the queue `{}` of the worker's storage account"),
    ("/secrets/", "the secret `{}` of the key vault"),
    ("storageAccounts/stworker", "the worker's storage account"),
    ("storageAccounts/stapi", "the api's storage account"),
    ("storageAccounts/", "the front's storage account"),
    ("dataCollectionRules/dcr-api-", "the api's data collection rule"),
    ("dataCollectionRules/", "the worker's data collection rule"),
    ("components/", "Application Insights"),
    ("workspaces/", "the Log Analytics workspace"),
)


def table(infrastructure: Path = INFRASTRUCTURE) -> str:
    """Return the table in Markdown, one line for each right."""
    rows = ["| identity of | role | on | for |", "|---|---|---|---|"]
    for one in allowed(infrastructure):
        right = one.right
        condition = ", on the condition that it is one of the five tables" if right.condition else ""
        purpose = f"{one.purpose}{_WHEN[one.when]}"
        rows.append(f"| {_NAMES[right.identity]} | {one.role_name}{condition} | {_called(right.scope)} | {purpose} |")
    return "\n".join(rows)


def _called(scope: str) -> str:
    text = next(text for part, text in _KINDS if part in scope)
    return text.format(scope.rsplit("/", 1)[1])


def written(document: str, infrastructure: Path = INFRASTRUCTURE) -> str:
    """Return the document with the table between its marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(infrastructure)}\n\n{END}{after}"


def problems(document: Path = DOCUMENT, infrastructure: Path = INFRASTRUCTURE) -> Iterator[str]:
    """Yield a line when the document has no table, or another one."""
    text = document.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        yield f"{document.name} has no place for the table: {BEGIN} and {END}"
    elif written(text, infrastructure) != text:
        yield f"{document.name} has another table than the templates; run: python -m checks.reach --write"
