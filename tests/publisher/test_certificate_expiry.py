"""When the publisher's certificate expires, from whatever form it is given in."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher.credentials import certificate_expires_at
from publisher.settings import ReconcileSettings
from sandbox.local_azure import Sandbox
from tests.publisher.test_certificate_value import pem, pfx, with_value


@pytest.mark.parametrize("how", ["certificate", "protected certificate"])
def test_a_certificate_file_says_when_it_expires(sandbox: Sandbox, how: str) -> None:
    settings = ReconcileSettings.from_environment(sandbox.environment_with(how))
    assert_soon(certificate_expires_at(settings.service_principal))


def test_a_certificate_in_a_setting_says_when_it_expires(sandbox: Sandbox) -> None:
    for value in (pem(sandbox).decode(), base64.b64encode(pfx(sandbox)).decode()):
        settings = ReconcileSettings.from_environment(with_value(sandbox, value))
        assert_soon(certificate_expires_at(settings.service_principal))


@pytest.mark.parametrize("how", ["secret", "federation"])
def test_who_has_no_certificate_has_no_expiry(sandbox: Sandbox, how: str) -> None:
    settings = ReconcileSettings.from_environment(sandbox.environment_with(how))
    assert certificate_expires_at(settings.service_principal) is None


def test_a_certificate_that_cannot_be_read_says_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n", encoding="utf-8")
    variables = sandbox.environment_with("certificate") | {"AZURE_CLIENT_CERTIFICATE_PATH": str(broken)}
    assert certificate_expires_at(ReconcileSettings.from_environment(variables).service_principal) is None


def assert_soon(expires_at: datetime | None) -> None:
    assert expires_at is not None
    assert timedelta() < expires_at - datetime.now(UTC) <= timedelta(days=2)
