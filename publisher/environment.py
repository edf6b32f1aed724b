"""Reads settings from a mapping and collects every problem, so that all of them are reported at once."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from publisher.resource_ids import is_guid
from publisher.texts import is_unseen, trimmed

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*|[0-9a-f:.]*:[0-9a-f:.]*")
"""The name of a host, or an IPv6 address; in lower case."""
_QUOTED: Final = re.compile(
    r"""(["'`]).*\1|[\u201c\u201d\u201e\u00ab].*[\u201c\u201d\u00bb]|[\u2018\u2019].*[\u2018\u2019]""", re.DOTALL
)
"""A text in quotation marks, as they come along from a script, or from a text processor."""
_UNRESOLVED: Final = re.compile(r"@Microsoft\.(KeyVault|AppConfiguration)\(", re.IGNORECASE)


class SettingsError(Exception):
    """One or more settings are missing or wrong. `problems` has one line for each: name, what is wrong, what to do."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Environment:
    """One reading of the environment. Wrong values are noted and returned as empty; `finish` raises for all of them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self._problems: dict[str, str] = {}

    def finish(self) -> None:
        """Raise SettingsError with everything that was noted; return when there was nothing."""
        if self._problems:
            raise SettingsError(tuple(f"{name}: {problem}" for name, problem in sorted(self._problems.items())))

    def problem(self, name: str, text: str) -> None:
        """Note what is wrong with a setting, and what to do about it; the first problem of a setting stays."""
        self._problems.setdefault(name, text)

    def has(self, name: str) -> bool:
        """Tell whether the setting has a value; an empty one counts as not set."""
        return bool(trimmed(self.variables.get(name, "")))

    def text(self, name: str, default: str | None = None, *, hint: str = "set it", may_be_quoted: bool = False) -> str:
        """Return the value without surrounding white space, or the default; note a required one that is missing.

        Characters that nobody sees, such as a byte order mark, are taken off its ends and noted within it; quotation
        marks around it are noted, unless they may be part of it.
        """
        value = trimmed(self.variables.get(name, ""))
        if _UNRESOLVED.match(value):
            self.problem(
                name,
                "is a Key Vault or App Configuration reference that the platform has not resolved; "
                "check the reference and the access of the app's identity to it",
            )
            return ""
        if _QUOTED.fullmatch(value) and not may_be_quoted:
            self.problem(name, "is in quotation marks; remove them")
            return ""
        if unseen := next(filter(is_unseen, value), None):
            self.problem(
                name, f"has a character that cannot be seen (U+{ord(unseen):04X}); remove it, or type it again"
            )
            return ""
        if value:
            return value
        if default is None:
            self.problem(name, f"is {'empty' if name in self.variables else 'not set'}; {hint}")
        return default or ""

    def secret(self, name: str, *, hint: str = "set it", may_be_quoted: bool = False) -> str:
        """Return a secret; note white space around it, which is never part of one."""
        value = self.text(name, hint=hint, may_be_quoted=may_be_quoted)
        if value and value != self.variables[name]:
            self.problem(name, "begins or ends with white space, a line break or a character nobody sees; remove it")
        return value

    def guid(self, name: str, *, hint: str, required: bool = True) -> str:
        """Return a GUID, or "" when it is missing or wrong (noted unless it may be absent)."""
        value = self.text(name, None if required else "", hint=hint)
        if value and not is_guid(value):
            self.problem(name, f"is not a GUID (hexadecimal digits with hyphens, no braces); {hint}")
            return ""
        return value

    def https_url(self, name: str, default: str | None = None, *, hint: str, may_have_path: bool = False) -> str:
        """Return an https URL without trailing slash, its host in lower case; a host alone is taken as https."""
        value = self.text(name, default, hint=hint)
        if not value:
            return ""
        url = address(value if "://" in value else f"https://{value}", may_have_path=may_have_path)
        if not url:
            self.problem(name, f"is not an https:// URL{'' if may_have_path else ' of a host alone'}; {hint}")
        return url

    def integer(self, name: str, default: int, lowest: int, highest: int) -> int:
        """Return a whole number between two bounds, both included."""
        value = self.text(name, str(default))
        if value.isascii() and value.isdecimal() and len(value) <= 9 and lowest <= int(value) <= highest:  # noqa: PLR2004
            return int(value)
        self.problem(name, f"is not a whole number from {lowest} to {highest}")
        return default

    def matching(self, name: str, default: str | None, pattern: re.Pattern[str], *, hint: str) -> str:
        """Return a text that matches the whole pattern, or "" when it is missing or wrong (noted)."""
        value = self.text(name, default, hint=hint)
        if value and not pattern.fullmatch(value):
            self.problem(name, f"has the wrong form; {hint}")
            return ""
        return value


def address(url: str, *, may_have_path: bool, schemes: tuple[str, ...] = ("https",)) -> str:
    """Return a URL as it is compared and used, without the port that is https's own; "" for what no client opens."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    path = parts.path.rstrip("/")
    is_one = (
        parts.scheme in schemes
        and _HOST.fullmatch(host) is not None
        and port != 0
        and "@" not in parts.netloc
        and not parts.query
        and not parts.fragment
        and (may_have_path or not path)
        and not any(character.isspace() or character == "\\" for character in url)
    )
    shown = f"[{host}]" if ":" in host else host
    own_port = "" if port is None or (parts.scheme, port) == ("https", 443) else f":{port}"
    return f"{parts.scheme}://{shown}{own_port}{path}" if is_one else ""
