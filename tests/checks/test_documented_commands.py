"""Every kind of mistake in a documented command is found; and the documents have none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checks.documented_commands import NOT_RUN, AzError, az_complaints, documents, main, problems
from checks.documents import unfilled_marks
from checks.documents.markdown import read
from checks.documents.programs import PROJECT
from checks.documents.shell_commands import APPLICATION_ID, GUID
from checks.documents.shells import calls

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_document(text: str) -> Path:
        path = tmp_path / "guide.md"
        path.write_text(text, encoding="utf-8")
        return path

    return write_document


@pytest.fixture
def az(tmp_path: Path) -> Path:
    """A Python whose azure-cli knows `az group list --output FORMAT` and nothing else.

    The real one needs its own environment; a workflow runs the check with that.
    """
    package = tmp_path / "site" / "azure" / "cli"
    package.mkdir(parents=True)
    (tmp_path / "site" / "knack").mkdir()
    (tmp_path / "site" / "knack" / "events.py").write_text('EVENT_INVOKER_POST_PARSE_ARGS = "parsed"\n')
    (package / "core.py").write_text(
        """
import argparse, sys

class Parser(argparse.ArgumentParser):
    def error(self, message):
        sys.exit(print(message, file=sys.stderr) or 2)

class Invocation:
    def __init__(self, cli_ctx, **_):
        self.cli = cli_ctx

    def execute(self, words):
        parser = Parser(prog="az")
        group = parser.add_subparsers(required=True).add_parser("group").add_subparsers(required=True)
        group.add_parser("list").add_argument("--output", required=True)
        parser.parse_args(words)
        self.cli.parsed(self.cli)
        raise RuntimeError("executed")

class Cli:
    invocation_cls = Invocation
    commands_loader_cls = parser_cls = help_cls = None

    def register_event(self, name, handler):
        self.parsed = handler

def get_default_cli():
    return Cli()
