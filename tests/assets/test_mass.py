"""Inertia against textbook formulas, and against points thrown at random."""

import numpy as np
import pytest
from solids import EXAMPLES, solid, winding

from robokiln.assets import footprint, height, mass_properties
from robokiln.geometry import quat_to_matrix
from robokiln.types import Array, Shape


def ball(r: float) -> tuple[float, ...]:
    return (0.4 * r * r,) * 3


def cylinder(r: float, h: float) -> tuple[float, ...]:
    across = (3 * r * r + h * h) / 12
    return (across, across, r * r / 2)


def box(x: float, y: float, z: float) -> tuple[float, ...]:
    return ((y * y + z * z) / 12, (x * x + z * z) / 12, (x * x + y * y) / 12)


@pytest.mark.parametrize(
    ("shape", "expected", "within"),
    [
        (Shape("box", {"x": 0.04, "y": 0.07, "z": 0.02}), box(0.04, 0.07, 0.02), 1e-9),
        (Shape("peg", {"side": 0.03, "length": 0.2}), box(0.03, 0.03, 0.2), 0.03),
        (Shape("cylinder", {"radius": 0.02, "height": 0.05}), cylinder(0.02, 0.05), 0.024),
        (Shape("sphere", {"radius": 0.02}), ball(0.02), 0.03),
        (Shape("zone", {"x": 0.1, "y": 0.2}), box(0.1, 0.2, 0.001), 1e-9),
    ],
    ids=lambda v: v.kind if isinstance(v, Shape) else "",
)
def test_inertia_is_the_textbooks(shape: Shape, expected: tuple[float, ...], within: float) -> None:
    found = mass_properties(shape)
    assert found.centre == pytest.approx((0, 0, 0), abs=1e-9)
    assert found.axes == pytest.approx((0, 0, 0, 1), abs=1e-9)
    assert found.inertia == pytest.approx(expected, rel=within)


@pytest.mark.parametrize(
    "shape",
    [s for s in EXAMPLES if s.kind in ("mug", "drawer", "bowl", "cabinet", "door")],
    ids=lambda s: s.kind,
)
def test_inertia_is_that_of_points_within(shape: Shape) -> None:
    """A Monte Carlo integral in the shape's frame, of what the mesh encloses."""
    points = within(shape, 12_000)
    found = mass_properties(shape)
    size = max(height(shape), 2 * footprint(shape))
    assert np.abs(points.mean(axis=0) - found.centre).max() < 0.02 * size
    away = points - found.centre
    expected = np.eye(3) * (away**2).sum(1).mean() - away.T @ away / len(away)
    rotation = quat_to_matrix(np.array(found.axes))
    tensor = rotation @ np.diag(found.inertia) @ rotation.T
    assert np.abs(tensor - expected).max() < 0.05 * np.trace(expected) / 3


def within(shape: Shape, count: int) -> Array:
    """Random points within the mesh."""
    mesh = solid(shape)
    points = np.random.default_rng(0).uniform(*mesh.bounds, (count, 3))
    wound = np.concatenate([winding(mesh, part) for part in np.array_split(points, 24)])
    return np.asarray(points[wound > 0.5])


@pytest.mark.parametrize("shape", EXAMPLES, ids=lambda s: s.kind)
def test_moments_are_those_of_a_body(shape: Shape) -> None:
    """Positive, each at most the sum of the others, and axes that are nearly the shape's own."""
    found = mass_properties(shape)
    inertia = np.array(found.inertia)
    assert (inertia > 0).all()
    assert (2 * inertia <= inertia.sum() * (1 + 1e-9)).all()
    assert np.linalg.norm(found.axes) == pytest.approx(1)
    assert found.axes[3] > 0.9


def test_a_drawers_centre_lies_towards_its_handle_and_its_floor() -> None:
    drawer = next(s for s in EXAMPLES if s.kind == "drawer")
    x, y, z = mass_properties(drawer).centre
    assert x < -0.001
    assert y == pytest.approx(0, abs=1e-9)
    assert z < -0.01
