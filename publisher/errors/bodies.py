"""The error code and message in the body of an answer that tells of a failure."""

import json

from publisher.texts import first_line


def code_and_message(body: str) -> tuple[str, str]:
    """Return the error code and message in a body of ARM, Entra ID or Table storage; "" for what it lacks."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    error = content.get("error", content.get("odata.error")) if isinstance(content, dict) else None
    if isinstance(error, str):  # Entra ID: {"error": "invalid_client", "error_description": "AADSTS…"}
        return error, first_line(_text(content.get("error_description")))
    if not isinstance(error, dict):
        return "", ""
    message = error.get("message")
    if isinstance(message, dict):  # Table storage: {"message": {"lang": "en-US", "value": …}}
        message = message.get("value")
    return _text(error.get("code")), first_line(_text(message))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