"""
    )
    launcher = tmp_path / "python"
    launcher.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path / "site"}" exec "{sys.executable}" "$@"\n')
    launcher.chmod(0o755)
    return launcher


def shell(text: str, heading: str = "## Do it") -> str:
    return f"# Guide\n\n{heading}\n\n```sh\n{text}\n```\n"


def words(document: Path) -> list[tuple[str, ...]]:
    return [call.words for call in calls(read(document))]


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_the_commands_of_a_document_are_taken_by_the_programs_they_call(path: Path) -> None:
    assert problems([path]) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("azd env set-value A B", "azd has no command `env set-value`"),
        ("azd up --force", "azd up takes no --force"),
        ("azd env set API_CLIENT_ID", "azd env set takes 2 arguments, not 1"),
        ("azd env set --file some.env API_CLIENT_ID", "azd env set takes 0 arguments, not 1"),
        ("azd env new production --location", "azd env new --location needs a value"),
        ("azd env set API_CLIENT a", "infra/main.parameters.json has no variable API_CLIENT"),
        ("azd env get-value RESOURCE_GROUP", "RESOURCE_GROUP is neither an output"),
        ("azd hooks run afterwards", "azure.yaml has no hook afterwards"),
        ("make everything", "the Makefile has no target everything"),
        ("python3 -m infra.hooks.nothing", "there is no module infra.hooks.nothing"),
        ("python3 -m infra.hooks.smoke_test group app", "takes 1 arguments by its docstring, not 2"),
        ("python -m bench --fast", "python -m bench takes no --fast"),
        ("python -m sandbox dance", "invalid choice: 'dance'"),
        ("echo $((", "this is not shell that bash can read"),
        ("echo $NAME", "$NAME is not set in this section"),
        ("python -m collector", "link to the shell that has its settings"),
        ("python -m operations list --json", "link to the shell that has its settings"),
        (
            "az monitor log-analytics query --workspace a",
            "say `az extension add --name log-analytics --version <version>` before",
        ),
        ('az group list --query "[?!tags]"', "replace ! at their prompt by an earlier command"),
        ("ONE=1; echo $ONE:environment", "write ${ONE}:"),
        ("az group list  # all of them", "zsh reads # at its prompt as a word"),
        ("ls infra/*.bicep", "zsh refuses a pattern that matches no file"),
        ("mapfile -t LINES < <(make help)", "neither zsh nor the bash of macOS has mapfile"),
    ],
)
def test_a_mistake_is_found_with_its_line(write: Write, text: str, complaint: str) -> None:
    found = problems([write(shell(text))])
    assert any(line.startswith("guide.md:6: ") and complaint in line for line in found), found


@pytest.mark.parametrize(
    "text",
    [
        "azd env new production --subscription <subscription id> --location westeurope",
        'A=$(azd env get-value WORKER_APP_NAME)\necho "$A" "${A%%,*}"',
        "for ONE in 1 2; do echo $ONE; done",
        'LINES=()\nwhile IFS= read -r LINE; do LINES+=("$LINE"); done < <(make help)\necho "${LINES[@]}"',
        "az group list --query '[?!tags]'",
        'ONE=1\necho "${ONE}:environment" "$ONE: one" 2>&1',
        "if ! make help; then echo none; fi",
        "az group show --name 'rg-*'",
        "echo $HOME",
        'show() {\n  echo "$1"\n}\nshow something',
        "azd env set --file some.env",
        "make demo sandbox",
        'python3 -m infra.hooks.smoke_test "<group>"',
        "az extension add --name log-analytics --version 1.0.0b1\naz monitor log-analytics query --workspace a",
    ],
)
def test_a_right_command_passes(write: Write, text: str) -> None:
    assert problems([write(shell(text))]) == []


def test_our_own_arguments_are_parsed_by_the_programs_own_parser(write: Write) -> None:
    text = "From [there](operations.md#a-shell-with-the-apps-identity):\n\n" + shell("python -m operations list --all")
    assert problems([write(text)]) == [
        "guide.md:8: python -m operations list --all: " + ("python -m operations: error: unrecognized arguments: --all")
    ]


def test_inline_code_is_a_command_only_when_it_looks_like_one_and_a_mention_needs_no_arguments(write: Write) -> None:
    document = write("`azd env set` sets; `azd-like`, `az…` and `python` say nothing. `azd env\nremove X` is none.\n")
    assert problems([document]) == [
        "guide.md:1: azd env remove X: azd has no command `env remove`, or checks/documents/azd_commands.json does not list it"
    ]


def test_a_variable_counts_from_the_headings_above_and_from_a_section_that_is_named_for_it(write: Write) -> None:
    document = write(
        "# Guide\n\n```sh\nTOP=1\n```\n\n## Variables\n\n```sh\nA=1\n```\n\n"
        "## Tasks\n\n```sh\nB=1\n```\n\n### One\n\n```sh\necho $B\n```\n\n"
        "### Two\n\nWith [the variables](#variables):\n\n```sh\necho $A\n```\n\n"
        "### Three\n\nSee [there](#variables).\n\n```sh\necho $A\necho $TOP\n```\n"
    )
    assert [line.partition(" is not")[0] for line in problems([document])] == ["guide.md:38: $A", "guide.md:39: $TOP"]


def test_a_variable_that_is_set_later_is_not_set_yet(write: Write) -> None:
    assert len(problems([write(shell("A=$A-1\nB=2\necho $A $B"))])) == 1


def test_commands_are_found_wherever_a_shell_runs_them(write: Write) -> None:
    document = write(
        shell(
            'A=$(az one --q "x[?y==\'$B\'].z") && eval "$(az two)" | sed s/a/b/\n'
            'az three \\\n  --data \'{\n    "a": "\'"$(az four)"\'"}\'\n'
            'cat < <(az five)\njq . <<< "$(az six)"\nB=2 az seven @file @<(az eight)  # a comment'
        )
    )
    found = [found for found in words(document) if found[0] == "az"]
    assert sorted(item[1] for item in found) == ["eight", "five", "four", "one", "seven", "six", "three", "two"]
    assert ("az", "one", "--q", "x[?y=='example'].z") in found
    assert ("az", "three", "--data", '{\n    "a": "example"}') in found
    assert ("az", "seven", "@file", "@example") in found


def test_a_block_inside_a_list_and_one_for_powershell_are_read(write: Write) -> None:
    document = write(
        "# Guide\n\n1. Then:\n\n   ```sh\n   make demo\n   ```\n\n"
        "```powershell\n$Name = azd env get-value WORKER_APP_NAME\naz one `\n  --name $Name\n```\n\n```json\nmake x\n```\n"
    )
    assert words(document) == [
        ("make", "demo"),
        ("azd", "env", "get-value", "WORKER_APP_NAME"),
        ("az", "one", "--name", "example"),
    ]
    assert problems([document]) == []


def test_placeholders_become_what_they_stand_for(write: Write) -> None:
    document = write(shell("one <subscription id> <application id> <name> /subscriptions/<id>/x <(two)"))
    assert words(document)[0] == ("one", GUID, APPLICATION_ID, "example", f"/subscriptions/{GUID}/x", "example")


def test_az_takes_its_own_commands_and_refuses_others_with_its_own_words(write: Write, az: Path) -> None:
    text = "az group list --output tsv\naz group list --outptu tsv\naz group burn\naz group list"
    found = problems([write(shell(text))], az)
    assert [line.partition(": ")[0] for line in found] == ["guide.md:7", "guide.md:8", "guide.md:9"]
    assert "invalid choice: 'burn'" in found[1]


def test_an_azure_cli_that_cannot_start_is_told_and_is_no_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no module named azure' >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(AzError, match="no module named azure"):
        az_complaints([["group", "list"]], broken)
    assert main(["--az-python", str(broken), str(PROJECT / "README.md")]) == 1
    assert "no module named azure" in capsys.readouterr().out


def test_az_has_to_be_there_only_where_it_is_required(write: Write, tmp_path: Path) -> None:
    document = str(write(shell("az group burn")))
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "git")
    environment = {**os.environ, "PATH": str(programs)}
    command = [sys.executable, "-m", "checks.documented_commands", document]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT, env=environment)
    assert (done.stdout, done.stderr) == ("", "")
    assert "group burn" not in done.stdout
    required = subprocess.run(
        [*command, "--require-az"], capture_output=True, text=True, check=False, cwd=PROJECT, env=environment
    )
    assert required.returncode == 1
    assert NOT_RUN in required.stdout


@pytest.mark.parametrize("mark", ["@MODEL@", "TBD", "TODO", "FIXME", "XXX", "Lorem ipsum"])
@pytest.mark.parametrize("name", ["a.md", "b.kql", "c.bicep", "d.yml", "e.json"])
def test_a_mark_that_somebody_meant_to_fill_in_is_refused_in_tracked_files(
    tmp_path: Path, mark: str, name: str
) -> None:
    (tmp_path / name).write_text(f"a line\nand {mark} here\n", encoding="utf-8")
    (tmp_path / f"untracked-{name}").write_text(mark, encoding="utf-8")
    git = shutil.which("git") or "git"
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    subprocess.run([git, "-C", str(tmp_path), "add", name], check=True)
    assert unfilled_marks.problems(tmp_path) == [f"{name}:2: fill in or take out: {mark}"]
