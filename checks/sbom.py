"""The software bill of materials of the deployment package, in CycloneDX 1.6, from the lock files alone.

`python -m checks.sbom FILE.json` lists what is locked for the function app's Python. A package's hashes are those of
its published files, of which the deployment package holds one. The same lock gives the same bytes: no time, no random
serial number. From which index a package comes is the installer's business and not said here.
Source: https://cyclonedx.org/docs/1.6/json/.
"""

from __future__ import annotations

import base64
import json
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from infra.hooks.lock import PROJECT, Locked
from infra.hooks.wheels import locked_for, target_python
from publisher.configuration.version import VERSION

DIRECT: Final = "requirements.in"
SCRIPTS: Final = "compliance_api/dashboard/vendor"
SCRIPTS_LOCK: Final = "checks/node_browser/package-lock.json"


def bill_of_materials() -> dict[str, Any]:
    """Return the document: the application, every run-time package with its hashes, and who depends on whom."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    application = {
        "bom-ref": project["name"],
        "type": "application",
        "name": project["name"],
        "version": VERSION,
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
    }
    packages = locked_for(target_python())
    scripts = _scripts()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application},
        "components": [*(_component(package) for package in packages), *scripts],
        "dependencies": [
            {
                "ref": application["bom-ref"],
                "dependsOn": [*_wanted_by(DIRECT, packages), *(script["bom-ref"] for script in scripts)],
            },
            *({"ref": script["bom-ref"], "dependsOn": []} for script in scripts),
            *({"ref": _url_of(package), "dependsOn": _wanted_by(package.name, packages)} for package in packages),
        ],
    }


def _component(package: Locked) -> dict[str, Any]:
    return {
        "bom-ref": _url_of(package),
        "type": "library",
        "name": package.name,
        "version": package.version,
        "purl": _url_of(package),
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.sha256],
    }


def _scripts() -> list[dict[str, Any]]:
    """Return what the operations page brings along, by the lock file that the tests compare it with."""
    locked = json.loads((PROJECT / SCRIPTS_LOCK).read_text(encoding="utf-8"))["packages"]
    found = []
    for folder in sorted((PROJECT / SCRIPTS).iterdir()):
        one = locked[f"node_modules/{folder.name}"]
        digest = base64.b64decode(one["integrity"].removeprefix("sha512-")).hex()
        url = f"pkg:npm/{folder.name}@{one['version']}"
        found.append(
            {
                "bom-ref": url,
                "type": "library",
                "name": folder.name,
                "version": one["version"],
                "purl": url,
                "hashes": [{"alg": "SHA-512", "content": digest}],
            }
        )
    return found


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
