"""Families: named ranges of one kind of shape, from which tasks draw, and what to call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from robokiln.types import RobokilnError, Shape

Range = tuple[float, float]
LICENCE = "Apache-2.0, made by robokiln"
ROLES = frozenset({"graspable", "container", "tall", "flat", "support", "furniture"})
"""graspable: fingers that open to 80 mm close on 25 to 46 mm of it from above; container: things
are put into it; tall: stays clear of the palm only with room around; flat: lower than wide by far;
support: things are put on it; furniture: part of a task's scene, not of its clutter."""


@dataclass(frozen=True)
class Family:
    """Dimensions are drawn evenly from `ranges`, or from the few values of `choices`.

    `nouns` are what instructions may call a member, the standard one first. `mass` in kg, 0 for
    what would fall through the table.
    """

    name: str
    kind: str
    nouns: tuple[str, ...]
    split: Literal["seen", "unseen"]
    roles: frozenset[str]
    ranges: Mapping[str, Range]
    mass: Range
    choices: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    licence: str = LICENCE

    def draw(self, rng: np.random.Generator) -> Shape:
        """A member; lengths to a tenth of a millimetre."""
        size = {k: round(float(rng.uniform(*limits)), 4) for k, limits in self.ranges.items()}
        size |= {k: float(rng.choice(values)) for k, values in self.choices.items()}
        return Shape(self.kind, size)


def families(role: str = "", split: str = "") -> tuple[Family, ...]:
    """Those with a role and of a split, where one is asked for."""
    if role and role not in ROLES:
        raise RobokilnError(f"role '{role}' not found; available: {', '.join(sorted(ROLES))}")
    if split not in ("", "seen", "unseen"):
        raise RobokilnError(f"split '{split}' not found; available: seen, unseen")
    return tuple(
        f
        for f in FAMILIES.values()
        if (not role or role in f.roles) and (not split or f.split == split)
    )


def _roles(*names: str) -> frozenset[str]:
    return frozenset(names)


_LIGHT, _HEAVY = (0.04, 0.15), (0.25, 0.45)
_BOWL, _PLATE = {"radius": (0.068, 0.082)}, {"radius": (0.075, 0.088)}
_PULL = {"reach": (0.028, 0.036), "grip": (0.005, 0.007)}

