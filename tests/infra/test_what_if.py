"""The report on a what-if answer says what changes, and never more than Azure has looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.pipeline import what_if_comment

GROUP = "/subscriptions/s/resourceGroups/rg-x/providers/"
SAME = {"changeType": "NoChange", "resourceId": f"{GROUP}Microsoft.Web/sites/a"}
SHORT_CIRCUIT = {
    "code": "NestedDeploymentShortCircuited",
    "level": "Warning",
    "target": f"{GROUP}Microsoft.Resources/deployments/foundation",
    "message": "A nested deployment got short-circuited and all its resources got skipped from validation.",
}


def modified(resource: str, *delta: dict[str, Any]) -> dict[str, Any]:
    return {"changeType": "Modify", "resourceId": f"{GROUP}{resource}", "delta": list(delta)}


def answer(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "status": "Succeeded",
        "error": None,
        "changes": list(changes),
        "potentialChanges": None,
        "diagnostics": None,
        **more,
    }


@pytest.fixture
def tell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Returns the report, the exit status and the verdict for an answer, given as a document or as text."""

    def told(document: object) -> tuple[str, int, str]:
        file = tmp_path / "answer.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        status = what_if_comment.main([str(file)])
        text = capsys.readouterr().out
        assert what_if_comment.main(["--verdict", str(file)]) == 0
        return text, status, capsys.readouterr().out.strip()

    return told


def test_the_report_names_resources_and_properties_but_no_values(tell: Any) -> None:
    text, status, verdict = tell(
        answer(
            SAME,
            {"changeType": "Create", "resourceId": f"{GROUP}Microsoft.Web/sites/b", "after": {"x": "hidden"}},
            modified(
                "Microsoft.KeyVault/vaults/v",
                {"path": "properties", "children": [{"path": "sku", "before": "old", "after": "hidden"}]},
            ),
        )
    )
    assert (status, verdict) == (0, "changed")
    assert "**1 created**" in text
    assert "- `rg-x/providers/Microsoft.Web/sites/b`" in text
    assert "**1 changed**" in text
    assert "  - `properties.sku`" in text
    assert "hidden" not in text
    assert "sites/a" not in text


@pytest.mark.parametrize("shape", [lambda it: it, lambda it: {"status": it.pop("status"), "properties": it}])
def test_nothing_changes_when_everything_was_compared(tell: Any, shape: Any) -> None:
    """In the form that the CLI prints, and in that of the REST API."""
    text, status, verdict = tell(shape(answer(SAME, SAME)))
    assert "Nothing changes: 2 resources are as the template says." in text
    assert (status, verdict) == (0, "unchanged")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (answer(SAME, diagnostics=[SHORT_CIRCUIT]), "`NestedDeploymentShortCircuited` at `/subscriptions"),
        (answer(), "no resource was compared"),
        (answer({"changeType": "Ignore", "resourceId": f"{GROUP}Microsoft.Web/sites/a"}), "no resource was compared"),
        (
            answer(SAME, {"changeType": "Unsupported", "resourceId": "/x", "unsupportedReason": "a reason"}),
            "- `/x` (`Unsupported`): `a reason`",
        ),
        (answer(SAME, {"changeType": "Replace", "resourceId": "/x"}), "- `/x` (`Replace`)"),
        (answer(SAME, potentialChanges=[{"changeType": "Create", "resourceId": "/x"}]), "- `/x` (`Create`)"),
        ({"changes": [SAME]}, "does not tell what Azure skipped"),
    ],
)
def test_nothing_changes_is_not_said_about_what_was_not_looked_at(tell: Any, document: object, told: str) -> None:
    text, status, verdict = tell(document)
    assert told in text
    assert "Nothing changes" not in text
    assert "not everything was looked at" in text
    assert (status, verdict) == (0, "incomplete")


