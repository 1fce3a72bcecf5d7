"""Solid shapes of revolution: bottle, can and ring."""

from __future__ import annotations

import numpy as np

from robokiln.assets.kinds import RECESS, Part, ShapeKind, Size, first_complaint
from robokiln.assets.meshes import revolve
from robokiln.geometry import pose, pose_tuple, quat_from_yaw
from robokiln.types import Array

RING_PARTS = 8
SQUARE = float(np.pi / 4)
"""Half width of a square bar as high as a round one, and as heavy, over the round one's radius."""


def _bottle_outline(s: Size) -> Array:
    """Body, shoulder, neck and cap as fractions of the radius and the height."""
    shoulder, neck = s["shoulder"], s["neck"]
    shape = [(0, 0), (1, 0), (1, shoulder), (0.85, shoulder + 0.1), (neck + 0.04, shoulder + 0.2)]
    shape += [(neck, 0.92), (neck + 0.08, 0.92), (neck + 0.08, 1.0), (0, 1.0)]
    return np.round(shape, 9) * [s["radius"], s["height"]] - [0, s["height"] / 2]


def _bottle_parts(s: Size) -> tuple[Part, ...]:
    r, h = s["radius"], s["height"]
    top, thin = round(s["shoulder"] + 0.08, 9), round(s["neck"] + 0.06, 9)
    rest, middle = round(1 - top, 9), round((1 + top) / 2, 9)
    body = Part("cylinder", (r, top * h), (0, 0, top / 2 * h - h / 2, 0, 0, 0, 1))
    neck = Part("cylinder", (thin * r, rest * h), (0, 0, middle * h - h / 2, 0, 0, 0, 1))
    return (body, neck)


def _can_outline(s: Size) -> Array:
    """A wall that narrows towards a rim at both ends, and the sunken ends within."""
    r, h, depth = s["radius"], s["height"] / 2, s["rim"]
    edge, narrow = s["neck"] * r, 1.5 * (1 - s["neck"]) * r + depth
    half = [(edge - 1.4 * depth, depth - h), (edge - depth, -h), (edge, -h), (edge, depth - h)]
    half += [(r, depth + narrow - h)]
    lower = np.array([(0.0, depth - h), *half])
    return np.concatenate([lower, lower[::-1] * [1, -1]])


def _ring_outline(s: Size) -> Array:
    angle = np.linspace(0, 2 * np.pi, 17) - np.pi
    across = np.stack([np.cos(angle), s["tall"] * np.sin(angle)], -1)
    profile = s["tube"] * across + [s["radius"] - s["tube"], 0]
    profile[-1] = profile[0]
    return profile


def _ring_parts(s: Size) -> tuple[Part, ...]:
    """Bars round the middle of the tube, halfway between inside and outside of its circle; it
    lies on two that are opposite."""
    turn = np.pi / RING_PARTS
    middle = (s["radius"] - s["tube"]) * 2 / (1 + 1 / np.cos(turn))
    wide, high = SQUARE * s["tube"], s["tube"] * s["tall"]
    length, parts = float((middle + wide) * np.tan(turn)), []
    for k in range(RING_PARTS):
        a = 2 * turn * k
        where = pose_tuple(pose((middle * np.cos(a), middle * np.sin(a), 0), quat_from_yaw(a)))
        bears = k % (RING_PARTS // 2) == 0
        parts.append(Part("box", (wide, length, high - RECESS * (not bears)), where))
    return tuple(parts)


REVOLVED: dict[str, ShapeKind] = {
    "bottle": ShapeKind(
        ("radius", "height"),
        lambda s: revolve(_bottle_outline(s)),
        _bottle_parts,
        lambda s: s["height"],
        style={"shoulder": 0.60, "neck": 0.38},
        complaint=lambda s: first_complaint(
            (s["shoulder"] <= 0.7, "shoulder: at most 0.7 of the height"),
            (s["neck"] <= 0.8, "neck: at most 0.8 of the radius"),
        ),
    ),
    "can": ShapeKind(
        ("radius", "height"),
        lambda s: revolve(_can_outline(s), crease=0.9),
        lambda s: (Part("cylinder", (s["radius"], s["height"])),),
        lambda s: s["height"],
        style={"neck": 0.92, "rim": 0.002},
        complaint=lambda s: first_complaint(
            (s["neck"] <= 1, "neck: at most 1 of the radius"),
            (2 * s["rim"] < s["neck"] * s["radius"], "2 rim < neck radius"),
            (_can_outline(s)[5, 1] < 0, "height beyond both rims and necks"),
        ),
    ),
    "ring": ShapeKind(
        ("radius", "tube"),
        lambda s: revolve(_ring_outline(s)),
        _ring_parts,
        lambda s: 2 * s["tube"] * s["tall"],
        style={"tall": 1.0},
        complaint=lambda s: first_complaint((2 * s["tube"] < s["radius"], "2 tube < radius")),
    ),
}
