"""Arrays, poses, colors, and errors that a user is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
PoseTuple = tuple[float, float, float, float, float, float, float]
"""x, y, z (m), then the quaternion x, y, z, w."""
Color = tuple[float, float, float]
"""sRGB in [0, 1]."""


class RobokilnError(ValueError):
    """A user's mistake or a refused input: shown as one message, never as a traceback."""


class RunFailed(RuntimeError):
    """Something went wrong that the user did not cause: one message, and exit code 1."""


def lookup(kind: str, name: str, available: Mapping[str, Any]) -> Any:
    """`available[name]`, or an error that names the offender and what there is."""
    if name in available:
        return available[name]
    raise RobokilnError(f"{kind} '{name}' not found; available: {', '.join(sorted(available))}")
