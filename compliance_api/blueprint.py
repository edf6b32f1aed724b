"""The API's routes on Azure Functions. What they answer is in operations.py, reports.py, queries.py and pages.py.

No function key is asked for: App Service authentication signs callers in, and compliance_api/callers checks them.
"""

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import azure.functions as func

if TYPE_CHECKING:
    from compliance_api.endpoint import AccessCheck, Handler

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route(route="compliance", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_fleet(req: func.HttpRequest) -> func.HttpResponse:
    """Tell the whole fleet's compliance in numbers."""
    from compliance_api.operations import fleet_summary  # noqa: PLC0415 - the app must index quickly

    return await _answered(req, fleet_summary)


@blueprint.route(route="compliance/applications", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_applications(req: func.HttpRequest) -> func.HttpResponse:
    """List applications."""
    from compliance_api.operations import applications  # noqa: PLC0415

    return await _answered(req, applications)


@blueprint.route(route="compliance/applications/{*id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_application(req: func.HttpRequest) -> func.HttpResponse:
    """Tell one application's assignments and violations, or its history; without an id, the list of all of them."""
    from compliance_api.operations import application_or_history, applications  # noqa: PLC0415

    return await _answered(req, application_or_history if req.route_params.get("id") else applications)


@blueprint.route(route="compliance/findings", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_findings(req: func.HttpRequest) -> func.HttpResponse:
    """Tell what is wrong anywhere in the fleet."""
    from compliance_api.reports import list_findings  # noqa: PLC0415

    return await _answered(req, list_findings)


@blueprint.route(route="compliance/resolved", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_resolved(req: func.HttpRequest) -> func.HttpResponse:
    """Tell what is not wrong any more."""
    from compliance_api.audit import list_resolved  # noqa: PLC0415

    return await _answered(req, list_resolved)


@blueprint.route(route="compliance/plans", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_plans(req: func.HttpRequest) -> func.HttpResponse:
    """Tell how the plan versions stand."""
    from compliance_api.reports import list_plans  # noqa: PLC0415

    return await _answered(req, list_plans)


@blueprint.route(route="compliance/exemptions", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_exemptions(req: func.HttpRequest) -> func.HttpResponse:
    """List the exemptions in force."""
    from compliance_api.reports import list_exemptions  # noqa: PLC0415

    return await _answered(req, list_exemptions)


@blueprint.route(route="compliance/history", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_history(req: func.HttpRequest) -> func.HttpResponse:
    """Tell the fleet's compliance over time."""
    from compliance_api.operations import history  # noqa: PLC0415

    return await _answered(req, history)


@blueprint.route(route="compliance/runs", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_runs(req: func.HttpRequest) -> func.HttpResponse:
    """Tell how the collector is doing."""
    from compliance_api.operations import runs  # noqa: PLC0415

    return await _answered(req, runs)


@blueprint.route(route="metrics", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def compliance_metrics(req: func.HttpRequest) -> func.HttpResponse:
    """Tell the fleet and the collector as metrics (OpenMetrics)."""
    from compliance_api.prometheus.metrics import metrics  # noqa: PLC0415

    return await _answered(req, metrics)


@blueprint.route(route="mcp", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def tools_for_agents(req: func.HttpRequest) -> func.HttpResponse:
    """Offer the answers as tools (Model Context Protocol)."""
    from compliance_api.agents.server import mcp  # noqa: PLC0415

    return await _answered(req, mcp)


@blueprint.route(route="query_logs", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def query_logs(req: func.HttpRequest) -> func.HttpResponse:
    """Run a query of the caller's own."""
    from compliance_api import queries  # noqa: PLC0415
    from compliance_api.callers.access import require_querier  # noqa: PLC0415

    return await _answered(req, queries.query_logs, require_querier)


@blueprint.route(route="list_tables", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def list_tables(req: func.HttpRequest) -> func.HttpResponse:
    """List the workspace's tables."""
    from compliance_api import queries  # noqa: PLC0415

    return await _answered(req, queries.list_tables)


@blueprint.route(route="saved_queries", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def saved_queries(req: func.HttpRequest) -> func.HttpResponse:
    """List the saved queries."""
    from compliance_api import queries  # noqa: PLC0415

    return await _answered(req, queries.list_saved_queries)


@blueprint.route(route="saved_queries/{name}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def saved_query(req: func.HttpRequest) -> func.HttpResponse:
    """Run a saved query."""
    from compliance_api import queries  # noqa: PLC0415

    return await _answered(req, queries.saved_query)


@blueprint.route(route="openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def api_description(req: func.HttpRequest) -> func.HttpResponse:
    """Describe the API (OpenAPI)."""
    from compliance_api.pages import openapi  # noqa: PLC0415

    return await _answered(req, openapi)


@blueprint.route(route="dashboard", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def operations_page(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the operations page."""
    return await _page(req)


@blueprint.route(route="dashboard/{*file}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def operations_page_file(req: func.HttpRequest) -> func.HttpResponse:
    """Serve a file of the operations page."""
    return await _page(req)


@blueprint.route(
    route="{*path}",
    methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    auth_level=func.AuthLevel.ANONYMOUS,
)
async def any_other_address(req: func.HttpRequest) -> func.HttpResponse:
    """Answer what no other route takes, which is mostly an address that there is not, or a method that it has not."""
    from compliance_api.operations import anything_else  # noqa: PLC0415

    return await _answered(req, anything_else)


async def _page(req: func.HttpRequest) -> func.HttpResponse:
    from compliance_api.callers.access import require_anybody  # noqa: PLC0415
    from compliance_api.pages import dashboard  # noqa: PLC0415

    return await _answered(req, dashboard, require_anybody, is_page=True)


async def _answered(
    req: func.HttpRequest, handler: "Handler", check: "AccessCheck | None" = None, *, is_page: bool = False
) -> func.HttpResponse:
    from compliance_api.callers.access import require_reader  # noqa: PLC0415
    from compliance_api.endpoint import answer  # noqa: PLC0415
    from compliance_api.http import Request  # noqa: PLC0415

    request = Request(
        req.method or "GET",
        {name.lower(): value for name, value in req.headers.items()},
        dict(req.params),
        {name: value or "" for name, value in req.route_params.items()},
        req.get_body(),
        urlsplit(req.url).path,
    )
    given = await answer(request, handler, os.environ, check_access=check or require_reader, is_page=is_page)
    return func.HttpResponse(
        given.body, status_code=int(given.status), mimetype=given.media_type, headers=given.all_headers()
    )
