"""Settings of the webhook: the signatures that its registered address carries."""

from typing import Final

from publisher.environment import Environment

SIGNATURE_SETTING: Final = "NOTIFICATION_SIGNATURE"
SHORTEST_SIGNATURE: Final = 32
"""Characters of each webhook signature at least, as infra/hooks/preprovision.py asks before a deployment."""


def signatures_from(env: Environment) -> tuple[str, ...]:
    """Return the one or two valid signatures; note any that is short or has white space."""
    name = SIGNATURE_SETTING
    value = env.text(name, hint="set the secret that the registered notification URL carries as sig")
    signatures = tuple(value.split(","))
    if not value:
        return ()
    if len(signatures) > 2:  # noqa: PLR2004
        env.problem(name, "has more than two values; give one, or the old and the new one with a comma between")
    elif any(len(signature) < SHORTEST_SIGNATURE for signature in signatures):
        env.problem(
            name, f"has a value of fewer than {SHORTEST_SIGNATURE} characters; make one with `openssl rand -hex 32`"
        )
    elif any(character.isspace() for character in value):
        env.problem(name, "contains white space; remove it")
    return signatures
