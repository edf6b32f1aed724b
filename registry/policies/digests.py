"""Postures of which a digest is kept: what a row of the registry has no room for is compared by its hash."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from registry.policies.postures import canonical

if TYPE_CHECKING:
    from registry.managed_application import Posture


def digest_of(posture: Posture) -> str:
    """Return the hash of what a posture says about parameters (but defaults), notScopes, selectors and overrides."""
    if posture.digest:
        return posture.digest
    parameters = [[name, value] for name, value in posture.parameters if name not in posture.at_default]
    told = [parameters, list(posture.not_scopes), posture.selectors, posture.overrides]
    return hashlib.sha256(canonical(told).encode("utf-8", "replace")).hexdigest()


def digested(posture: Posture) -> Posture:
    """Return the posture with its digest in place of what that stands for."""
    return replace(
        posture,
        digest=digest_of(posture),
        parameters=(),
        at_default=(),
        not_scopes=(),
        selectors="",
        overrides="",
    )
