"""Commands that fetch whatever is newest, or run what nobody has compared: images, packages, extensions, scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.documents.shell_commands import PLACEHOLDER
from checks.documents.uses import uses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.documents.uses import Use

_BY_DIGEST: Final = re.compile(r"\S+@sha256:[0-9a-f]{64}")
_LOADERS: Final = frozenset({"curl", "wget", "irm", "iwr", "Invoke-RestMethod", "Invoke-WebRequest"})
_RUNS: Final = re.compile(
    r"(?:sudo (?:-\S+ )*)?(?:(?:ba|z|da|k)?sh|python[\d.]*|node|perl|ruby|pwsh|iex|Invoke-Expression|source|eval|xargs)"
    r"\b.*|\. .*"
)
_POWERSHELL: Final = re.compile(r"(?i)\b(iex|invoke-expression)\b.*\b(?:irm|iwr|invoke-restmethod|invoke-webrequest)\b")
_UNSEEN: Final = "this runs what was just downloaded: take a package with a version and a hash"
_CONTAINERS: Final = re.compile(r"(?:docker|podman|nerdctl)(?: (?:container|image))? (?:run|pull|create) (.+)")
_NO_VALUE: Final = re.compile(
    r"-[itdP]+|--(?:rm|interactive|tty|detach|privileged|init|quiet|read-only|no-healthcheck)|--\S+=\S*"
)
_AZURE_IMAGE: Final = re.compile(
    r"(?:az (?!rest|acr import)|kubectl ).*?--image[ =](\S+).*|az acr import\b.*?--source[ =](\S+).*"
)
_NAMED: Final = (
    (r"az (?:extension add|bicep install)\b|azd extension install\b|dotnet tool install\b", r"--version ", "--version"),
    (r"(?:winget|choco|gem|cargo) install\b", r"--version[ =]", "--version"),
    (r"gh extension install\b", r"--pin ", "--pin"),
    (r"Install-Module\b", r"-RequiredVersion ", "-RequiredVersion"),
    (
        r"(?:npx|uvx|bunx|npm exec|(?:yarn|pnpm) dlx|code --install-extension)\b",
        r"==\d|@v?\d|--no-install",
        "a version",
    ),
    (r"(?:pipx (?:run|install)|uv tool (?:run|install)|go install)\b", r"==\d|@v?\d", "a version"),
    (
        r"(?:pip[\d.]*|python[\d.]* -m pip|uv pip) (?:install|download|wheel)\b",
        r"--require-hashes\b",
        "--require-hashes",
    ),
    (r"npm ci\b", r"--ignore-scripts\b", "--ignore-scripts"),
    (r"git clone\b", r"--branch |-b |--revision[ =]", "--branch <tag of the release>"),
)
"""Commands, and what each must have so that it says exactly what it fetches; pip and npm take it from a lock."""
_NEVER: Final = (
    (r"az (?:upgrade|extension update|bicep upgrade)\b|az extension add\b.*--upgrade\b", "names no version"),
    (
        r"(?:npm|pnpm|bun) (?:install|i|add)\b|yarn(?: (?:add|install)\b.*)?$",
        "install what is locked: npm ci --ignore-scripts",
    ),
    (r"brew install\b", "names no version"),
)


def open_ends(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and reason for every command that does not say exactly what it fetches."""
    for match in _POWERSHELL.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, f"{match[1]}: {_UNSEEN}"
    for use in uses(text):
        yield from ((use.line, reason) for reason in _reasons(use))


def _reasons(use: Use) -> Iterator[str]:
    command = " ".join((use.program, *use.words[1:]))
    yield from (f"{image}: pin the image by its digest (@sha256:…)" for image in _images(command))
    piped = use.program in _LOADERS and any(_RUNS.fullmatch(" ".join(reader)) for reader in use.readers)
    if piped or (_RUNS.fullmatch(f"{command} ") and set(use.scripts) & _LOADERS):
        yield f"{use.program}: {_UNSEEN}"
    for pattern, needed, option in _NAMED:
        if (match := re.match(pattern, command)) and not re.search(needed, f"{command} "):
            yield f"{match[0]}: say exactly what it fetches: {option}"
    yield from (f"{command[:40]}: {reason}" for pattern, reason in _NEVER if re.match(pattern, command))


def _images(command: str) -> Iterator[str]:
    """The images that a command names without a digest; one that a variable names is the variable's affair."""
    named: list[str | None] = []
    if match := _CONTAINERS.fullmatch(command):
        words = iter(match[1].split())
        for word in words:
            if not word.startswith("-"):
                named.append(word)
                break
            if not _NO_VALUE.fullmatch(word):
                next(words, None)
    elif match := _AZURE_IMAGE.fullmatch(command):
        named += match.groups()
    yield from (image for image in named if image and image != PLACEHOLDER and not _BY_DIGEST.fullmatch(image))
