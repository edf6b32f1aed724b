"""Checks the templates without a compiler: syntax, module parameters and outputs, loaded files, descriptions, size.

`python -m checks.bicep` prints `file:line: message` and exits with 1 when something is wrong. When the Bicep CLI is
installed (`bicep`, or `az bicep`), the templates are compiled as well.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.bicep_source import BicepFile, read_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INFRASTRUCTURE: Final = Path(__file__).resolve().parent.parent / "infra"
LONGEST_MODULE: Final = 150
COMPILE_SECONDS: Final = 300

_NEWER_FEATURES: Final = (
    (r"=>", "a lambda"),
    (r"\.\?|\[\?", "safe dereference"),
    (r"^\s*\.\.\.", "spread"),
    (r"^(type|func|import|using|metadata|assert|extension|provider) ", "a declaration of a later language version"),
    (r"^@(export|discriminator|sealed)\(", "a decorator of a later language version"),
    (r"[\w)\]]!(?!=)", "the non-null assertion"),
    (r"(?:^|[\s:=(,])[\[{](?!for\b)[^\[\]{}]+[\]}]\)?$", "an object or array on one line"),
)
_TEXTS: Final = re.compile(r"'(?:\\.|[^'\\\n])*'|//[^\n]*")


def problems(folder: Path = INFRASTRUCTURE) -> list[str]:
    """Return one line for everything that is wrong with the templates; empty when all is well."""
    files = read_folder(folder)
    found = []
    for path, file in files.items():
        lines = chain(_syntax(file), _style(file), _features(file), _loads(file), _modules(file, files), _unused(file))
        found += [f"{path.relative_to(folder.resolve())}:{line}: {message}" for line, message in sorted(lines)]
    return found


def _syntax(file: BicepFile) -> Iterator[tuple[int, str]]:
    for error in file.syntax_errors:
        yield error.line, f"syntax error near {error.text[:40]!r}"


def _style(file: BicepFile) -> Iterator[tuple[int, str]]:
    for declaration in chain(file.parameters.values(), file.outputs.values()):
        if not declaration.is_described:
            yield declaration.line, f"{declaration.name} has no description"
    lines = file.text.count("\n")
    if file.path.parent.name == "modules" and lines > LONGEST_MODULE:
        yield lines, f"a module has {LONGEST_MODULE} lines at most"
    for declaration in file.outputs.values():
        if re.search(r"listKeys|listSecrets", file.text.splitlines()[declaration.line - 1]):
            yield declaration.line, f"{declaration.name} would put a secret into the deployment history"


def _features(file: BicepFile) -> Iterator[tuple[int, str]]:
    """Language features that the Bicep 0.9 CLI does not have."""
    for number, line in enumerate(file.text.splitlines(), 1):
        code = _TEXTS.sub("''", line)
        for pattern, feature in _NEWER_FEATURES:
            if re.search(pattern, code):
                yield number, f"{feature} needs a newer Bicep than 0.9"


def _loads(file: BicepFile) -> Iterator[tuple[int, str]]:
    for use in file.loaded_files:
        if not (file.path.parent / use.text).is_file():
            yield use.line, f"{use.text} is loaded but does not exist"


def _modules(file: BicepFile, files: Mapping[Path, BicepFile]) -> Iterator[tuple[int, str]]:
    called = {}
    for call in file.modules:
        target = files.get((file.path.parent / call.file).resolve())
        if target is None:
            yield call.line, f"module {call.name}: {call.file} does not exist"
            continue
        called[call.name] = target
        for value in call.runtime_values:
            yield (
                value.line,
                f"module {call.name}: {value.text} is known at run time only, and what-if would skip the module",
            )
        for name in sorted(call.arguments - target.parameters.keys()):
            yield call.line, f"module {call.name}: {call.file} has no parameter {name}"
        for name, parameter in target.parameters.items():
            if not parameter.has_default and name not in call.arguments:
                yield call.line, f"module {call.name}: {call.file} requires {name}"
    for use in file.output_uses:
        module, _, output = use.text.partition(".")
        if module in called and output not in called[module].outputs:
            yield use.line, f"module {module} has no output {output}"


def _unused(file: BicepFile) -> Iterator[tuple[int, str]]:
    used = [use.text for use in file.identifiers]
    for name in chain(file.parameters, file.variables):
        if used.count(name) < 2:  # noqa: PLR2004 - the declaration itself is one mention
            line = file.parameters[name].line if name in file.parameters else file.variables[name].start_point[0] + 1
            yield line, f"{name} is never used"


def compile_problems(infrastructure: Path = INFRASTRUCTURE) -> list[str]:
    """Compile with the Bicep CLI where it is installed; nothing is proved, and nothing reported, where it is not."""
    templates = (infrastructure / "main.bicep", *sorted((infrastructure / "samples").glob("*/*.bicep")))
    return [problem for template in templates for problem in _compiled(template)]


def _compiled(template: Path) -> list[str]:
    if bicep := shutil.which("bicep"):
        command = [bicep, "build", str(template), "--stdout"]
    elif (az := shutil.which("az")) and not subprocess.run(
        [az, "bicep", "version"], capture_output=True, check=False
    ).returncode:
        command = [az, "bicep", "build", "--file", str(template), "--stdout"]
    else:
        return []
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=COMPILE_SECONDS)
    complaints = [line for line in done.stderr.splitlines() if ": Error " in line or ": Warning " in line]
    return complaints or (["the Bicep CLI refused the templates: " + done.stderr.strip()] if done.returncode else [])


def main() -> int:
    """Print every problem; 0 when there is none, 1 otherwise."""
    found = problems() + compile_problems()
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
