"""`Table | extend Row = pack_all()`, which the engine does not know: written out with the columns of the table.

With it a query can ask for columns that a table may or may not have, as those of AzureDiagnostics, which appear with
the first row that has a value for them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PACKED: Final = re.compile(r"\b(\w+)(\s*\|\s*extend\s+\w+\s*=\s*)pack_all\(\)")


def written_out(kql: str, columns: Mapping[str, Sequence[str]]) -> str:
    """Return a query with every `pack_all()` that follows the name of one of these tables at once written out.

    Elsewhere it is left as it is, and so refused by the engine: which columns there are by then is not known here.
    """

    def bag(match: re.Match[str]) -> str:
        names = columns.get(match[1])
        pairs = "" if names is None else ", ".join(f'"{name}", {name}' for name in names)
        return f"{match[1]}{match[2]}bag_pack({pairs})" if pairs else match[0]

    return _PACKED.sub(bag, kql)
