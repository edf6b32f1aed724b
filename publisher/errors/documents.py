"""The JSON documents of good answers (2xx): what is none, or states an error, is no answer to what was asked."""

from typing import Any, Final

from publisher.errors.bodies import reasons_in
from publisher.errors.kinds import MalformedAnswer
from publisher.errors.reasons import reasons_of
from publisher.lenient_json import Members, NotJson, json_of, json_with_repeats, member
from publisher.resource_ids import fold

_CODE: Final = "MalformedAnswer"
_ERRORS: Final = frozenset({"error", "odata.error", "@odata.error"})
_DECISIVE_PROPERTIES: Final = frozenset({"provisioningstate", "managedresourcegroupid"})
_NEXT_LINKS: Final = frozenset({"nextlink", "@nextlink", "odata.nextlink", "@odata.nextlink"})
"""As documented, and as seen in answers (FACTS 11.5)."""
_MOST_SHOWN: Final = 16 * 1024


def document_of(body: bytes, *, may_be_deep: bool = False) -> dict[str, Any]:
    """Return the JSON object in the body of a good answer; `may_be_deep` is as in `publisher.lenient_json.json_of`.

    Raises MalformedAnswer for anything else: a web page, which a proxy or a sign-in answers in place of the service,
    other text, and an object that states an error. Also for one with a member that comes twice, or a state or a managed
    group of its `properties` that does: nobody knows which is meant. With `may_be_deep` that is left to the caller.
    """
    try:
        document = json_of(body, may_be_deep=True) if may_be_deep else json_with_repeats(body)
    except NotJson as error:
        raise MalformedAnswer(f"the answer is {_instead_of_json(body)}", code=_CODE) from error
    if not isinstance(document, dict):
        raise MalformedAnswer("the answer is no JSON object", code=_CODE)
    twice = _repeated(document) | _repeated(member(document, "properties")) & _DECISIVE_PROPERTIES
    if twice:
        raise MalformedAnswer(f"the answer has a member twice: {', '.join(sorted(twice))}", code=_CODE)
    refuse_error(document)
    return document


def _repeated(part: object) -> frozenset[str]:
    return part.repeated if isinstance(part, Members) else frozenset()


def refuse_error(document: object) -> None:
    """Raise MalformedAnswer for a JSON object that states an error, also beside what was asked for.

    What stands beside an error may lack anything. The failure has the code and message of the error's innermost reason.
    """
    if not isinstance(document, dict):
        return
    for name, value in document.items():
        if value is not None and fold(name).strip() in _ERRORS:
            reasons = reasons_of({name: value})
            message = reasons.message or "it gives no reason"
            raise MalformedAnswer(f"the answer states an error: {message}", code=reasons.code or _CODE)


def next_link_in(page: object) -> str | None:
    """Return the link to the next page, by whichever of its names; None on the last page.

    Raises MalformedAnswer for a link that is no text, and for two that differ.
    """
    members = page.items() if isinstance(page, dict) else ()
    links = [link for name, link in members if link is not None and fold(name).strip() in _NEXT_LINKS]
    if not all(isinstance(link, str) for link in links):
        raise MalformedAnswer("the answer's nextLink is no text", code="MalformedAnswer")
    filled = {link.strip() for link in links} - {""}
    if len(filled) > 1:
        raise MalformedAnswer("the answer has two links to a next page, which differ", code="MalformedAnswer")
    return next(iter(filled), None)


def _instead_of_json(body: bytes) -> str:
    """Return what a body is that is no JSON, with the words of a web page."""
    text = body[:_MOST_SHOWN].decode("utf-8", "replace").lstrip("\ufeff\ufffd \t\r\n")
    if not text.startswith("<"):
        return f"not JSON ({len(body)} bytes)"
    message = reasons_in(text).message
    return f"a web page, not JSON: {message}" if message else "a web page, not JSON"
