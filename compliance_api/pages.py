"""The handlers for the operations page and the OpenAPI description, both served from files."""

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from compliance_api import description
from compliance_api.endpoint import Context
from compliance_api.http import Answer, ProblemError, Request

_HERE: Final = Path(__file__).parent
_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_INDEX: Final = "index.html"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"
)
"""Only the templates of lit-html may become markup: they are the page's own text, and values never pass there."""


async def dashboard(request: Request, context: Context) -> Answer:  # noqa: ARG001 - as every handler
    """Answer with the page, or with one of its files."""
    name = request.route.get("file") or _INDEX
    found = _files().get(name)
    if found is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "The page has no such file.", field="file")
    body, tag = found
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "private, no-cache", "ETag": tag}
    return Answer(body, media_type=_TYPES[Path(name).suffix], headers=headers)


async def openapi(request: Request, context: Context) -> Answer:  # noqa: ARG001 - as every handler
    """Answer with the description of the API, which agents import as tools."""
    request.refuse_other_parameters()
    return Answer(description.text())


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """Return the page's files by their path in its folder, each with its entity tag. Nothing else can be asked for."""
    folder = _HERE / "dashboard"
    found = (path for path in folder.rglob("*") if path.suffix in _TYPES)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    return {name: (body, f'"{hashlib.sha256(body).hexdigest()[:32]}"') for name, body in files.items()}
