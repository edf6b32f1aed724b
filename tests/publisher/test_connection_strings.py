"""Connection strings: what is taken opens both clients, what cannot open one is told by name and never shown."""

import base64

import pytest
from azure.data.tables.aio import TableClient
from azure.storage.queue.aio import QueueClient

from publisher.settings import CollectorSettings, NotificationSettings
from tests.publisher.minimum import CONNECTION, FRONT, KEY, MINIMUM, problems_of

SHORT = base64.b64encode(b"short").decode()
SIGNED = "SharedAccessSignature=sv=2024-11-04&sig=abc%3D"
BOTH = "TableEndpoint=https://acc.table.core.windows.net/;QueueEndpoint=https://acc.queue.core.windows.net/"
EMULATOR = "TableEndpoint=http://127.0.0.1:10002/a;QueueEndpoint=http://127.0.0.1:10001/a"
WRAPPED = f"{KEY[:40]}\n  {KEY[40:]}"

OPEN = (
    "UseDevelopmentStorage=true",
    "usedevelopmentstorage=True",
    "UseDevelopmentStorage=true;",
    CONNECTION,
    f"AccountName=acc;AccountKey={KEY}",
    f"accountname=acc;ACCOUNTKEY={KEY}",
    f";AccountName=acc;;AccountKey={KEY};;",
    f"AccountName=acc;AccountKey={KEY};\n",
    f"AccountName=acc;AccountKey={WRAPPED}",
    f"AccountName=acc;AccountKey= {KEY}",
    f"AccountName=acc;AccountKey={KEY};SomethingNew=1",
    f"AccountName=acc;AccountKey={KEY};EndpointSuffix=core.windows.net/",
    f"DefaultEndpointsProtocol=HTTPS;AccountName=acc;AccountKey={KEY};EndpointSuffix=core.windows.net",
    f"AccountName=acc;AccountKey={KEY};EndpointSuffix=storage.of.ones.own",
    f"AccountName=a;AccountKey={SHORT};{EMULATOR};",
    f"AccountName=a;AccountKey={KEY};{EMULATOR};QueueSecondaryEndpoint=http://127.0.0.1:10003/a",
    f"AccountName=acc;AccountKey={KEY};TableEndpoint=acc.table.core.windows.net",
    f"AccountName=acc;{SIGNED}",
    f"{BOTH};{SIGNED}",
    f"{BOTH};SharedAccessSignature=?sv=1&sig=x",
    f"BlobEndpoint=https://acc.blob.core.windows.net;{BOTH};{SIGNED}",
)


def key_of(client: TableClient | QueueClient) -> str | None:
    """The account key that a client signs with; None for a client with a signature."""
    named = getattr(client.credential, "named_key", None)
    return named.key if named else getattr(client.credential, "account_key", None)


