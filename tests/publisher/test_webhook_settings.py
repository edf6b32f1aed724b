"""What the front reads: a queue and a signature, and nothing that opens anything else."""

import pytest

from publisher.settings import NotificationSettings
from tests.publisher.minimum import FRONT, SIGNATURE, problems_of


def test_a_queue_and_a_signature_are_enough() -> None:
    settings = NotificationSettings.from_environment(FRONT)
    assert settings.signatures == (SIGNATURE,)
    assert settings.own_identity_client_id is None


@pytest.mark.parametrize(
    ("value", "signatures"),
    [(SIGNATURE, (SIGNATURE,)), (f"{SIGNATURE},{SIGNATURE[::-1]}", (SIGNATURE, SIGNATURE[::-1]))],
)
def test_one_signature_or_two_during_a_rotation(value: str, signatures: tuple[str, ...]) -> None:
    assert NotificationSettings.from_environment(FRONT | {"NOTIFICATION_SIGNATURE": value}).signatures == signatures


@pytest.mark.parametrize(
    "value",
    [
        "",
        "short",
        SIGNATURE[:-1],
        f"{SIGNATURE},",
        f",{SIGNATURE}",
        ",",
        f"{SIGNATURE}, {SIGNATURE}",
        f"{SIGNATURE} x",
        ",".join([SIGNATURE] * 3),
    ],
)
def test_a_weak_or_mistyped_signature_is_refused(value: str) -> None:
    problems = problems_of(FRONT | {"NOTIFICATION_SIGNATURE": value}, NotificationSettings.from_environment)
    assert list(problems) == ["NOTIFICATION_SIGNATURE"]


def test_an_unresolved_signature_is_no_signature() -> None:
    reference = {"NOTIFICATION_SIGNATURE": "@Microsoft.KeyVault(VaultName=v;SecretName=s)"}
    problems = problems_of(FRONT | reference, NotificationSettings.from_environment)
    assert problems["NOTIFICATION_SIGNATURE"].startswith("is a Key Vault")
