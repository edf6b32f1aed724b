"""Why Azure Monitor refuses a call: the data collection endpoint, and the Log Analytics workspace.

Sources: FACTS 3.3; "Azure Monitor Log Analytics API errors" (learn.microsoft.com/azure/azure-monitor/logs/api/errors);
for NspValidationFailedError public reports.
"""

from __future__ import annotations

from typing import Final

from operations.doctor.causes.cause import ONE_CLOUD, Cause, Service, cause_of

MONITOR: Final[tuple[Cause, ...]] = (
    cause_of(
        Service.INGESTION,
        "403, OperationFailed",
        "the identity lacks the role on the data collection rule",
        "give the app's identity Monitoring Metrics Publisher on the rule; it takes up to 30 minutes to spread",
    ),
    cause_of(
        Service.INGESTION,
        "404",
        "the endpoint has no such rule",
        "check DATA_COLLECTION_IMMUTABLE_ID (of the api AUDIT_IMMUTABLE_ID): the immutable id, dcr-…; and that "
        "DATA_COLLECTION_ENDPOINT is the rule's",
    ),
    cause_of(
        Service.INGESTION,
        "InvalidStream",
        "the rule has no such stream",
        "deploy the data collection rule with this stream, or correct the setting that names it",
    ),
    cause_of(Service.INGESTION, "401", "the endpoint does not accept the identity's token", ONE_CLOUD),
    cause_of(
        Service.WORKSPACE,
        "InsufficientAccessError, 403",
        "the identity may not read it",
        "give the api's identity the right to read {role}; it takes minutes to spread",
    ),
    cause_of(
        Service.WORKSPACE,
        "401, AuthenticationFailed, InvalidTokenError, InvalidAuthenticationToken, "
        "InvalidAuthenticationTokenAudience, ExpiredAuthenticationToken",
        "the workspace does not accept the identity's token",
        "LOG_ANALYTICS_ENDPOINT and AZURE_AUTHORITY_HOST have to be of one cloud",
    ),
    cause_of(
        Service.WORKSPACE,
        "WorkspaceNotFoundError, PathNotFoundError, 404",
        "there is no such workspace",
        "check LOG_ANALYTICS_WORKSPACE_ID: the workspace id, a GUID",
    ),
    cause_of(
        Service.WORKSPACE,
        "BadArgumentError, SemanticError, 400",
        "the workspace lacks the table, or the identity may not read it",
        "deploy the template again",
    ),
    cause_of(
        Service.WORKSPACE,
        "NspValidationFailedError",
        "the workspace is closed to the network that the call comes from",
        "let this network reach the workspace: private link scope, or the workspace's network isolation",
    ),
)
