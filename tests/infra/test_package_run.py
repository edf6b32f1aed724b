"""The deployment package runs by itself: unpacked elsewhere, on the app's Python, without a network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement

from infra.hooks import package, smoke_test, wheels
from infra.hooks.lock import PROJECT, python_packages
from tests.infra.package_tools import PARTS, contents, source_archive

PYTHON_PARTS = sorted(part for part in PARTS if "/" not in part)
TARGET = wheels.target_python()


# Puts the package first, as the worker of Azure Functions does, and refuses every look at a network.
ALONE = f"""
import os, sys
sys.path[:0] = [os.getcwd(), os.path.join(os.getcwd(), *{wheels.LIBRARIES.split("/")!r})]
def refuse(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        raise SystemExit(f"the package looked for the network: {{event}} {{arguments}}")
sys.addaudithook(refuse)
"""


# Imports every module of the package, and tells which functions there are and which paths the modules have for opening.
TELL = (
    ALONE
    + """
import importlib, json, pathlib, pkgutil
here = pathlib.Path.cwd()
import function_app
names = [m.name for part in sys.argv[1:] for m in pkgutil.walk_packages([part], part + ".")]
modules = [function_app, *(importlib.import_module(name) for name in names)]
paths = {value for module in modules for value in vars(module).values() if isinstance(value, pathlib.Path)}
opened = sorted({str(path.relative_to(here)) for path in paths if path != here})
outside = {name: module.__file__ for name, module in sys.modules.items() if getattr(module, "__file__", None)}
library = pathlib.Path(os.__file__).parent
from publisher.configuration.function_timeout import function_timeout
from compliance_api.workspace import saved_queries
print(json.dumps({
    "functions": sorted(function.get_function_name() for function in function_app.app.get_functions()),
    "modules": len(names),
    "outside": sorted(n for n, f in outside.items() if not {here, library} & set(pathlib.Path(f).parents)),
    "paths": opened,
    "python": ".".join(map(str, sys.version_info[:2])),
    "queries": {name: len(saved_queries.text(name)) for name in saved_queries.names()},
    "timeout": str(function_timeout()),
}))
"""
)


# Calls the webhook as the worker does. A signature is asked for, and none is given.
CALL = (
    ALONE
    + """
import asyncio, json
import azure.functions as func
import function_app
functions = {function.get_function_name(): function for function in function_app.app.get_functions()}
webhook = functions["managed_application_notification"].get_user_function()
request = func.HttpRequest("POST", "/api/resource", params={}, body=b"{}")
print(asyncio.run(webhook(request)).status_code)
"""
)


SETTINGS = {
    "APP_ROLE": "front",
    "NOTIFICATION_SIGNATURE": "s" * 32,
    "NOTIFICATIONS__queueServiceUri": "https://stworkerx.queue.core.windows.net",
    "MANAGED_IDENTITY_CLIENT_ID": "11111111-1111-4111-8111-111111111111",
}


# Tells which functions the app of a role has, and which of our folders it has read for them.
START = (
    ALONE
    + """
import json, function_app
functions = sorted(function.get_function_name() for function in function_app.app.get_functions())
print(json.dumps([functions, sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:]))]))
"""
)


@dataclass(frozen=True)
class Built:
    """The package, and the same unpacked."""

    zip: Path
    app: Path

    def run(self, python: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a Python that sees its own library and the package, and nothing else; without a network if possible."""
        command = [*offline(), python, "-I", "-S", "-B", *arguments]
        return subprocess.run(
            command, cwd=self.app, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=60
        )


def offline() -> list[str]:
    """Return the words that run a command in a network of its own, which has no way out; none where that is forbidden."""
    words = [str(shutil.which("unshare")), "--map-root-user", "--net"]
    try:
        allowed = subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return []
    return words if allowed else []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the package once, from the package index that pip is configured for."""
    folder = tmp_path_factory.mktemp("package")
    package.write_package(folder / "package.zip")
    with zipfile.ZipFile(folder / "package.zip") as written:
        written.extractall(folder / "app")
    return Built(folder / "package.zip", folder / "app")


@pytest.fixture(scope="module")
def target_python() -> str:
    """Return a Python of the function app's version, whatever Python runs the tests."""
    candidates = [sys.executable, shutil.which(f"python{TARGET}") or ""]
    for folder in ("~/.pyenv/versions", "~/.local/share/uv/python", "/opt/hostedtoolcache/Python"):
        candidates += map(str, Path(folder).expanduser().glob(f"*{TARGET}.*/**/bin/python{TARGET}"))
    for program in filter(None, candidates):
        ask = [
            program,
            "-I",
            "-c",
            "import sys, platform; print(*sys.version_info[:2], platform.machine(), sys.platform)",
        ]
        done = subprocess.run(ask, capture_output=True, encoding="utf-8", check=False)
        if done.stdout.split() == [*TARGET.split("."), "x86_64", "linux"]:
            return program
    pytest.skip(f"no Python {TARGET} for Linux x86-64 on this machine: the package is built and not run")


@pytest.fixture(scope="module")
def told(built: Built, target_python: str) -> dict[str, object]:
    """What the unpacked package says about itself."""
    done = built.run(target_python, "-c", TELL, *PYTHON_PARTS, APP_ROLE="local")
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_every_function_of_the_app_is_in_the_package(told: dict[str, object]) -> None:
    assert {
        "collect_policy_states",
        "managed_application_notification",
        "take_notification",
        "compliance_fleet",
    } <= set(told["functions"])  # type: ignore[call-overload]
    assert told["outside"] == [], "a module came from somewhere else than the package and the standard library"
    assert told["python"] == TARGET
    sources = [name for name in package.packaged_files() if name.endswith(".py") and name != "function_app.py"]
    assert told["modules"] == len([name for name in sources if name.count("/") > 1 or "__init__" not in name])


