"""Settings: all problems at once, by name, and never the value of a secret."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from publisher.settings import (
    SETTING_NAMES,
    Cloud,
    CollectorSettings,
    NotificationSettings,
    PublicationSettings,
    ReconcileSettings,
    SettingsError,
    SharedSettings,
)

GUID = "11111111-2222-4333-8444-555555555555"
CLIENT = "aaaaaaaa-2222-4333-8444-555555555555"
IDENTITY = "bbbbbbbb-2222-4333-8444-555555555555"
CONNECTION = (
    "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=c2VjcmV0LWtleQ==;EndpointSuffix=core.windows.net"
)
SECRET = "s3cret~value"
SIGNATURE = "a-signature-with-32-characters--"
MINIMUM = {
    "AZURE_TENANT_ID": GUID,
    "AZURE_CLIENT_ID": CLIENT,
    "AZURE_CLIENT_SECRET": SECRET,
    "AzureWebJobsStorage": CONNECTION,
    "TABLE_NAME": "applications",
    "DATA_COLLECTION_ENDPOINT": "https://dce-abcd.westeurope-1.ingest.monitor.azure.com",
    "DATA_COLLECTION_IMMUTABLE_ID": "dcr-0123456789abcdef0123456789abcdef",
}


def problems_of(variables: Mapping[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsError) as error:
        CollectorSettings.from_environment(variables)
    return dict(problem.split(": ", 1) for problem in error.value.problems)


def problems_with(**changes: str | None) -> dict[str, str]:
    variables = MINIMUM | {name: value for name, value in changes.items() if value is not None}
    return problems_of({name: value for name, value in variables.items() if changes.get(name, "") is not None})


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
    wrong = dict.fromkeys(SETTING_NAMES, "!")
    assert set(problems_of(wrong)) >= set(SETTING_NAMES) - {
        "NOTIFICATION_SIGNATURE",  # the collector does not need it
        "EVENTS_STREAM_NAME",  # nor this
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",  # any text can be one
        *(name for name in SETTING_NAMES if name.startswith("AzureWebJobsStorage__")),  # the plain one wins
    }


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
    own = {name: value for name, value in MINIMUM.items() if not name.startswith("AZURE_")}
    settings = PublicationSettings.from_environment(own)
    assert settings.verdicts_stream == "Custom-PolicyVerdicts_CL"
    assert settings.data_collection_rule_id == MINIMUM["DATA_COLLECTION_IMMUTABLE_ID"]


def test_the_message_has_one_line_for_each_problem() -> None:
    with pytest.raises(SettingsError) as error:
        CollectorSettings.from_environment({})
    assert str(error.value).splitlines() == list(error.value.problems)


def test_no_secret_is_ever_shown() -> None:
    variables = MINIMUM | {
        "AZURE_TENANT_ID": "?",
        "NOTIFICATION_SIGNATURE": "short,shorter",
        "AZURE_CLIENT_SECRET": f"{SECRET}\n",
    }
    with pytest.raises(SettingsError) as error:
        NotificationSettings.from_environment(variables)
    shown = str(error.value) + repr(CollectorSettings.from_environment(MINIMUM))
    shown += repr(NotificationSettings.from_environment(MINIMUM | {"NOTIFICATION_SIGNATURE": SIGNATURE}))
    for secret in (SECRET, "short", SIGNATURE, "c2VjcmV0LWtleQ=="):
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


def test_an_unresolved_signature_is_no_signature() -> None:
    with pytest.raises(SettingsError, match="NOTIFICATION_SIGNATURE: is a Key Vault"):
        NotificationSettings.from_environment(
            MINIMUM | {"NOTIFICATION_SIGNATURE": "@Microsoft.KeyVault(VaultName=v;SecretName=s)"}
        )


def test_exactly_one_credential_is_wanted(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.touch()
    assert "exactly one of" in problems_with(AZURE_CLIENT_SECRET=None)["AZURE_CLIENT_SECRET"]
    assert "together with" in problems_with(PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID=IDENTITY)["AZURE_CLIENT_SECRET"]
    assert "together with" in problems_with(AZURE_CLIENT_CERTIFICATE_PATH=str(certificate))["AZURE_CLIENT_SECRET"]


def test_an_unused_credential_that_is_empty_does_not_count() -> None:
    settings = ReconcileSettings.from_environment(
        MINIMUM | {"AZURE_CLIENT_SECRET": "", "PUBLISHER_FEDERATED_IDENTITY_CLIENT_ID": IDENTITY}
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


@pytest.mark.parametrize(
    ("connection", "is_taken"),
    [
        ("UseDevelopmentStorage=true", True),
        (
            "BlobEndpoint=https://a.blob.core.windows.net;TableEndpoint=https://a.table.core.windows.net;SharedAccessSignature=sv=1",
            True,
        ),
        ("AccountName=a;AccountKey=k;TableEndpoint=http://127.0.0.1:10002/a;", True),
        ("SharedAccessSignature=sv=1", False),
    ],
)
def test_connection_strings_of_every_documented_form_are_taken(connection: str, is_taken: bool) -> None:
    if is_taken:
        assert CollectorSettings.from_environment(
            MINIMUM | {"AzureWebJobsStorage": connection}
        ).storage.connection_string
    else:
        assert "AzureWebJobsStorage" in problems_with(AzureWebJobsStorage=connection)


def identity_storage(**settings: str) -> dict[str, str]:
    variables = {name: value for name, value in MINIMUM.items() if name != "AzureWebJobsStorage"}
    return variables | {f"AzureWebJobsStorage__{name}": value for name, value in settings.items()}


def test_an_account_name_means_identity_based_storage() -> None:
    storage = CollectorSettings.from_environment(identity_storage(accountName="acc1")).storage
    assert storage.connection_string is None
    assert storage.table_service_uri == "https://acc1.table.core.windows.net"
    assert storage.queue_service_uri == "https://acc1.queue.core.windows.net"
    assert storage.identity_client_id is None


def test_service_uris_and_a_user_assigned_identity_are_taken_from_the_functions_conventions() -> None:
    variables = identity_storage(
        tableServiceUri="https://acc.table.core.usgovcloudapi.net/",
        queueServiceUri="https://acc.queue.core.usgovcloudapi.net",
        credential="managedidentity",
        clientId=IDENTITY,
    )
    storage = CollectorSettings.from_environment(variables).storage
    assert storage.table_service_uri == "https://acc.table.core.usgovcloudapi.net"
    assert storage.queue_service_uri == "https://acc.queue.core.usgovcloudapi.net"
    assert storage.identity_client_id == IDENTITY


def test_a_table_service_uri_alone_is_enough_for_the_registry() -> None:
    storage = CollectorSettings.from_environment(
        identity_storage(tableServiceUri="https://acc.table.core.windows.net")
    ).storage
    assert storage.queue_service_uri is None


def test_the_plain_connection_string_wins_as_in_the_host() -> None:
    variables = identity_storage(accountName="other") | {"AzureWebJobsStorage": CONNECTION}
    assert CollectorSettings.from_environment(variables).storage.connection_string == CONNECTION


@pytest.mark.parametrize(
    "settings",
    [
        {"accountName": "Not_An_Account"},
        {"accountName": "acc", "credential": "workload"},
        {"accountName": "acc", "clientId": "me"},
        {"tableServiceUri": "http://acc.table.core.windows.net"},
    ],
)
def test_wrong_identity_based_storage_is_reported(settings: dict[str, str]) -> None:
    problems = problems_of(identity_storage(**settings))
    assert len(problems) == 1
    assert next(iter(problems)).startswith("AzureWebJobsStorage__")


def test_storage_without_tables_says_what_to_set() -> None:
    problems = problems_of(identity_storage(blobServiceUri="https://acc.blob.core.windows.net"))
    assert "AzureWebJobsStorage__tableServiceUri" in problems["AzureWebJobsStorage"]


@pytest.mark.parametrize(
    ("authority", "arm", "monitor", "tables", "exchange"),
    [
        (
            "https://login.microsoftonline.us",
            "management.usgovcloudapi.net",
            "monitor.azure.us",
            "core.usgovcloudapi.net",
            "api://AzureADTokenExchangeUSGov",
        ),
        (
            "login.chinacloudapi.cn",
            "management.chinacloudapi.cn",
            "monitor.azure.cn",
            "core.chinacloudapi.cn",
            "api://AzureADTokenExchangeChina",
        ),
        (
            "https://login.microsoftonline.com/",
            "management.azure.com",
            "monitor.azure.com",
            "core.windows.net",
            "api://AzureADTokenExchange",
        ),
    ],
)
def test_the_authority_host_decides_the_cloud(
    authority: str, arm: str, monitor: str, tables: str, exchange: str
) -> None:
    settings = CollectorSettings.from_environment(
        identity_storage(accountName="acc") | {"AZURE_AUTHORITY_HOST": authority}
    )
    assert settings.cloud.resource_manager_endpoint == f"https://{arm}"
    assert settings.cloud.resource_manager_audience == f"https://{arm}"
    assert settings.cloud.monitor_audience == f"https://{monitor}"
    assert settings.cloud.token_exchange_audience == exchange
    assert settings.storage.table_service_uri == f"https://acc.table.{tables}"


def test_endpoints_of_a_cloud_of_ones_own_can_be_set() -> None:
    cloud = CollectorSettings.from_environment(
        MINIMUM
        | {
            "AZURE_AUTHORITY_HOST": "https://127.0.0.1:8443",
            "AZURE_RESOURCE_MANAGER_ENDPOINT": "https://127.0.0.1:9443/",
            "MONITOR_AUDIENCE": "https://monitor.example",
        }
    ).cloud
    assert cloud.authority_host == "https://127.0.0.1:8443"
    assert cloud.resource_manager_endpoint == cloud.resource_manager_audience == "https://127.0.0.1:9443"
    assert cloud.monitor_audience == "https://monitor.example"


def test_a_regional_endpoint_takes_the_tokens_of_its_cloud() -> None:
    cloud = Cloud(resource_manager_endpoint="https://westeurope.management.azure.com")
    assert cloud.resource_manager_audience == "https://management.azure.com"


@pytest.mark.parametrize(
    ("value", "signatures"),
    [(SIGNATURE, (SIGNATURE,)), (f"{SIGNATURE},{SIGNATURE[::-1]}", (SIGNATURE, SIGNATURE[::-1]))],
)
def test_one_signature_or_two_during_a_rotation(value: str, signatures: tuple[str, ...]) -> None:
    assert NotificationSettings.from_environment(MINIMUM | {"NOTIFICATION_SIGNATURE": value}).signatures == signatures


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
    with pytest.raises(SettingsError) as error:
        NotificationSettings.from_environment(MINIMUM | {"NOTIFICATION_SIGNATURE": value})
    assert [problem.split(":")[0] for problem in error.value.problems] == ["NOTIFICATION_SIGNATURE"]


def test_the_registry_alone_needs_no_way_into_the_tables() -> None:
    variables = {name: value for name, value in MINIMUM.items() if not name.startswith("DATA_COLLECTION")}
    assert SharedSettings.from_environment(variables).table_name == "applications"


def test_the_daily_job_and_the_operator_need_a_way_into_the_tables() -> None:
    assert ReconcileSettings.from_environment(MINIMUM).events_stream == "Custom-ManagedApplicationEvents_CL"
    lacking = {name: value for name, value in MINIMUM.items() if not name.startswith("DATA_COLLECTION")}
    with pytest.raises(SettingsError) as error:
        ReconcileSettings.from_environment(lacking)
    assert [problem.partition(":")[0] for problem in error.value.problems] == [
        "DATA_COLLECTION_ENDPOINT",
        "DATA_COLLECTION_IMMUTABLE_ID",
    ]


def test_the_webhook_needs_a_way_into_the_tables() -> None:
    signed = MINIMUM | {"NOTIFICATION_SIGNATURE": SIGNATURE}
    assert NotificationSettings.from_environment(signed).events_stream == "Custom-ManagedApplicationEvents_CL"
    lacking = {name: value for name, value in signed.items() if not name.startswith("DATA_COLLECTION")}
    with pytest.raises(SettingsError) as error:
        NotificationSettings.from_environment(lacking | {"EVENTS_STREAM_NAME": "ManagedApplicationEvents_CL"})
    assert [problem.partition(":")[0] for problem in error.value.problems] == [
        "DATA_COLLECTION_ENDPOINT",
        "DATA_COLLECTION_IMMUTABLE_ID",
        "EVENTS_STREAM_NAME",
    ]


def test_workload_identity_never_becomes_the_publisher() -> None:
    kubernetes = {"AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/token"}
    assert list(problems_with(**kubernetes)) == ["MANAGED_IDENTITY_CLIENT_ID"]
    settings = CollectorSettings.from_environment(MINIMUM | kubernetes | {"MANAGED_IDENTITY_CLIENT_ID": IDENTITY})
    assert settings.own_identity_client_id == IDENTITY
