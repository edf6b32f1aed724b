"""Shell text as data: simple commands with the words they get, and the variables that are set and used.

Read with tree-sitter; nothing is executed. Placeholders such as `<subscription id>`, variables and substitutions are
replaced by plausible values, so that the words can be given to a program's own parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import tree_sitter
import tree_sitter_bash

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACEHOLDER: Final = "example"
"""The value of a placeholder, a variable or a substitution that has no better one."""

GUID: Final = "00000000-0000-0000-0000-000000000000"
GROUP_ID: Final = f"/subscriptions/{GUID}/resourceGroups/example"
APPLICATION_ID: Final = f"{GROUP_ID}/providers/Microsoft.Solutions/applications/example"

_LANGUAGE: Final = tree_sitter.Language(tree_sitter_bash.language())
_PLACEHOLDER: Final = re.compile(r"<([A-Za-z][^<>\n|&;()]*)>")
_POWERSHELL_ASSIGNMENT: Final = re.compile(r"^\s*\$(?:env:)?(\w+)\s*=\s*(.+)$", re.MULTILINE)
_PLAIN_VALUE: Final = re.compile(r"""["'].*["']|[\w./:-]+""")
_EXPANSIONS: Final = frozenset({"simple_expansion", "expansion"})
_SUBSTITUTIONS: Final = frozenset({"command_substitution", "process_substitution", "arithmetic_expansion"})
_WRAPPERS: Final = frozenset({"eval", "command", "exec", "sudo", "time", "env"})
_SETTERS: Final = frozenset({"read"})
_NOT_EVERYWHERE: Final = frozenset({"mapfile", "readarray"})
_HISTORY: Final = re.compile(r"!(?![\s=(\"]|$)")
_MODIFIER: Final = re.compile(r":[A-Za-z&]")
_PATTERN: Final = re.compile(r"(?<!\\)[*?\[]")
_GIVEN: Final = re.compile(r"HOME|PATH|PWD|USER|TMPDIR|\d")
"""Variables that every shell has; a digit is an argument of a function."""


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command: its words, the program first. `line` counts from 1 in the text."""

    words: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that is set (`is_set`) or used, in the order of the text."""

    name: str
    line: int
    is_set: bool


@dataclass(frozen=True, slots=True)
class Surprise:
    """What means something else at the prompt of bash or zsh than in a script; `reason` says what to write."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed text. `syntax_errors` has the lines that are no shell; the rest is then incomplete."""

    commands: tuple[Command, ...]
    variables: tuple[Variable, ...]
    syntax_errors: tuple[int, ...]
    surprises: tuple[Surprise, ...]


def from_powershell(text: str) -> str:
    """Return PowerShell's simple commands as bash: line continuations, assignments and `$env:` are translated."""
    joined = re.sub(r"`\n", "\\\n", text)
    return _POWERSHELL_ASSIGNMENT.sub(_assignment, joined).replace("$env:", "$")


def parse(text: str) -> Script:
    """Return what a bash text does."""
    source, nodes = _filled_in(text), nodes_of(text)
    return Script(
        commands=tuple(_command(node) for node in nodes if node.type == "command" and _named(node)),
        variables=tuple(_variables(nodes)),
        syntax_errors=tuple(line_of(node) for node in nodes if node.type == "ERROR" or node.is_missing),
        surprises=tuple(Surprise(line_of(node), reason) for node in nodes if (reason := _surprise(node, source))),
    )


def nodes_of(text: str) -> list[tree_sitter.Node]:
    """Return the syntax tree of a bash text in the order of the text, its placeholders filled in."""
    return list(walk(tree_sitter.Parser(_LANGUAGE).parse(_filled_in(text)).root_node))


def words_of(node: tree_sitter.Node) -> tuple[str, ...]:
    """Return the words of a `command` node as its program gets them, with `sudo`, `env` and their like in front."""
    words: list[str] = []
    end = -1
    for child in _named(node):
        if child.start_byte == end:  # `@<(…)` is one word to a shell, and two nodes
            words[-1] += value_of(child)
        else:
            words.append(value_of(child))
        end = child.end_byte
    return tuple(words)


def is_typed(node: tree_sitter.Node) -> bool:
    """Whether a word stands in the text as it is: without a variable or a substitution in it."""
    return not any(child.type in _EXPANSIONS | _SUBSTITUTIONS for child in walk(node))


def _filled_in(text: str) -> bytes:
    return _PLACEHOLDER.sub(lambda match: _value_of_placeholder(match[1]), text).encode()


def _assignment(match: re.Match[str]) -> str:
    value = match[2] if _PLAIN_VALUE.fullmatch(match[2]) else f"$({match[2]})"
    return f"{match[1]}={value}"


def _value_of_placeholder(name: str) -> str:
    words = name.lower().split()
    if words[-1] != "id":
        return PLACEHOLDER
    if "application" in words:
        return APPLICATION_ID
    return GROUP_ID if "group" in words else GUID


def _surprise(node: tree_sitter.Node, source: bytes) -> str | None:
    """Return why a person who pastes this at the prompt of bash (3.2 on macOS) or zsh gets something else."""
    text = text_of(node)
    match node.type:
        case "comment":
            return "zsh reads # at its prompt as a word: say it in the text"
        case "string_content" | "word" if _HISTORY.search(text):
            return "bash and zsh replace ! at their prompt by an earlier command, also inside double quotes"
        case "simple_expansion" if _MODIFIER.match(source[node.end_byte :].decode()):
            return f"zsh reads {text}: as a modifier: write ${{{text[1:]}}}:"
        case "word" if _PATTERN.search(text):
            return "zsh refuses a pattern that matches no file: quote it"
        case "command_name" if text in _NOT_EVERYWHERE:
            return f"neither zsh nor the bash of macOS has {text}: read the lines in a loop"
    return None


def _command(node: tree_sitter.Node) -> Command:
    words = list(words_of(node))
    while len(words) > 1 and words[0] in _WRAPPERS:
        words.pop(0)
    return Command(tuple(words), line_of(node))


def _named(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    """The command's words: what is neither an assignment before it nor a redirection."""
    skipped = {"variable_assignment", "herestring_redirect", "file_redirect", "heredoc_redirect", "comment"}
    return [child for child in node.named_children if child.type not in skipped]


def value_of(node: tree_sitter.Node) -> str:
    """Return what a word, a string or an expansion stands for."""
    text = text_of(node)
    if node.type in _EXPANSIONS:
        return "name=value" if "[@]" in text else _value_of_variable(_expanded(node))
    if node.type in _SUBSTITUTIONS:
        return PLACEHOLDER
    if node.type == "raw_string":
        return text[1:-1]
    if node.type == "string":
        return _joined(node, node.start_byte + 1, node.end_byte - 1)
    if node.type in {"concatenation", "command_name"}:
        return _joined(node, node.start_byte, node.end_byte)
    return re.sub(r"\\(.)", r"\1", text) if node.type == "word" else text


def _joined(node: tree_sitter.Node, start: int, end: int) -> str:
    """The text between two bytes, with every quoted or expanded part replaced by its value."""
    whole, found = text_of(node).encode(), ""
    for child in node.named_children:
        between = whole[start - node.start_byte : child.start_byte - node.start_byte].decode()
        found += between + (_unescaped(child) if child.type == "string_content" else value_of(child))
        start = child.end_byte
    return found + whole[start - node.start_byte : end - node.start_byte].decode()


def _unescaped(node: tree_sitter.Node) -> str:
    return re.sub(r'\\(["$`\\])', r"\1", re.sub(r"\\\n", "", text_of(node)))


def _value_of_variable(name: str) -> str:
    if name.endswith("ID"):
        return GUID
    if name.endswith("IDENTITY"):
        return f"{GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/example"
    return PLACEHOLDER


def _variables(nodes: list[tree_sitter.Node]) -> Iterator[Variable]:
    """Yield uses before the assignment that they are part of: `A=$A` uses what was there before."""
    pending: list[tuple[int, Variable]] = []
    for node in nodes:
        done = [item for item in pending if item[0] <= node.start_byte]
        pending = [item for item in pending if item[0] > node.start_byte]
        yield from (variable for _, variable in done)
        if node.type == "variable_assignment" and (name := node.child_by_field_name("name")):
            pending.append((node.end_byte, Variable(text_of(name), line_of(node), is_set=True)))
        elif node.type == "for_statement" and (name := node.child_by_field_name("variable")):
            yield Variable(text_of(name), line_of(node), is_set=True)
        elif node.type in _EXPANSIONS and (found := _expanded(node)) and not _GIVEN.fullmatch(found):
            yield Variable(found, line_of(node), is_set=False)
        elif node.type == "command" and (words := [text_of(child) for child in _named(node)]) and words[0] in _SETTERS:
            yield Variable(words[-1], line_of(node), is_set=True)
    yield from (variable for _, variable in pending)


def _expanded(node: tree_sitter.Node) -> str:
    """The name in `$NAME`, `${NAME}` or `${NAME[@]}`; empty for `$1`, `$?` and their like."""
    name = next((child for child in walk(node) if child.type == "variable_name"), None)
    return text_of(name) if name else ""


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Yield a node and everything in it, in the order of the text."""
    yield node
    for child in node.children:
        yield from walk(child)


def text_of(node: tree_sitter.Node) -> str:
    """Return a node as it stands in the text."""
    return (node.text or b"").decode()


def line_of(node: tree_sitter.Node) -> int:
    """Return the line that a node begins in, counted from 1."""
    return node.start_point.row + 1
