"""What of Azure's messages is shown: every ordinary word, and no secret, whatever carries it."""

from __future__ import annotations

import base64
import html
import json
import string
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors.masking import masked
from publisher.errors.wording import wording

MARK = "Zq7"
"""Stands at the beginning, in the middle and at the end of each secret: no part of one may be left."""

NAMES = [
    "Pwd", "Password", "adminPassword", "secret", "clientSecret", "client_secret", "AZURE_CLIENT_SECRET", "AccountKey", "SharedAccessKey",
    "SharedAccessSignature", "x-functions-key", "Ocp-Apim-Subscription-Key", "api-key", "primaryKey", "access_token", "refresh_token",
    "client_assertion", "connectionString", "Authorization", "passphrase",
]  # fmt: skip
PLAIN = string.ascii_letters + string.digits + "!#$%*+-./=?@^_~"
TIMES_ENCODED = {
    "once": lambda text: quote(text, safe=""),
    "twice": lambda text: quote(quote(text, safe=""), safe=""),
}


def _with_mark(parts: tuple[str, str]) -> str:
    return f"{MARK}{parts[0]}{MARK}{parts[1]}{MARK}"


plain = st.tuples(st.text(PLAIN, max_size=30), st.text(PLAIN, max_size=30)).map(_with_mark)
anything = st.tuples(st.text(max_size=20), st.text(max_size=20)).map(_with_mark)

BARE: Mapping[str, Callable[[str, str], str]] = {
    "assignment": lambda name, secret: f"The setting {name}={secret} is wrong.",
    "assignment with blanks": lambda name, secret: f"{name} = {secret}\nis wrong.",
    "header": lambda name, secret: f"GET / HTTP/1.1\r\n{name}: {secret}\r\nAccept: text/html",
    "header of a scheme": lambda name, secret: f"{name}: Bearer {secret}, and more",
    "connection string": lambda name, secret: f"Server=tcp:x,1433;User ID=bob;{name}={secret}",
    "connection string in lines": lambda name, secret: f"AccountName=x;\n{name}={secret};\nEndpointSuffix=y",
}  # fmt: skip
QUOTED: Mapping[str, Callable[[str, str], str]] = {
    "JSON": lambda name, secret: json.dumps({"a": 1, name: secret, "b": "c"}),
    "JSON in letters of all scripts": lambda name, secret: json.dumps({name: secret}, ensure_ascii=False, indent=2),
    "JSON in JSON": lambda name, secret: json.dumps({"message": json.dumps({name: secret, "b": "c"})}),
    "JSON in JSON in JSON": lambda name, secret: json.dumps(json.dumps(json.dumps({name: secret}))),
    "JSON in HTML": lambda name, secret: html.escape(json.dumps({name: secret})),
    "a parameter of a template": lambda name, secret: json.dumps({name: {"value": secret.replace("}", "")}}),
    "a list": lambda name, secret: json.dumps({name: [secret.replace("]", "")]}),
    "an app setting": lambda name, secret: json.dumps([{"name": name, "value": secret, "slotSetting": False}]),
    "Python": lambda name, secret: str({name: secret.replace('"', "")}),
    "XML": lambda name, secret: f"<a><{name}>{html.escape(secret)}</{name}></a>",
    "XML with a prefix": lambda name, secret: f'<m:{name} xml:lang="en">{html.escape(secret)}</m:{name}>',
    "XML in XML": lambda name, secret: html.escape(f"<{name}>{html.escape(secret)}</{name}>"),
    "a named element": lambda name, secret: f'<Property Name="{name}">{html.escape(secret)}</Property>',
    "CDATA": lambda name, secret: f"<{name}><![CDATA[{secret.replace(']', '')}]]></{name}>",
    "web.config": lambda name, secret: f'<add key="{name}" value="{html.escape(secret)}" />',
    "connection string": lambda name, secret: f"{name}='{secret.replace(chr(39), chr(39) * 2)}';Server=x",
}  # fmt: skip
ENCODED: Mapping[str, Callable[[str, str], str]] = {
    "query": lambda name, secret: f"https://x/y?a=b&{name}={secret}&c=d",
    "first of a query": lambda name, secret: f"'https://x/y?{name}={secret}' was refused",
    "query in HTML": lambda name, secret: f"https://x/y?a=b&amp;{name}={secret}&amp;c=d",
    "form": lambda name, secret: f"{name}={secret}&grant_type=client_credentials",
    "encoded query": lambda name, secret: quote(f"https://x/y?a=b&{name}={secret}&c=d", safe=""),
    "query in JSON": lambda name, secret: f"https://x/y?a=b\\u0026{name}\\u003d{secret}\\u0026c\\u003dd",
}  # fmt: skip


