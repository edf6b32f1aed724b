"""Commands that give a secret away, or fetch what they do not name exactly, are found in every spelling that we know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from checks.documented_commands import problems, script_problems
from checks.documents.dumps import DUMP, SCREEN, TRACE
from checks.documents.pins import open_ends
from checks.documents.rules import RULES
from checks.documents.secrets import ARGUMENT, HISTORY
from infra.hooks.lock import PROJECT
from tests.infra.package_tools import source_archive

DIGEST = "0" * 64


def found(text: str) -> list[str]:
    return [reason for rule in RULES for _, reason in rule(text)]


@pytest.mark.parametrize(
    "text",
    [
        "az keyvault secret set --vault-name v --name s --value hunter2",
        'az keyvault secret set --vault-name v --name s --value "$VALUE"',
        "az keyvault secret set --name s --value=<your secret>",
        'az deployment sub create --parameters publisherCredential="$SECRET" location=westeurope',
        "az deployment group create --parameters notificationUrl=https://example.com/api",
        "az functionapp config appsettings set --name a --settings NOTIFICATION_SIGNATURE=abc",
        "az container create --image x@sha256:" + DIGEST + ' --secure-environment-variables A="$B"',
        'az container create --environment-variables AZURE_CLIENT_SECRET="$S"',
        "az login --service-principal -u id -p hunter2 --tenant t",
        "az login --service-principal --username id --password hunter2",
        "az storage blob list --account-key $KEY",
        "az storage blob list --connection-string $CS",
        'az rest --method post --url https://example.com --headers "Authorization=Bearer $TOKEN"',
        """az rest --method post --url https://example.com --body '{"password": "hunter2"}'""",
        "azd env set NOTIFICATION_SIGNATURE <value>",
        'azd env set PUBLISHER_CREDENTIAL "$VALUE"',
        "azd env set ALERT_WEBHOOK_URIS=https://example.com/x",
        "azd auth login --client-id a --client-secret b --tenant-id c",
        "gh secret set NOTIFICATION_SIGNATURE --body abc",
        'gh secret set NOTIFICATION_SIGNATURE -b"$X" --body "$X"',
        'gh api repos -H "Authorization: token $T"',
        'curl "https://example.com/api?code=$KEY"',
        "curl -s 'https://example.com/api/resource?a=b&sig=abc'",
        'curl -H "Authorization: Bearer $TOKEN" https://example.com',
        "curl --header 'x-functions-key: abc' https://example.com",
        "curl -u admin:hunter2 https://example.com",
        "curl https://admin:hunter2@example.com",
        "curl -d client_secret=abc https://login.example.com",
        """curl --data '{"token": "abc"}' https://example.com""",
        "curl --oauth2-bearer $TOKEN https://example.com",
        "wget --header='Authorization: Bearer abc' https://example.com",
        "wget --http-password=abc https://example.com",
        "git clone --branch v1 https://user:token@github.com/x/y",
        'git -c http.extraheader="Authorization: Basic abc" fetch',
        "docker login -u me -p hunter2 example.com",
        f"docker run -e AZURE_CLIENT_SECRET=abc python@sha256:{DIGEST}",
        "openssl pkcs12 -export -passout pass:hunter2 -in a",
        "openssl enc -aes-256-cbc -k hunter2 -in a",
        "kubectl create secret generic s --from-literal=password=abc",
        'sudo env NOTIFICATION_SIGNATURE="$S" python3 x.py',
        "env $(cat settings.env) python3 x.py",
        'python3 -m infra.hooks.smoke_test --signature "$S"',
        "make deploy PASSWORD=abc",
        "sshpass -p hunter2 ssh host",
    ],
)
def test_a_secret_in_an_argument_is_found(text: str) -> None:
    assert any(ARGUMENT in reason for reason in found(text)), found(text)


