"""The webhook's route on Azure Functions: `POST /api/resource`, answered by endpoint.py.

The route takes any path below /api, so that a plan's address with a mistake in its path is told of instead of answered
by the platform's bare 404. The function key is asked for on every path, and so is the signature.
"""

import os

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route(route="{*path}", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
async def managed_application_notification(req: func.HttpRequest) -> func.HttpResponse:
    """Put a notification about a managed application on the queue."""
    # Imported here: the app must index quickly, and without settings.
    from notification_endpoint.addressed import Addressed  # noqa: PLC0415
    from notification_endpoint.endpoint import answer_notification  # noqa: PLC0415

    addressed = Addressed.of(req.url, req.params)
    answer = await answer_notification(
        req.get_body(),
        addressed.signature,
        os.environ,
        media_type=req.headers.get("Content-Type", ""),
        mistake=addressed.mistake,
    )
    return func.HttpResponse(answer.body, status_code=answer.status.value, mimetype=answer.media_type)