@pytest.mark.parametrize(
    ("resource", "delta", "told"),
    [
        (
            "Microsoft.KeyVault/vaults/v/secrets/s",
            {"path": "properties.value"},
            "- `properties.value` of `rg-x/providers/Microsoft.KeyVault/vaults/v/secrets/s`: a secret",
        ),
        (
            "Microsoft.Insights/actionGroups/a",
            {"path": "properties.webhookReceivers", "children": [{"path": "0"}]},
            "a secret that this comparison is not given",
        ),
        (
            "Microsoft.Web/sites/a/config/appsettings",
            {"path": "properties"},
            "- `properties` of `rg-x/providers/Microsoft.Web/sites/a/config/appsettings`: Azure does not show it",
        ),
        (
            "Microsoft.Web/sites/a",
            {"path": "properties.siteConfig", "children": [{"path": "minTlsVersion"}]},
            "- `properties.siteConfig` of `rg-x/providers/Microsoft.Web/sites/a`: Azure does not show it",
        ),
        # Azure compares the value with the expression itself, and calls every one of them a change.
        (
            "Microsoft.Insights/components/a",
            {"path": "properties.A", "propertyChangeType": "Modify", "before": "x", "after": "[reference('/y').z]"},
            "- `properties.A` of `rg-x/providers/Microsoft.Insights/components/a`: known during the deployment",
        ),
        (
            "Microsoft.Authorization/roleAssignments/a",
            {"path": "properties", "children": [{"path": "principalId", "unresolved": True}]},
            "- `properties.principalId` of",
        ),
    ],
)
def test_a_property_that_no_comparison_can_see_is_named_and_is_no_change(
    tell: Any, resource: str, delta: dict[str, Any], told: str
) -> None:
    for others in ((), (SAME,)):
        text, status, verdict = tell(answer(*others, modified(resource, delta)))
        assert told in text
        assert "Nothing changes" not in text
        assert f"No difference was found in {len(others) + 1} resources." in text
        assert (status, verdict) == (0, "unchanged")


def test_an_unresolved_property_does_not_hide_what_changes_beside_it(tell: Any) -> None:
    unresolved = {"path": "properties.A", "after": "[reference('/y').z]"}
    changed = modified("Microsoft.Insights/components/a", unresolved, {"path": "properties.B", "after": "[x"})
    text, _, verdict = tell(answer(changed))
    assert verdict == "changed"
    assert "  - `properties.B`" in text
    assert "  - `properties.A`" not in text


def test_a_property_that_azure_calls_without_effect_is_no_change(tell: Any) -> None:
    without_effect = {"path": "properties.state", "propertyChangeType": "NoEffect"}
    text, _, verdict = tell(answer(modified("Microsoft.Web/sites/a", without_effect)))
    assert verdict == "unchanged", text


def test_other_settings_of_an_app_are_compared(tell: Any) -> None:
    changed = modified("Microsoft.Web/sites/a/config/authsettingsV2", {"path": "properties.platform.enabled"})
    _, _, verdict = tell(answer(changed, modified("Microsoft.Web/sites/a", {"path": "properties.httpsOnly"})))
    assert verdict == "changed"


def test_a_secret_does_not_hide_what_else_changes_beside_it(tell: Any) -> None:
    changed = modified("Microsoft.KeyVault/vaults/v/secrets/s", {"path": "properties.value"}, {"path": "tags.x"})
    text, _, verdict = tell(answer(changed))
    assert verdict == "changed"
    assert "  - `tags.x`" in text
    assert "  - `properties.value`" not in text


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "empty or no JSON"),
        ("ERROR: not signed in", "empty or no JSON"),
        ([], "no JSON object"),
        ({}, "no list of changes"),
        ({"status": "Failed", "changes": [SAME]}, "status Failed"),
        ({"error": {"code": "InvalidTemplate", "message": "line 3"}}, "InvalidTemplate: line 3"),
        ({"status": "Failed", "error": {"message": "az said so"}}, "az said so"),
        ({"changes": ["text"], "diagnostics": []}, "another shape"),
    ],
)
def test_a_question_that_failed_is_told_with_its_reason(tell: Any, document: object, reason: str) -> None:
    text, status, verdict = tell(document)
    assert reason in text
    assert "nothing is known" in text
    assert (status, verdict) == (1, "failed")


def test_a_file_that_is_missing_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert what_if_comment.main([str(tmp_path / "absent.json")]) == 1
    assert "could not be read" in capsys.readouterr().out


def test_names_cannot_mention_people_or_bring_html_into_a_comment(tell: Any) -> None:
    nasty = "x`\n@everyone <img src=//evil> [a](//evil)"
    text, _, _ = tell(
        answer({"changeType": "Create", "resourceId": nasty}, diagnostics=[{"code": "c", "message": nasty}])
    )
    lines = [line for line in text.splitlines() if "everyone" in line]
    assert len(lines) == 2
    for line in lines:
        outside = line.split("`")[::2]
        assert not any(word in part for part in outside for word in ("@", "<", "[")), line


def test_a_comment_stays_within_what_github_takes(tell: Any) -> None:
    many = [{"changeType": "Create", "resourceId": f"/{'r' * 900}/{number}"} for number in range(1000)]
    text, _, verdict = tell(answer(*many))
    assert len(text) < 65_000
    assert "more lines" in text
    assert verdict == "changed"


def test_a_wrong_call_is_told() -> None:
    assert what_if_comment.main([]) == 2
    assert what_if_comment.main(["--word", "file"]) == 2
