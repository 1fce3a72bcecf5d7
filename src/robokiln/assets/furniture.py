"""Cabinets, drawers, doors and sockets: boxes along the axes, and a bar to pull at.

The robot stands at -x. A pull is an upright bar between two brackets.
"""

from __future__ import annotations

import numpy as np

from robokiln.assets.kinds import RECESS, Part, ShapeKind, Size, box_part, first_complaint, open_box
from robokiln.assets.meshes import Mesh, Span, merge, revolve, shifted, stack, union
from robokiln.assets.primitives import corner_radius, rectangle
from robokiln.geometry import (
    pose,
    pose_tuple,
    quat_from_axis_angle,
    quat_from_yaw,
    quat_multiply,
)
from robokiln.types import Array, RobokilnError, Shape

ROWS = (1, 2, 3)


def _cabinet(s: Size) -> list[Span]:
    """Bottom, top, sides, back and shelves; none overlaps another."""
    x, y, z, w = s["x"] / 2, s["y"] / 2, s["z"] / 2, s["wall"]
    shelves = [_row(s, row)[1] for row in range(int(s["rows"]) - 1)]
    return [
        ((-x, -y, -z), (x, y, w - z)),
        ((-x, -y, z - w), (x, y, z)),
        ((-x, -y, w - z), (x, w - y, z - w)),
        ((-x, y - w, w - z), (x, y, z - w)),
        ((x - w, w - y, w - z), (x, y - w, z - w)),
        *(((-x, w - y, low), (x - w, y - w, low + w)) for low in shelves),
    ]


def _row(s: Size, row: int) -> tuple[float, float]:
    rows, wall = int(s["rows"]), s["wall"]
    free = (s["z"] - (rows + 1) * wall) / rows
    low = wall - s["z"] / 2 + row * (free + wall)
    return low, low + free


def compartment(shape: Shape, row: int) -> tuple[float, float]:
    """Lowest and highest free z of a cabinet's row, 0 at the bottom, in the cabinet's frame."""
    if shape.kind != "cabinet" or row not in range(int(shape.size["rows"])):
        rows = int(shape.size["rows"]) if shape.kind == "cabinet" else 0
        raise RobokilnError(f"row {row} of shape '{shape.kind}' not found; it has {rows} rows")
    return _row(shape.size, row)


def _panel(s: Size) -> list[Span]:
    x, y, z = s["x"] / 2, s["y"] / 2, s["z"] / 2
    return [((-x, -y, -z), (x, y, z))]


def _socket_mesh(s: Size) -> Mesh:
    """A block, and the hole whose rim is slanted."""
    x, y, z, hole, c = s["x"], s["y"], s["z"] / 2, s["hole"], s["chamfer"]
    sides = ((x, y, -z), (x, y, z), (hole + 2 * c, hole + 2 * c, z), (hole, hole, z - c))
    return stack([rectangle(*side) for side in (*sides, (hole, hole, -z), sides[0])])


def _around(s: Size, hole: float, low: float, high: float) -> list[Span]:
    """Four boxes about a hole: two as long as the block, two between them."""
    x, y = s["x"] / 2, s["y"] / 2
    return [
        ((-x, -y, low), (x, -hole, high)),
        ((-x, hole, low), (x, y, high)),
        ((-x, -hole, low + RECESS), (-hole, hole, high)),
        ((hole, -hole, low + RECESS), (x, hole, high)),
    ]


def _socket_parts(s: Size) -> tuple[Part, ...]:
    """Two layers about the hole, below and beside its rim, and four bars for the rim's slopes; it
    stands on two boxes."""
    z, hole, c = s["z"] / 2, s["hole"] / 2, s["chamfer"]
    spans = _around(s, hole, -z, z - c) + _around(s, hole + c, z - c, z)
    return (*(box_part(span) for span in spans), *(_slope(s, turn) for turn in range(4)))


def _slope(s: Size, turn: int) -> Part:
    """A bar of square section, whose upper inner side is the slope of the hole's rim."""
    half, a = s["chamfer"] / np.sqrt(2), turn * np.pi / 2
    away = s["hole"] / 2 + s["chamfer"]
    centre = (away * np.cos(a), away * np.sin(a), s["z"] / 2 - s["chamfer"])
    tilt = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), np.pi / 4)
    where = pose_tuple(pose(centre, quat_multiply(quat_from_yaw(a), tilt)))
    return Part("box", (float(half), away, float(half)), where)


def handle_offset(shape: Shape) -> tuple[float, float, float]:
    """The middle of a drawer's or a door's bar in the shape's frame."""
    if shape.kind not in ("drawer", "door"):
        raise RobokilnError(f"shape '{shape.kind}' has no handle; drawer and door have one")
    return _bar(shape.size)


