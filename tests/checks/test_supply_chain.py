"""What is locked is hashed, billed and asked about; and nobody's silence is taken for an all-clear."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from checks.sbom import bill_of_materials, main
from checks.supply_chain.locks import packages
from checks.vulnerabilities import CANARIES
from infra.hooks.lock import PROJECT, Locked, LockError, python_packages
from infra.hooks.package import project_files
from infra.hooks.wheels import locked_for, target_python
from publisher.configuration.version import VERSION
from tests.infra.package_tools import source_archive

Answer = Callable[[list[dict[str, Any]]], bytes]


def known(*names: str, canaries: Sequence[Locked] = CANARIES) -> Answer:
    """An advisory service that knows of a vulnerability in each of these packages, and in what everybody knows of."""
    old = {(canary.name, canary.version) for canary in canaries}

    def answer(queries: list[dict[str, Any]]) -> bytes:
        asked = [(one["package"]["name"], one["version"]) for one in queries]
        results = [{"vulns": [{"id": "GHSA-x"}]} if one in old or one[0] in names else {} for one in asked]
        return json.dumps({"results": results}).encode()

    return answer


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


def audit(url: str, project: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "checks.vulnerabilities"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "OSV_SERVICE": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_locked_package_is_asked_about_and_clean_packages_pass() -> None:
    asked: set[tuple[str, str]] = set()

    def answer(queries: list[dict[str, Any]]) -> bytes:
        asked.update((one["package"]["name"], one["version"]) for one in queries)
        return known()(queries)

    with service(answer) as url:
        done = audit(url)
    assert done.returncode == 0, done.stdout
    runtime, tools = packages()
    assert {(one.name, one.version) for one in [*runtime, *tools, *CANARIES]} == asked
    assert {"aiohttp", "pytest", "azurite", "lit-html"} <= {name for name, _ in asked}
    # What OSV cannot answer is said, and who does.
    assert ".github/workflows/deploy.yml: not asked here; GitHub's advisories, by zizmor" in done.stdout
    assert ".devcontainer/Dockerfile: not asked here; nobody publishes advisories for these" in done.stdout


def test_a_vulnerability_at_run_time_fails_and_names_the_package() -> None:
    with service(known("orjson")) as url:
        done = audit(url)
    assert done.returncode == 1
    assert "RUN TIME: orjson" in done.stdout


def test_a_vulnerable_tool_fails_as_well_because_it_runs_where_packages_are_built() -> None:
    with service(known("azurite")) as url:
        done = audit(url)
    assert done.returncode == 1
    assert "tool: azurite" in done.stdout


def accepted(folder: Path, *entries: dict[str, Any]) -> Path:
    """A copy of the project in which somebody has accepted these."""
    copy = source_archive(folder)
    (copy / "checks" / "supply_chain" / "accepted.json").write_text(json.dumps(entries))
    return copy


def on(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


ACCEPTED = {"package": "azurite", "id": "GHSA-x", "reason": "the local storage answers this machine alone"}


def test_a_vulnerability_that_somebody_accepted_is_told_and_fails_again_after_its_end(tmp_path: Path) -> None:
    with service(known("azurite")) as url:
        done = audit(url, accepted(tmp_path, {**ACCEPTED, "until": on(30)}))
        assert done.returncode == 0, done.stdout
        assert f"GHSA-x (accepted until {on(30)}: the local storage answers this machine alone)" in done.stdout
        assert audit(url, accepted(tmp_path, {**ACCEPTED, "until": on(-1)})).returncode == 1
        assert audit(url, accepted(tmp_path, {**ACCEPTED, "id": "GHSA-y", "until": on(30)})).returncode == 1
    with service(known("azurite", "orjson")) as url:
        assert audit(url, accepted(tmp_path, {**ACCEPTED, "until": on(30)})).returncode == 1


def test_an_acceptance_of_what_is_no_longer_there_is_told(tmp_path: Path) -> None:
    with service(known()) as url:
        done = audit(url, accepted(tmp_path, {**ACCEPTED, "until": on(30)}))
    assert done.returncode == 0
    assert "azurite: GHSA-x is accepted and no longer known of what is locked: take it out" in done.stdout


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({**ACCEPTED, "until": on(91)}, "until is more than 90 days away"),
        ({**ACCEPTED, "until": "soon"}, "until must be a day"),
        (ACCEPTED, "must have package, id, reason, until and nothing else"),
        ({**ACCEPTED, "until": on(1), "reason": " "}, "reason is empty"),
        ({**ACCEPTED, "until": on(1), "by": "me"}, "must have package, id, reason, until and nothing else"),
    ],
)
def test_an_acceptance_without_end_or_reason_accepts_nothing(
    tmp_path: Path, entry: dict[str, Any], complaint: str
) -> None:
    with service(known()) as url:
        done = audit(url, accepted(tmp_path, entry))
    assert done.returncode == 1
    assert f"accepted.json: entry 1: {complaint}" in done.stdout


@pytest.mark.parametrize(("text", "complaint"), [("[", "is no JSON"), ("{}", "must be a list of entries, [] for none")])
def test_a_file_of_acceptances_that_cannot_be_read_accepts_nothing(tmp_path: Path, text: str, complaint: str) -> None:
    copy = accepted(tmp_path)
    (copy / "checks" / "supply_chain" / "accepted.json").write_text(text)
    with service(known()) as url:
        done = audit(url, copy)
    assert done.returncode == 1
    assert f"Nobody knows whether the packages are safe: accepted.json: {complaint}" in done.stdout


def in_part(queries: list[dict[str, Any]]) -> bytes:
    return json.dumps({"results": [{"vulns": [{"id": "GHSA-x"}], "next_page_token": "more"}] * len(queries)}).encode()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (known(canaries=()), 200),
        (known(canaries=CANARIES[:1]), 200),
        (lambda _: b'{"results": []}', 200),
        (lambda _: b"<html>All is well.</html>", 200),
        (lambda _: b"", 200),
        (lambda queries: json.dumps({"results": [None] * len(queries)}).encode(), 200),
        (known(), 503),
        (in_part, 200),
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
    for line in (
        "requests @ https://example.com/requests.zip",
        "-e git+https://example.com/x",
        "--index-url x",
        "y>=2",
    ):
        lock.write_text(f"x==1 --hash=sha256:{'0' * 64}\n{line}\n", encoding="utf-8")
        with pytest.raises(LockError, match="is no pin of a version"):
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
