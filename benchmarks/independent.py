"""Is the task done? Asked of where the bodies are alone, by other means than the tasks' own.

Tasks look at origins, footprints and fingers; here the corners of the visual meshes say what lies
where. `wrong` gives "" or what is amiss. It is asked a simulated second after an episode's end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np

from robokiln.assets import build_mesh
from robokiln.geometry import quat_to_matrix
from robokiln.scene.joints import travel
from robokiln.types import Array, Body, RobokilnError, SceneSpec, Shape

TOUCH = 0.004
"""Metres by which things in contact may seem apart, or inside of each other."""
LEVEL = 0.95
"""Cosine of an axis that still counts as upright."""
DOOR = 0.87
"""Radians by which an open door is open."""
SHUT = 0.006
"""Metres by which a closed drawer may be open."""
SHARE = 0.85
"""Of what is poured that must arrive."""


@dataclass(frozen=True)
class Places:
    """Poses [N, 7] of the spec's bodies."""

    spec: SceneSpec
    poses: Array

    def body(self, role: str) -> Body:
        return self.spec.bodies[self.spec.index(self.spec.goal[role])]

    def pose(self, body: Body) -> Array:
        return self.poses[self.spec.index(body.name)]

    def axis(self, body: Body) -> Array:
        """The body's z axis [3]."""
        return quat_to_matrix(self.pose(body)[3:])[:, 2]

    def corners(self, body: Body) -> Array:
        """Of its mesh, [V, 3] in the world."""
        size = tuple(body.shape.size.items())
        rotation = quat_to_matrix(self.pose(body)[3:])
        return _vertices(body.shape.kind, size) @ rotation.T + self.pose(body)[:3]

    def within(self, body: Body, other: Body) -> Array:
        """The body's corners in the frame of another, [V, 3]."""
        rotation = quat_to_matrix(self.pose(other)[3:])
        return (self.corners(body) - self.pose(other)[:3]) @ rotation

    def moved(self) -> tuple[float, float]:
        """How far the joint of the goal or of the target has moved, and how far it can."""
        for body in (self.body("goal"), self.body("target")):
            if body.joint is not None:
                parent = self.poses[self.spec.index(body.joint.parent)]
                return travel(body.joint, parent, self.pose(body)), body.joint.upper
        raise RobokilnError(f"task '{self.spec.task}': neither goal nor target has a joint")


@cache
def _vertices(kind: str, size: tuple[tuple[str, float], ...]) -> Array:
    return np.asarray(build_mesh(Shape(kind, dict(size))).vertices, float)


def wrong(spec: SceneSpec, poses: Array) -> str:
    """What is not as the task asks, or ""."""
    if spec.task not in CHECKS:
        raise RobokilnError(f"no check of '{spec.task}'; available: {', '.join(sorted(CHECKS))}")
    places = Places(spec, poses)
    reasons = (reason for check in (_on_table, CHECKS[spec.task]) for reason in check(places))
    return next(reasons, "")


def _on_table(places: Places) -> Iterator[str]:
    for body in places.spec.bodies:
        if body.mass > 0 and body.joint is None and places.corners(body)[:, 2].min() < -TOUCH:
            yield f"{body.name} is below the table"


def _inside(places: Places, body: Body, container: Body, above: float = 0.0) -> Iterator[str]:
    """Its middle over the container's inside, its lowest corner between floor and rim, off the
    table; `above` (m) is how far over the rim that may be."""
    outline, it = places.within(container, container), places.within(body, container)
    middle, low = (it.min(axis=0) + it.max(axis=0)) / 2, it[:, 2].min()
    inside = np.abs(middle[:2]) < outline[:, :2].max(axis=0)
    if container.shape.kind in ("bowl", "plate", "cup", "mug"):
        inside &= np.hypot(*middle[:2]) < np.hypot(outline[:, 0], outline[:, 1]).max()
    if not inside.all():
        yield f"{body.name} is beside {container.name}"
    if not outline[:, 2].min() - TOUCH < low < outline[:, 2].max() + TOUCH + above:
        yield f"{body.name} is above or below {container.name}"
    if places.corners(body)[:, 2].min() < 0.0015:
        yield f"{body.name} is on the table"


def _stands(places: Places, body: Body, on: float = 0.0) -> Iterator[str]:
    """Upright, a box on any of its faces, its lowest corner at this height (m)."""
    vertical = quat_to_matrix(places.pose(body)[3:])[2]
    if (np.abs(vertical).max() if body.shape.kind == "box" else vertical[2]) < LEVEL:
        yield f"{body.name} is not upright"
    if abs(places.corners(body)[:, 2].min() - on) > TOUCH:
        yield f"{body.name} does not stand where it should"


