"""The deployment package runs by itself: unpacked elsewhere, on the app's Python, without a network."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement

from infra.hooks import package, wheels
from infra.hooks.lock import PROJECT, LockError, marker_applies, python_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = {"collector", "compliance_api", "notification_endpoint", "publisher", "infra/queries"}
FILES = {"function_app.py", "host.json", "requirements.txt", "LICENSE"}
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
from collector.run import function_timeout
from compliance_api import saved_queries
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
    "AZURE_TENANT_ID": "11111111-1111-4111-8111-111111111111",
    "AZURE_CLIENT_ID": "22222222-2222-4222-8222-222222222222",
    "AZURE_CLIENT_SECRET": "a-secret",
    "AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;EndpointSuffix=core.windows.net",
    "DATA_COLLECTION_ENDPOINT": "https://dce-abcd.westeurope-1.ingest.monitor.azure.com",
    "DATA_COLLECTION_IMMUTABLE_ID": "dcr-0123456789abcdef0123456789abcdef",
}


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
    done = built.run(target_python, "-c", TELL, *PYTHON_PARTS)
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


def test_every_function_of_the_app_is_in_the_package(told: dict[str, object]) -> None:
    assert {"collect_policy_states", "managed_application_notification", "reconcile_registry"} <= set(told["functions"])  # type: ignore[call-overload]
    assert told["outside"] == [], "a module came from somewhere else than the package and the standard library"
    assert told["python"] == TARGET
    sources = [name for name in package.packaged_files() if name.endswith(".py") and name != "function_app.py"]
    assert told["modules"] == len([name for name in sources if name.count("/") > 1 or "__init__" not in name])


def test_a_call_without_a_signature_is_refused_by_the_packaged_webhook(built: Built, target_python: str) -> None:
    done = built.run(target_python, "-c", CALL, NOTIFICATION_SIGNATURE="s" * 32, **SETTINGS)
    assert done.stdout.strip() == "401", done.stderr


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
    service = yaml.safe_load((PROJECT / "azure.yaml").read_text(encoding="utf-8"))["services"]["collector"]
    assert (service["project"], service["dist"], service["remoteBuild"]) == (".", package.AZD_FOLDER, False)
    copy = source_archive(tmp_path)
    (copy / package.AZD_FOLDER).mkdir(parents=True)
    (copy / package.AZD_FOLDER / "left_over.py").write_text("from a build before")
    command = service["hooks"]["prepackage"]["posix"]["run"].replace("python3", sys.executable)
    done = subprocess.run(command.split(), cwd=copy, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    folder = copy / package.AZD_FOLDER
    assert contents(folder) == contents(built.app)
    assert os.listdir(copy / "build") == ["package"]  # noqa: PTH208 - hidden names count, too


def test_both_shells_of_azd_build_with_the_same_module() -> None:
    hooks = yaml.safe_load((PROJECT / "azure.yaml").read_text(encoding="utf-8"))["services"]["collector"]["hooks"]
    assert hooks["prepackage"]["posix"]["run"] == "python3 -m infra.hooks.package"
    assert hooks["prepackage"]["windows"]["run"] == "python -m infra.hooks.package"


def test_every_file_that_a_module_opens_is_in_the_package(told: dict[str, object]) -> None:
    packaged = set(package.packaged_files())
    every = set(package.project_files())
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
    repository = make_repository(tmp_path, (package.PROJECT / ".funcignore").read_text())
    secrets = (".azure/production/.env", "local.settings.json", ".env", ".venv/x.py", "collector/__pycache__/x.pyc")
    secrets += ("package.zip", "outputs.json", "parameters.json", "infra/hooks/x.py", "notes/x.py")
    kept = ("infra/queries/x.kql", "compliance_api/dashboard/index.html", "host.json")
    for name in (*secrets, *kept):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("x")
    left_out = git(repository, "ls-files", "--others", "--ignored", "--exclude-from=.funcignore").splitlines()
    assert set(secrets) <= set(left_out)
    assert not set(kept) & set(left_out)


def test_a_source_archive_without_git_history_is_packed_like_a_clone(tmp_path: Path) -> None:
    copy = source_archive(tmp_path)
    (copy / ".venv" / "lib").mkdir(parents=True)
    (copy / ".venv" / "lib" / "x.py").write_text("x")
    assert package.packaged_files(copy) == package.packaged_files()


def test_neither_a_persons_ignore_file_nor_a_surrounding_git_hook_decides_about_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ignored").write_text("*.kql\n")
    (tmp_path / "configuration").write_text(f"[core]\nexcludesFile = {tmp_path / 'ignored'}\n")
    before = package.packaged_files()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "configuration"))
    other = make_repository(tmp_path, "")
    (other / "host.json").write_text("{}")
    git(other, "add", "host.json")
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert package.packaged_files() == before


@pytest.mark.parametrize(
    "marker", sorted({one.marker for one in python_packages(PROJECT / "requirements-dev.txt")} - {""})
)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_markers_of_the_locks_mean_what_packaging_says(marker: str, python: str) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    environment |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    assert marker_applies(marker, environment) is Marker(marker).evaluate(environment)


@pytest.mark.parametrize(
    "marker",
    ["(sys_platform == 'win32')", "python_version in '3.11'", "sys_platform < 'linux'", "no_such_name == 'x'",
     "python_full_version < '3.13a1'"],
)  # fmt: skip
def test_a_marker_that_is_not_understood_is_refused_not_guessed(marker: str) -> None:
    with pytest.raises(LockError, match=r"not understood|orders texts"):
        marker_applies(marker, {"sys_platform": "linux", "python_version": "3.12", "python_full_version": "3.12.0"})


WHEEL = b"PK"
HASH = hashlib.sha256(WHEEL).hexdigest()


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "did not fetch x 1.0"),
        ({"x-1.1-py3-none-any.whl": WHEEL}, "fetched x-1.1-py3-none-any.whl, which requirements.txt does not ask for"),
        ({"x-1.0.tar.gz": WHEEL}, "fetched x-1.0.tar.gz, which"),
        ({"x-1.0-py3-none-any.whl": b"else"}, "does not have a hash of requirements.txt"),
        ({"x-1.0-cp313-cp313-manylinux_2_28_x86_64.whl": WHEEL}, "does not run on Python 3.12 on Linux x86-64"),
        ({"x-1.0-cp312-cp312-win_amd64.whl": WHEEL}, "does not run on Python 3.12 on Linux x86-64"),
        ({"x-1.0-cp312-cp312-musllinux_1_2_x86_64.whl": WHEEL}, "does not run on"),
        ({"x-1.0-cp312-cp312-manylinux_2_39_x86_64.whl": WHEEL}, "does not run on"),
        ({"x-1.0-cp313-abi3-manylinux2014_x86_64.whl": WHEEL}, "does not run on"),
        ({"x-1.0-cp312-cp312t-manylinux2014_x86_64.whl": WHEEL}, "does not run on"),
        ({"x-1.0-py2-none-any.whl": WHEEL}, "does not run on"),
    ],
)
def test_what_pip_fetched_is_believed_only_when_it_is_the_locked_wheel_for_the_target(
    tmp_path: Path, files: dict[str, bytes], complaint: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (lock := tmp_path.parent / "lock.txt").write_text(f"x==1.0 \\\n    --hash=sha256:{HASH}\n")
    with pytest.raises(wheels.PackageError, match=complaint):
        wheels.verified(python_packages(lock), "3.12", tmp_path)


@pytest.mark.parametrize(
    "tags",
    ["py3-none-any", "py2.py3-none-any", "cp312-cp312-manylinux_2_28_x86_64", "cp37-abi3-manylinux2014_x86_64",
     "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp312-none-any", "1-py3-none-any"],
)  # fmt: skip
def test_wheels_for_the_target_are_taken(tmp_path: Path, tags: str) -> None:
    (tmp_path / f"x-1.0-{tags}.whl").write_bytes(WHEEL)
    (lock := tmp_path.parent / "lock.txt").write_text(f"X==1.0 \\\n    --hash=sha256:{HASH}\n")
    assert [path.name for path in wheels.verified(python_packages(lock), "3.12", tmp_path)] == [f"x-1.0-{tags}.whl"]


def build(
    folder: Path, *, lock: str | None = None, path: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Build the package of a copy of the project, whose pip sees nothing but what the test gives it."""
    copy = source_archive(folder)
    if lock is not None:
        (copy / "requirements.txt").write_text(lock)
    (folder / "package.zip").write_bytes(b"the package of yesterday")
    return subprocess.run(
        [sys.executable, "-m", "infra.hooks.package", str(folder / "package.zip")],
        cwd=copy,
        env={"PATH": path or os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def assert_refused(done: subprocess.CompletedProcess[str], folder: Path, *words: str) -> None:
    """One line that says these words, exit status 1, and what lay there before is still there, and nothing else."""
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    for word in words:
        assert word in line
    assert (folder / "package.zip").read_bytes() == b"the package of yesterday"
    assert {path.name for path in folder.iterdir() if path.is_file()} == {"package.zip"}


def test_without_a_package_index_one_line_says_where_to_look(tmp_path: Path) -> None:
    done = build(tmp_path, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_CACHE_DIR="1")
    assert_refused(done, tmp_path, "no package index answers", "pip config list")


@pytest.fixture
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A package index that has one package, x 1.0, as a source archive and for Windows."""
    folder = tmp_path_factory.mktemp("index")
    (folder / "x").mkdir()
    names = ("x-1.0.tar.gz", "x-1.0-cp312-cp312-win_amd64.whl")
    (folder / "y").mkdir()
    (folder / "y" / "y-1.0-py3-none-any.whl").write_bytes(b"not what was locked")
    for name in names:
        (folder / "x" / name).write_bytes(WHEEL)
    for project in ("x", "y"):
        links = "".join(f'<a href="{path.name}">{path.name}</a>' for path in (folder / project).iterdir())
        (folder / project / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_package_without_a_wheel_for_the_app_is_named(tmp_path: Path, index: str) -> None:
    lock = f"x==1.0 \\\n    --hash=sha256:{HASH}\n"
    done = build(tmp_path, lock=lock, PIP_INDEX_URL=index, PIP_NO_CACHE_DIR="1")
    assert_refused(done, tmp_path, "no wheel of x==1.0", f"Python {TARGET} on Linux x86-64", "requirements.in")


def test_a_package_that_is_not_the_locked_one_is_not_deployed(tmp_path: Path, index: str) -> None:
    lock = f"y==1.0 \\\n    --hash=sha256:{HASH}\n"
    done = build(tmp_path, lock=lock, PIP_INDEX_URL=index, PIP_NO_CACHE_DIR="1")
    assert_refused(done, tmp_path, "does not have the hash of requirements.txt", "do not deploy")


def test_a_lock_without_hashes_is_refused(tmp_path: Path) -> None:
    assert_refused(build(tmp_path, lock="x==1.0\n"), tmp_path, "x has no hash", "make lock")


def test_without_git_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(build(tmp_path, path=str(tmp_path / "empty")), tmp_path, "git is needed", "install it")


def test_without_pip_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    python = tmp_path / "bare" / "python3"
    copy = source_archive(tmp_path)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    start = (
        f"import sys; sys.executable = {str(python)!r}; from infra.hooks.package import main; sys.exit(main(['p.zip']))"
    )
    python.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=copy, capture_output=True, encoding="utf-8", check=False, timeout=60
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "pip is missing" in line
    assert "ensurepip" in line
    assert not (copy / "p.zip").exists()


def test_a_missing_folder_is_told_before_anything_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert package.main([str(tmp_path / "missing" / "package.zip")]) == 1
    assert capsys.readouterr().err == f"there is no folder {tmp_path / 'missing'} for package.zip\n"


@pytest.mark.parametrize("arguments", [["package.tar"], ["a.zip", "b.zip"]])
def test_wrong_usage_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert package.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: python -m infra.hooks.package")


def test_a_package_that_could_not_start_is_refused(tmp_path: Path) -> None:
    repository = make_repository(tmp_path, "tests\n")
    (repository / "host.json").write_text("{}")
    git(repository, "add", ".")
    with pytest.raises(ValueError, match=r"lack function_app.py, requirements.txt"):
        package.packaged_files(repository)


def libraries(built: Built) -> Path:
    return built.app / wheels.LIBRARIES


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def source_archive(folder: Path) -> Path:
    """Return a copy of the project as GitHub offers it for download: every file, and no .git."""
    copy = folder / "archive"
    if not copy.exists():
        for name in package.project_files():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, copy / name)
    return copy


def make_repository(folder: Path, ignored: str) -> Path:
    git(folder, "init", "--quiet")
    (folder / ".funcignore").write_text(ignored)
    return folder


def git(folder: Path, *arguments: str) -> str:
    program = str(shutil.which("git"))
    done = subprocess.run([program, "-C", str(folder), *arguments], check=True, capture_output=True, encoding="utf-8")
    return done.stdout