@given(st.sampled_from(NAMES), st.sampled_from(sorted(BARE)), plain)
def test_no_named_secret_survives_as_it_is(name: str, carrier: str, secret: str) -> None:
    text = BARE[carrier](name, secret)
    for spelled in (
        text,
        text.upper().replace(MARK.upper(), MARK),
        quote(text),
        quote(text, safe=""),
        json.dumps(text),
    ):
        assert MARK not in wording(spelled), spelled


@given(st.sampled_from(NAMES), st.sampled_from(sorted(QUOTED)), anything)
def test_no_named_secret_survives_in_a_document(name: str, carrier: str, secret: str) -> None:
    text = QUOTED[carrier](name, secret)
    assert MARK not in wording(text), text


@given(
    st.sampled_from([*NAMES, "sig", "code", "key"]), st.sampled_from(sorted(ENCODED)), st.sampled_from(["once", "twice"]), anything
)  # fmt: skip
def test_no_secret_survives_in_an_address(name: str, carrier: str, times: str, secret: str) -> None:
    if carrier == "form" and name in {"code", "key"}:  # without "?" or "&" before them these are ordinary words
        return
    text = ENCODED[carrier](name, TIMES_ENCODED[times](secret.encode("utf-8", "replace").decode()))
    assert MARK not in wording(text), text


@given(st.text(PLAIN.replace("%", ""), min_size=1, max_size=80))
def test_who_signs_in_is_not_told(words: str) -> None:
    user = f"{MARK}{words}{MARK}".translate(str.maketrans("", "", "/?#"))
    for address in (f"https://bob:{user}@host/x", f"https://{user}@host", f"amqps://bob:{user}@host:5671, not there"):
        for spelled in (address, quote(address, safe=""), address.replace("/", "\\/")):
            assert MARK not in wording(spelled), spelled


@given(st.binary(min_size=32, max_size=600))
def test_nameless_keys_and_tokens_are_not_told(content: bytes) -> None:
    standard, addressed = base64.b64encode(content).decode(), base64.urlsafe_b64encode(content).decode()
    token = f"eyJ{addressed.rstrip('=')}.{addressed.rstrip('=')}.{addressed.rstrip('=')}"
    tokens = [
        token,
        f"code{token}",
        f"Bearer 1{addressed}",
        f"SharedKey store:{standard}",
        f"SharedKeyLite s:{standard}",
        f"Basic {standard}",
    ]
    tokens += [
        one for one in (standard, addressed, quote(standard, safe="")) if one.endswith(("=", "%3D")) and len(one) >= 44
    ]
    for one in tokens:
        told = wording(f"It got {one} and refused it.")
        assert "…" in told
        assert told.startswith("It got ")
        assert told.endswith(" and refused it.")
        assert one[-14:-3] not in told


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic Zq7dXNlcg==", "Basic Zq7lcg==", "Bearer Zq7opaque", "Bearer%20Zq7opaque", "authorization=bearer Zq7",
        "AccountKey=\nZq7abc", "AccountKey=Zq7abcdefghijk\r\n  Zq7lmnopq==;EndpointSuffix=x", 'Password="Zq7 a;""b Zq7";Server=x',
        "Password=a Zq7 b;Server=x", "-----BEGIN RSA PRIVATE KEY-----\nZq7\nZq7\n-----END RSA PRIVATE KEY-----", "abc8Q~" + "Zq7" * 11,
        "SharedAccessSignature sr=sb%3A%2F%2Fx&sig=Zq7&se=1", "SharedAccessSignature=sv=2024&sig=Zq7;x=y", "0.AXEA" + "Zq7-_" * 60,
        "Set-Cookie: ARRAffinity=Zq7", '{"password": "Zq7 is cut off', "https://host?a=b" + "x" * 3975 + " https://bob:Zq7@host",
    ],
)  # fmt: skip
def test_no_secret_survives_in_a_form_of_its_own(text: str) -> None:
    assert MARK not in wording(text)


