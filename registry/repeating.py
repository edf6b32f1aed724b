"""Optimistic writing: what reads a row and writes it starts again when somebody else wrote the row in between."""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, ParamSpec, TypeVar

from publisher.errors.kinds import TransientFailure
from publisher.table import RowChanged

_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")
_TRIES: Final = 8


def repeated_on_row_change(
    function: Callable[_Parameters, Awaitable[_Answer]],
) -> Callable[_Parameters, Coroutine[Any, Any, _Answer]]:
    """Make a function that reads a row and writes it start again when somebody else wrote the row in between.

    It raises TransientFailure when that happens every time.
    """

    @functools.wraps(function)
    async def repeated(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Answer:
        for number in range(_TRIES):
            try:
                return await function(*args, **kwargs)
            except RowChanged:
                longest = min(0.02 * 2**number, 0.3)
                await asyncio.sleep(random.random() * longest)  # noqa: S311 - spreads the writers, not a secret
        raise TransientFailure("the row is being written by others all the time", code="RegistryBusy")

    return repeated
