"""Reads settings from a mapping and collects every problem, so that all of them are reported at once."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from publisher.resource_ids import is_guid

_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")
_UNRESOLVED: Final = re.compile(r"@Microsoft\.(KeyVault|AppConfiguration)\(", re.IGNORECASE)


class SettingsError(Exception):
    """One or more settings are missing or wrong. `problems` has one line for each: name, what is wrong, what to do."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Environment:
    """One reading of the environment. Wrong values are noted and returned as empty; `finish` raises for all of them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
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
        return bool(self._variables.get(name, "").strip())

    def text(self, name: str, default: str | None = None, *, hint: str = "set it") -> str:
        """Return the value without surrounding white space, or the default; note a required one that is missing."""
        value = self._variables.get(name, "").strip()
        if _UNRESOLVED.match(value):
            self.problem(
                name,
                "is a Key Vault or App Configuration reference that the platform has not resolved; "
                "check the reference and the access of the app's identity to it",
            )
            return ""
        if value:
            return value
        if default is None:
            self.problem(name, f"is {'empty' if name in self._variables else 'not set'}; {hint}")
        return default or ""

    def secret(self, name: str, *, hint: str = "set it") -> str:
        """Return a secret; note white space around it, which is never part of one."""
        value = self.text(name, hint=hint)
        if value and value != self._variables[name]:
            self.problem(name, "begins or ends with white space or a line break; remove it")
        return value

    def guid(self, name: str, *, hint: str, required: bool = True) -> str:
        """Return a GUID, or "" when it is missing or wrong (noted unless it may be absent)."""
        value = self.text(name, None if required else "", hint=hint)
        if value and not is_guid(value):
            self.problem(name, f"is not a GUID; {hint}")
            return ""
        return value

    def https_url(self, name: str, default: str | None = None, *, hint: str, may_have_path: bool = False) -> str:
        """Return an https URL without trailing slash; a host alone is taken as https."""
        value = self.text(name, default, hint=hint).rstrip("/")
        if not value:
            return ""
        url = value if "://" in value else f"https://{value}"
        if not _is_https_url(url, may_have_path=may_have_path):
            self.problem(name, f"is not an https:// URL{'' if may_have_path else ' of a host alone'}; {hint}")
            return ""
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


def _is_https_url(url: str, *, may_have_path: bool) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and _HOST.fullmatch(parts.hostname or "") is not None
        and (port is None or port > 0)
        and "@" not in parts.netloc
        and not parts.query
        and not parts.fragment
        and (may_have_path or not parts.path)
        and not any(character.isspace() for character in url)
    )
