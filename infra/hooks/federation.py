"""The federated credentials by which app registrations trust managed identities of the installation.

The publisher's registration trusts the worker's identity alone, the API's registration the api's alone. The hooks never
create a credential, because that takes rights on the registration which whoever deploys may not have: they look whether
it is there and right, and print the command. A missing one is never in the way of a deployment, since the identity that
it names exists only after the first one.
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
    from infra.hooks.names import AppNames

IDENTITY_PREFIX: Final = "id-app-"
"""Beginning of the name of the front's identity, see main.bicep and abbreviations.json."""


@dataclass(frozen=True, slots=True)
class Trust:
    """An app registration, and the one identity of the installation that it has to trust."""

    client_id: str
    app: AppNames


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


def check_federation(trusts: list[Trust], account: Account, audience: str, resource_group: str) -> Report:
    """Return a note for every app registration that does not trust its identity as it is now, or trusts another one.

    The names in `trusts` are where the identities should be; one with another end in the resource group is found, too.
    """
    report = Report()
    listed = ask_list("identity", "list", "--resource-group", resource_group)
    for trust in trusts:
        identity = app_identity(listed, resource_group, trust.app)
        called = f"the {trust.app.role}'s identity"
        if identity.found is False:
            report.notes.append(
                f"{called} does not exist yet: the command that makes the app registration {trust.client_id} trust it "
                "is printed after the deployment"
            )
        elif identity.found is None:
            report.notes.append(f"could not look for {called} ({identity.reason})")
        else:
            subject = identity.text("principalId")
            issuer, reason = _issuer(account)
            if not issuer:
                return Report(notes=[*report.notes, f"could not see who issues the tokens of {called} ({reason})"])
            name = f"compliance-collector-{environment_of(resource_group)}"
            credential = Credential(name, issuer, subject, audience)
            report.add(check_trust(trust.client_id, credential, called, _strangers(listed, subject)))
    return report


def _issuer(account: Account) -> tuple[str, str]:
    """Who issues the tokens of the identities; empty with the reason when that cannot be seen."""
    cloud = ask_object("cloud", "show")
    login_endpoint = cloud.text("endpoints", "activeDirectory").rstrip("/")
    if not login_endpoint:
        return "", cloud.reason or "az cloud show tells no endpoint of Microsoft Entra ID"
    return f"{login_endpoint}/{account.tenant_id}/v2.0", ""


def app_identity(listed: ListAnswer, resource_group: str, app: AppNames) -> ObjectAnswer:
    """Return an app's identity as it is now; not found when it, or its resource group, does not exist yet.

    `listed` has the identities of the resource group.
    """
    if listed.found is False:
        return ObjectAnswer(found=False, reason=listed.reason)
    ours = _ours(listed, app.identity)
    name = text(ours, "name") or app.identity
    shown = ask_object("identity", "show", "--resource-group", resource_group, "--name", name)
    if shown.found is None and text(ours, "principalId"):
        return ObjectAnswer(found=True, data=ours)
    if shown.found and not shown.text("principalId"):
        return ObjectAnswer(found=None, reason=f"az identity show tells no principalId of {name}")
    return shown


def check_trust(client_id: str, credential: Credential, called: str, strangers: Mapping[str, str]) -> Report:
    """Return a note with the whole command when a registration does not trust an identity as it is now, or another one.

    `called` is how messages call the identity; `strangers` has the object ids of the installation's other identities,
    with their names.
    """
    create = create_command(client_id, credential)
    listed = ask_list("ad", "app", "federated-credential", "list", "--id", client_id)
    if not listed.found:
        note = f"could not list the federated credentials of {client_id} ({listed.reason}); "
        return Report(notes=[f"{note}unless it trusts {called} already, run: {create}"])
    is_there = any(credential.is_in(entry) for entry in listed.data)
    hindering = None if is_there else credential.hindering(listed.data)
    report = Report()
    for entry in listed.data:
        stranger = strangers.get(text(entry, "subject"))
        if stranger and entry is not hindering:
            name = text(entry, "name") or text(entry, "id")
            report.notes.append(
                f"the app registration {client_id} trusts {stranger}, which must not be able to act as it; "
                f"run: az ad app federated-credential delete --id {client_id} --federated-credential-id {name}"
            )
    if is_there:
        return report
    if hindering is None:
        subject = credential.subject
        report.notes.append(f"the app registration {client_id} does not trust {called} {subject}; run: {create}")
        return report
    existing = text(hindering, "name") or text(hindering, "id")
    update = update_command(client_id, existing, credential)
    note = f"the federated credential {existing} of the app registration {client_id} is not for {called} "
    report.notes.append(f"{note}as it is now (another subject, issuer or audience); run: {update}")
    return report


def _strangers(listed: ListAnswer, subject: str) -> dict[str, str]:
    return {
        text(entry, "principalId"): text(entry, "name")
        for entry in listed.data
        if text(entry, "principalId") not in ("", subject)
    }


def _ours(listed: ListAnswer, computed_name: str) -> Mapping[str, Any] | None:
    """The identity with the computed name; else, for an installation with other names, the first that begins alike."""
    beginning = computed_name.rpartition("-")[0] + "-"
    candidates = [entry for entry in listed.data if text(entry, "name").startswith(beginning)]
    first = candidates[0] if candidates else None
    return next((entry for entry in candidates if text(entry, "name") == computed_name), first)
