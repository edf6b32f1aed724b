"""Azure's messages as they are shown: on one line, and without what only names the request, stacks and secrets."""

import re
from typing import Final

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
_SECRET: Final = re.compile(
    r"eyJ[\w-]{8,}(?:\.[\w-]*){0,4}"
    r"|\b(?:bearer|basic|sharedkey(?:lite)?|sharedaccesssignature)\s+(?=\S*[\d=])[^\s\"'<>]{12,}"
    r"|\b(?:sig|accountkey|sharedaccesskey|access_token|refresh_token|id_token|client_secret|client_assertion|password)"
    r"(?:=|\\?[\"']\s*:\s*\\?[\"'])[^\s&;,\"'<>]+"
    r"|[?&]code=[^\s&\"'<>]+"
    r"|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,}+={1,2}",
    re.IGNORECASE,
)


def wording(text: str) -> str:
    """Return a message on one line, of at most 4,000 characters.

    Ids and the time of the request are cut out: a reason that stays the same keeps its words, so that its alert does
    not fire anew. A stack and what follows it is cut off. What looks like a token or a key is "…": a gateway may repeat
    the request in its answer.
    """
    lines: list[str] = []
    for line in text[:_LONGEST_READ].splitlines():
        if _STACK.match(line):
            break
        if not _ABOUT_THE_REQUEST.match(line):
            lines.append(line)
    return " ".join(_REQUEST_IDS.sub(" ", _SECRET.sub("…", " ".join(lines))).split())
