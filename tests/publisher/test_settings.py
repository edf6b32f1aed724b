"""Settings: all problems at once, by name, and never the value of a secret."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher.roles import role_from
from publisher.settings import (
    SETTING_NAMES,
    Cloud,
    CollectorSettings,
    DiscoverySettings,
    IntakeSettings,
    NotificationSettings,
    ProbeSettings,
    PublicationSettings,
    ReconcileSettings,
    SettingsError,
    SharedSettings,
)
from tests.publisher.minimum import (
    CONNECTION,
    FRONT,
    GUID,
    IDENTITY,
    KEY,
    MINIMUM,
    OWN,
    RECONCILING,
    SECRET,
    SIGNATURE,
    problems_of,
    problems_with,
)


def test_the_seven_required_settings_are_enough() -> None:
    settings = CollectorSettings.from_environment(MINIMUM)
    assert settings.cloud == Cloud()
    assert settings.service_principal.secret == SECRET
    assert settings.own_identity_client_id is None
    assert settings.storage.connection_string == CONNECTION
    assert settings.data_collection_rule_id == MINIMUM["DATA_COLLECTION_IMMUTABLE_ID"]
    assert settings.states_stream == "Custom-PolicyComplianceStates_CL"
    assert settings.results_stream == "Custom-PolicyCollectionResults_CL"
    assert settings.runs_stream == "Custom-PolicyCollectionRuns_CL"
    assert settings.verdicts_stream == "Custom-PolicyVerdicts_CL"
    assert settings.states_window == timedelta(hours=48)
    assert (settings.interval, settings.canary_application_id) == (timedelta(hours=1), "")
    assert settings.secret_expires_at is None
    assert (settings.compliant_states, settings.mode) == ("detailed", "inline")
    assert (settings.max_concurrent_applications, settings.max_concurrent_per_subscription) == (32, 4)


def test_every_problem_is_reported_at_once_by_name() -> None:
    assert set(problems_of({})) == set(MINIMUM) - {"TABLE_NAME"}
    assert set(problems_of({}, ReconcileSettings.from_environment)) == {*MINIMUM, "OFFERS"} - {"TABLE_NAME"}
    assert set(problems_of({}, NotificationSettings.from_environment)) == set(FRONT)


READERS: tuple[Callable[[Mapping[str, str]], object], ...] = (
    role_from,
    CollectorSettings.from_environment,
    DiscoverySettings.from_environment,
    IntakeSettings.from_environment,
    NotificationSettings.from_environment,
    ProbeSettings.from_environment,
    PublicationSettings.from_environment,
    ReconcileSettings.from_environment,
)


def test_every_setting_is_checked_by_somebody() -> None:
    wrong = dict.fromkeys(SETTING_NAMES, "!")
    plain = {"AzureWebJobsStorage", "NOTIFICATIONS"}  # they win over the others of their account
    without = {name: value for name, value in wrong.items() if name not in plain}
    checked = {name for read in READERS for variables in (wrong, without) for name in problems_of(variables, read)}
    assert set(SETTING_NAMES) - checked == {"AZURE_CLIENT_CERTIFICATE_PASSWORD"}, "any text can be one"


def test_the_interval_follows_from_the_schedule() -> None:
    settings = CollectorSettings.from_environment(MINIMUM | {"COLLECTION_SCHEDULE": "0 0 */4 * * *"})
    assert settings.interval == timedelta(hours=4)
    assert "does not say how often" in problems_with(COLLECTION_SCHEDULE="hourly")["COLLECTION_SCHEDULE"]


def test_the_canary_is_an_application() -> None:
    canary = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Solutions/applications/canary"
    assert (
        CollectorSettings.from_environment(MINIMUM | {"CANARY_APPLICATION_ID": canary}).canary_application_id == canary
    )
    assert "broken on purpose" in problems_with(CANARY_APPLICATION_ID="canary")["CANARY_APPLICATION_ID"]


@pytest.mark.parametrize("text", ["2027-06-30", "2027-06-30T00:00:00Z", "2027-06-30T02:00:00+02:00"])
def test_the_day_on_which_the_secret_expires_is_a_date(text: str) -> None:
    settings = CollectorSettings.from_environment(MINIMUM | {"AZURE_CLIENT_SECRET_EXPIRES_ON": text})
    assert settings.secret_expires_at == datetime(2027, 6, 30, tzinfo=UTC)
    assert "no date" in problems_with(AZURE_CLIENT_SECRET_EXPIRES_ON="next year")["AZURE_CLIENT_SECRET_EXPIRES_ON"]


def test_the_publication_of_the_ledger_needs_no_credential_of_the_publisher() -> None:
    settings = PublicationSettings.from_environment(OWN)
    assert settings.verdicts_stream == "Custom-PolicyVerdicts_CL"
    assert settings.data_collection_rule_id == MINIMUM["DATA_COLLECTION_IMMUTABLE_ID"]


def test_notifications_are_taken_in_without_a_credential_of_the_publisher() -> None:
    settings = IntakeSettings.from_environment(OWN | {"OFFERS": "contoso/secure-analytics"})
    assert settings.events_stream == "Custom-ManagedApplicationEvents_CL"
    assert settings.offers.marketplace == {("contoso", "secure-analytics")}
    lacking = problems_of({}, IntakeSettings.from_environment)
    assert set(lacking) == {*OWN, "OFFERS"} - {"TABLE_NAME"}


def test_the_message_has_one_line_for_each_problem() -> None:
    with pytest.raises(SettingsError) as error:
        CollectorSettings.from_environment({})
    assert str(error.value).splitlines() == list(error.value.problems)


def test_no_secret_is_ever_shown() -> None:
    wrong = {"AZURE_TENANT_ID": "?", "NOTIFICATION_SIGNATURE": "short,shorter", "AZURE_CLIENT_SECRET": f"{SECRET}\n"}
    shown = str(problems_of(MINIMUM | wrong)) + str(problems_of(FRONT | wrong, NotificationSettings.from_environment))
    shown += repr(CollectorSettings.from_environment(MINIMUM))
    shown += repr(NotificationSettings.from_environment(FRONT | {"NOTIFICATIONS": CONNECTION}))
    for secret in (SECRET, "short", SIGNATURE, KEY):
        assert secret not in shown


@pytest.mark.parametrize(
    "name", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AzureWebJobsStorage", "DATA_COLLECTION_ENDPOINT"]
)
@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_setting_is_called_empty(name: str, value: str) -> None:
    assert problems_with(**{name: value})[name].startswith("is empty")


@pytest.mark.parametrize("name", ["AZURE_CLIENT_SECRET", "AzureWebJobsStorage", "AZURE_TENANT_ID"])
def test_an_unresolved_key_vault_reference_is_called_that(name: str) -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://vault.azure.net/secrets/name)"
    assert list(problems_with(**{name: reference})) == [name]
    assert "Key Vault" in problems_with(**{name: reference})[name]


def test_exactly_one_credential_is_wanted(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.touch()
    assert "exactly one of" in problems_with(AZURE_CLIENT_SECRET=None)["AZURE_CLIENT_SECRET"]
    assert "together with" in problems_with(PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID=IDENTITY)["AZURE_CLIENT_SECRET"]
    assert "together with" in problems_with(AZURE_CLIENT_CERTIFICATE_PATH=str(certificate))["AZURE_CLIENT_SECRET"]


def test_an_unused_credential_that_is_empty_does_not_count() -> None:
    settings = ReconcileSettings.from_environment(
        RECONCILING | {"AZURE_CLIENT_SECRET": "", "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID": IDENTITY}
    )
    assert settings.service_principal.secret is None
    assert settings.service_principal.federated_identity_client_id == IDENTITY


def test_a_certificate_that_is_not_there_is_noticed() -> None:
    problems = problems_with(AZURE_CLIENT_SECRET=None, AZURE_CLIENT_CERTIFICATE_PATH="/nowhere/certificate.pem")
    assert "no readable file" in problems["AZURE_CLIENT_CERTIFICATE_PATH"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AZURE_TENANT_ID", "contoso"),
        ("AZURE_CLIENT_ID", GUID + "0"),
        ("MANAGED_IDENTITY_CLIENT_ID", "identity"),
        ("DATA_COLLECTION_ENDPOINT", "http://dce.ingest.monitor.azure.com"),
        ("DATA_COLLECTION_ENDPOINT", "https://dce.ingest.monitor.azure.com/dataCollectionRules/dcr-1"),
        ("DATA_COLLECTION_ENDPOINT", "https://user@dce.ingest.monitor.azure.com"),
        ("DATA_COLLECTION_ENDPOINT", "https://[::1"),
        ("DATA_COLLECTION_ENDPOINT", "https://host:99999"),
        (
            "DATA_COLLECTION_IMMUTABLE_ID",
            "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Insights/dataCollectionRules/r",
        ),
        ("DATA_COLLECTION_IMMUTABLE_ID", "dcr-123"),
        ("TABLE_NAME", "my-table"),
        ("TABLE_NAME", "1table"),
        ("TABLE_NAME", "ab"),
        ("STREAM_NAME", "PolicyComplianceStates_CL"),
        ("STREAM_NAME", "Custom-PolicyCollectionRuns_CL"),
        ("RUNS_STREAM_NAME", "Custom-a/b"),
        ("COLLECTION_MODE", "fanout"),
        ("COMPLIANT_STATES", "none"),
        ("UPLOADED_STATES", "some"),
        ("STATES_WINDOW_HOURS", "0"),
        ("STATES_WINDOW_HOURS", "2.5"),
        ("STATES_WINDOW_HOURS", "-48"),
        ("STATES_WINDOW_HOURS", "٤٨"),
        ("MAX_CONCURRENT_APPLICATIONS", "9" * 5000),
        ("MAX_CONCURRENT_PER_SUBSCRIPTION", "many"),
        ("AZURE_AUTHORITY_HOST", "http://login.microsoftonline.com"),
        ("AZURE_RESOURCE_MANAGER_ENDPOINT", "ftp://management.azure.com"),
        ("MONITOR_AUDIENCE", "https://monitor.azure.com/.default"),
        ("AzureWebJobsStorage", "not a connection string"),
        ("AzureWebJobsStorage", "AccountName=acc"),
        ("AzureWebJobsStorage", "AccountName=;AccountKey=x"),
    ],
)
def test_a_wrong_value_is_the_one_problem(name: str, value: str) -> None:
    assert list(problems_with(**{name: value})) == [name]


def test_surrounding_white_space_is_forgiven_except_around_secrets() -> None:
    settings = CollectorSettings.from_environment(
        MINIMUM | {"AZURE_TENANT_ID": f" {GUID}\n", "STATES_WINDOW_HOURS": " 24 "}
    )
    assert settings.service_principal.tenant_id == GUID
    assert settings.states_window == timedelta(hours=24)
    assert "white space" in problems_with(AZURE_CLIENT_SECRET=f"{SECRET}\n")["AZURE_CLIENT_SECRET"]


def test_the_registry_alone_needs_no_way_into_the_tables() -> None:
    variables = {name: value for name, value in MINIMUM.items() if not name.startswith("DATA_COLLECTION")}
    assert SharedSettings.from_environment(variables).table_name == "applications"


def test_the_daily_job_and_the_operator_need_a_way_into_the_tables() -> None:
    assert ReconcileSettings.from_environment(RECONCILING).events_stream == "Custom-ManagedApplicationEvents_CL"
    lacking = {name: value for name, value in RECONCILING.items() if not name.startswith("DATA_COLLECTION")}
    with pytest.raises(SettingsError) as error:
        ReconcileSettings.from_environment(lacking)
    assert [problem.partition(":")[0] for problem in error.value.problems] == [
        "DATA_COLLECTION_ENDPOINT",
        "DATA_COLLECTION_IMMUTABLE_ID",
    ]


def test_workload_identity_never_becomes_the_publisher() -> None:
    kubernetes = {"AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/token"}
    assert list(problems_with(**kubernetes)) == ["MANAGED_IDENTITY_CLIENT_ID"]
    settings = CollectorSettings.from_environment(MINIMUM | kubernetes | {"MANAGED_IDENTITY_CLIENT_ID": IDENTITY})
    assert settings.own_identity_client_id == IDENTITY
