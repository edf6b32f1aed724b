"""The software bill of materials of what runs in Azure, in CycloneDX 1.6, from the lock file alone.

`python -m checks.sbom FILE.json`. The same lock gives the same bytes: no time, no random serial number.
Source: https://cyclonedx.org/docs/1.6/json/.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from infra.hooks.lock import PROJECT, Locked, python_packages

DIRECT: Final = "requirements.in"
_INDEX: Final = "https://pypi.org/simple"


def bill_of_materials() -> dict[str, Any]:
    """Return the document: the application, every run-time package with its hashes, and who depends on whom."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    application = {
        "bom-ref": project["name"],
        "type": "application",
        "name": project["name"],
        "version": project["version"],
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
    }
    packages = python_packages()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application},
        "components": [_component(package) for package in packages],
        "dependencies": [
            {"ref": application["bom-ref"], "dependsOn": _wanted_by(DIRECT, packages)},
            *({"ref": _url_of(package), "dependsOn": _wanted_by(package.name, packages)} for package in packages),
        ],
    }


def _component(package: Locked) -> dict[str, Any]:
    component: dict[str, Any] = {
        "bom-ref": _url_of(package),
        "type": "library",
        "name": package.name,
        "version": package.version,
        "purl": _url_of(package),
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"{_INDEX}/{package.name}/",
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.sha256],
            }
        ],
    }
    if package.marker:
        component["properties"] = [{"name": "pip:marker", "value": package.marker}]
    return component


def _wanted_by(name: str, packages: list[Locked]) -> list[str]:
    return [_url_of(package) for package in packages if name in package.wanted_by]


def _url_of(package: Locked) -> str:
    return f"pkg:pypi/{package.name.lower().replace('_', '-')}@{package.version}"


def main(arguments: list[str]) -> int:
    """Write the bill of materials; exit status 2 for wrong usage."""
    if len(arguments) != 1:
        print("usage: python -m checks.sbom FILE.json", file=sys.stderr)
        return 2
    document = bill_of_materials()
    Path(arguments[0]).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"{len(document['components'])} packages in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
