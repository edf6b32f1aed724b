"""Secrets that a command would give away: in a process's arguments, or in the history of a shell.

Arguments are read by every other process of the machine (`ps`) and written into audit logs; what is typed stays in the
history file. So a secret comes from a program or from `read -rs`, and reaches its reader through standard input or a
file that only its owner can read. What shows secrets on a screen is in dumps.py.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from checks.documents.uses import typed, uses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.documents.uses import Use

NAME: Final = re.compile(
    r"(?i)(?:secret|passw(?:or)?d|passphrase|credential|signature|token|bearer|jwt|^key|(?:api|access|account|admin"
    r"|function|host|master|private|shared|storage|subscription)[_-]?key|connection[_-]?string|webhook[_-]?uri"
    r"|notification[_-]?url|(?:^|[_-])sas|client[_-]?certificate)s?(?:[_-]?value)?$"
)
"""Names whose values are secrets. A name that goes on is another thing: CREDENTIAL_KIND, TOKEN_ENDPOINT."""
ARGUMENT: Final = (
    "other processes read arguments: give it through standard input or a file that only you can read (@file)"
)
HISTORY: Final = "what is typed stays in the history: take it from `read -rs NAME`, or from the program that makes it"

_BY_THE_SHELL: Final = re.compile(
    r"printf|echo|read|test|\[\[?|:|true|false|unset|local|export|declare|typeset|readonly|set|shift|return"
)
"""What a shell does by itself: no process, so no arguments that others can read."""
_HEADER: Final = re.compile(
    r"(?i)(?:^|[\s\"'{,;=])(?:proxy-)?(?:authorization|cookie|x-functions-key|ocp-apim-subscription-key|(?:x-)?api-key"
    r"|private-token|x-identity-header)[\"']?\s*[:=]\s*[\"']?[^\s\"']"
)
_IN_A_URL: Final = re.compile(
    r"(?i)://[^\s?]*\?(?:.*&)?(?:code|sig|secret|client_secret|password|pwd|token|access_token|id_token|key|api[-_]?key"
    r"|subscription-key)=[^=&\s]|://[^/\s:@]*:[^/\s@]+@"
)
_BODY: Final = re.compile(r"\s*\{.*[\"']\s*:|[\w-]+=[^=]", re.DOTALL)
_MEMBER: Final = re.compile(r"[\"']?([\w-]+)[\"']?\s*[:=]\s*[\"']?([^\s\"'{}\[\],&]+)")
_FLAGS: Final = (
    (r"(?:sshpass|sqlcmd) .*|(?:docker|podman|az acr|az) login\b.*", r"-[pP]"),
    (r"az (?:keyvault (?:secret|key) set|appconfig kv set)\b.*", r"--value"),
    (r"gh secret set\b.*", r"--body|-b"),
    (r"az .*", r"--secure-environment-variables"),
    (r"openssl enc\b.*", r"-[kK]"),
)
"""Flags whose names do not say that they take a secret, of these commands."""
_READS_A_SECRET: Final = re.compile(r"gh secret set|--password-stdin|--with-token|azd env set")


def exposures(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and reason for every secret in the arguments and assignments of a bash text."""
    for item in typed(text):
        if NAME.search(item.name) and _is_given(item.value):
            yield item.line, f"{item.name}: {HISTORY}"
    for use in uses(text):
        if not _BY_THE_SHELL.fullmatch(use.program):
            yield from ((use.line, f"{use.program}{where}: {ARGUMENT}") for where in _arguments(use))
        yield from ((use.line, f"{use.program}: {reason}") for reason in _typed(use))


def takes_a_secret(flag: str) -> bool:
    """Whether this is an option that takes a secret: to say "use it" is to say "give a secret as an argument"."""
    return (
        flag == "--secure-environment-variables" or (re.fullmatch(r"--[\w-]+", flag) and NAME.search(flag)) is not None
    )


def _arguments(use: Use) -> Iterator[str]:
    """Where among the words of a process a secret stands."""
    if use.program == "env" and use.scripts:
        yield ""
    command = " ".join(use.words)
    for word, following in pairwise((*use.words, "")):
        flag, equals, value = word.partition("=")
        if word.startswith("-"):
            if _takes_a_secret(use, command, flag, value if equals else following) or _shows(value):
                yield f" {flag}"
        elif _shows(word):
            yield " with a secret in a value, a header, an address or a body"
    if use.words[:3] == ("azd", "env", "set") and len(use.words) > 4 and NAME.search(use.words[3]):  # noqa: PLR2004
        yield from [f" env set {use.words[3]}"] * _is_given(use.words[4])


def _takes_a_secret(use: Use, command: str, flag: str, value: str) -> bool:
    if not _is_given(value):
        return False
    if use.program == "openssl" and flag in {"-pass", "-passin", "-passout"}:
        return re.fullmatch(r"(?:pass|env):.+", value) is not None
    if flag in {"-u", "-U", "--user", "--proxy-user"}:
        return use.program in {"curl", "wget"} and ":" in value
    return bool(NAME.search(flag.lstrip("-"))) or any(
        re.fullmatch(pattern, command, re.DOTALL) and re.fullmatch(flags, flag) for pattern, flags in _FLAGS
    )


def _shows(word: str) -> bool:
    """Whether a word carries a secret inside: as NAME=value, in a header, in an address, or as a member of a body."""
    if word.startswith("@"):
        return False
    name, equals, value = word.partition("=")
    if equals and NAME.search(name.rpartition(".")[2]) and _is_given(value):
        return True
    if _HEADER.search(word) or _IN_A_URL.search(word):
        return True
    return bool(_BODY.match(word)) and any(
        NAME.search(name) and _is_given(value) for name, value in _MEMBER.findall(word)
    )


def _typed(use: Use) -> Iterator[str]:
    """Secrets that somebody types, other than the values of variables."""
    arguments = use.words[1:]
    if use.program == "read" and any(NAME.search(word) for word in arguments) and not _is_silent(arguments):
        yield "say -rs, or the secret stands on the screen while it is typed"
    if use.program in {"ConvertTo-SecureString", "setx"} and use.is_typed and arguments:
        yield HISTORY
    reader = any(_READS_A_SECRET.search(" ".join(words)) for words in (use.words, *use.readers))
    is_said = use.program in {"echo", "printf"} and use.readers and use.is_typed and arguments
    if reader and (use.input or is_said):
        yield HISTORY


def _is_silent(arguments: tuple[str, ...]) -> bool:
    return any(re.fullmatch(r"-\w*s\w*", word) for word in arguments)


def _is_given(value: str) -> bool:
    """Whether a value is one: not empty, not read from a file or standard input, no other option and no reference."""
    return bool(value) and not value.startswith(("@", "-", "<(", "/dev/", "akvs://"))
