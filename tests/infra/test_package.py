"""The deployment package runs by itself: unpacked elsewhere, with nothing of the work tree in reach."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.hooks import package

PARTS = {"collector", "compliance_api", "notification_endpoint", "operations", "publisher", "registry", "infra/queries"}
FILES = {"function_app.py", "host.json", "requirements.txt", "LICENSE"}

# Imports every module of the package, and tells which functions there are and which paths the modules have for opening.
TELL = """
import importlib, json, pathlib, pkgutil, sys
here = pathlib.Path.cwd()
import function_app
names = [m.name for part in sys.argv[1:] for m in pkgutil.walk_packages([part], part + ".")]
modules = [function_app, *(importlib.import_module(name) for name in names)]
paths = {value for module in modules for value in vars(module).values() if isinstance(value, pathlib.Path)}
opened = sorted({str(path.relative_to(here)) for path in paths if path != here})
from collector.run import function_timeout
from compliance_api.workspace import saved_queries
print(json.dumps({
    "functions": sorted(function.get_function_name() for function in function_app.app.get_functions()),
    "outside": sorted(module.__name__ for module in modules if here not in pathlib.Path(module.__file__).parents),
    "paths": opened,
    "queries": {name: len(saved_queries.text(name)) for name in saved_queries.names()},
    "timeout": str(function_timeout()),
}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the unpacked package says about itself."""
    folder = tmp_path_factory.mktemp("package")
    package.write_package(folder / "package.zip")
    with zipfile.ZipFile(folder / "package.zip") as written:
        written.extractall(folder / "app")
    python_parts = sorted(part for part in PARTS if "/" not in part)
    done = subprocess.run(
        [sys.executable, "-c", TELL, *python_parts],
        cwd=folder / "app",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_the_package_holds_the_product_and_nothing_else() -> None:
    others = {
        name
        for name in package.packaged_files()
        if name not in FILES and not any(name.startswith(f"{part}/") for part in PARTS)
    }
    assert others == set()
    assert [name for name in package.packaged_files() if "local.settings" in name] == []


def test_every_function_of_the_app_is_in_the_package(told: dict[str, object]) -> None:
    assert {"collect_policy_states", "managed_application_notification", "reconcile_registry"} <= set(told["functions"])  # type: ignore[call-overload]
    assert told["outside"] == [], "a module came from somewhere else than the package"


def test_every_file_that_a_module_opens_is_in_the_package(told: dict[str, object]) -> None:
    packaged = set(package.packaged_files())
    every = {name for name in package.project_files() if not name.endswith("/local.settings.example.json")}
    paths = told["paths"]
    assert isinstance(paths, list)
    assert {"host.json", "infra/queries", "compliance_api"} <= set(paths)
    for path in paths:
        needed = {name for name in every if name == path or name.startswith(f"{path}/")}
        assert needed, path
        assert needed <= packaged, path
    assert told["queries"]
    assert told["timeout"] != "0:00:00"


def test_modules_say_where_their_files_are_where_the_test_above_sees_it() -> None:
    for name in package.packaged_files():
        if not name.endswith(".py"):
            continue
        for line in (package.PROJECT / name).read_text().splitlines():
            if "__file__" in line:
                assert line[0].isalpha() or line[0] == "_", f"{name}: make the path a constant of the module: {line}"


def test_what_lies_around_in_a_work_tree_is_not_deployed(tmp_path: Path) -> None:
    """azd packs the folder as it is, by the same list."""
    repository = make_repository(tmp_path, (package.PROJECT / ".funcignore").read_text())
    secrets = (".azure/production/.env", "local.settings.json", ".env", ".venv/x.py", "collector/__pycache__/x.pyc")
    secrets += (".sandbox/server.key", "collector/local.settings.example.json")
    kept = ("infra/queries/x.kql", "compliance_api/dashboard/index.html", "host.json")
    for name in (*secrets, *kept):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("x")
    left_out = git(repository, "ls-files", "--others", "--ignored", "--exclude-from=.funcignore").splitlines()
    assert set(secrets) <= set(left_out)
    assert not set(kept) & set(left_out)


def test_a_package_that_could_not_start_is_refused(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, "tests\n")
    (repository / "host.json").write_text("{}")
    git(repository, "add", ".")
    with pytest.raises(ValueError, match=r"lack function_app.py, requirements.txt"):
        package.packaged_files(repository)


def make_repository(folder: Path, ignored: str) -> Path:
    git(folder, "init", "--quiet")
    (folder / ".funcignore").write_text(ignored)
    return folder


def git(folder: Path, *arguments: str) -> str:
    program = str(shutil.which("git"))
    done = subprocess.run([program, "-C", str(folder), *arguments], check=True, capture_output=True, encoding="utf-8")
    return done.stdout
