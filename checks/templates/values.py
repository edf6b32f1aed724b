"""What expressions of a template come to, beside plain values: resources, and texts that only Azure knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One resource of a deployment. `body` has its values, `id` its resource id in the style of ARM.

    `is_existing` tells one that a template only refers to. `file` and `line` are where it is declared; `scope` is the
    resource that it is an extension of, None for most.
    """

    type: str
    name: str
    id: str
    file: Path
    line: int
    is_existing: bool = False
    scope: Resource | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """What a module puts out, by the name of the output."""

    outputs: Mapping[str, Any]


class AtRuntime(str):
    """A text that Azure knows during the deployment only: a property of a resource.

    As a text it reads `{<name of the resource>.properties.<property>}`, and stays recognisable within another text.
    """

    __slots__ = ("path", "resource")
    resource: Resource
    path: str

    @classmethod
    def of(cls, resource: Resource, path: str) -> AtRuntime:
        """Return the value of a property of a resource; `path` is for instance `properties.principalId`."""
        value = cls(f"{{{resource.name}.{path}}}")
        value.resource, value.path = resource, path
        return value
