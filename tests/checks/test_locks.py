"""No file that pins something of others can be forgotten: not by the audit, not by dependabot, not by pip."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from checks.supply_chain.locks import ONLY_WHEELS, lock_files, packages
from checks.supply_chain.watch import problems
from infra.hooks.lock import PROJECT, LockError
from tests.infra.package_tools import lock_of, source_archive, trap_archive


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return source_archive(tmp_path)


def write(project: Path, name: str, text: str) -> None:
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(text, encoding="utf-8")


def spoil(project: Path, name: str, old: str, new: str) -> list[str]:
    text = (project / name).read_text(encoding="utf-8")
    assert old in text, old
    write(project, name, text.replace(old, new))
    return problems(project)


def test_every_lock_is_whole_watched_and_audited() -> None:
    assert problems() == []
    git = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S607
    tracked = [
        name for name in git.stdout.splitlines() if name.endswith(("-lock.json", "requirements.txt", "-dev.txt"))
    ]
    assert len(tracked) >= 7
    assert set(tracked) <= set(lock_files())
    updates = yaml.safe_load((PROJECT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert all(update["cooldown"] == {"default-days": 7} for update in updates)
    assert all(update["schedule"] == {"interval": "weekly"} for update in updates)


@pytest.mark.parametrize(
    "name",
    ["poetry.lock", "tools/uv.lock", "docs/requirements.txt", "requirements/prod.txt", "Pipfile", "tools/pyproject.toml",
     "web/yarn.lock", "web/pnpm-lock.yaml", "web/bun.lockb", "npm-shrinkwrap.json", "web/.npmrc", "constraints.txt",
     "go.sum", "tools/Cargo.toml", "Gemfile.lock", "src/App.csproj", "packages.lock.json", "infra/.terraform.lock.hcl",
     "Dockerfile", "bench/Dockerfile.load", "docker-compose.yml", "compose.yaml", ".pre-commit-config.yaml",
     ".github/actions/x/action.yml", ".gitmodules", "pylock.toml", "environment.yml", "mise.toml"],
)  # fmt: skip
def test_a_lock_of_a_kind_that_nobody_audits_fails_loudly(project: Path, name: str) -> None:
    write(project, name, "anything")
    assert any(line.startswith(f"{name}: add the kind to") for line in problems(project)), problems(project)
    with pytest.raises(LockError, match="nobody knows how to ask about what this pins"):
        packages(project)
    done = subprocess.run(
        [sys.executable, "-m", "checks.supply_chain"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert name in done.stdout


def test_a_new_npm_lock_is_asked_about_at_once_and_missed_until_dependabot_knows_it(project: Path) -> None:
    entries = {
        "": {"name": "new"},
        "node_modules/a/node_modules/left-pad": {"version": "1.3.0", "integrity": "sha512-x"},
    }
    write(project, "tools/new/package.json", "{}")
    write(project, "tools/new/package-lock.json", json.dumps({"packages": entries}))
    assert ".github/dependabot.yml: npm in /tools/new is not watched" in problems(project)
    assert ("npm", "left-pad", "1.3.0") in {(one.ecosystem, one.name, one.version) for one in packages(project)[1]}


def test_what_dependabot_is_told_to_watch_and_is_gone_is_told(project: Path) -> None:
    found = spoil(project, ".github/dependabot.yml", "      - /checks/node\n", "      - /checks/nothing\n")
    assert found == [
        ".github/dependabot.yml: npm in /checks/node is not watched",
        ".github/dependabot.yml: there is nothing of npm in /checks/nothing",
    ]


def test_a_lock_whose_change_starts_no_audit_is_told(project: Path) -> None:
    found = spoil(project, ".github/workflows/supply-chain.yml", '      - "**/package-lock.json"\n', "")
    assert ".github/workflows/supply-chain.yml: no path of it is sandbox/node/package-lock.json" in found
    assert len(found) == 4


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("requirements.txt", ONLY_WHEELS, "", "requirements.txt: lacks the line --only-binary :all:"),
        ("requirements-dev.txt", "    --hash=", "    # ", "requirements-dev.txt: aiohappyeyeballs has no hash"),
        ("requirements.txt", ONLY_WHEELS, "evil @ https://example.com/evil.zip", "evil @ https://example.com/evil.zip is no pin"),
        ("checks/node/package-lock.json", '"integrity"', '"checked"', "language-service-next has no version or no integrity"),
        ("checks/node/package-lock.json", '"packages"', '"dependencies"', "node/package-lock.json has no packages"),
        (".devcontainer/Dockerfile", "@sha256:", ":", "by its digest"),
        (".devcontainer/devcontainer.json", '"2.90.0"', '"latest"', "say which version ghcr.io/devcontainers/features/azure-cli:1"),
        (".devcontainer/devcontainer.json", '"build"', '"image": "python:3", "build"', "take python:3 from the Dockerfile"),
        (".devcontainer/devcontainer-lock.json", "azd:0", "azd:1", "does not pin ghcr.io/azure/azure-dev/azd:0 by its digest"),
        ("pyproject.toml", "dynamic =", 'dependencies = ["requests"]\ndynamic =', "project.dependencies stand in no lock"),
    ],
)  # fmt: skip
def test_a_lock_that_leaves_something_open_is_told(
    project: Path, name: str, old: str, new: str, complaint: str
) -> None:
    found = spoil(project, name, old, new)
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize("manifest", ["tools/package.json", "requirements-docs.in"])
def test_a_manifest_without_a_lock_is_told(project: Path, manifest: str) -> None:
    write(project, manifest, "{}")
    assert any(line.startswith(f"{manifest}: has no ") for line in problems(project))


# Source archives


def install(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    """Install as `make install` and the runbooks do, from an index that has the source archive and nothing else."""
    (folder / "requirements.txt").write_text(lock, encoding="utf-8")
    options = ["--no-index", "--find-links", str(folder), "--target", str(folder / "installed"), "--no-build-isolation"]
    return subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--require-hashes", "-r", str(folder / "requirements.txt")],
        capture_output=True,
        check=False,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": "/dev/null", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_who_installs_from_a_lock_builds_no_source_archive_even_one_whose_hash_is_locked(
    tmp_path: Path, name: str
) -> None:
    marker = tmp_path / "it has run"
    archive = trap_archive(marker)
    (tmp_path / "trap-1.0.tar.gz").write_bytes(archive)
    pin = lock_of("trap", archive)
    head = (PROJECT / name).read_text(encoding="utf-8").partition("\n")[0]
    done = install(tmp_path, f"{head}\n{pin}")
    assert done.returncode == 1
    assert "No matching distribution found for trap==1.0" in done.stderr
    assert not marker.exists()
    # Without the lock's own first line the same archive is built, and its code runs.
    install(tmp_path, pin)
    assert marker.exists()
