"""Small scenes for tests of language: things of any kind, and random ones."""

from __future__ import annotations

import numpy as np

from robokiln.assets import COLORS
from robokiln.geometry import IDENTITY
from robokiln.types import Body, SceneSpec, Shape

TABLE = Body("table", Shape("box", {"x": 0.9, "y": 1.2, "z": 0.04}), IDENTITY, 0.0, 0.8)
SIZES: dict[str, dict[str, tuple[float, float]]] = {
    "box": {"x": (0.03, 0.06), "y": (0.03, 0.06), "z": (0.03, 0.06)},
    "cylinder": {"radius": (0.016, 0.03), "height": (0.03, 0.1)},
    "sphere": {"radius": (0.015, 0.035)},
    "bottle": {"radius": (0.02, 0.03), "height": (0.07, 0.13)},
    "bowl": {"radius": (0.06, 0.09), "height": (0.04, 0.06)},
    "plate": {"radius": (0.07, 0.09), "height": (0.02, 0.026)},
}


def scene(*bodies: Body) -> SceneSpec:
    return SceneSpec("", "panda", (), (TABLE, *bodies), (), "", {})


def thing(
    name: str,
    kind: str = "box",
    color: str = "",
    at: tuple[float, float] = (0.5, 0.0),
    level: float = 0.02,
    mass: float = 0.1,
    **size: float,
) -> Body:
    size = size or {k: sum(v) / 2 for k, v in SIZES.get(kind, {}).items()}
    return Body(name, Shape(kind, size), (*at, level, 0.0, 0.0, 0.0, 1.0), mass, 0.8, color)


def draw(seed: int, colors: int = 3) -> SceneSpec:
    """3 to 8 bodies in one of a few colours; none drawn twice if there are more than bodies."""
    rng = np.random.default_rng([seed, colors])
    n = int(rng.integers(3, 9))
    names = [str(c) for c in rng.permutation(list(COLORS))[:colors]]
    painted = rng.permutation(names)[:n] if colors >= n else rng.choice(names, n)
    bodies = []
    for i in range(n):
        kind = str(rng.choice(list(SIZES)))
        size = {k: round(float(rng.uniform(*v)), 4) for k, v in SIZES[kind].items()}
        at = rng.uniform([0.3, -0.3], [0.7, 0.3])
        bodies.append(thing(f"b{i}", kind, str(painted[i]), (at[0], at[1]), **size))
    return scene(*bodies)


BOWL = thing("bowl", "bowl", "blue")
"""At (0.5, 0): the robot is at the origin, x is ahead and y to the left."""
PLACES = {"left": (0.5, 0.2), "right": (0.5, -0.2), "behind": (0.7, 0.0), "before": (0.3, 0.0)}
AROUND = scene(BOWL, *(thing(name, at=at) for name, at in PLACES.items()))
