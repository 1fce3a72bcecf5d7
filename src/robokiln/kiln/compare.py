"""What only shows when episodes are seen beside each other: starts that repeat, places never used.

It is computed once all episodes are known, in the order of slots, from a few numbers an episode.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.spatial import cKDTree

from robokiln.geometry import quat_to_matrix
from robokiln.scene.layout import Area
from robokiln.types import Array, Body, RobokilnError, SceneSpec


@dataclass(frozen=True)
class CompareConfig:
    """Two starts are the same if the task's bodies stand within `duplicate_distance_m` of each
    other's places, and are turned and the arm's joints set within `duplicate_angle_rad`.

    The later of two is then left out if `drop_duplicates`, else reported. `bins` is that of each
    side of the area in which the task places things.
    """

    duplicate_distance_m: float = 0.002
    duplicate_angle_rad: float = 0.02
    drop_duplicates: bool = False
    bins: int = 5

    def __post_init__(self) -> None:
        """Refuse what is no threshold."""
        least = {"bins": 1}
        for field in fields(self):
            value, low = getattr(self, field.name), least.get(field.name, 0)
            if not low <= value < np.inf:
                raise RobokilnError(f"compare.{field.name}: expected {low} or more, got {value}")


@dataclass(frozen=True)
class Start:
    """What an episode began as: [x, y, yaw] (m, rad, world) of the bodies of R roles [R, 3], joints
    [J] (rad), and the kinds and colors of those bodies."""

    slot: int
    places: Array
    joints: Array
    things: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """Episodes that began in each bin of a role's area [bins, bins] (x, then y), and the share of
    the bins that any did; `outside` counts those beyond the area."""

    counts: tuple[tuple[int, ...], ...]
    share: float
    outside: int


@dataclass(frozen=True)
class Comparison:
    """`duplicates`: (slot, the earlier slot that it repeats). `coverage` by role."""

    duplicates: tuple[tuple[int, int], ...]
    coverage: Mapping[str, Coverage]

    def dropped(self, config: CompareConfig) -> frozenset[int]:
        """Slots that are to be left out."""
        return frozenset(slot for slot, _ in self.duplicates if config.drop_duplicates)


def start_of(slot: int, spec: SceneSpec, roles: Iterable[str]) -> Start:
    """An episode's start, from its scene alone."""
    bodies = [spec.bodies[spec.index(spec.goal[role])] for role in roles]
    return Start(
        slot,
        np.array([_place(body) for body in bodies]),
        np.array(spec.robot_joints, float),
        tuple(f"{body.color} {body.shape.kind}" for body in bodies),
    )


def compare(
    starts: Iterable[Start], ranges: Mapping[str, Area], config: CompareConfig
) -> Comparison:
    """Compare the episodes of a dataset; `ranges` are the task's, of the roles of the starts."""
    known = sorted(starts, key=lambda start: start.slot)
    return Comparison(
        duplicates=_duplicates(known, config),
        coverage={
            role: coverage([start.places[i, :2] for start in known], area, config.bins)
            for i, (role, area) in enumerate(ranges.items())
        },
    )


def _duplicates(starts: Sequence[Start], config: CompareConfig) -> tuple[tuple[int, int], ...]:
    """Each repeated slot with the first that it repeats. One that repeats only a repetition is none
    itself: without the repetition it would stay."""
    if len(starts) < 2:
        return ()
    # All places in one cube of side `distance`: a superset of the pairs that are near enough.
    points = np.array([start.places[:, :2].ravel() for start in starts])
    near = cKDTree(points).query_ball_point(points, config.duplicate_distance_m, p=np.inf)
    found: list[tuple[int, int]] = []
    repeated: set[int] = set()
    for later, others in enumerate(near):
        for earlier in sorted(i for i in others if i < later and i not in repeated):
            if _same(starts[earlier], starts[later], config):
                repeated.add(later)
                found.append((starts[later].slot, starts[earlier].slot))
                break
    return tuple(found)


def _same(one: Start, other: Start, config: CompareConfig) -> bool:
    apart = np.linalg.norm(one.places[:, :2] - other.places[:, :2], axis=1)
    turned = np.abs((one.places[:, 2] - other.places[:, 2] + np.pi) % (2 * np.pi) - np.pi)
    joints = np.abs(one.joints - other.joints)
    return bool(
        one.things == other.things
        and apart.max() <= config.duplicate_distance_m
        and max(turned.max(), joints.max()) <= config.duplicate_angle_rad
    )


def coverage(points: Sequence[Array], area: Area, bins: int) -> Coverage:
    """How points [2] (m) fill an area."""
    at = np.array(points).reshape(-1, 2)
    counts, _, _ = np.histogram2d(at[:, 0], at[:, 1], bins, [area.x, area.y])
    counted = counts.astype(int)
    return Coverage(
        counts=tuple(tuple(int(n) for n in row) for row in counted),
        share=float((counted > 0).mean()),
        outside=len(at) - int(counted.sum()),
    )


def _place(body: Body) -> tuple[float, float, float]:
    """x, y and yaw; a body that lies along the table is turned as its axis is."""
    rotation = quat_to_matrix(np.array(body.pose[3:]))
    upright = abs(rotation[2, 2]) > 0.5
    axis = rotation[:2, 0] if upright else rotation[:2, 2]
    return body.pose[0], body.pose[1], float(np.arctan2(axis[1], axis[0]))
