"""The check `public-network-access`: vaults, workspaces and AI accounts that answer on the public internet.

Sources: learn.microsoft.com/azure/key-vault/general/network-security, learn.microsoft.com/azure/azure-monitor/logs/
private-link-security and learn.microsoft.com/azure/ai-services/cognitive-services-virtual-networks; that access is open
where nothing is said is in the specifications of Microsoft.KeyVault, .OperationalInsights and .CognitiveServices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from publisher.lenient_json import member
from publisher.resource_ids import quoted
from publisher.resource_manager import text_at
from verdicts.publisher_checks.addresses import Family, of_family, written
from verdicts.publisher_checks.documents import Unjudgeable, objects_at, properties_of, word_at
from verdicts.publisher_checks.intervals import without
from verdicts.publisher_checks.judged import compliant, judged_each, violated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from verdicts.publisher_checks.documents import Document, Documents
    from verdicts.publisher_checks.judged import Finding, Judged

ALLOWED_ADDRESSES: Final = "allowed_addresses"

VAULTS: Final = "Microsoft.KeyVault/vaults"
WORKSPACES: Final = "Microsoft.OperationalInsights/workspaces"
AI_ACCOUNTS: Final = "Microsoft.CognitiveServices/accounts"

_ACCESS: Final = "publicNetworkAccess"
_OF_WORKSPACE: Final = {
    "publicNetworkAccessForIngestion": "takes in data",
    "publicNetworkAccessForQuery": "answers queries",
}


def public_access(documents: Documents, parameters: Mapping[str, Sequence[str]]) -> Iterator[Judged]:
    """Judge every key vault, Log Analytics workspace and AI account of the group."""
    allowed = parameters.get(ALLOWED_ADDRESSES, ())
    for resource_type in (VAULTS, AI_ACCOUNTS):
        yield from judged_each(documents.of_type(resource_type), lambda one: _judged(one, allowed))
    yield from judged_each(documents.of_type(WORKSPACES), _judged_workspace)


def _judged(resource: Document, allowed: Sequence[str]) -> Finding:
    """Judge a vault or an account: by its switch, and by its network rules where that is on."""
    properties = properties_of(resource)
    if not _is_on(properties, _ACCESS):
        return compliant("public network access is off")
    rules = member(properties, "networkAcls")
    action = word_at(rules, "defaultAction")
    if action in {"", "allow"}:
        return violated("it answers on the public internet, to every address")
    if action != "deny":
        raise Unjudgeable(f"the default action of its network rules is {quoted(action)}")
    prefixes = [text_at(one, "value") for one in objects_at(rules, "ipRules")]
    for family in Family:
        if left := without(of_family(prefixes, family), of_family(allowed, family)):
            (low, high), *_ = left
            return violated(f"it answers on the public internet, to {_range(low, high, family)}")
    return compliant("its network rules let in no address of the public internet that the plan does not allow")


def _judged_workspace(workspace: Document) -> Finding:
    properties = properties_of(workspace)
    unknown: Unjudgeable | None = None
    public = []
    for switch, does in _OF_WORKSPACE.items():
        try:
            public += [does] if _is_on(properties, switch) else []
        except Unjudgeable as error:
            unknown = error
    if public:
        return violated(f"it {' and '.join(public)} on the public internet")
    if unknown is not None:
        raise unknown
    return compliant("public network access is off for ingestion and for queries")


def _is_on(properties: Document, switch: str) -> bool:
    """Tell whether public access is on, as it is where nothing is said; raise Unjudgeable for what is not known."""
    word = word_at(properties, switch)
    if word == "securedbyperimeter":
        raise Unjudgeable("a network security perimeter decides who gets in, which is not read")
    if word not in {"", "enabled", "disabled"}:
        raise Unjudgeable(f"{switch} is {quoted(word)}")
    return word != "disabled"


def _range(low: int, high: int, family: Family) -> str:
    first = written(low, family)
    return first if low == high else f"{first} to {written(high, family)}"
