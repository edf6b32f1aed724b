"""Every GUID that somebody wrote by hand is one of infra/well_known_ids.json, or one that the project made up."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator

import pytest

from infra.hooks.package import PROJECT, project_files
from sandbox import policies

TABLE: dict[str, dict[str, dict[str, str]]] = json.loads((PROJECT / "infra" / "well_known_ids.json").read_text())
KNOWN = {entry["id"]: entry for section in TABLE.values() for entry in section.values()}
GUID = re.compile(r"(?<![0-9a-f-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f-])", re.IGNORECASE)
MARKERS = ("7e57ab1e", "5b5e0000")
"""How the GUIDs of the sandbox's own directory and of its paging begin."""

LEAST_DIFFERENCE = 6
"""A GUID that differs from a known one in fewer places is a slip of the pen, not another id."""


def written() -> Iterator[tuple[str, str]]:
    """Every GUID in the project with the file that holds it."""
    for name in project_files():
        if name.endswith((".png", "package-lock.json", "requirements.txt", "requirements-dev.txt")):
            continue
        for found in GUID.findall((PROJECT / name).read_text(encoding="utf-8")):
            yield found.lower(), name


def is_invented(guid: str) -> bool:
    """Placeholders repeat themselves, name-based GUIDs (version 5) are computed, and the sandbox marks its own."""
    return guid.startswith(MARKERS) or len(set(guid.replace("-", ""))) <= 6 or uuid.UUID(guid).version == 5


def difference(one: str, other: str) -> int:
    return sum(left != right for left, right in zip(one, other, strict=True))


def test_every_id_outside_the_tests_is_in_the_table() -> None:
    unknown = {
        f"{name}: {guid}"
        for guid, name in written()
        if not name.startswith(("tests/", "bench/")) and guid not in KNOWN and not is_invented(guid)
    }
    assert unknown == set()


def test_no_id_is_almost_a_known_one() -> None:
    slips = {
        f"{name}: {guid} is nearly {known} ({entry['name']})"
        for guid, name in written()
        for known, entry in KNOWN.items()
        if guid not in KNOWN and difference(guid, known) < LEAST_DIFFERENCE
    }
    assert slips == set()


def test_the_table_names_each_id_once_with_its_source() -> None:
    entries = [entry for section in TABLE.values() for entry in section.values()]
    assert len(KNOWN) == len(entries), "an id stands there twice"
    for entry in entries:
        assert set(entry) == {"id", "name", "source"}
        assert GUID.fullmatch(entry["id"])
        assert entry["id"] == entry["id"].lower()
        assert entry["name"]
        assert entry["source"]


def test_every_id_of_the_table_is_used() -> None:
    used = {guid for guid, name in written() if name != "infra/well_known_ids.json"}
    modules = "".join(path.read_text() for path in (PROJECT / "infra" / "modules").glob("*.bicep"))
    for section, entries in TABLE.items():
        for key, entry in entries.items():
            assert entry["id"] in used or f"{section}.{key}.id" in modules, f"{section}.{key}"


@pytest.mark.parametrize(
    "policy", [value for value in vars(policies).values() if isinstance(value, policies.PolicyDefinition)]
)
def test_the_sandbox_calls_built_in_policies_what_azure_calls_them(policy: policies.PolicyDefinition) -> None:
    assert policy.display_name in {entry["name"] for entry in TABLE["policies"].values() if entry["id"] == policy.name}


def test_roles_are_named_by_their_key() -> None:
    for section in ("roles", "rolesThatWeDoNotGive"):
        for key, entry in TABLE[section].items():
            assert key.lower() == entry["name"].replace(" ", "").lower()


def test_templates_write_no_role_id_of_their_own() -> None:
    for path in (PROJECT / "infra").rglob("*.bicep"):
        assert GUID.findall(path.read_text()) == [], f"{path.name}: take the id from well_known_ids.json"


def test_our_own_ids_are_those_of_the_registration() -> None:
    registration = json.loads((PROJECT / "infra" / "api_registration.json").read_text())
    roles = {role["value"]: role["id"] for role in registration["appRoles"]}
    scopes = {scope["value"]: scope["id"] for scope in registration["api"]["oauth2PermissionScopes"]}
    ours = {entry["name"]: entry["id"] for key, entry in TABLE["ours"].items() if key.startswith("api")}
    assert ours == roles | scopes


def test_a_slip_of_the_pen_is_seen() -> None:
    """The wrong id that the first version had: its last group ended in fae8 instead of fb88."""
    right = TABLE["roles"]["storageQueueDataContributor"]["id"]
    assert 0 < difference(right.replace("fb88", "fae8"), right) < LEAST_DIFFERENCE
    assert not is_invented(right.replace("fb88", "fae8"))
