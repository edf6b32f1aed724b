"""The check `identity-with-wide-role`: a managed identity may have the roles that the plan lists, and no other.

Source: learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest, which also says that users of
another tenant may be shown no role assignments of the customer's. So a list in which no identity of the group appears
proves nothing, and neither does one that is empty because we may not read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from publisher.lenient_json import member
from publisher.resource_ids import fold, is_guid, plain_id, quoted
from publisher.resource_manager import text_at
from verdicts.publisher_checks.documents import Unjudgeable, id_of, name_of, scope_of, type_of
from verdicts.publisher_checks.judged import compliant, judged_each, violated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from verdicts.publisher_checks.documents import Document, Documents
    from verdicts.publisher_checks.judged import Finding, Judged

ALLOWED_ROLES: Final = "allowed_roles"

IDENTITIES: Final = "Microsoft.ManagedIdentity/userAssignedIdentities"
ARC_MACHINES: Final = "Microsoft.HybridCompute/machines"
RESOURCES: Final = "Microsoft.Resources/resources"
"""Every resource of the group, as ARM lists them whatever their type: with their identity, and no properties."""

ROLE_ASSIGNMENTS: Final = "Microsoft.Authorization/roleAssignments"
ROLE_DEFINITIONS: Final = "Microsoft.Authorization/roleDefinitions"


def wide_role(documents: Documents, parameters: Mapping[str, Sequence[str]]) -> Iterator[Judged]:
    """Judge every managed identity of the group: user-assigned ones, and those of its resources and Arc machines."""
    holders = _holders(documents)
    roles = _Roles.of(documents, parameters[ALLOWED_ROLES], holders.values())
    return judged_each((one.document for one in holders.values()), lambda one: roles.judged(holders[fold(id_of(one))]))


@dataclass(slots=True)
class _Holder:
    """A resource, and the folded principal ids of its identities; `problem` says why one of them is not known."""

    document: Document
    principals: list[str] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Roles:
    """The roles of principals, as folded ids of definitions, and which of them are allowed, by folded id or name."""

    documents: Documents
    of_principal: Mapping[str, list[str]]
    allowed: frozenset[str]
    is_telling: bool

    @classmethod
    def of(cls, documents: Documents, allowed: Sequence[str], holders: Iterable[_Holder]) -> _Roles:
        """Return the roles in the group's list; raise Unjudgeable when an assignment does not say whose it is."""
        of_principal: dict[str, list[str]] = {}
        for assignment in documents.of_type(ROLE_ASSIGNMENTS):
            principal = fold(text_at(assignment, "properties", "principalId"))
            role = name_of(fold(plain_id(text_at(assignment, "properties", "roleDefinitionId"))))
            if not principal or not role:
                raise Unjudgeable("a role assignment names no principal or no role")
            of_principal.setdefault(principal, []).append(role)
        is_telling = any(one in of_principal for holder in holders for one in holder.principals)
        return cls(documents, of_principal, frozenset(name_of(fold(one.strip())) for one in allowed), is_telling)

    def judged(self, holder: _Holder) -> Finding:
        """Judge one resource by the roles of its identities."""
        if not holder.principals and not holder.problem:
            return compliant("it has no managed identity that is not judged by itself")
        unknown: Unjudgeable | None = Unjudgeable(holder.problem) if holder.problem else None
        for role in sorted({role for one in holder.principals for role in self.of_principal.get(one, ())}):
            try:
                if (name := self._wide(role, scope_of(id_of(holder.document)))) is not None:
                    return violated(f"its identity has the role {name}, which the plan does not allow")
            except Unjudgeable as error:
                unknown = error
        if unknown is not None:
            raise unknown
        if not self.is_telling:
            raise Unjudgeable("Azure shows no role of any identity of the group: it may be that we are shown none")
        return compliant("its identity has no role that the plan does not allow")

    def _wide(self, role: str, scope: str) -> str | None:
        """Return what a role is called that is not allowed; None for one that is, raise Unjudgeable when unknown."""
        if role in self.allowed:
            return None
        try:
            name = self._name_of(role, scope)
        except Unjudgeable:
            if all(map(is_guid, self.allowed)):  # then its name changes nothing
                return role
            raise
        return None if fold(name) in self.allowed else name

    def _name_of(self, role: str, scope: str) -> str:
        # Whoever may read in the group alone may ask for a definition there, and not at the subscription.
        definition = self.documents.find(f"{scope}/providers/{ROLE_DEFINITIONS}/{role}")
        name = text_at(definition, "properties", "roleName")
        if not name:
            raise Unjudgeable(f"the definition of role {role} has no name")
        return name


def _holders(documents: Documents) -> dict[str, _Holder]:
    """Return the resources that have identities, or are one, by folded id; raise Unjudgeable for one without id."""
    found: dict[str, _Holder] = {}
    own = {fold(id_of(one)) for one in documents.of_type(IDENTITIES)}
    for document in documents.of_type(IDENTITIES):
        principal = fold(text_at(document, "properties", "principalId"))
        problem = "" if principal else "the identity has no principal"
        found[_key_of(document)] = _Holder(document, [principal] if principal else [], problem)
    for document in (*documents.of_type(ARC_MACHINES), *documents.of_type(RESOURCES)):
        key = _key_of(document)
        identity = member(document, "identity")
        is_machine = fold(type_of(key)) == fold(ARC_MACHINES)
        if key in found or (identity is None and not is_machine):
            continue
        found[key] = _with_identity(document, identity, own)
    return found


def _with_identity(document: Document, identity: Any, own: set[str]) -> _Holder:
    """Return a resource with the identities that are its own, and those it uses that lie outside of the group."""
    holder = _Holder(document)
    if identity is None:
        return holder
    if not isinstance(identity, Mapping):
        holder.problem = "its identity is no object"
        return holder
    principal, kind = fold(text_at(identity, "principalId")), fold(text_at(identity, "type"))
    used = member(identity, "userAssignedIdentities") or {}
    if principal:
        holder.principals.append(principal)
    elif "systemassigned" in kind:
        holder.problem = "its identity has no principal"
    elif not used and kind != "none":
        holder.problem = f"its identity is of type {quoted(kind)}, and has neither a principal nor identities it uses"
    if not isinstance(used, Mapping) or ("userassigned" in kind and not used):
        holder.problem, used = "it does not say which identities it uses", {}
    for identity_id, described in used.items():
        if fold(plain_id(str(identity_id))) in own:
            continue
        if principal := fold(text_at(described, "principalId")):
            holder.principals.append(principal)
        else:
            holder.problem = f"identity {name_of(str(identity_id))}, which it uses, has no principal"
    return holder


def _key_of(document: Document) -> str:
    key = fold(id_of(document))
    if not key:
        raise Unjudgeable("a resource of the list has no id")
    return key
