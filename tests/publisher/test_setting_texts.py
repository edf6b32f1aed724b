"""Values as people and scripts hand them over: quotation marks, characters nobody sees, ports, slashes, braces."""

import pytest

from publisher.roles import role_from
from publisher.settings import CollectorSettings, NotificationSettings, SettingsError
from tests.publisher.minimum import (
    CLIENT,
    FRONT,
    GUID,
    MINIMUM,
    SIGNATURE,
    identity_storage,
    problems_of,
    problems_with,
)

read_front = NotificationSettings.from_environment
ZERO_WIDTH, MARK, SOFT_HYPHEN = "\N{ZERO WIDTH SPACE}", "\N{BYTE ORDER MARK}", "\N{SOFT HYPHEN}"


@pytest.mark.parametrize("name", ["AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "DATA_COLLECTION_ENDPOINT", "TABLE_NAME"])
@pytest.mark.parametrize("marks", ['""', "''", "``", "“”", "„“", "\u2018\u2019", "«»"])
def test_quotation_marks_around_a_value_are_called_that(name: str, marks: str) -> None:
    quoted = marks[0] + MINIMUM[name] + marks[1]
    assert problems_with(**{name: quoted}) == {name: "is in quotation marks; remove them"}


def test_a_certificates_password_may_be_in_quotation_marks() -> None:
    password = {"AZURE_CLIENT_CERTIFICATE_PASSWORD": '"hidden"'}
    assert CollectorSettings.from_environment(MINIMUM | password).service_principal.certificate_password == '"hidden"'


@pytest.mark.parametrize("unseen", [ZERO_WIDTH, MARK, SOFT_HYPHEN, "\N{RIGHT-TO-LEFT OVERRIDE}", "\x07"])
def test_a_character_that_cannot_be_seen_is_taken_off_the_ends_and_told_within(unseen: str) -> None:
    given = MINIMUM | {"AZURE_TENANT_ID": f"{unseen} {GUID}{unseen}", "STATES_WINDOW_HOURS": f"{unseen}24"}
    settings = CollectorSettings.from_environment(given)
    assert settings.service_principal.tenant_id == GUID
    assert settings.states_window.total_seconds() == 24 * 3600
    told = problems_with(AZURE_CLIENT_ID=CLIENT[:5] + unseen + CLIENT[5:])["AZURE_CLIENT_ID"]
    assert f"(U+{ord(unseen):04X})" in told


def test_a_value_of_nothing_but_unseen_characters_is_empty() -> None:
    assert problems_with(AZURE_TENANT_ID=ZERO_WIDTH)["AZURE_TENANT_ID"].startswith("is empty")
    given = MINIMUM | {"AZURE_CLIENT_CERTIFICATE_PATH": MARK}
    assert CollectorSettings.from_environment(given).service_principal.certificate_path is None


def test_a_secret_with_an_unseen_character_is_refused_and_not_shown() -> None:
    told = problems_of(FRONT | {"NOTIFICATION_SIGNATURE": SIGNATURE[:9] + ZERO_WIDTH + SIGNATURE[9:]}, read_front)
    assert "U+200B" in told["NOTIFICATION_SIGNATURE"]
    told |= problems_with(AZURE_CLIENT_SECRET=MARK + MINIMUM["AZURE_CLIENT_SECRET"])
    assert "begins or ends with" in told["AZURE_CLIENT_SECRET"]
    assert SIGNATURE[:9] not in str(told)
    assert MINIMUM["AZURE_CLIENT_SECRET"] not in str(told)


@pytest.mark.parametrize("guid", [f"{{{GUID}}}", GUID.replace("-", ""), f"({GUID})", f"urn:uuid:{GUID}", GUID + ","])
def test_a_guid_in_another_notation_is_told(guid: str) -> None:
    assert "no braces" in problems_with(AZURE_TENANT_ID=guid)["AZURE_TENANT_ID"]


@pytest.mark.parametrize(
    "url",
    [
        "HTTPS://DCE.Ingest.example",
        "https://dce.ingest.example:443",
        "https://dce.ingest.example:443/",
        "https://dce.ingest.example///",
        "https://dce.ingest.example:",
        "https://dce.ingest.example?",
        "https://dce.ingest.example/#",
        "dce.ingest.example:443",
        "\tdce.ingest.example\n",
    ],
)
def test_an_address_has_one_spelling_however_it_is_written(url: str) -> None:
    given = MINIMUM | {"DATA_COLLECTION_ENDPOINT": url}
    assert CollectorSettings.from_environment(given).data_collection_endpoint == "https://dce.ingest.example"


@pytest.mark.parametrize(("url", "kept"), [("https://host:8443/", "https://host:8443"), ("https://[::1]:8443", None)])
def test_a_port_of_ones_own_and_an_ipv6_address_are_kept(url: str, kept: str | None) -> None:
    given = MINIMUM | {"DATA_COLLECTION_ENDPOINT": url}
    assert CollectorSettings.from_environment(given).data_collection_endpoint == (kept or url)


@pytest.mark.parametrize(
    "url",
    [
        "https://dce. ingest.example",
        "https://dce.ingest\n.example",
        "https://dce..example",
        "https://.example",
        "https://dce.example.",
        "https://dce-.example",
        f"https://{'d' * 64}.example",
        f"https://{'d.' * 127}example",
        "https:/dce.example",
        "https:dce.example",
        "https:\\\\dce.example",
        "https://https://dce.example",
        "https://dce.example:0",
        "https://dce.example:port",
        "https://dce_1.example",
        "https://dce.example?api-version=1",
        "https://дце.example",
    ],
)
def test_an_address_that_no_client_could_open_is_told(url: str) -> None:
    assert list(problems_with(DATA_COLLECTION_ENDPOINT=url)) == ["DATA_COLLECTION_ENDPOINT"]


def test_the_path_of_a_storage_service_is_kept_and_its_slash_is_not() -> None:
    given = identity_storage(tableServiceUri="HTTPS://Host:443/Account1/", queueServiceUri="host/account1")
    storage = CollectorSettings.from_environment(given).storage
    assert (storage.table_service_uri, storage.queue_service_uri) == ("https://host/Account1", "https://host/account1")


@pytest.mark.parametrize("number", ["+24", "24.0", "24h", "0x18", "1e1", "²", "--24", "2 4"])
def test_a_number_in_another_notation_is_told(number: str) -> None:
    assert "whole number" in problems_with(STATES_WINDOW_HOURS=number)["STATES_WINDOW_HOURS"]


@pytest.mark.parametrize("role", ['"front"', "Front", "front,worker", f"fr{ZERO_WIDTH}ont"])
def test_a_role_in_another_spelling_is_told(role: str) -> None:
    with pytest.raises(SettingsError, match="APP_ROLE: must be front, worker or api"):
        role_from({"APP_ROLE": role})
