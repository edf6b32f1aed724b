"""Who may query the workspace, and which of its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from sandbox.azure.identity.directory import LOG_ANALYTICS_AUDIENCE
from sandbox.azure.identity.tokens import bearer_token
from sandbox.errors import RefusedError

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.azure.identity.tokens import TokenIssuer


@dataclass
class Readers:
    """The principals with the role Log Analytics Data Reader, by object id; `issuer` is whose tokens are taken.

    A condition keeps `hidden` tables from them, unless `unconditional` has them.
    """

    issuer: TokenIssuer
    unconditional: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    object_ids: set[str] = field(default_factory=set)

    def access(self, request: web.Request) -> int:
        """Return 200 when the request's bearer may query, 401 without a valid token for the API, else 403."""
        try:
            token = bearer_token(request, self.issuer, frozenset({LOG_ANALYTICS_AUDIENCE}))
        except RefusedError as refused:
            return refused.status
        return HTTPStatus.OK if token.object_id in self.object_ids else HTTPStatus.FORBIDDEN

    def hidden_from(self, request: web.Request) -> frozenset[str]:
        """Return the tables that are not there for a request's bearer, who may query."""
        token = bearer_token(request, self.issuer, frozenset({LOG_ANALYTICS_AUDIENCE}))
        return frozenset() if token.object_id in self.unconditional else self.hidden
