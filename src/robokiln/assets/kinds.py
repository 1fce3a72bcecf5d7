"""What a kind of shape consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from robokiln.assets.meshes import Mesh, Span
from robokiln.geometry import IDENTITY
from robokiln.types import PoseTuple

Size = Mapping[str, float]
"""Dimensions and, where they are given, style dimensions, by name."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Part:
    """A convex collision primitive in the body frame.

    kind "box": size = half extents; "cylinder" and "capsule": (radius, length along z, capsule
    without its caps); "sphere": (radius,).
    """

    kind: str
    size: tuple[float, ...]
    pose: PoseTuple = IDENTITY

    @staticmethod
    def box(x: Range, y: Range, z: Range) -> Part:
        """A box by its ranges along the body's axes."""
        half = tuple((high - low) / 2 for low, high in (x, y, z))
        at = [(low + high) / 2 for low, high in (x, y, z)]
        return Part("box", half, (at[0], at[1], at[2], 0.0, 0.0, 0.0, 1.0))


def _fine(_: Size) -> str:
    return ""


@dataclass(frozen=True)
class ShapeKind:
    """How one kind of shape is built; `dims` are its dimensions' names.

    `style` are dimensions that may be left out, and what they are then. `complaint` says what is
    wrong with dimensions that contradict each other, "" if nothing is.
    """

    dims: tuple[str, ...]
    mesh: Callable[[Size], Mesh]
    parts: Callable[[Size], tuple[Part, ...]]
    height: Callable[[Size], float]
    footprint: Callable[[Size], float] = field(default=lambda s: s["radius"])
    style: Size = field(default_factory=dict)
    complaint: Callable[[Size], str] = field(default=_fine)


RECESS = 0.0002
"""Metres by which a part ends above what a shape stands on where other parts bear it already: each
box on a table is four contacts to be solved."""


def box_part(span: Span) -> Part:
    """A collision box by its opposite corners."""
    x, y, z = zip(*span, strict=True)
    return Part.box(x, y, z)


def open_box(s: Size) -> list[Span]:
    """Bottom and four walls of a box x by y by z; none overlaps another."""
    x, y, z, w = s["x"] / 2, s["y"] / 2, s["z"] / 2, s["wall"]
    return [
        ((-x, -y, -z), (x, y, w - z)),
        ((-x, -y, w - z), (w - x, y, z)),
        ((x - w, -y, w - z), (x, y, z)),
        ((w - x, -y, w - z), (x - w, w - y, z)),
        ((w - x, y - w, w - z), (x - w, y, z)),
    ]


def first_complaint(*claims: tuple[bool, str]) -> str:
    """The words of the first claim that does not hold, "" if all do."""
    return next((words for holds, words in claims if not holds), "")
