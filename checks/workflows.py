"""Checks the GitHub workflows: schema, GitHub's own validator, security lint, pinned actions, shell scripts.

`python -m checks.workflows` prints one line per problem and exits with 1 when there is one. Nothing is downloaded: the
tools come from the development requirements and from the npm packages of checks/node_actions.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

GITHUB: Final = Path(__file__).resolve().parent.parent / ".github"
NODE_FOLDER: Final = Path(__file__).parent / "node_actions"
TOOLS: Final = Path(sys.executable).parent
_OURS: Final = re.compile(r"\$/\.github/workflows/[\w-]+\.yml")
_PINNED: Final = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_USES: Final = re.compile(r"^\s*(?:- )?uses:\s*(\S+)(?:\s+#\s*(v\d+\.\d+\.\d+))?\s*$")
_ATTESTS: Final = "actions/attest-build-provenance@"
_EXPRESSION: Final = re.compile(r"\$\{\{.*?\}\}")


class ToolError(Exception):
    """A tool cannot run; the message says what is missing."""


def problems(github: Path = GITHUB) -> list[str]:
    """Return one line for everything that is wrong with the workflows and dependabot.yml; empty when all is well."""
    workflows = sorted((github / "workflows").glob("*.yml"))
    return [
        *(problem for path in workflows for problem in _pins(path)),
        *(problem for path in workflows for problem in _permissions(path)),
        *(problem for path in workflows for problem in _cloud_sessions(path)),
        *(problem for path in workflows for problem in _scripts(path)),
        *_schema("vendor.github-workflows", workflows),
        *_schema("vendor.dependabot", [github / "dependabot.yml"]),
        *_security([*workflows, github / "dependabot.yml"]),
        *_language_service(workflows),
    ]


def _pins(path: Path) -> Iterator[str]:
    """Every action of others is pinned by its full commit, with the version beside it for people and dependabot."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = _USES.match(line)
        if "uses:" not in line or line.lstrip().startswith("#"):
            continue
        if match is not None and _OURS.fullmatch(match[1]):
            continue
        if match is None or not _PINNED.fullmatch(match[1]):
            yield f"{path.name}:{number}: pin the action by its full commit: {line.strip()}"
        elif match[2] is None:
            yield f"{path.name}:{number}: say the version in a comment: {match[1]} # vX.Y.Z"


def _permissions(path: Path) -> Iterator[str]:
    """Nothing by default, and each job says what it needs."""
    workflow = _read(path)
    if workflow.get("permissions") != {}:
        yield f"{path.name}: set `permissions: {{}}` for the workflow and name them per job"
    for name, job in workflow.get("jobs", {}).items():
        if "permissions" not in job:
            yield f"{path.name}: job {name} does not say its permissions"
        if "timeout-minutes" not in job and "uses" not in job:
            yield f"{path.name}: job {name} has no timeout-minutes"
        if _signs_in(job) and "environment" not in job:
            yield f"{path.name}: job {name} signs in without an environment whose approval guards it"


def _cloud_sessions(path: Path) -> Iterator[str]:
    """A job that can sign in to Azure runs no code of a pull request."""
    workflow = _read(path)
    # YAML 1.1 reads the key `on` as true.
    if "pull_request" not in (workflow.get("on") or workflow[True]):
        return
    for name, job in workflow.get("jobs", {}).items():
        uses = [job.get("uses", ""), *(step.get("uses", "") for step in job.get("steps", []))]
        if _signs_in(job) and any(item.startswith(("actions/checkout@", "$/")) for item in uses):
            yield f"{path.name}: job {name} can sign in to Azure and has the code of the pull request"


def _signs_in(job: dict[str, Any]) -> bool:
    """Whether the job can have a session in Azure: a token for it, and more than actions that sign attestations."""
    if "id-token" not in job.get("permissions", {}):
        return False
    steps = job.get("steps", [{}])
    return not all(step.get("uses", "").startswith(_ATTESTS) for step in steps)


def _scripts(path: Path) -> Iterator[str]:
    """Run ShellCheck over every `run:`; expressions become a word, as GitHub fills them in before the shell runs."""
    for name, job in _read(path).get("jobs", {}).items():
        for step in job.get("steps", []):
            if "run" not in step:
                continue
            script = "#!/usr/bin/env bash\n" + _EXPRESSION.sub("expression", step["run"])
            done = _run("shellcheck", "--format=gcc", "-", text=script)
            label = f"{path.name}: job {name}, {step.get('name', 'a step')}"
            yield from (f"{label}: {line.partition(':')[2]}" for line in done.stdout.splitlines())


def _schema(schema: str, paths: list[Path]) -> Iterator[str]:
    done = _run("check-jsonschema", "--builtin-schema", schema, "--output-format", "json", *map(str, paths))
    report = json.loads(done.stdout)
    for error in report.get("errors", []):
        yield f"{Path(error['filename']).name}: {error['path']}: {error['message']}"
    for error in report.get("parse_errors", []):
        yield f"{Path(error['filename']).name}: {error['message']}"


def _security(paths: list[Path]) -> Iterator[str]:
    done = _run("zizmor", "--offline", "--no-progress", "--quiet", "--format=json", *map(str, paths))
    for finding in json.loads(done.stdout or "[]"):
        place = finding["locations"][0]
        name = Path(place["symbolic"]["key"]["Local"]["verbatim_path"]).name
        line = place["concrete"]["location"]["start_point"]["row"] + 1
        yield f"{name}:{line}: {finding['ident']}: {finding['desc']}"


def _language_service(workflows: list[Path]) -> Iterator[str]:
    found: dict[str, list[dict[str, Any]]] = json.loads(
        _run_node(json.dumps({path.name: path.read_text(encoding="utf-8") for path in workflows}))
    )
    for name, complaints in found.items():
        yield from (f"{name}:{item['line']}:{item['column']}: {item['message']}" for item in complaints)


def _run_node(text: str) -> str:
    if not (NODE_FOLDER / "node_modules").is_dir():
        raise ToolError("the workflow validator is not installed: run `npm ci --ignore-scripts` in checks/node_actions")
    node, bundle = str(TOOLS / "node"), NODE_FOLDER / "node_modules" / "validate.cjs"
    esbuild = NODE_FOLDER / "node_modules" / "esbuild" / "bin" / "esbuild"
    source = NODE_FOLDER / "validate.js"
    if not bundle.exists() or bundle.stat().st_mtime < source.stat().st_mtime:
        partial = bundle.with_suffix(".partial")
        options = ("--bundle", "--platform=node", "--log-level=error", f"--outfile={partial}")
        # esbuild's entry point is a script for Node.js until its install script has run, and a program after that.
        launch = [node, str(esbuild)] if esbuild.read_bytes().startswith(b"#!") else [str(esbuild)]
        built = subprocess.run([*launch, str(source), *options], capture_output=True, check=False, encoding="utf-8")
        if built.returncode:
            raise ToolError(f"the workflow validator could not be bundled: {built.stderr.strip()}")
        partial.replace(bundle)
    done = subprocess.run([node, str(bundle)], input=text, capture_output=True, check=False, encoding="utf-8")
    if done.returncode:
        raise ToolError(f"the workflow validator failed: {done.stderr.strip()}")
    return done.stdout


def _run(tool: str, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(TOOLS / tool), *arguments]
    return subprocess.run(command, input=text, capture_output=True, check=False, encoding="utf-8")


def _read(path: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def main() -> int:
    """Print every problem; 0 when there is none, 1 otherwise."""
    found = problems()
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