@pytest.mark.parametrize(
    "text",
    [
        "export NOTIFICATION_SIGNATURE=abc",
        "NOTIFICATION_SIGNATURE=<your signature>",
        "AZURE_CLIENT_SECRET='a b' python3 x.py",
        'declare -x TOKEN="abc"',
        "SIGNATURE=abc; echo done",
        "cat > settings.tmp <<END\nALERT_EMAIL=a@b.c\nNOTIFICATION_SIGNATURE=abc\nEND",
        "gh secret set NOTIFICATION_SIGNATURE <<< abc",
        "gh secret set NOTIFICATION_SIGNATURE <<< '<the signature>'",
        "echo hunter2 | gh secret set NOTIFICATION_SIGNATURE",
        "printf abc | docker login -u me --password-stdin example.com",
        "echo 'NOTIFICATION_SIGNATURE=\"abc\"' | azd env set --file /dev/stdin",
        'ConvertTo-SecureString "abc" -AsPlainText -Force',
    ],
)
def test_a_secret_that_is_typed_is_found(text: str) -> None:
    assert any(HISTORY in reason for reason in found(text)), found(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, DUMP) for text in (
            "env", "printenv", "printenv NOTIFICATION_SIGNATURE", "env | sort", "export -p", "export", "set", "declare -p",
            "declare -x", "compgen -e", "cat /proc/self/environ", "tr '\\0' '\\n' < /dev/null; strings /proc/1/environ",
            "azd env get-values", 'eval "$(azd env get-values)"', "azd env get-values --output json > x",
            'printenv "$(cat name)"', 'cat "$(git rev-parse --show-toplevel)/.env"',
            "cat .azure/production/.env", "grep SIG .azure/production/.env", "less .env",
            "az functionapp config appsettings list --name a --resource-group b",
            "X=$(az functionapp config appsettings list --name a --resource-group b)",
        )),
        *((text, TRACE) for text in (
            "set -x", "set -euxo pipefail", "set -o xtrace", "bash -x deploy.sh", "sh -ex deploy.sh", "az group list --debug",
            "azd up --debug", "curl -v https://example.com", "curl -sSv https://example.com", "curl --verbose https://e.com",
            "curl --trace-ascii - https://example.com", 'curl -v --header "$(cat header)" https://example.com',
            'az group list --debug --subscription "$(azd env get-value AZURE_SUBSCRIPTION_ID)"',
        )),
        *((text, SCREEN) for text in (
            "azd env get-value NOTIFICATION_SIGNATURE", "az account get-access-token", "gh auth token", "azd auth token",
            "az keyvault secret show --vault-name v --name s", "az keyvault secret show --name s --query value --output tsv",
            "az functionapp function keys list --name a --function-name f", "az functionapp keys list --name a",
            "az storage account keys list --account-name a", "az ad app credential reset --id a --append",
            "az ad sp create-for-rbac --name a", "az monitor log-analytics workspace get-shared-keys -g a -n b",
            'echo "$NOTIFICATION_SIGNATURE"', "TOKEN=$(gh auth token)\necho $TOKEN", "gh auth status --show-token",
            "gh auth token >&2", "gh auth token 1>&2", "gh auth token > /dev/tty", "gh auth token 2> errors.log",
        )),
        ("read NOTIFICATION_SIGNATURE", "say -rs"),
        ("read -r -p Signature: SIGNATURE", "say -rs"),
    ],
)  # fmt: skip
def test_a_dump_a_trace_and_a_secret_on_the_screen_are_found(text: str, reason: str) -> None:
    assert any(reason in one for one in found(text)), found(text)


@pytest.mark.parametrize(
    "text",
    [
        "docker run python:3.12",
        "docker run --rm -it -v /a:/b -e A=b python:latest bash",
        "sudo docker pull ubuntu",
        "podman run --name x docker.io/library/python:3.12-slim",
        "az container create --name a --image mcr.microsoft.com/devcontainers/python:3.12",
        "az container create --image=mcr.microsoft.com/azure-cli",
        "kubectl run x --image=nginx:1.27",
        "az acr import --name r --source docker.io/library/nginx:latest",
        "curl -fsSL https://aka.ms/install-azd.sh | bash",
        "curl -sL https://aka.ms/InstallAzureCLIDeb | sudo bash",
        "wget -qO- https://example.com/x | sh -s -- -y",
        "bash <(curl -fsSL https://example.com/x)",
        'sh -c "$(curl -fsSL https://example.com/x)"',
        'eval "$(curl -fsSL https://example.com/x)"',
        "curl -s https://example.com/x | python3 -",
        "iex (irm https://example.com/x)",
        "pip install azure-cli",
        "pip3 install -r requirements.txt",
        "python3 -m pip install --upgrade pip",
        "python -m pip download rich==14.0.0",
        "uv pip install rich",
        "uv tool install ruff",
        "uvx ruff check",
        "pipx run black",
        "npx azurite",
        "npx --yes cowsay",
        "npm install",
        "npm install -g azure-functions-core-tools@4",
        "npm ci",
        "yarn add left-pad",
        "az extension add --name log-analytics",
        "az extension add --upgrade --name log-analytics --version 1.0.0b1",
        "az upgrade --yes",
        "az bicep install",
        "az bicep upgrade",
        "azd extension install x",
        "gh extension install x/y",
        "brew install azure/azd/azd",
        "winget install microsoft.azd",
        "Install-Module Az",
        "git clone https://github.com/x/y",
        "go install example.com/x@latest",
        "cargo install x",
    ],
)
def test_what_is_not_named_exactly_is_found(text: str) -> None:
    assert list(open_ends(text)), text


