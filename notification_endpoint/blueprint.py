"""The webhook's route on Azure Functions: `POST /api/resource`, answered by endpoint.py."""

import os

import azure.functions as func

blueprint = func.Blueprint()  # type: ignore[no-untyped-call]


@blueprint.route(route="resource", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
async def managed_application_notification(req: func.HttpRequest) -> func.HttpResponse:
    """Put a notification about a managed application on the queue."""
    # Imported here: the app must index quickly, and without settings.
    from notification_endpoint.endpoint import answer_notification  # noqa: PLC0415

    media_type = req.headers.get("Content-Type", "")
    answer = await answer_notification(req.get_body(), req.params.get("sig"), os.environ, media_type=media_type)
    return func.HttpResponse(answer.body, status_code=answer.status.value, mimetype=answer.media_type)