@pytest.mark.parametrize("connection", OPEN)
async def test_what_is_taken_opens_a_table_and_a_queue(connection: str) -> None:
    worker = CollectorSettings.from_environment(MINIMUM | {"AzureWebJobsStorage": connection}).storage
    front = NotificationSettings.from_environment(FRONT | {"NOTIFICATIONS": connection}).queue
    assert worker.connection_string is not None
    assert worker.connection_string == front.connection_string
    async with (
        TableClient.from_connection_string(worker.connection_string, "applications") as table,
        QueueClient.from_connection_string(worker.connection_string, "notifications") as queue,
    ):
        assert table.url.startswith(("https://", "http://127.0.0.1:10002/"))
        for client in (table, queue):
            key = key_of(client)
            assert key is None or base64.b64decode(key, validate=True)


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ("UseDevelopmentStorage=false", "UseDevelopmentStorage=true"),
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://host", "goes alone"),
        ("AccountName=acc", "neither AccountKey nor SharedAccessSignature"),
        ("storage", "not a storage connection string"),
        (f"https://acc.queue.core.windows.net?{SIGNED}", "not a storage connection string"),
        (f"AccountName=acc;{KEY}", "a part without a value|neither AccountKey"),
        (f"AccountKey={KEY}", "no AccountName"),
        (f"AccountName=acc; AccountKey={KEY}", "white space or a line break around AccountKey"),
        (f"AccountName=acc;\r\nAccountKey={KEY}", "white space or a line break around AccountKey"),
        (f"AccountName =acc;AccountKey={KEY}", "around AccountName"),
        (f"AccountName= acc;AccountKey={KEY}", "around AccountName"),
        (f'AccountName="acc";AccountKey={KEY}', "quotation marks around AccountName"),
        (f"AccountName=acc;AccountKey='{KEY}'", "quotation marks around AccountKey"),
        (f'"AccountName=acc;AccountKey={KEY}"', "in quotation marks"),
        (f"AccountName=;AccountKey={KEY}", "AccountName without a value"),
        ("AccountName=acc;AccountKey=", "AccountKey without a value"),
        (f"AccountName=acc;AccountKey={KEY};EndpointSuffix=", "EndpointSuffix without a value"),
        (f"AccountName=acc;AccountKey={KEY};=x", "a part without a name"),
        (f"AccountName=acc;AccountName=bcc;AccountKey={KEY}", "AccountName twice"),
        (f"AccountName=acc;AccountKey={KEY};accountKey={KEY}", "AccountKey twice"),
        (f"AccountName=acc;AccountKey={KEY[:-3]}", "not base64"),
        (f"AccountName=acc;AccountKey={KEY[:-4]}", "88 characters"),
        (f"AccountName=acc;AccountKey={KEY[:40]}", "88 characters"),
        (f"AccountName=acc;AccountKey={KEY[:40]};{KEY[40:]}", "without a value|88 characters"),
        (f"AccountName=acc;AccountKey={KEY[:-6]}-_==", "not base64"),
        (f"AccountName=a;AccountKey=%;{EMULATOR}", "not base64"),
        (f"AccountName=My_Account;AccountKey={KEY}", "AccountName that is none"),
        (f"AccountName=ac;AccountKey={KEY}", "AccountName that is none"),
        (f"AccountName=acc;AccountKey={KEY};EndpointSuffix=https://core.windows.net", "EndpointSuffix"),
        (f"AccountName=acc;AccountKey={KEY};EndpointSuffix=core..net", "an EndpointSuffix"),
        (f"AccountName=acc;AccountKey={KEY};EndpointSuffix=blob.core.windows.net", "set core.windows.net"),
        (f"AccountName=acc;AccountKey={KEY};EndpointSuffix=table.core.windows.net", "set core.windows.net"),
        (f"AccountName=acc;AccountKey={KEY};EndpointSuffix=acc.queue.core.windows.net", "set core.windows.net"),
        (f"AccountName=acc;AccountKey={KEY};QueueEndpoint=https://acc.table.core.windows.net", "not the queue service"),
        (f"AccountName=acc;AccountKey={KEY};TableEndpoint=https://acc.file.core.windows.net", "not the table service"),
        (f"AccountName=acc;AccountKey={KEY};TableEndpoint=https://bcc.table.core.windows.net", "not of the account"),
        (
            f"AccountName=acc;AccountKey={KEY};QueueEndpoint=https://bcc.z1.queue.storage.azure.net",
            "not of the account",
        ),
        (f"DefaultEndpointsProtocol=ftp;AccountName=acc;AccountKey={KEY}", "DefaultEndpointsProtocol"),
        (f"DefaultEndpointsProtocol=http;AccountName=acc;AccountKey={KEY}", "by http"),
        (f"AccountName=acc;AccountKey={KEY};TableEndpoint=ftp://host", "TableEndpoint"),
        (f"AccountName=acc;AccountKey={KEY};QueueEndpoint=https://host?sig=1", "QueueEndpoint"),
        (f"AccountName=acc;AccountKey={KEY};QueueEndpoint=https://a b", "QueueEndpoint"),
        (f"AccountName=acc;AccountKey={KEY};TableEndpoint=https://[::1;QueueEndpoint=[::1", "TableEndpoint"),
        (f"AccountName=acc;AccountKey={KEY};EndpointSuffix=[::1", "EndpointSuffix"),
        (f"AccountName=acc;AccountKey={KEY};QueueSecondaryEndpoint=https://host", "QueueSecondaryEndpoint and no"),
        (f"{BOTH};SharedAccessSignature=sv=2024-11-04", "without sig"),
        (f"{BOTH};SharedAccessSignature=sv=1&sig=a b", "white space in it"),
        (SIGNED, "nobody knows where the service is"),
    ],
)
def test_what_opens_no_client_is_told_and_not_shown(connection: str, said: str) -> None:
    worker = problems_of(MINIMUM | {"AzureWebJobsStorage": connection})
    front = problems_of(FRONT | {"NOTIFICATIONS": connection}, NotificationSettings.from_environment)
    assert (list(worker), list(front)) == (["AzureWebJobsStorage"], ["NOTIFICATIONS"])
    for told in (*worker.values(), *front.values()):
        assert any(one in told for one in said.split("|"))
        assert all(piece not in told for piece in (KEY[:20], KEY[40:60], "sig=a"))


def test_each_app_needs_the_service_that_it_uses() -> None:
    tables, queues = (f"{endpoint};{SIGNED}" for endpoint in BOTH.split(";"))
    worker = CollectorSettings.from_environment(MINIMUM | {"AzureWebJobsStorage": tables})
    assert not worker.storage.has_queues
    own = {"AzureWebJobsStorage": f"AccountName=a;AccountKey={SHORT};{EMULATOR.partition(';')[0]}"}
    assert CollectorSettings.from_environment(MINIMUM | own).storage.connection_string == own["AzureWebJobsStorage"]
    fan_out = {"AzureWebJobsStorage": tables, "COLLECTION_MODE": "fan-out"}
    assert "queue service" in problems_of(MINIMUM | fan_out)["COLLECTION_MODE"]
    assert "TableEndpoint" in problems_of(MINIMUM | {"AzureWebJobsStorage": queues})["AzureWebJobsStorage"]
    assert NotificationSettings.from_environment(FRONT | {"NOTIFICATIONS": queues}).queue.has_queues
    told = problems_of(FRONT | {"NOTIFICATIONS": tables}, NotificationSettings.from_environment)
    assert "QueueEndpoint" in told["NOTIFICATIONS"]


@pytest.mark.parametrize(
    ("parts", "has_blobs"),
    [
        ("", True),
        ("BlobEndpoint=http://127.0.0.1:1/a;TableEndpoint=http://127.0.0.1:2/a;", True),
        ("TableEndpoint=http://127.0.0.1:2/a;", False),
    ],
)
def test_who_names_a_table_service_of_its_own_names_the_blob_service_too_or_has_none(
    parts: str, has_blobs: bool
) -> None:
    variables = MINIMUM | {"AzureWebJobsStorage": f"{CONNECTION};{parts}"}
    assert CollectorSettings.from_environment(variables).storage.has_blobs is has_blobs
