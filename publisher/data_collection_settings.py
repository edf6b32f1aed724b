"""Where rows go: the data collection endpoint, its rule, and the rule's stream for each table (FACTS 3.1, 3.6)."""

import re
from typing import Final

from publisher.environment import Environment

_ENDPOINT: Final = "DATA_COLLECTION_ENDPOINT"
_RULE_ID: Final = "DATA_COLLECTION_IMMUTABLE_ID"
_DEFAULT_STREAMS: Final = {
    "STREAM_NAME": "Custom-PolicyComplianceStates_CL",
    "RESULTS_STREAM_NAME": "Custom-PolicyCollectionResults_CL",
    "RUNS_STREAM_NAME": "Custom-PolicyCollectionRuns_CL",
    "EVENTS_STREAM_NAME": "Custom-ManagedApplicationEvents_CL",
}
DATA_COLLECTION_SETTING_NAMES: Final = (_ENDPOINT, _RULE_ID, *_DEFAULT_STREAMS)

_IMMUTABLE_ID: Final = re.compile(r"dcr-[0-9A-Za-z-]{4,64}")
"""Azure makes 32 hex digits; only the prefix is what tells it from the rule's resource id or name."""
_STREAM_NAME: Final = re.compile(r"Custom-[A-Za-z][A-Za-z0-9_]{0,62}")


def endpoint_and_rule_from(env: Environment) -> tuple[str, str]:
    """Return the logs ingestion URL and the rule's immutable id; problems are noted in `env`."""
    endpoint = env.https_url(_ENDPOINT, hint="take the logs ingestion URL of the data collection endpoint or rule")
    rule_id = env.matching(
        _RULE_ID,
        None,
        _IMMUTABLE_ID,
        hint="take the immutable id of the data collection rule (dcr- and 32 hex digits), not its resource id",
    )
    return endpoint, rule_id


def streams_from(env: Environment, *names: str) -> list[str]:
    """Return the streams that these settings name, in their order; problems are noted in `env`, a shared one too."""
    hint = "it begins with Custom-, then letters, digits, underscores"
    streams = {name: env.matching(name, _DEFAULT_STREAMS[name], _STREAM_NAME, hint=hint) for name in names}
    given = [stream for stream in streams.values() if stream]
    if len(set(given)) < len(given):
        *others, last = names
        env.problem(names[0], f"{', '.join(others)} and {last} must all differ")
    return list(streams.values())
