"""host.json, and the app settings that take the place of values in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sandbox.functions.host_json import host_json
from sandbox.functions.index import IndexingError

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "AzureFunctionsJobHost__"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    document = {"version": "2.0", "extensions": {"queues": {"batchSize": 1, "maxPollingInterval": "00:00:10"}}}
    (tmp_path / "host.json").write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


def test_settings_replace_values_add_others_and_leave_the_rest(folder: Path) -> None:
    settings = {
        f"{PREFIX}extensions__queues__maxPollingInterval": "00:00:00.2",
        f"{PREFIX}logging__logLevel__default": "Warning",
        "AzureWebJobsStorage__queueServiceUri": "https://elsewhere",
    }
    assert host_json(folder, settings) == {
        "version": "2.0",
        "extensions": {"queues": {"batchSize": 1, "maxPollingInterval": "00:00:00.2"}},
        "logging": {"logLevel": {"default": "Warning"}},
    }


def test_a_setting_that_leads_through_a_value_is_named(folder: Path) -> None:
    with pytest.raises(IndexingError, match=f"{PREFIX}version__minor leads through version"):
        host_json(folder, {f"{PREFIX}version__minor": "1"})


def test_a_host_json_that_is_no_object_is_refused(folder: Path) -> None:
    (folder / "host.json").write_text("[]", encoding="utf-8")
    with pytest.raises(IndexingError, match="no JSON object"):
        host_json(folder, {})
