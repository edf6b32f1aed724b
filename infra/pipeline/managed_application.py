"""Makes the package of the sample managed application: what the service catalog and Partner Center take.

`python -m infra.pipeline.managed_application FOLDER [--publisher-tenant ID]` compiles infra/samples/managed-application
and writes into the folder app.zip (mainTemplate.json, createUiDefinition.json, viewDefinition.json at its root), and
mainTemplate.json on its own for a definition without a package. A Marketplace plan needs the publisher's tenant: its
customers are in others, and roles of their identities are then given differently.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.hooks.parameters import INFRA
from infra.hooks.run import run_hook
from infra.pipeline.compile_template import compile_template

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE: Final = INFRA / "samples" / "managed-application"
PACKAGE: Final = "app.zip"
MAIN_TEMPLATE: Final = "mainTemplate.json"
INTERFACE: Final = "createUiDefinition.json"
VIEW: Final = "viewDefinition.json"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every entry, so that the same files make the same package."""


def make_package(folder: Path, publisher_tenant: str | None = None, sample: Path = SAMPLE) -> list[str]:
    """Write the package and the template into a folder, which is made; return the compiler's warnings, a line each.

    Raises:
        HookError: the Azure CLI is missing, Bicep could not be installed, or the template has errors.
        OSError: a file could not be read or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    warnings = compile_template(folder / MAIN_TEMPLATE, sample / "main.bicep")
    contents = {
        MAIN_TEMPLATE: (folder / MAIN_TEMPLATE).read_text(encoding="utf-8"),
        INTERFACE: _interface(sample, publisher_tenant),
        VIEW: (sample / VIEW).read_text(encoding="utf-8"),
    }
    unfinished = folder / f"{PACKAGE}.unfinished"
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in contents.items():
            package.writestr(zipfile.ZipInfo(name, _LONG_AGO), text, zipfile.ZIP_DEFLATED)
    unfinished.replace(folder / PACKAGE)
    return warnings


def _interface(sample: Path, publisher_tenant: str | None) -> str:
    """The interface; the tenant is no question to the customer, so it stands among what it puts out."""
    definition = json.loads((sample / INTERFACE).read_text(encoding="utf-8"))
    if publisher_tenant is not None:
        definition["parameters"]["outputs"]["publisherTenantId"] = publisher_tenant
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


def _tenant(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no tenant id: say what az account show calls tenantId") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.pipeline.managed_application",
        description="Make the package of the sample managed application.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where app.zip and mainTemplate.json are written")
    parser.add_argument(
        "--publisher-tenant", type=_tenant, metavar="ID", help="your tenant, for a plan whose customers are in others"
    )
    return parser


def main(arguments: Sequence[str]) -> int:
    """Write the package; print the warnings and where it is."""
    options = _parser().parse_args(arguments)
    for warning in make_package(options.folder, options.publisher_tenant):
        sys.stderr.write(f"{warning}\n")
    sys.stdout.write(f"{options.folder / PACKAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_hook(lambda: main(sys.argv[1:])))
