"""Cabinets, drawers, doors and sockets: free where they must be, solid elsewhere."""

import itertools
import math

import numpy as np
import pytest
from solids import distance_to_part, solid

from robokiln.assets import build_mesh, collision_parts, compartment, handle_offset, landmark
from robokiln.types import Array, RobokilnError, Shape

CABINET = {"x": 0.2, "y": 0.24, "z": 0.32, "wall": 0.01}
DRAWER = {"x": 0.18, "y": 0.2, "z": 0.09, "wall": 0.008, "handle": 0.07}
BAR = {"reach": 0.03, "grip": 0.006}
DOOR = {"x": 0.015, "y": 0.2, "z": 0.25, "handle": 0.1, "inset": 0.03, **BAR}


def clearance(shape: Shape, points: Array) -> Array:
    """Distances to the nearest part; negative inside one."""
    return np.min([distance_to_part(part, points) for part in collision_parts(shape)], axis=0)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_cabinets_compartments_are_equal_free_and_open_to_the_robot(rows: int) -> None:
    shape = Shape("cabinet", {**CABINET, "rows": float(rows)})
    spans = [compartment(shape, row) for row in range(rows)]
    assert spans[0][0] == pytest.approx(0.01 - 0.16)
    assert spans[-1][1] == pytest.approx(0.16 - 0.01)
    for low, high in spans:
        assert high - low == pytest.approx((0.32 - (rows + 1) * 0.01) / rows)
        middle = (low + high) / 2
        along = np.stack([np.linspace(-0.3, 0.0899, 50), np.zeros(50), np.full(50, middle)], -1)
        assert clearance(shape, along).min() > 0
        inside = np.array(
            [(0, 0.1099, middle), (0, -0.1099, middle), (0, 0, low + 1e-4), (0, 0, high - 1e-4)]
        )
        assert clearance(shape, inside) == pytest.approx(1e-4, rel=1e-3)
        beyond = np.array(
            [(0.095, 0, middle), (0, 0.115, middle), (0, 0, low - 5e-3), (0, 0, high + 5e-3)]
        )
        assert (clearance(shape, beyond) < 0).all()
    for (_, high), (low, _) in itertools.pairwise(spans):
        assert low - high == pytest.approx(0.01)


@pytest.mark.parametrize("shape", [Shape("drawer", {**DRAWER, **BAR}), Shape("door", DOOR)])
def test_a_bar_can_be_gripped_from_the_robots_side(shape: Shape) -> None:
    x, y, z = handle_offset(shape)
    assert x == pytest.approx(-shape.size["x"] / 2 - BAR["reach"])
    assert (y, z) == (pytest.approx(0.07 if shape.kind == "door" else 0.0), 0)
    assert clearance(shape, np.array([[x, y, z]])) == pytest.approx(-BAR["grip"])
    for side in (-1, 1):
        finger = np.array([[x, y + side * (BAR["grip"] + 0.01), z]])
        assert clearance(shape, finger) == pytest.approx(0.01)
    half = shape.size["handle"] / 2
    ends = np.array([[x, y, half - 1e-4], [x, y, half + 1e-4], [x, y, half + BAR["grip"] - 1e-4]])
    assert (clearance(shape, ends) < 0).all()
    behind = np.array([[x + BAR["reach"] / 2, y, z], [x + BAR["reach"] / 2, y, half - 1e-3]])
    assert (clearance(shape, behind) > 0).all()


def test_a_drawer_is_open_at_the_top_and_closed_below() -> None:
    shape = Shape("drawer", {**DRAWER, **BAR})
    down = np.stack([np.zeros(40), np.zeros(40), np.linspace(0.2, -0.0369, 40)], -1)
    assert clearance(shape, down).min() > 0
    assert clearance(shape, np.array([[0, 0, -0.041]])) < 0
    assert [p.kind for p in collision_parts(shape)].count("box") == 7


