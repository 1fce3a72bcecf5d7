"""Which way things face, as far as a parallel gripper cares: up to quarter turns about an axis.

An angle is kept as the cosine and sine of four times it, a "quarter" [..., 2]: what a quarter turn
leaves as it was has one value, and small turns are small differences.
"""

from __future__ import annotations

import numpy as np

from robokiln.geometry import quat_to_matrix, rot6_to_matrix
from robokiln.types import Array


def side_of(pose: Array) -> Array:
    """The axis [..., 3] of bodies at poses [..., 7] that lies flattest, in the base frame."""
    axes = np.swapaxes(quat_to_matrix(pose[..., 3:]), -1, -2)
    flattest = np.abs(axes[..., 2]).argmin(-1)
    side: Array = np.take_along_axis(axes, flattest[..., None, None], -2)[..., 0, :]
    return side


def quarter_of(side: Array) -> Array:
    """Axes [..., 3] -> how they are turned about z: [..., 2]; zeros for one along z."""
    x, y = side[..., 0], side[..., 1]
    for _ in range(2):
        x, y = x * x - y * y, 2 * x * y
    length = np.maximum(np.hypot(x, y), 1e-12)
    return np.stack([x / length, y / length], -1)


def seen_by_tool(side: Array, proprioception: Array) -> Array:
    """Axes [N, R, 3] in the base frame -> in the tool's, which proprioception [N, 10] tells."""
    turned: Array = side @ rot6_to_matrix(proprioception[:, 3:9].astype(np.float64))
    return turned


def degrees_between(quarters: Array, others: Array) -> Array:
    """The angles [...] (degrees, at most 45) between quarters [..., 2]."""
    cross = quarters[..., 0] * others[..., 1] - quarters[..., 1] * others[..., 0]
    angle: Array = np.degrees(np.abs(np.arctan2(cross, (quarters * others).sum(-1)))) / 4
    return angle
