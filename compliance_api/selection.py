"""What a caller wants of an answer: the API's version, fewer members, and no list of who could not be read.

Which of these parameters an operation takes is said by its description (openapi.json). What tells how far an answer can
be trusted (`as_of`, the number of unread applications, whether there are more pages) cannot be left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from compliance_api.description import Operation, operation_of
from compliance_api.http import Answer, Request, bad_request

VERSION: Final = "2026-11-01"
"""The one version of the API; a request may name it as `api-version`."""

_VERSION: Final = "api-version"
_FIELDS: Final = "fields"
_UNREAD: Final = "unread"
_TOKEN: Final = "next_page_token"  # noqa: S105 - the name of a member
_LINK: Final = "nextLink"
_KEPT: Final = frozenset({"as_of", _UNREAD, _TOKEN, _LINK, "total"})
_LONGEST: Final = 2000

Tree = dict[str, "Tree"]


@dataclass(frozen=True, slots=True)
class Selection:
    """What to keep of an answer; `request` is what is left for the handler."""

    request: Request
    fields: Tree | None
    counts_unread_only: bool

    @classmethod
    def of(cls, request: Request) -> "Selection":
        """Return what a request's parameters ask for; ProblemError 400 naming the one that cannot be understood."""
        version = request.parameters.get(_VERSION, VERSION)
        if version != VERSION:
            raise bad_request(_VERSION, f"There is no such version of the API. There is: {VERSION}.")
        operation = operation_of(request.method, request.path)
        taken = {_VERSION} | ({_FIELDS, _UNREAD} & operation.parameters.keys() if operation else set())
        rest = {name: value for name, value in request.parameters.items() if name not in taken}
        fields = unread = None
        if operation and _FIELDS in taken:
            fields = _fields(request.parameters, operation)
        if operation and _UNREAD in taken:
            unread = request.parameters.get(_UNREAD, "list")
            if unread not in ("list", "count"):
                raise bad_request(_UNREAD, "unread is list or count.")
        return cls(replace(request, parameters=rest), fields, unread == "count")

    def applied(self, answer: Answer, request: Request) -> Answer:
        """Return the answer with what is wanted of it, and with the address of the next page where there is one."""
        if not isinstance(answer.content, dict) or answer.status >= HTTPStatus.BAD_REQUEST:
            return answer
        content = _with_links(answer.content, request)
        if self.fields is not None:
            content = _only(content, self.fields, is_top=True)
        if self.counts_unread_only and isinstance(content.get(_UNREAD), dict):
            content = {**content, _UNREAD: {"count": content[_UNREAD]["count"]}}
        return replace(answer, content=content)


def _fields(parameters: Mapping[str, str], operation: Operation) -> Tree | None:
    text = parameters.get(_FIELDS)
    if text is None:
        return None
    if parameters.get("format", "json") != "json":
        raise bad_request(_FIELDS, "fields selects members of a JSON answer; a CSV file has all its columns.")
    if len(text) > _LONGEST:
        raise bad_request(_FIELDS, f"fields has at most {_LONGEST} characters.")
    known, listed = operation.members(), operation.list_member()
    tree: Tree = {}
    for given in text.split(","):
        name = given.strip()
        path = f"{listed}.{name}" if name not in known and listed else name
        if path not in known:
            choices = sorted(known if listed is None else {one.removeprefix(f"{listed}.") for one in known})
            raise bad_request(_FIELDS, f"There is no member {name[:100]!r} here. There are: {', '.join(choices)}.")
        below = tree
        for part in path.split("."):
            below = below.setdefault(part, {})
    return tree


def _only(content: Any, tree: Tree, *, is_top: bool = False) -> Any:
    """Return the members that a tree names, all of what is below its ends, and what every answer keeps."""
    if isinstance(content, list):
        return [_only(one, tree) for one in content]
    if not isinstance(content, dict) or (not tree and not is_top):
        return content
    return {
        name: _only(value, tree[name]) if name in tree else value
        for name, value in content.items()
        if name in tree or _stays(name, value, is_top=is_top, is_page=_TOKEN in content)
    }


def _stays(name: str, value: Any, *, is_top: bool, is_page: bool) -> bool:
    if name in _KEPT:
        return is_top or is_page
    return is_top and not isinstance(value, dict | list)


def _with_links(content: dict[str, Any], request: Request) -> dict[str, Any]:
    """Return an answer with `nextLink` beside each `next_page_token`, at its top or one below."""
    linked = {
        name: _with_links(value, request) if isinstance(value, dict) and _TOKEN in value else value
        for name, value in content.items()
    }
    if _TOKEN not in content:
        return linked
    token = content[_TOKEN]
    return {**linked, _LINK: address_of_page(request, token) if token else None}


def address_of_page(request: Request, token: str) -> str:
    """Return the address of the page that a token is for, relative to the one that was asked."""
    return f"{request.path}?{urlencode({**request.parameters, 'page_token': token})}"
