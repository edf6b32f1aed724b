"""The shell commands and variables of a document, section by section, as somebody in a fresh shell meets them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from checks.documents.markdown import POWERSHELLS, SHELLS, read
from checks.documents.rules import RULES
from checks.documents.secrets import ARGUMENT, takes_a_secret
from checks.documents.shell_commands import from_powershell, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.documents.markdown import Document, Section, Snippet
    from checks.documents.shell_commands import Script

OPERATORS_SHELL: Final = "a-shell-with-the-apps-identity"
"""Anchor of the section that makes the shell in which `python -m collector` and `operations` have their settings."""

EXTENSIONS: Final = {
    "monitor app-insights": "application-insights",
    "monitor data-collection": "monitor-control-service",
    "monitor log-analytics query": "log-analytics",
    "monitor scheduled-query": "scheduled-query",
    "graph": "resource-graph",
}
"""Commands that come with an az extension and the extension's name (its folder in Azure/azure-cli-extensions)."""

_PROGRAMS: Final = (
    r"(?:az|azd|make|git|curl|wget|gh|docker|podman|pip3?|pipx|uvx?|npx|npm|export|env|printenv|read|python3?"
    r"|\S*/python3?)"
)
_INLINE_COMMAND: Final = re.compile(rf"(?:\w+=\$\()?{_PROGRAMS} [\w.<-].*", re.DOTALL)
_ABBREVIATED: Final = re.compile(r"…|\.\.\.")
_OURS: Final = (["collector"], ["operations"])


@dataclass(frozen=True, slots=True)
class Call:
    """A command of a document: its words, the program first. A mention is inline and names it without options."""

    words: tuple[str, ...]
    line: int
    is_mention: bool


def calls(document: Document) -> Iterator[Call]:
    """Yield every command of the document in its order."""
    for section in document.sections:
        for snippet in _shell_snippets(section):
            for command in _script(snippet).commands:
                is_mention = not snippet.is_block and not any(word.startswith("-") for word in command.words[3:])
                yield Call(command.words, snippet.line + command.line - 1, is_mention)


def extension_of(words: tuple[str, ...]) -> str | None:
    """Return the extension that an az command comes with; None for az itself."""
    command = " ".join(words[1:])
    return next((name for prefix, name in EXTENSIONS.items() if f"{command} ".startswith(f"{prefix} ")), None)


def problems(document: Document) -> Iterator[tuple[int, str]]:
    """Yield line and complaint.

    They are: no shell, something that a shell reads in another way at its prompt, variables that are set nowhere, and
    `python -m collector` or `operations` in no known environment.
    """
    for section in document.sections:
        for snippet in _shell_snippets(section):
            for line in _script(snippet).syntax_errors:
                yield snippet.line + line - 1, "this is not shell that bash can read"
            if snippet.is_block and snippet.language in SHELLS and not _is_for_the_container(snippet):
                for surprise in _script(snippet).surprises:
                    yield snippet.line + surprise.line - 1, surprise.reason
        yield from _unset_variables(document, section)
        yield from _homeless_programs(document, section)


def carelessness(document: Document) -> Iterator[tuple[int, str]]:
    """Yield line and complaint for commands that show a secret, or fetch what nobody has named exactly."""
    for section in document.sections:
        for snippet in section.snippets:
            if not snippet.is_block and takes_a_secret(snippet.text):
                yield snippet.line, f"{snippet.text}: {ARGUMENT}"
        for snippet in _shell_snippets(section):
            text = from_powershell(snippet.text) if snippet.language in POWERSHELLS else snippet.text
            for rule in RULES:
                yield from ((snippet.line + line - 1, reason) for line, reason in rule(text))


def _unset_variables(document: Document, section: Section) -> Iterator[tuple[int, str]]:
    around = _read_before(document, section)
    known = {name for earlier in around[:-1] for name in _set_in(earlier)}
    for item in around:
        for file, anchor in item.variables_from:
            other = read(document.path.parent / file) if file else document
            target = other.find(anchor)
            known |= {name for part in _read_before(other, target) for name in _set_in(part)} if target else set()
    for snippet in _shell_snippets(section):
        for variable in _script(snippet).variables:
            if variable.is_set:
                known.add(variable.name)
            elif variable.name not in known:
                yield (
                    snippet.line + variable.line - 1,
                    f"${variable.name} is not set in this section: set it, or link to a section with its variables",
                )


def _read_before(document: Document, section: Section) -> list[Section]:
    """What somebody has read who follows a link to `section`: also the headings above it, but not the introduction."""
    return [item for item in document.around(section) if item.level > 1 or item is section]


def _set_in(section: Section) -> set[str]:
    scripts = (_script(snippet) for snippet in _shell_snippets(section))
    return {variable.name for script in scripts for variable in script.variables if variable.is_set}


def _homeless_programs(document: Document, section: Section) -> Iterator[tuple[int, str]]:
    around = [document.sections[0], *document.around(section)]
    if any(item.anchor == OPERATORS_SHELL for item in around):
        return
    if any(anchor == OPERATORS_SHELL for item in around for _, anchor in item.links):
        return
    for snippet in _shell_snippets(section):
        for command in _script(snippet).commands:
            program, *words = command.words
            if not program.startswith("python") or words[:1] != ["-m"] or "--help" in words:
                continue
            if words[1:2] in _OURS and (snippet.is_block or len(words) > len(("-m", "module"))):
                yield (
                    snippet.line + command.line - 1,
                    f"python -m {words[1]}: link to the shell that has its settings (#{OPERATORS_SHELL})",
                )


def _is_for_the_container(snippet: Snippet) -> bool:
    """Whether the block runs our own programs alone: those are typed in the operators' shell, a container's bash."""
    return all(
        command.words[1:2] == ("-m",) and [*command.words[2:3]] in _OURS for command in _script(snippet).commands
    )


def _shell_snippets(section: Section) -> Iterator[Snippet]:
    for snippet in section.snippets:
        if snippet.is_block:
            if snippet.language in SHELLS | POWERSHELLS:
                yield snippet
        elif _INLINE_COMMAND.fullmatch(snippet.text) and not _ABBREVIATED.search(snippet.text):
            yield snippet


def _script(snippet: Snippet) -> Script:
    return parse(from_powershell(snippet.text) if snippet.language in POWERSHELLS else snippet.text)