_SEEN = (
    Family("box", "box", ("box", "block"), "seen", _roles("graspable"),
           {"x": (0.032, 0.046), "y": (0.032, 0.046), "z": (0.030, 0.050)}, _LIGHT),
    Family("cylinder", "cylinder", ("cylinder",), "seen", _roles("graspable"),
           {"radius": (0.016, 0.023), "height": (0.035, 0.055)}, _LIGHT),
    Family("ball", "sphere", ("ball", "sphere"), "seen", _roles("graspable"),
           {"radius": (0.018, 0.024)}, _LIGHT),
    Family("capsule", "capsule", ("capsule", "pill"), "seen", _roles("graspable"),
           {"radius": (0.016, 0.021), "length": (0.020, 0.035)}, _LIGHT),
    Family("bottle", "bottle", ("bottle",), "seen", _roles("tall"),
           {"radius": (0.020, 0.026), "height": (0.080, 0.095)}, _LIGHT),
    Family("cup", "cup", ("cup",), "seen", _roles("tall"),
           {"radius": (0.028, 0.034), "height": (0.050, 0.062)}, _LIGHT),
    Family("bowl", "bowl", ("bowl",), "seen", _roles("container"),
           {**_BOWL, "height": (0.042, 0.055)}, _HEAVY),
    Family("plate", "plate", ("plate",), "seen", _roles("container", "flat"),
           {**_PLATE, "height": (0.020, 0.026)}, _HEAVY),
    Family("platform", "box", ("platform", "board"), "seen", _roles("support", "flat"),
           {"x": (0.10, 0.15), "y": (0.10, 0.15), "z": (0.012, 0.025)}, (0.3, 0.6)),
)  # fmt: skip
_UNSEEN = (
    Family("hexagon", "prism", ("hexagonal block", "hexagon"), "unseen", _roles("graspable"),
           {"radius": (0.018, 0.025), "height": (0.032, 0.050)}, _LIGHT, {"sides": (6.0,)}),
    Family("octagon", "prism", ("octagonal block", "octagon"), "unseen", _roles("graspable"),
           {"radius": (0.017, 0.0245), "height": (0.032, 0.050)}, _LIGHT, {"sides": (8.0,)}),
    Family("can", "can", ("can", "tin"), "unseen", _roles("graspable"),
           {"radius": (0.017, 0.023), "height": (0.040, 0.062), "neck": (0.89, 0.97),
            "rim": (0.0012, 0.0024)}, _LIGHT),
    Family("bar", "box", ("bar", "tower"), "unseen", _roles("graspable", "tall"),
           {"x": (0.026, 0.034), "y": (0.026, 0.034), "z": (0.066, 0.085)}, _LIGHT),
    Family("ring", "ring", ("ring",), "unseen", _roles("graspable"),
           {"radius": (0.017, 0.0225), "tube": (0.005, 0.0065), "tall": (1.2, 1.6)}, _LIGHT),
    Family("mug", "mug", ("mug",), "unseen", _roles("tall"),
           {"radius": (0.030, 0.038), "height": (0.055, 0.080), "taper": (0.82, 1.0),
            "wall": (0.0035, 0.005), "loop": (0.018, 0.027), "grip": (0.0035, 0.005)}, _LIGHT),
    Family("tray", "tray", ("tray",), "unseen", _roles("container", "flat"),
           {"x": (0.13, 0.18), "y": (0.13, 0.18), "z": (0.022, 0.036), "wall": (0.004, 0.006),
            "lean": (0.001, 0.010)}, _HEAVY),
    Family("crate", "crate", ("crate", "bin"), "unseen", _roles("container"),
           {"x": (0.125, 0.165), "y": (0.125, 0.165), "z": (0.045, 0.065),
            "wall": (0.005, 0.007), "gap": (0.004, 0.007)}, _HEAVY, {"slats": (1.0, 2.0, 3.0)}),
    Family("varied_bottle", "bottle", ("bottle",), "unseen", _roles("tall"),
           {"radius": (0.019, 0.028), "height": (0.075, 0.105), "shoulder": (0.35, 0.68),
            "neck": (0.28, 0.60)}, _LIGHT),
    Family("varied_cup", "cup", ("cup",), "unseen", _roles("tall"),
           {"radius": (0.027, 0.036), "height": (0.048, 0.070), "taper": (0.62, 0.97),
            "wall": (0.003, 0.006)}, _LIGHT),
    Family("varied_bowl", "bowl", ("bowl",), "unseen", _roles("container"),
           {**_BOWL, "height": (0.038, 0.058), "foot": (0.35, 0.65), "curve": (0.75, 1.15),
            "wall": (0.004, 0.0065)}, _HEAVY),
    Family("varied_plate", "plate", ("plate",), "unseen", _roles("container", "flat"),
           {**_PLATE, "height": (0.018, 0.026), "foot": (0.50, 0.66), "well": (0.72, 0.85),
            "dip": (0.20, 0.60)}, _HEAVY),
)  # fmt: skip
_FURNITURE = (
    Family("cabinet", "cabinet", ("cabinet", "shelf"), "seen", _roles("furniture", "container"),
           {"x": (0.16, 0.22), "y": (0.22, 0.32), "z": (0.24, 0.34), "wall": (0.008, 0.014)},
           (2.0, 4.0), {"rows": (1.0, 2.0, 3.0)}),
    Family("drawer", "drawer", ("drawer",), "seen", _roles("furniture", "container"),
           {"x": (0.16, 0.20), "y": (0.18, 0.24), "z": (0.085, 0.105), "wall": (0.006, 0.009),
            "handle": (0.055, 0.068), **_PULL}, (0.4, 0.8)),
    Family("door", "door", ("door",), "seen", _roles("furniture"),
           {"x": (0.012, 0.018), "y": (0.18, 0.24), "z": (0.22, 0.30), "handle": (0.07, 0.11),
            **_PULL, "inset": (0.022, 0.034)}, (0.4, 0.8)),
    Family("socket", "socket", ("block with a hole", "socket"), "seen", _roles("furniture"),
           {"x": (0.085, 0.11), "y": (0.085, 0.11), "z": (0.030, 0.045), "hole": (0.034, 0.044)},
           (0.5, 1.0)),
    Family("peg", "peg", ("peg",), "seen", _roles("graspable", "tall", "furniture"),
           {"side": (0.027, 0.036), "length": (0.075, 0.100)}, _LIGHT),
    Family("zone", "zone", ("zone", "area"), "seen", _roles("furniture", "flat"),
           {"x": (0.09, 0.16), "y": (0.09, 0.16), "frame": (0.005, 0.012)}, (0.0, 0.0)),
)  # fmt: skip
FAMILIES: dict[str, Family] = {f.name: f for f in (*_SEEN, *_UNSEEN, *_FURNITURE)}