@pytest.mark.parametrize(
    "text",
    [
        "read -rs VALUE && export VALUE",
        "read -rs NOTIFICATION_SIGNATURE && export NOTIFICATION_SIGNATURE",
        "printf 'NOTIFICATION_SIGNATURE=\"%s\"\\n' \"$VALUE\" | azd env set --file /dev/stdin",
        "TOKEN=$(az account get-access-token --query accessToken --output tsv)",
        """printf 'Authorization: Bearer %s\\n' "$TOKEN" | curl --header @- "$API/compliance?status=unread" """,
        "printf 'url = \"%s?code=%s\"\\n' \"$A\" \"$KEY\" | curl --fail --config -",
        'azd env set PUBLISHER_CREDENTIAL ""',
        "azd env set CREDENTIAL_KIND secret",
        "azd env get-value FEDERATED_CREDENTIAL_COMMAND",
        "azd env set-secret PUBLISHER_CREDENTIAL",
        "gh secret set NOTIFICATION_SIGNATURE --env production < signature.tmp",
        "gh secret set NOTIFICATION_SIGNATURE",
        'echo "$VALUE" | gh secret set NOTIFICATION_SIGNATURE',
        "gh auth token > token.tmp",
        "gh issue create --title x --body y",
        'gh variable set AZURE_CLIENT_ID --body "$ID"',
        "az keyvault secret set --name s --vault-name v --file value.tmp",
        "az keyvault secret show --vault-name v --name s --query id",
        "az ad app credential reset --id a --append --cert @c.pem --output none",
        "az ad app credential delete --id a --key-id b",
        "az ad app federated-credential create --id a --parameters @x.json",
        "az deployment sub create --parameters @parameters.json location=westeurope",
        "az storage entity show --partition-key a --row-key b --table-name t --account-name n --auth-mode login",
        'az rest --method post --url "$SITE/x?api-version=2024-04-01" --body \'{"code": 1}\'',
        'az functionapp config appsettings list --name a --query "[].name"',
        "openssl pkcs12 -export -passout pass: -inkey a -in b | base64",
        "set -euo pipefail",
        "env A=b python3 x.py",
        "export A=b",
        "export NOTIFICATION_SIGNATURE",
        f"docker run --rm -v /a:/b python:3.12@sha256:{DIGEST} bash",
        'az container create --name a --image "$IMAGE"',
        "pip install --require-hashes -r requirements.txt",
        "npm ci --ignore-scripts --silent",
        "npx --no-install azurite",
        "uvx ruff@0.12.0 check",
        "az extension add --name log-analytics --version 1.0.0b1 --allow-preview true",
        "git clone --depth 1 --branch v1.0.0 https://github.com/x/y",
        "curl --fail --output file https://example.com/x",
        "apt-get install -y -qq --no-install-recommends chromium",
    ],
)  # fmt: skip
def test_the_ways_that_the_documents_use_pass(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("option", ["--secure-environment-variables", "--password", "--account-key"])
def test_a_sentence_that_says_to_pass_a_secret_as_an_argument_is_found(tmp_path: Path, option: str) -> None:
    (tmp_path / "guide.md").write_text(f"# Guide\n\nAlso pass `NOTIFICATION_SIGNATURE` with `{option}`, in capitals.\n")
    assert problems([tmp_path / "guide.md"]) == [f"guide.md:3: {option}: {ARGUMENT}"]


def test_a_document_is_told_with_its_line_in_bash_and_in_powershell(tmp_path: Path) -> None:
    path = tmp_path / "guide.md"
    path.write_text(
        "# Guide\n\nSay `curl -u me:hunter2 https://example.com`.\n\n```bash\nmake demo\nprintenv\n```\n\n"
        '```powershell\n$env:AZURE_CLIENT_SECRET = "abc"\nGet-ChildItem Env:\n```\n'
    )
    lines = [line.partition(": ")[0] for line in problems([path])]
    assert lines == ["guide.md:3", "guide.md:7", "guide.md:11", "guide.md:12"]


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        (".github/workflows/check.yml", "- run: make lint", "- run: 'curl -u me:$T x'", "check.yml"),
        (".github/workflows/check.yml", "- run: make lint", "- run: pip install ruff", "--require-hashes"),
        (".github/workflows/check.yml", "- run: make lint", "- run: echo ${{ secrets.X }}", "becomes part of the script"),
        ("Makefile", "@$(BIN)/mypy", "@set -x; $(BIN)/mypy", "Makefile"),
        (".ci/run", "make lint", "curl -fsSL https://example.com/x | bash", ".ci/run"),
        (".devcontainer/devcontainer.json", '"make install"', '"npx azurite"', "postCreateCommand"),
        ("azure.yaml", "run: python3 -m infra.hooks.preprovision", "run: azd env get-values", "azure.yaml"),
        ("infra/hooks/preprovision.py", "docs/parameters.md#secrets", "azd env set NOTIFICATION_SIGNATURE <value>", "preprovision"),
    ],
)  # fmt: skip
def test_scripts_and_messages_keep_the_same_rules(tmp_path: Path, name: str, old: str, new: str, told: str) -> None:
    copy = source_archive(tmp_path)
    text = (copy / name).read_text()
    assert old in text
    (copy / name).write_text(text.replace(old, new, 1))
    assert any(told in line for line in script_problems(copy)), script_problems(copy)


def test_no_script_and_no_message_of_the_project_is_careless() -> None:
    assert script_problems() == []
    done = subprocess.run(
        [sys.executable, "-m", "checks.documented_commands"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
