"""Joint positions as an arm's own driver counts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robokiln.types import Array


@dataclass(frozen=True)
class Driver:
    """What a driver calls an arm's joints, and how it counts: scale * rad + offset.

    With `gripper` the last name is the gripper's: scale * opening + offset.
    """

    names: tuple[str, ...]
    unit: str
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    gripper: bool = False

    def write(self, joints: Array, opening: Array) -> Array:
        """Joints [..., J] (rad) and the opening [...] as the driver's values [..., N]."""
        values = np.asarray(joints)
        if self.gripper:
            values = np.concatenate([values, np.asarray(opening)[..., None]], axis=-1)
        return values * self.scale + self.offset

    def read(self, values: Array) -> tuple[Array, Array | None]:
        """Joints [..., J] and opening [...] of the driver's values; None without a gripper."""
        found = (np.asarray(values, float) - self.offset) / self.scale
        return (found[..., :-1], found[..., -1]) if self.gripper else (found, None)
