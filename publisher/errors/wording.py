"""Azure's messages as they are shown: on one line, and without what only names the request, stacks and secrets."""

import re
from typing import Final

from publisher.errors.masking import masked

_LONGEST_READ: Final = 4000
_REQUEST: Final = r"(?:client[ _-]?)?(?:request|trace|correlation|activity|tracking)"
_ABOUT_THE_REQUEST: Final = re.compile(
    rf"\s*(?:trace|{_REQUEST}[ _-]?id)\s*:|\s*time(?:stamp)?\s*:\s*\d", re.IGNORECASE
)
"""Lines that Entra ID and storage add to a message."""

_STACK: Final = re.compile(r"\s*(?:at\s+[\w.`<>+\[\],]+\(|File \"[^\"]*\", line|Traceback \(|--- End of )")
_REQUEST_IDS: Final = re.compile(
    rf"[(\[]?\b{_REQUEST}[ _-]?id\b['\"]?\s*(?:[:=]|is\b)?\s*['\"]?[0-9a-f]{{8}}[0-9a-f-]*['\"]?[)\]]?[.,;]?"
    r"|\b(?:ref(?:erence)?(?: [a-c])?|(?:support|incident|event|ray) id)(?: is)?\s?[:#]\s?#?[\w.&;-]{6,}"  # of gateways
    r"|\btimestamp:\s*\d{4}-\d\d-\d\d[ T][\d:.]{5,16}Z?",
    re.IGNORECASE,
)
_CUT_SHORT: Final = re.compile(r"(?<![\w+/=.~%:@\\-])[\w+/=.~%:@\\-]++\Z", re.ASCII)
"""What a text that was cut ends with: half a token, or an address without the "@" that ends a password."""


def wording(text: str) -> str:
    """Return a message on one line, of at most 4,000 characters.

    Ids and the time of the request are cut out: a reason that stays the same keeps its words, so that its alert does
    not fire anew. A stack and what follows it is cut off. Secrets are "…" (`publisher.errors.masking`).
    """
    if len(text) > _LONGEST_READ:
        text = _CUT_SHORT.sub("…", text[: _LONGEST_READ - 1])
    lines: list[str] = []
    for line in masked(text).splitlines():
        if _STACK.match(line):
            break
        if not _ABOUT_THE_REQUEST.match(line):
            lines.append(line)
    return " ".join(_REQUEST_IDS.sub(" ", " ".join(lines)).split())
