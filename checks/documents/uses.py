"""Shell commands with what surrounds them: where their output goes, what they read, and what somebody typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from checks.documents.shell_commands import is_typed, line_of, nodes_of, text_of, value_of, walk, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tree_sitter

_WRAPPERS: Final = frozenset({"command", "exec", "sudo", "time", "nohup", "builtin"})
_CAPTURES: Final = frozenset({"command_substitution", "process_substitution"})
_STILL_SEEN: Final = re.compile(r"(?:<|2>).*|1?>&\s*2|1?>{1,2}\s*/dev/(?:stdout|stderr|tty)", re.DOTALL)
"""Redirections with which what a command prints is on the terminal all the same."""
_ASSIGNED: Final = re.compile(r"^(?:export )?([A-Za-z_]\w*)=[\"']?([^\"'$\n]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Use:
    """A command where it stands. `line` counts from 1 in the text.

    `is_seen` says that its output goes to the terminal: it is not captured, piped or written to a file. `readers` are
    the commands that it is piped to. `is_typed` says that nothing in it is a variable or a substitution; `expands` are
    the variables in it, `input` is the text that is typed for it to read (`<<<`), and `scripts` are the programs whose
    output is among its words.
    """

    words: tuple[str, ...]
    line: int
    is_seen: bool
    readers: tuple[tuple[str, ...], ...]
    is_typed: bool
    expands: tuple[str, ...]
    input: str
    scripts: tuple[str, ...]

    @property
    def program(self) -> str:
        """The name of the program, without its folder."""
        return self.words[0].rpartition("/")[2] if self.words else ""


@dataclass(frozen=True, slots=True)
class Typed:
    """A value that stands in the text and is given to a variable."""

    name: str
    value: str
    line: int


def uses(text: str) -> list[Use]:
    """Return every command of a bash text."""
    return [_use(node) for node in nodes_of(text) if node.type in {"command", "declaration_command"}]


def typed(text: str) -> list[Typed]:
    """Return every value that is assigned as it is typed, also in a text that is written to a file (`<<`)."""
    return [item for node in nodes_of(text) for item in _typed(node)]


def _use(node: tree_sitter.Node) -> Use:
    words = list(words_of(node)) if node.type == "command" else _declaration(node)
    while len(words) > 1 and words[0] in _WRAPPERS:
        words.pop(0)
        while words[1:] and words[0].startswith("-"):
            words.pop(0)
    inside = [item for child in node.named_children for item in walk(child)]
    here = [child for child in node.named_children if child.type == "herestring_redirect"]
    return Use(
        words=tuple(words),
        line=line_of(node),
        is_seen=_is_seen(node),
        readers=_readers(node),
        is_typed=all(is_typed(child) for child in node.named_children),
        expands=tuple(text_of(item) for item in inside if item.type == "variable_name"),
        input=value_of(here[0].named_children[0]) if here and is_typed(here[0]) else "",
        scripts=tuple(
            words_of(item)[0]
            for item in inside
            if item.type == "command" and item.parent is not None and item.parent.type in _CAPTURES and words_of(item)
        ),
    )


def _declaration(node: tree_sitter.Node) -> list[str]:
    """`export`, `declare` and their like, whose words are another kind of node."""
    program = text_of(node).split()[0]
    return [program, *(text_of(child) for child in node.named_children)]


def _is_seen(node: tree_sitter.Node) -> bool:
    child, parent = node, node.parent
    while parent is not None:
        if parent.type in _CAPTURES or (parent.type == "pipeline" and parent.named_children[-1] != child):
            return False
        if parent.type == "redirected_statement" and any(
            redirect.type == "file_redirect" and not _STILL_SEEN.fullmatch(text_of(redirect))
            for redirect in parent.named_children
        ):
            return False
        child, parent = parent, parent.parent
    return True


def _readers(node: tree_sitter.Node) -> tuple[tuple[str, ...], ...]:
    child, parent = node, node.parent
    if parent is not None and parent.type == "redirected_statement":
        child, parent = parent, parent.parent
    if parent is None or parent.type != "pipeline":
        return ()
    later = parent.named_children[parent.named_children.index(child) + 1 :]
    return tuple(words_of(item) for one in later for item in walk(one) if item.type == "command")


def _typed(node: tree_sitter.Node) -> Iterator[Typed]:
    line = line_of(node)
    if node.type == "variable_assignment":
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and value is not None and is_typed(value):
            yield Typed(text_of(name), value_of(value), line)
    elif node.type == "heredoc_body":
        for match in _ASSIGNED.finditer(text := text_of(node)):
            yield Typed(match[1], match[2], line + text.count("\n", 0, match.start()))
