"""What a check says of a resource, and how it says that it cannot tell."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from verdicts.publisher_checks.documents import Unjudgeable, id_of, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from verdicts.publisher_checks.documents import Document


class Judgement(StrEnum):
    """What a check finds, in the words of policy states."""

    COMPLIANT = "Compliant"
    NON_COMPLIANT = "NonCompliant"
    UNKNOWN = "Unknown"
    """It could not be judged: a document is not what it should be, or another one could not be read."""


class Judged(NamedTuple):
    """A resource, what a check finds, and why, in words for a person."""

    resource_id: str
    judgement: Judgement
    reason: str
    resource_type: str = ""
    location: str = ""


Finding = tuple[Judgement, str]
"""What a check finds, and why."""


def compliant(reason: str) -> Finding:
    """Return that a resource is as it should be."""
    return Judgement.COMPLIANT, reason


def violated(reason: str) -> Finding:
    """Return that a resource is not as it should be."""
    return Judgement.NON_COMPLIANT, reason


def judged_each(documents: Iterable[Document], judge: Callable[[Document], Finding]) -> Iterator[Judged]:
    """Yield what `judge` finds of each document; one of which it raises Unjudgeable is Unknown, with the reason.

    Raises:
        Unjudgeable: a document has no id, so that nobody knows of which resource nothing is known.
    """
    for document in documents:
        resource_id = id_of(document)
        if not resource_id:
            raise Unjudgeable("a resource of the list has no id")
        try:
            judgement, reason = judge(document)
        except Unjudgeable as error:
            judgement, reason = Judgement.UNKNOWN, str(error)
        yield Judged(resource_id, judgement, reason, type_of(resource_id), location_of(document))


def location_of(document: Document) -> str:
    """Return the region of a resource; "" where the document names none."""
    location = document.get("location")
    return location if isinstance(location, str) else ""
