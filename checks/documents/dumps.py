"""Commands that show secrets on a screen or in a log: dumps of an environment, traces, and answers that are secrets."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from checks.documents.secrets import NAME
from checks.documents.uses import uses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.documents.uses import Use

DUMP: Final = "this shows every secret of the environment: ask for the one value that is needed"
TRACE: Final = "a trace has every secret in it: leave it out"
SCREEN: Final = "the answer is a secret: capture it in a variable, or pipe it to what needs it"

_DUMPS: Final = (
    r"printenv\b.*",
    r"env(?: -\S+| \w+=\S*)*",
    r"(?:export|declare|typeset|readonly|set)(?: -[pxrg]+)?",
    r"compgen -\w*[ev].*",
    r".*/proc/[^/ ]+/environ.*",
    r"(?i)(?:get-childitem|get-item|gci|gi|dir|ls) env:.*",
    r"azd env get-values\b.*",
    r"(?:cat|less|more|head|tail|grep|bat|strings|type|Get-Content|gc) (?:.*[ /])?(?:\.azure/\S*)?\.env(?: .*)?",
    r"az (?:functionapp|webapp) config appsettings list(?!.*--query).*",
)
_TRACES: Final = (
    r"(?:set|bash|sh|zsh|ksh) (?:.* )?(?:-[a-wyzA-Z]*x[a-zA-Z]*|-o xtrace|-\w*o xtrace)(?: .*)?",
    r"Set-PSDebug\b.*",
    r"(?:az|azd) .*--debug\b.*",
    r"curl (?:.* )?(?:-[a-uw-zA-Z]*v[a-zA-Z]*|--verbose|--trace\S*)(?: .*)?",
)
_ANSWERS: Final = re.compile(
    r"az account get-access-token\b|az keyvault (?:secret|key) (?:show|download)\b"
    r"|az (?:functionapp|webapp) (?:(?:function )?keys list|config (?:appsettings|connection-string) list"
    r"|deployment list-publishing)|az storage account (?:keys|show-connection-string|generate-sas)"
    r"|az ad (?:app|sp) credential reset\b|az ad sp create-for-rbac\b|az acr credential\b"
    r"|az [\w-]+(?: [\w-]+){0,2} (?:get-shared-keys|list-keys|show-keys|keys list)\b|azd auth token\b|gh auth token\b"
    r"|gh auth status\b.*--show-token"
)
_ASKS_FOR_A_SECRET: Final = re.compile(r"(?i)value|key|password|secret|default|token|\*")


def disclosures(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and reason for every command of a bash text that shows secrets."""
    for use in uses(text):
        command = " ".join((use.program, *use.words[1:]))
        for reason, patterns in ((DUMP, _DUMPS), (TRACE, _TRACES)):
            if any(re.fullmatch(pattern, command) for pattern in patterns):
                yield use.line, f"{command[:40]}: {reason}"
        if use.is_seen and _answers(use, command):
            yield use.line, f"{command[:40]}: {SCREEN}"


def _answers(use: Use, command: str) -> bool:
    """Whether what the command prints is a secret."""
    if use.words[:3] == ("azd", "env", "get-value"):
        return any(NAME.search(word) for word in use.words[3:4])
    if use.program == "echo":
        return any(NAME.search(name) for name in use.expands)
    if not _ANSWERS.match(command):
        return False
    given = dict(pairwise(use.words))
    if "none" in {given.get("--output"), given.get("-o")}:
        return False
    return bool(_ASKS_FOR_A_SECRET.search(given.get("--query", "*")))
