"""The worker's storage account, and the queue that the front sends to: a connection string, or a managed identity."""

import pytest

from publisher.settings import CollectorSettings, NotificationSettings
from tests.publisher.minimum import CONNECTION, FRONT, IDENTITY, identity_storage, problems_of

read_front = NotificationSettings.from_environment


def test_an_account_name_means_identity_based_storage() -> None:
    storage = CollectorSettings.from_environment(identity_storage(accountName="acc1")).storage
    assert storage.connection_string is None
    assert storage.table_service_uri == "https://acc1.table.core.windows.net"
    assert storage.queue_service_uri == "https://acc1.queue.core.windows.net"
    assert storage.identity_client_id is None


def test_service_uris_and_a_user_assigned_identity_are_taken_from_the_functions_conventions() -> None:
    variables = identity_storage(
        tableServiceUri="https://acc.table.storage.example/",
        queueServiceUri="https://acc.queue.storage.example",
        credential="managedidentity",
        clientId=IDENTITY,
    )
    storage = CollectorSettings.from_environment(variables).storage
    assert storage.table_service_uri == "https://acc.table.storage.example"
    assert storage.queue_service_uri == "https://acc.queue.storage.example"
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


def front_with(**settings: str) -> dict[str, str]:
    """The front's settings with these of its queue instead of the usual one."""
    rest = {"NOTIFICATION_SIGNATURE": FRONT["NOTIFICATION_SIGNATURE"]}
    return rest | {f"NOTIFICATIONS__{name}": value for name, value in settings.items()}


def test_the_front_reaches_the_queue_with_its_own_identity() -> None:
    queue = read_front(FRONT).queue
    assert queue.queue_service_uri == "https://worker.queue.core.windows.net"
    assert (queue.connection_string, queue.table_service_uri, queue.identity_client_id) == (None, None, None)
    assert read_front(FRONT | {"MANAGED_IDENTITY_CLIENT_ID": IDENTITY}).queue.identity_client_id == IDENTITY
    named = front_with(
        queueServiceUri="worker.queue.core.windows.net/", credential="managedidentity", clientId=IDENTITY
    )
    assert read_front(named).queue == read_front(FRONT | {"MANAGED_IDENTITY_CLIENT_ID": IDENTITY}).queue


def test_the_name_of_the_workers_account_is_enough_in_every_cloud() -> None:
    assert read_front(front_with(accountName="worker")).queue == read_front(FRONT).queue
    government = front_with(accountName="worker") | {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us"}
    assert read_front(government).queue.queue_service_uri == "https://worker.queue.core.usgovcloudapi.net"


def test_the_fronts_own_storage_is_never_its_queue() -> None:
    hosts = {name: value for name, value in identity_storage(accountName="front").items() if "Storage" in name}
    assert read_front(FRONT | hosts | {"AzureWebJobsStorage": CONNECTION}) == read_front(FRONT)
    lacking = {"NOTIFICATION_SIGNATURE": FRONT["NOTIFICATION_SIGNATURE"], **hosts}
    problems = problems_of(lacking, read_front)
    assert list(problems) == ["NOTIFICATIONS__queueServiceUri"]
    assert "the worker's storage account" in problems["NOTIFICATIONS__queueServiceUri"]


def test_a_connection_string_for_the_queue_wins() -> None:
    queue = read_front(FRONT | {"NOTIFICATIONS": CONNECTION}).queue
    assert (queue.connection_string, queue.queue_service_uri) == (CONNECTION, None)
    assert list(problems_of(FRONT | {"NOTIFICATIONS": "AccountName=acc"}, read_front)) == ["NOTIFICATIONS"]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"accountName": "Not_An_Account"}, "accountName"),
        ({"queueServiceUri": "http://worker.queue.core.windows.net"}, "queueServiceUri"),
        ({"accountName": "worker", "credential": "workload"}, "credential"),
        ({"accountName": "worker", "clientId": "me"}, "clientId"),
    ],
)
def test_a_wrong_queue_is_the_one_problem(settings: dict[str, str], name: str) -> None:
    assert list(problems_of(front_with(**settings), read_front)) == [f"NOTIFICATIONS__{name}"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("queueServiceUri", "https://worker.blob.core.windows.net", "is not the queue service"),
        ("queueServiceUri", "https://worker.table.core.windows.net", "is not the queue service"),
        ("queueServiceUri", "https://worker.queue.core.windows.net/notifications", "has a path"),
        ("queueServiceUri", "https://worker.z1.blob.storage.azure.net", "is not the queue service"),
    ],
)
def test_an_address_of_another_service_is_no_queue(name: str, value: str, said: str) -> None:
    assert said in problems_of(front_with(**{name: value}), read_front)[f"NOTIFICATIONS__{name}"]
    swapped = value.replace("queue", "table") if "/notif" in value else "https://acc.queue.core.windows.net"
    expected = said.replace("queue", "table")
    assert list(problems_of(identity_storage(tableServiceUri=swapped))) == ["AzureWebJobsStorage__tableServiceUri"]
    assert expected.split()[0] in problems_of(identity_storage(tableServiceUri=swapped)).popitem()[1]
    endpoint = f"{CONNECTION};QueueEndpoint={value}"
    assert said in problems_of(FRONT | {"NOTIFICATIONS": endpoint}, read_front)["NOTIFICATIONS"]


@pytest.mark.parametrize(
    "uri",
    ["https://acc.queue.core.windows.net", "https://acc.z1.queue.storage.azure.net", "https://localhost:1/blob/acc"],
)
def test_an_address_of_the_queue_service_or_of_ones_own_is_taken(uri: str) -> None:
    assert read_front(front_with(queueServiceUri=uri)).queue.queue_service_uri == uri