def _pick_place(places: Places) -> Iterator[str]:
    yield from _inside(places, places.body("target"), places.body("goal"))
    yield from _stands(places, places.body("goal"))


def _lift(places: Places) -> Iterator[str]:
    if places.corners(places.body("target"))[:, 2].min() < 0.09:
        yield "the target is not in the air"


def _stack(places: Places) -> Iterator[str]:
    roles = [r for r in ("goal", "target", "top") if r in places.spec.goal]
    bodies = [places.body(role) for role in roles]
    yield from _stands(places, bodies[0])
    for lower, upper in pairwise(bodies):
        top = places.corners(lower)[:, 2].max()
        yield from _stands(places, upper, float(top))
        offset = places.pose(upper)[:2] - places.pose(lower)[:2]
        if np.hypot(*offset) > min(lower.shape.size.values()) / 2:
            yield f"{upper.name} is beside {lower.name}"


def _push(places: Places) -> Iterator[str]:
    target, zone = places.body("target"), places.body("goal")
    middle = places.within(target, zone)[:, :2].mean(axis=0)
    if (np.abs(middle) > places.within(zone, zone)[:, :2].max(axis=0)).any():
        yield "the target's middle is outside of the zone"
    if abs(places.corners(target)[:, 2].min()) > TOUCH:
        yield "the target is not on the table"


def _sort(places: Places) -> Iterator[str]:
    """Whatever has a container or a zone of its color is in it."""
    kinds = ("bowl", "plate", "tray", "crate", "zone")
    homes = {b.color: b for b in places.spec.bodies if b.color and b.shape.kind in kinds}
    things = [b for b in places.spec.bodies if b.mass > 0 and b.color and b not in homes.values()]
    sorted_here = [b for b in things if b.color in homes]
    if not sorted_here:
        yield "nothing is to be sorted"
    for body in sorted_here:
        home = homes[body.color]
        if home.shape.kind == "zone":
            yield from _push(_renamed(places, body, home))
        else:
            yield from _inside(places, body, home, above=0.02)


def _renamed(places: Places, target: Body, goal: Body) -> Places:
    roles = {"target": target.name, "goal": goal.name}
    return Places(replace(places.spec, goal=roles), places.poses)


def _insert(places: Places) -> Iterator[str]:
    peg, socket = places.body("target"), places.body("goal")
    it = places.within(peg, socket)
    top = places.within(socket, socket)[:, 2].max()
    if abs(places.axis(peg) @ places.axis(socket)) < 0.98:
        yield "the peg is tilted"
    if np.hypot(*it[:, :2].mean(axis=0)) > socket.shape.size["hole"] / 2:
        yield "the peg is beside the hole"
    deep, whole = top - it[:, 2].min(), np.ptp(places.within(socket, socket)[:, 2])
    if deep < 0.75 * whole:
        yield f"the peg is {deep:.3f} m deep in a hole of {whole:.3f} m"


def _open(places: Places) -> Iterator[str]:
    position, upper = places.moved()
    if position < (DOOR if places.spec.task == "open_door" else 0.75 * upper):
        yield f"opened by {position:.3f} of {upper:.3f}"


def _close(places: Places) -> Iterator[str]:
    position, _ = places.moved()
    if position > SHUT:
        yield f"still open by {position:.3f} m"


def _in_drawer(places: Places) -> Iterator[str]:
    yield from _inside(places, places.body("target"), places.body("goal"))
    yield from _close(places)


def _pour(places: Places) -> Iterator[str]:
    cup, bowl = places.body("target"), places.body("goal")
    pellets = [b for b in places.spec.bodies if b.name.startswith("pellet")]
    arrived = sum(not any(_inside(places, pellet, bowl)) for pellet in pellets)
    if arrived < SHARE * len(pellets):
        yield f"{arrived} of {len(pellets)} pellets are in the bowl"
    yield from _stands(places, bowl)
    yield from _stands(places, cup)


CHECKS: dict[str, Callable[[Places], Iterator[str]]] = {
    "pick_place": _pick_place,
    "lift": _lift,
    "stack_two": _stack,
    "stack_three": _stack,
    "push_to_zone": _push,
    "sort_by_colour": _sort,
    "insert_peg": _insert,
    "open_drawer": _open,
    "close_drawer": _close,
    "put_in_drawer": _in_drawer,
    "open_door": _open,
    "pour": _pour,
}