def test_a_socket_has_a_hole_from_top_to_bottom() -> None:
    shape = Shape("socket", {"x": 0.1, "y": 0.09, "z": 0.04, "hole": 0.034})
    slanted = np.array([[0.0189, 0, 0.0185], [0, -0.0189, 0.0185]])  # 0.6 mm beside the slope
    assert clearance(shape, slanted) == pytest.approx(0.0006 / math.sqrt(2))
    assert clearance(shape, np.array([[0.0194, 0, 0.0180], [0.0205, 0, 0.0192]])).max() < 0
    hole = np.stack([np.full(30, 0.0169), np.full(30, -0.0169), np.linspace(-0.1, 0.1, 30)], -1)
    assert clearance(shape, hole).min() > 0
    assert (clearance(shape, np.array([[0.018, 0, 0], [0, 0.018, 0]])) < 0).all()


def test_a_peg_has_slanted_ends_and_slides_through_its_socket() -> None:
    peg = Shape("peg", {"side": 0.03, "length": 0.09})
    top = build_mesh(peg).vertices[build_mesh(peg).vertices[:, 2] > 0.0449]
    assert np.abs(top[:, :2]).max() == pytest.approx(0.015 - 0.003)
    assert clearance(peg, np.array([[0.014, 0, 0.0415], [0.0119, 0, 0.0449]])).max() < 0
    assert clearance(peg, np.array([[0.0145, 0, 0.0449]])) > 0


@pytest.mark.parametrize("frame", [None, 0.01])
def test_a_zone_is_only_seen(frame: float | None) -> None:
    shape = Shape("zone", {"x": 0.12, "y": 0.09} | ({} if frame is None else {"frame": frame}))
    assert collision_parts(shape) == ()
    area = 0.12 * 0.09 - (0.1 * 0.07 if frame else 0)
    assert solid(shape).volume == pytest.approx(area * 0.001)


def test_parts_of_furniture_do_not_overlap() -> None:
    """Their volumes add up to the mesh's: bar (round, while its capsule reaches on) excepted."""
    for size in ({**CABINET, "rows": 2.0}, {**CABINET, "rows": 3.0}):
        shape = Shape("cabinet", size)
        boxes = sum(8 * math.prod(part.size) for part in collision_parts(shape))
        assert solid(shape).volume == pytest.approx(boxes)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (Shape("cabinet", {**CABINET, "rows": 4.0}), "rows: one of"),
        (Shape("cabinet", {**CABINET, "rows": 2.5}), "rows: one of"),
        (Shape("drawer", {**DRAWER, **BAR, "handle": 0.09}), "handle"),
        (Shape("door", {**DOOR, "inset": 0.25}), "inset"),
        (Shape("cabinet", {k: v for k, v in CABINET.items() if k != "wall"}), "wall"),
    ],
)
def test_furniture_that_cannot_be_is_refused(shape: Shape, words: str) -> None:
    with pytest.raises(RobokilnError, match=f"{shape.kind}.*{words}"):
        build_mesh(shape)


def test_only_what_is_there_has_a_handle_or_a_row() -> None:
    with pytest.raises(RobokilnError, match="socket"):
        handle_offset(Shape("socket", {"x": 0.1, "y": 0.1, "z": 0.04, "hole": 0.03}))
    with pytest.raises(RobokilnError, match="row 2"):
        compartment(Shape("cabinet", {**CABINET, "rows": 2.0}), 2)
    with pytest.raises(RobokilnError, match="drawer"):
        compartment(Shape("drawer", {**DRAWER, **BAR}), 0)


def test_landmarks_are_handles_the_rims_of_holes_and_middles() -> None:
    drawer = Shape("drawer", {**DRAWER, **BAR})
    assert landmark(drawer) == handle_offset(drawer)
    assert landmark(Shape("socket", {"x": 0.1, "y": 0.1, "z": 0.04, "hole": 0.03})) == (0, 0, 0.02)
    assert landmark(Shape("cube", {"side": 0.04})) == (0, 0, 0)
