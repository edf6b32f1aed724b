"""Which managed applications Azure Resource Graph knows: the query, and the ids in its rows.

The table `resources` has them (azure-docs, "Azure Resource Graph table and resource type reference"); Microsoft's
metered-billing-accelerator lists those of a publisher's customers so (FACTS 11.6).
"""

from __future__ import annotations

from typing import Any, Final

from publisher.lenient_json import member
from publisher.resource_ids import ApplicationId, InvalidResourceId

# A column `id` is what Resource Graph needs to give a token for the next page.
QUERY: Final = """resources
| where type =~ 'microsoft.solutions/applications'
| project id
| order by id asc"""


def application_in(row: Any) -> ApplicationId | None:
    """Return the application that a row names, None for a row without an application's id."""
    try:
        return ApplicationId.parse(member(row, "id"))
    except InvalidResourceId:
        return None
