"""The federated credential by which an app registration trusts the function app's managed identity.

The hooks never create it, because that takes rights on the registration which whoever deploys may not have: they look
whether it is there and right, and print the command. A missing one is never in the way of a deployment, since the
identity that it names exists only after the first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.hooks.azure_cli import ListAnswer, ObjectAnswer, ask_list, ask_object, text, texts
from infra.hooks.names import environment_of
from infra.hooks.report import Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.hooks.account import Account

IDENTITY_PREFIX: Final = "id-app-"
"""Beginning of the name of the app's identity, see main.bicep and abbreviations.json."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What Entra ID compares: a token of this issuer, for this subject and this audience, is accepted."""

    name: str
    issuer: str
    subject: str
    audience: str

    def document(self) -> dict[str, Any]:
        """Return the credential as Microsoft Graph takes it, without its name."""
        return {"issuer": self.issuer, "subject": self.subject, "audiences": [self.audience]}

    def is_in(self, entry: Mapping[str, Any]) -> bool:
        """Whether a credential of the registration says the same, whatever its name is."""
        return (
            text(entry, "issuer") == self.issuer
            and text(entry, "subject") == self.subject
            and self.audience in texts(entry, "audiences")
        )

    def hindering(self, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """Return the one because of which Graph would refuse to create this one.

        One with the same issuer and subject comes first: while it is there, one with the same name cannot get them.
        """
        for entry in entries:
            if text(entry, "issuer") == self.issuer and text(entry, "subject") == self.subject:
                return entry
        return next((entry for entry in entries if text(entry, "name") == self.name), None)


def create_command(client_id: str, credential: Credential) -> str:
    """Return the command that creates the credential, in a form that bash, zsh, PowerShell and cmd pass on alike.

    az takes a Python dictionary where it takes JSON: single quotes inside, double quotes outside.
    """
    document = {"name": credential.name, **credential.document()}
    return f'az ad app federated-credential create --id {client_id} --parameters "{document}"'


def update_command(client_id: str, existing: str, credential: Credential) -> str:
    """Return the command that corrects an existing credential; its name cannot be changed and is left out."""
    return (
        f"az ad app federated-credential update --id {client_id} --federated-credential-id {existing} "
        f'--parameters "{credential.document()}"'
    )


def check_federation(
    client_ids: list[str], account: Account, audience: str, resource_group: str, identity_name: str
) -> Report:
    """Return a note for every app registration that does not trust the app's identity as it is now.

    `identity_name` is where the identity should be; one with another name in the resource group is found, too.
    """
    identity = app_identity(resource_group, identity_name)
    if identity.found is False:
        note = "the app's identity does not exist yet: the command that makes the app registration trust it is printed "
        return Report(notes=[f"{note}after the deployment"])
    if identity.found is None:
        return Report(notes=[f"could not look for the app's identity ({identity.reason})"])
    cloud = ask_object("cloud", "show")
    login_endpoint = cloud.text("endpoints", "activeDirectory")
    if not login_endpoint:
        reason = cloud.reason or "az cloud show tells no endpoint of Microsoft Entra ID"
        return Report(notes=[f"could not see who issues the tokens of the app's identity ({reason})"])
    credential = Credential(
        name=f"compliance-collector-{environment_of(resource_group)}",
        issuer=f"{login_endpoint.rstrip('/')}/{account.tenant_id}/v2.0",
        subject=identity.text("principalId"),
        audience=audience,
    )
    report = Report()
    for client_id in client_ids:
        report.add(check_trust(client_id, credential))
    return report


def app_identity(resource_group: str, computed_name: str) -> ObjectAnswer:
    """Return the app's identity as it is now; not found when it, or its resource group, does not exist yet."""
    listed = ask_list("identity", "list", "--resource-group", resource_group)
    if listed.found is False:
        return ObjectAnswer(found=False, reason=listed.reason)
    ours = _ours(listed, computed_name)
    name = text(ours, "name") or computed_name
    shown = ask_object("identity", "show", "--resource-group", resource_group, "--name", name)
    if shown.found is None and text(ours, "principalId"):
        return ObjectAnswer(found=True, data=ours)
    if shown.found and not shown.text("principalId"):
        return ObjectAnswer(found=None, reason=f"az identity show tells no principalId of {name}")
    return shown


def check_trust(client_id: str, credential: Credential) -> Report:
    """Return a note with the whole command when a registration does not trust the identity as it is now."""
    create = create_command(client_id, credential)
    listed = ask_list("ad", "app", "federated-credential", "list", "--id", client_id)
    if not listed.found:
        note = f"could not list the federated credentials of {client_id} ({listed.reason}); "
        return Report(notes=[f"{note}unless it trusts the app's identity already, run: {create}"])
    if any(credential.is_in(entry) for entry in listed.data):
        return Report()
    hindering = credential.hindering(listed.data)
    if hindering is None:
        subject = credential.subject
        return Report(
            notes=[f"the app registration {client_id} does not trust the app's identity {subject}; run: {create}"]
        )
    existing = text(hindering, "name") or text(hindering, "id")
    update = update_command(client_id, existing, credential)
    note = f"the federated credential {existing} of the app registration {client_id} is not for the app's identity "
    return Report(notes=[f"{note}as it is now (another subject, issuer or audience); run: {update}"])


def _ours(listed: ListAnswer, computed_name: str) -> Mapping[str, Any] | None:
    """The identity with the computed name; else, for an installation with other names, the first with our prefix."""
    candidates = [entry for entry in listed.data if text(entry, "name").startswith(IDENTITY_PREFIX)]
    first = candidates[0] if candidates else None
    return next((entry for entry in candidates if text(entry, "name") == computed_name), first)