def test_a_call_without_a_signature_is_refused_by_the_packaged_webhook(built: Built, target_python: str) -> None:
    done = built.run(target_python, "-c", CALL, **SETTINGS)
    assert done.stdout.strip() == "401", done.stderr


@pytest.mark.parametrize(
    ("role", "folders"),
    [
        ("front", {"notification_endpoint", "publisher"}),
        ("worker", {"collector", "publisher", "registry", "verdicts"}),
        ("api", {"compliance_api", "publisher"}),
    ],
)
def test_the_packaged_app_of_a_role_has_its_functions_and_reads_nothing_of_another_role(
    built: Built, target_python: str, role: str, folders: set[str]
) -> None:
    done = built.run(target_python, "-c", START, *PYTHON_PARTS, APP_ROLE=role)
    assert done.returncode == 0, done.stderr
    functions, read = json.loads(done.stdout)
    assert set(smoke_test.FUNCTIONS[role]) <= set(functions)
    assert role == "api" or set(smoke_test.FUNCTIONS[role]) == set(functions)
    assert set(read) == folders


@pytest.mark.parametrize("role", ["", "collector"])
def test_the_packaged_app_does_not_start_without_a_role(built: Built, target_python: str, role: str) -> None:
    done = built.run(target_python, "-c", START, APP_ROLE=role)
    assert done.returncode != 0
    assert "APP_ROLE: " in done.stderr


def test_the_packaged_command_line_explains_itself(built: Built, target_python: str) -> None:
    start = ALONE + "import runpy; sys.argv[1:] = ['--help']; runpy.run_module('collector', run_name='__main__')"
    done = built.run(target_python, "-c", start)
    assert done.returncode == 0, done.stderr
    assert "usage: python -m collector" in done.stdout


def test_the_package_refuses_the_network_to_whoever_asks(built: Built, target_python: str) -> None:
    ask = "import socket; socket.create_connection(('127.0.0.1', 9))"
    done = built.run(target_python, "-c", ALONE + ask)
    assert "looked for the network" in done.stderr


def test_the_zip_holds_the_product_and_exactly_what_is_locked_for_the_apps_python(built: Built) -> None:
    with zipfile.ZipFile(built.zip) as written:
        names = written.namelist()
    assert [name for name in names if not name.startswith(f"{wheels.LIBRARIES}/")] == package.packaged_files()
    environment = {"python_version": TARGET, "python_full_version": f"{TARGET}.0", "sys_platform": "linux"}
    environment |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    locked = {
        (package_.name.replace("-", "_"), package_.version)
        for package_ in python_packages()
        if not package_.marker or Marker(package_.marker).evaluate(environment)
    }
    unpacked = {tuple(path.name.removesuffix(".dist-info").split("-")) for path in libraries(built).glob("*.dist-info")}
    assert unpacked == locked


def test_every_requirement_of_a_packaged_library_is_packaged_too(built: Built) -> None:
    environment = {"python_version": TARGET, "python_full_version": f"{TARGET}.0", "sys_platform": "linux", "extra": ""}
    environment |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    metadata = [
        Parser().parsestr(path.read_text(encoding="utf-8"), headersonly=True)
        for path in libraries(built).glob("*.dist-info/METADATA")
    ]
    versions = {one["Name"].lower().replace("_", "-").replace(".", "-"): one["Version"] for one in metadata}
    for one in metadata:
        for text in one.get_all("Requires-Dist", []):
            wanted = Requirement(text)
            if wanted.marker is None or wanted.marker.evaluate(environment):
                name = wanted.name.lower().replace("_", "-").replace(".", "-")
                assert wanted.specifier.contains(versions[name]), f"{one['Name']} wants {text}"


def test_nothing_is_packaged_that_azd_or_an_interpreter_would_treat_in_its_own_way(built: Built) -> None:
    """azd leaves these names out of a folder without .funcignore, so its zip would differ from ours."""
    for path in built.app.rglob("*"):
        assert path.name not in {"__pycache__", ".azure", "local.settings.json", ".funcignore", "pyvenv.cfg"}
        assert path.suffix not in {".pyc", ".exe", ".dll", ".dylib"}
    assert not (libraries(built) / "bin").exists()


def test_equal_sources_give_equal_bytes_and_a_building_machines_python_does_not_count(built: Built) -> None:
    again = built.zip.with_name("again.zip")
    package.write_package(again)
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(built.zip.read_bytes()).digest()
    with zipfile.ZipFile(again) as written:
        assert {entry.date_time for entry in written.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {stat.filemode(entry.external_attr >> 16) for entry in written.infolist()} == {"-rw-r--r--"}
        assert written.namelist() == sorted(written.namelist())


def test_azd_deploys_the_files_of_the_zip_and_builds_nothing_in_azure(built: Built, tmp_path: Path) -> None:
    document = yaml.safe_load((PROJECT / "azure.yaml").read_text(encoding="utf-8"))
    for service in document["services"].values():
        assert (service["project"], service["dist"], service["remoteBuild"]) == (".", package.AZD_FOLDER, False)
    copy = source_archive(tmp_path)
    (copy / package.AZD_FOLDER).mkdir(parents=True)
    (copy / package.AZD_FOLDER / "left_over.py").write_text("from a build before")
    command = document["hooks"]["prepackage"]["posix"]["run"].replace("python3", sys.executable)
    done = subprocess.run(command.split(), cwd=copy, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    folder = copy / package.AZD_FOLDER
    assert contents(folder) == contents(built.app)
    assert os.listdir(copy / "build") == ["package"]  # noqa: PTH208 - hidden names count, too


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


def libraries(built: Built) -> Path:
    return built.app / wheels.LIBRARIES
