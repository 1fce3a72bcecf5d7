"""Whatever a family draws can be built, gripped or filled as its roles say, and told apart."""

import itertools

import numpy as np
import pytest
from solids import distance_to_part, solid, surface

from robokiln.assets import (
    ALL_COLORS,
    COLORS,
    FAMILIES,
    SHAPES,
    UNSEEN_COLORS,
    Family,
    build_mesh,
    collision_parts,
    families,
    height,
)
from robokiln.types import Array, Color, RobokilnError, Shape

every_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
KEPT = {"bottle", "cup", "bowl", "plate"}
"""Their parts are coarser than the others': see test_shapes."""


def drawn(family: Family, count: int) -> list[Shape]:
    rng = np.random.default_rng(3)
    return [family.draw(rng) for _ in range(count)]


@every_family
def test_members_lie_within_the_ranges_and_differ(family: Family) -> None:
    shapes = drawn(family, 20)
    assert shapes == drawn(family, 20)
    assert len({tuple(s.size.items()) for s in shapes}) > 10
    assert set(family.ranges) | set(family.choices) >= set(SHAPES[family.kind].dims)
    for shape in shapes:
        assert shape.kind == family.kind
        for name, (low, high) in family.ranges.items():
            assert low <= shape.size[name] <= high
            assert shape.size[name] == round(shape.size[name], 4)
        for name, values in family.choices.items():
            assert shape.size[name] in values


@every_family
def test_members_are_sound(family: Family) -> None:
    for shape in drawn(family, 4):
        mesh, parts = solid(shape), collision_parts(shape)
        assert mesh.is_watertight
        assert mesh.is_winding_consistent
        assert mesh.volume > 0
        if parts and family.kind not in KEPT:
            points = surface(mesh, 1000)
            gaps = np.min([distance_to_part(part, points) for part in parts], axis=0)
            assert gaps.max() < 0.003


@pytest.mark.parametrize("family", families("graspable"), ids=lambda f: f.name)
def test_graspable_members_have_a_width_that_fingers_close_on(family: Family) -> None:
    for shape in drawn(family, 10):
        points = build_mesh(shape).vertices
        if shape.kind == "capsule":  # it lies
            points = points[:, [2, 0, 1]]
        turns = np.linspace(0, np.pi, 48, endpoint=False)
        widths = np.ptp(points[:, :2] @ np.array([np.cos(turns), np.sin(turns)]), axis=0)
        assert 0.025 <= widths.min() <= 0.0461


@pytest.mark.parametrize("family", families("container"), ids=lambda f: f.name)
def test_containers_have_room(family: Family) -> None:
    """For a block of 42 mm, round about its axis, above the floor or within the lowest row."""
    for shape in drawn(family, 6):
        half = height(shape) / 2
        turn = np.linspace(0, 2 * np.pi, 24)
        ring = 0.03 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], -1)
        low = 0.016 if shape.kind != "bowl" else 0.024
        for z in (low - half, 0.042 + low - half):
            for part in collision_parts(shape):
                assert distance_to_part(part, ring + np.array([0.0, 0.0, z])).min() > 0


def test_a_noun_names_one_kind() -> None:
    kinds: dict[str, str] = {}
    for family in FAMILIES.values():
        for noun in family.nouns:
            assert kinds.setdefault(noun, family.kind) == family.kind


def test_families_are_found_by_role_and_split() -> None:
    assert {f.name for f in families("graspable", "seen")} >= {"box", "cylinder", "ball", "capsule"}
    assert {f.name for f in families("container", "unseen")} >= {"tray", "crate"}
    assert families() == tuple(FAMILIES.values())
    assert len(families(split="seen")) + len(families(split="unseen")) == len(FAMILIES)
    with pytest.raises(RobokilnError, match="role 'graspble' not found; available: container"):
        families("graspble")
    with pytest.raises(RobokilnError, match="split 'test' not found"):
        families(split="test")


def lab(color: Color, light: Array) -> Array:
    """CIELAB of a color under a light (linear RGB), for an eye that stays adapted to white."""
    c = np.array(color)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) * light
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    f = np.cbrt(to_xyz @ linear / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(a: Color, b: Color) -> float:
    """Least distance under five lights, at 60 or 100 % on either; lightness counts half."""
    tints = np.array([[1, 1, 1], [1, 0.8, 0.6], [0.6, 0.8, 1], [1, 0.85, 0.95], [0.85, 1, 0.85]])
    levels = (0.6, 1.0)
    return min(
        float(np.linalg.norm((lab(a, t * p) - lab(b, t * q)) * [0.5, 1, 1]))
        for t, p, q in itertools.product(tints, levels, levels)
    )


def test_unseen_colors_are_as_far_from_all_as_seen_ones_from_each_other() -> None:
    assert not set(COLORS) & set(UNSEEN_COLORS)
    assert ALL_COLORS.keys() == COLORS.keys() | UNSEEN_COLORS.keys()
    closest = min(apart(a, b) for a, b in itertools.combinations(COLORS.values(), 2))
    for name, color in UNSEEN_COLORS.items():
        others = [c for n, c in ALL_COLORS.items() if n != name]
        assert min(apart(color, other) for other in others) > closest - 2
