"""The variables of a GitHub environment for the steps of a job: those that main.parameters.json names, no others.

`python -m infra.pipeline.github_variables >> "$GITHUB_ENV"`, with ENVIRONMENT_VARIABLES holding `toJSON(vars)`. So the
parameters are named once, in main.parameters.json. AZURE_ENV_NAME is never taken: it is the environment's own name.
Exit status 1 when a secret is stored as a variable, where everybody with access to the repository reads it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import uuid
from typing import TYPE_CHECKING, Final

from infra.hooks.parameters import PARAMETERS_FILE, TEMPLATE
from infra.hooks.run import run_hook

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT_NAME: Final = "AZURE_ENV_NAME"
_VARIABLE: Final = re.compile(r"\$\{(\w+)")
_SECRET: Final = re.compile(r"^@secure\(\)\n(?:@.*\n)*param (\w+)", re.MULTILINE)


def names() -> tuple[list[str], list[str]]:
    """Return the names of the variables that feed the template: plain ones, and those that are secret."""
    document = json.loads(PARAMETERS_FILE.read_text(encoding="utf-8"))["parameters"]
    secret_parameters = set(_SECRET.findall(TEMPLATE.read_text(encoding="utf-8")))
    plain, secret = list[str](), list[str]()
    for parameter, entry in document.items():
        found = _VARIABLE.findall(json.dumps(entry))
        (secret if parameter in secret_parameters else plain).extend(found)
    return [name for name in plain if name != ENVIRONMENT_NAME], secret


def lines(variables: Mapping[str, str]) -> str:
    """Return the variables in the form of the file GITHUB_ENV.

    Raises:
        ValueError: a secret is among the variables.
    """
    plain, secret = names()
    if exposed := [name for name in secret if variables.get(name)]:
        raise ValueError(
            "\n".join(
                f"{name} is stored as a variable, which is no secret: gh variable delete {name}, "
                f"choose a new value, and gh secret set {name}"
                for name in exposed
            )
        )
    end = uuid.uuid4().hex
    return "".join(f"{name}<<{end}\n{variables[name]}\n{end}\n" for name in plain if variables.get(name))


def main() -> int:
    """Print the lines for GITHUB_ENV."""
    try:
        sys.stdout.write(lines(json.loads(os.environ.get("ENVIRONMENT_VARIABLES", ""))))
    except json.JSONDecodeError:
        sys.stderr.write("ENVIRONMENT_VARIABLES must hold toJSON(vars)\n")
        return 1
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(main))
