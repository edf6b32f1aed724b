"""Which files of the project are deployed: the product, and nothing that lies around."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from checks.reach.scenarios import scenarios
from checks.templates.deployment import deploy
from infra.hooks import package
from infra.hooks.lock import PROJECT
from tests.infra.package_tools import PARTS, git, make_repository, source_archive

FILES = {"function_app.py", "host.json", "requirements.txt", "LICENSE", "infra/alert_rules.json"}


def test_the_package_holds_the_product_and_nothing_else() -> None:
    others = {
        name
        for name in package.packaged_files()
        if name not in FILES and not any(name.startswith(f"{part}/") for part in PARTS)
    }
    assert others == set()
    assert [name for name in package.packaged_files() if "local.settings" in name] == []


@pytest.mark.parametrize("hook", ["prepackage", "predeploy"])
def test_both_shells_of_azd_build_with_the_same_module_once_for_all_apps(hook: str) -> None:
    """azd deploy packs by itself, so both commands need the folder; a hook of a service would build it three times."""
    document = yaml.safe_load((PROJECT / "azure.yaml").read_text(encoding="utf-8"))
    assert document["hooks"][hook]["posix"]["run"] == "python3 -m infra.hooks.package"
    assert document["hooks"][hook]["windows"]["run"] == "python -m infra.hooks.package"
    assert not any("hooks" in service for service in document["services"].values())


def test_azd_deploys_an_app_for_each_role_and_the_api_only_where_there_is_one() -> None:
    services = yaml.safe_load((PROJECT / "azure.yaml").read_text(encoding="utf-8"))["services"]
    apps = deploy({**scenarios()[0], "apiClientId": "x"})
    assert set(services) == {site.body["tags"]["azd-service-name"] for site in apps.of_type("Microsoft.Web/sites")}
    assert {role: service.get("condition") for role, service in services.items()} == {
        "front": None,
        "worker": None,
        "api": "${HAS_API}",
    }
    assert apps.outputs["HAS_API"] is True
    assert deploy(scenarios()[0]).outputs["HAS_API"] is False


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
    secrets += (".sandbox/server.key", "collector/local.settings.example.json")
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
