"""What is locked is hashed, billed and asked about; and nobody's silence is taken for an all-clear."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks.locked import DEVELOPMENT_LOCK, NODE_LOCKS, node_packages
from checks.sbom import bill_of_materials, main
from checks.vulnerabilities import CANARIES
from infra.hooks.lock import PROJECT, LockError, python_packages
from infra.hooks.package import project_files
from infra.hooks.wheels import locked_for, target_python
from publisher.configuration.version import VERSION

Answer = Callable[[list[dict[str, Any]]], bytes]


def known(*names: str) -> Answer:
    """An advisory service that knows of a vulnerability in each of these packages."""

    def answer(queries: list[dict[str, Any]]) -> bytes:
        results = [{"vulns": [{"id": "GHSA-x"}]} if one["package"]["name"] in names else {} for one in queries]
        return json.dumps({"results": results}).encode()

    return answer


CANARY_NAMES = tuple(canary.name for canary in CANARIES)


@contextmanager
def service(answer: Answer, status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            body = answer(queries)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checks.vulnerabilities"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "OSV_SERVICE": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_run_time_package_is_asked_about_and_clean_packages_pass() -> None:
    asked: list[str] = []

    def answer(queries: list[dict[str, Any]]) -> bytes:
        asked.extend(one["package"]["name"] for one in queries)
        results = [
            {"vulns": [{"id": "GHSA-x"}]} if (one["package"]["name"], one["version"]) in old else {} for one in queries
        ]
        return json.dumps({"results": results}).encode()

    old = {(canary.name, canary.version) for canary in CANARIES}
    with service(answer) as url:
        done = audit(url)
    assert done.returncode == 0, done.stdout
    everything = [*python_packages(), *python_packages(DEVELOPMENT_LOCK)]
    everything += [package for lock in NODE_LOCKS for package in node_packages(lock)]
    assert {package.name for package in everything} <= set(asked)


def test_a_vulnerability_at_run_time_fails_and_names_the_package() -> None:
    with service(known(*CANARY_NAMES, "orjson")) as url:
        done = audit(url)
    assert done.returncode == 1
    assert "RUN TIME: orjson" in done.stdout


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (known(), 200),
        (known(CANARY_NAMES[0]), 200),
        (lambda _: b'{"results": []}', 200),
        (lambda _: b"<html>All is well.</html>", 200),
        (lambda _: b"", 200),
        (lambda queries: json.dumps({"results": [None] * len(queries)}).encode(), 200),
        (known(*CANARY_NAMES), 503),
    ],
)
def test_an_answer_that_cannot_be_believed_is_no_all_clear(answer: Answer, status: int) -> None:
    with service(answer, status) as url:
        done = audit(url)
    assert done.returncode == 1
    assert "Nobody knows" in done.stdout


def test_a_service_that_cannot_be_reached_is_no_all_clear() -> None:
    with service(known()) as url:
        pass
    done = audit(url)
    assert done.returncode == 1
    assert "Nobody knows" in done.stdout


def test_the_bill_lists_what_the_package_holds_with_its_hashes(tmp_path: Path) -> None:
    assert main([str(tmp_path / "sbom.json")]) == 0
    bill = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert bill == bill_of_materials()
    components = {(one["name"], one["version"]): one for one in bill["components"]}
    packages = locked_for(target_python())
    assert set(components) == {("lit-html", "3.3.3"), *((package.name, package.version) for package in packages)}
    assert components["lit-html", "3.3.3"]["purl"] == "pkg:npm/lit-html@3.3.3"
    assert len(packages) == len({package.name for package in packages}), "one version of each, that of the app's Python"
    for package in packages:
        hashes = components[package.name, package.version]["hashes"]
        assert [one["content"] for one in hashes] == list(package.sha256)
    assert bill["metadata"]["component"]["version"] == VERSION
    refs = {one["bom-ref"] for one in bill["components"]}
    graph = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    assert set(graph) - refs == {"managed-application-compliance"}
    reached, todo = set[str](), ["managed-application-compliance"]
    while todo:
        for ref in graph[todo.pop()]:
            if ref not in reached:
                reached.add(ref)
                todo.append(ref)
    assert reached == refs, "every package is there because somebody wants it"


def test_a_pin_without_a_hash_is_no_lock(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("aiohttp==3.14.5\n    # via x\n", encoding="utf-8")
    with pytest.raises(LockError, match="aiohttp has no hash"):
        python_packages(lock)
    lock.write_text("", encoding="utf-8")
    with pytest.raises(LockError):
        python_packages(lock)


def test_no_file_names_the_host_of_a_package_registry() -> None:
    """Where packages come from is a matter of the machine's configuration: mirrors must work without a change."""
    hosts = [
        ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
    ]
    hosts += [".".join(parts) for parts in (("yarnpkg", "com"), ("nuget", "org"), ("crates", "io"))]
    for name in project_files():
        content = (PROJECT / name).read_bytes()
        assert [host for host in hosts if host.encode() in content] == [], name


def test_every_lock_is_asked_about_every_day_and_updated_every_week() -> None:
    locks = {f"/{name.rpartition('/')[0]}" for name in project_files() if name.endswith("package-lock.json")}
    assert {f"/{lock.parent.relative_to(PROJECT).as_posix()}" for lock in NODE_LOCKS} == locks
    updates = yaml.safe_load((PROJECT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    npm = next(update for update in updates if update["package-ecosystem"] == "npm")
    assert set(npm["directories"]) == locks
    assert {update["package-ecosystem"] for update in updates} == {"pip", "npm", "github-actions", "devcontainers"}
    assert all(update["cooldown"] == {"default-days": 7} for update in updates)