@pytest.mark.parametrize(
    "text",
    [
        "code: ResourceNotFound", '"code": "ResourceNotFound"', '{"error": {"code": "X", "key": "environment"}}', "code=ResourceNotFound",
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the client secret value, not the client secret ID.",
        "AADSTS7000222: The provided client secret keys for app '11111111-2222-4333-8444-555555555555' are expired.",
        "AADSTS700027: The certificate with identifier used to sign the client assertion is expired on application.",
        "The client 'a@b.example' with object id '1' does not have authorization to perform action 'Microsoft.Authorization/policyAssignments/read' over scope '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/password-reset'.",
        "Resource provider Microsoft.Authorization: not registered", "Key based authentication is not permitted on this storage account.",
        "Bearer authentication is required", 'Bearer realm="", error="insufficient_claims"', "The Basic SKU is retired.", "Basic authentication is off.",
        "SharedKey authentication is disabled", "The MAC signature found in the HTTP request is not the same as any computed signature.",
        "The secret kv-shop/db was not found in this key vault.", "SharedAccessKeyName=RootManageSharedAccessKey", "PartitionKey=a;RowKey=b",
        "https://learn.microsoft.com/azure/policy?tabs=portal#tokens", "Unexpected token: StartObject", "The token expired: sign in again.",
        "Required parameters: 'clientId', 'clientSecret', 'tenantId'.", "Name 'keyvault-prod-westeurope-0001' is taken; see https://aka.ms/names.",
        "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/Shop1",
        "EnvironmentCredential: authentication unavailable.", "Password=;Server=x",
    ],
)  # fmt: skip
def test_ordinary_words_survive(text: str) -> None:
    assert wording(text) == text


def test_the_name_of_a_secret_and_what_stands_around_it_survive() -> None:
    assert wording("Server=x;Password=hunter2;Database=y") == "Server=x;Password=…;Database=y"
    assert wording("https://x/y?sig=abc&api-version=1 was refused") == "https://x/y?sig=…&api-version=1 was refused"
    assert wording("<clientSecret>a b</clientSecret> is old") == "<clientSecret>…</clientSecret> is old"


@pytest.mark.parametrize(
    "piece",
    [
        "pwd=", "password: ", '"secret": "', "secret", "client_", "a", "A", "a-", "=", "\\", '"', "'", "%25", "%", "x%2B", "<secret", "<secret>",
        "<a", "&lt;", "&amp;", "pwd=&", "eyJ", "eyJ.", "://", "://a:", "%3A%2F%2F", "bearer ", "basic aaaaaaaa ", "sharedkey ", "pwd=\n", "pwd=a\naaaa",
        "pwd[", "pwd={", "pwd= a ;", "1Q~", "abc1Q~aaaa", "-----BEGIN PRIVATE KEY-----", "?code=", 'secret" , "value" ', "\\u0022", " ", "\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "pwd=", 'Password="', "<pwd>"])
def test_hostile_texts_take_time_in_proportion_to_their_length(before: str, piece: str) -> None:
    text = before + (piece * 200_000)[:200_000]
    began = time.process_time()
    masked(text)
    assert len(wording(text)) <= 4000
    assert time.process_time() - began < 3
