"""How often Python looks for garbage that refers to itself."""

import gc
from typing import Final

_OBJECTS: Final = 10_000
"""Python's own 700 make a run look through its objects four hundred times, a twentieth of its processor time."""

_YOUNG_LOOKS: Final = 20


def look_seldom() -> None:
    """Look for garbage after more objects than Python does by itself; call it once, before everything is imported.

    Nearly all objects of a run refer to no others in a circle, so they are freed without being looked for.
    """
    gc.set_threshold(_OBJECTS, _YOUNG_LOOKS, _YOUNG_LOOKS)