def landmark(shape: Shape) -> tuple[float, float, float]:
    """The point of a shape, in its frame, that says best where it is: the middle of a handle, or of
    a hole's rim, which are what something is brought to; or else its own middle."""
    if shape.kind in ("drawer", "door"):
        return _bar(shape.size)
    return (0.0, 0.0, shape.size["z"] / 2 if shape.kind == "socket" else 0.0)


def _bar(s: Size) -> tuple[float, float, float]:
    y = s["y"] / 2 - s["inset"] if "inset" in s else 0.0
    return (-s["x"] / 2 - s["reach"], y, 0.0)


def _brackets(s: Size) -> list[Span]:
    """From the front to the bar's far side, below and above it, half as high as it is thick."""
    front, (x, y, _), r = -s["x"] / 2, _bar(s), s["grip"]
    low = s["handle"] / 2
    return [
        ((x - r, y - r, -low - r), (front, y + r, -low)),
        ((x - r, y - r, low), (front, y + r, low + r)),
    ]


def _bar_profile(s: Size) -> Array:
    r, h = s["grip"], s["handle"] / 2
    return np.array([[0, -h], [r, -h], [r, h], [0, h]])


def _pulled_mesh(spans: list[Span], s: Size) -> Mesh:
    bar = shifted(revolve(_bar_profile(s)), _bar(s))
    return merge([union(spans), bar, *(union([span]) for span in _brackets(s))])


def _pulled_parts(spans: list[Span], s: Size) -> tuple[Part, ...]:
    """A capsule for the bar, its caps within the brackets: boxes roll off a thin cylinder in
    Bullet sideways, and stay on a capsule."""
    bar = Part("capsule", (s["grip"], s["handle"]), (*_bar(s), 0.0, 0.0, 0.0, 1.0))
    return (*(box_part(span) for span in spans), bar, *(box_part(b) for b in _brackets(s)))


def _handle_fits(s: Size) -> tuple[bool, str]:
    return (
        s["handle"] + 2 * s["grip"] <= s["z"] and s["reach"] > s["grip"],
        "handle + 2 grip <= z and reach > grip",
    )


def _pulled_footprint(s: Size) -> float:
    """To the bar's bracket, or to a corner."""
    x, y, _ = _bar(s)
    away = np.hypot(x - s["grip"], abs(y) + s["grip"])
    return max(corner_radius(s), float(away))


FURNITURE: dict[str, ShapeKind] = {
    "cabinet": ShapeKind(
        ("x", "y", "z", "wall", "rows"),
        lambda s: union(_cabinet(s)),
        lambda s: tuple(box_part(span) for span in _cabinet(s)),
        lambda s: s["z"],
        corner_radius,
        complaint=lambda s: first_complaint(
            (s["rows"] in ROWS, f"rows: one of {ROWS}"),
            (s["wall"] < s["x"] and 2 * s["wall"] < s["y"], "wall < x, 2 wall < y"),
            ((s["rows"] + 1) * s["wall"] < s["z"], "(rows + 1) wall < z"),
        ),
    ),
    "drawer": ShapeKind(
        ("x", "y", "z", "wall", "handle", "reach", "grip"),
        lambda s: _pulled_mesh(open_box(s), s),
        lambda s: _pulled_parts(open_box(s), s),
        lambda s: s["z"],
        _pulled_footprint,
        complaint=lambda s: first_complaint(
            (2 * s["wall"] < min(s["x"], s["y"]) and s["wall"] < s["z"], "2 wall < x, y, z"),
            _handle_fits(s),
        ),
    ),
    "door": ShapeKind(
        ("x", "y", "z", "handle", "reach", "grip", "inset"),
        lambda s: _pulled_mesh(_panel(s), s),
        lambda s: _pulled_parts(_panel(s), s),
        lambda s: s["z"],
        _pulled_footprint,
        complaint=lambda s: first_complaint(
            _handle_fits(s),
            (s["grip"] <= s["inset"] <= s["y"] - s["grip"], "grip <= inset <= y - grip"),
        ),
    ),
    "socket": ShapeKind(
        ("x", "y", "z", "hole"),
        _socket_mesh,
        _socket_parts,
        lambda s: s["z"],
        corner_radius,
        style={"chamfer": 0.004},
        complaint=lambda s: first_complaint(
            (s["hole"] + 4 * s["chamfer"] < min(s["x"], s["y"]), "hole + 4 chamfer < x, y"),
            (2 * s["chamfer"] < s["z"], "2 chamfer < z"),
        ),
    ),
}
