"""The robot's prepared meshes and their cache."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from surfaces import open_edges

from meshes import lone
from robokiln.frames.color import CODES, srgb_codes, to_linear
from robokiln.frames.meshes import robot_meshes
from robokiln.frames.meshes.hidden import seen_faces
from robokiln.frames.meshes.normals import facing_outwards
from robokiln.frames.meshes.preparation import simplified, without_small_pieces
from robokiln.frames.meshes.reading import read
from robokiln.frames.meshes.triangles import double_areas
from robokiln.scene import robots
from robokiln.types import Array


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache directory, with nothing remembered in this process."""
    monkeypatch.setenv("ROBOKILN_CACHE", str(tmp_path))
    robot_meshes.cache_clear()
    yield tmp_path
    robot_meshes.cache_clear()


def test_prepared_once_then_loaded_fast(cache: Path) -> None:
    panda = robots.get("panda")
    made = robot_meshes(panda)
    files = sorted((cache / "meshes").iterdir())
    assert len(files) == len({visual.mesh for visual in panda.visuals})
    robot_meshes.cache_clear()
    start = time.perf_counter()
    loaded = robot_meshes(panda)
    assert time.perf_counter() - start < 0.4
    for a, b in zip(made, loaded, strict=True):
        assert all(
            np.array_equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
        )


def test_meshes_are_whole() -> None:
    panda = robots.get("panda")
    meshes = robot_meshes(panda)
    assert len(meshes) == len(panda.visuals)
    assert 9_000 < sum(len(m.faces) for m in meshes) < 12_000
    for mesh in meshes:
        assert len(mesh.colors) == len(mesh.faces)
        assert mesh.faces.max() == len(mesh.vertices) - 1
        assert np.isfinite(mesh.vertices).all()
        assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-4)
        corners = mesh.vertices[mesh.faces]
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert (np.linalg.norm(flat, axis=1) > 0).all(), "no degenerate triangle"
        outward = (flat[:, None] * mesh.normals[mesh.faces]).sum(-1)
        assert (outward > 0).mean() > 0.999, "normals and winding agree"


@pytest.mark.parametrize("index", range(len(robots.get("panda").visuals)))
def test_simplifying_a_link_opens_no_edge_and_loses_no_color(index: int) -> None:
    original = facing_outwards(read(robots.get("panda").visuals[index].mesh, textures=False))
    whole = without_small_pieces(original)
    fewer = simplified(whole, 0.0003)
    assert open_edges(fewer.faces) <= open_edges(whole.faces)
    assert len(np.unique(fewer.colors, axis=0)) == len(np.unique(original.colors, axis=0))
    for color in np.unique(whole.colors, axis=0):
        areas = [
            double_areas(s.points[s.faces[(s.colors == color).all(axis=1)]]).sum()
            for s in (whole, fewer)
        ]
        assert areas[1] == pytest.approx(areas[0], rel=0.05, abs=2e-5)


def test_silhouettes_are_those_of_the_original() -> None:
    panda = robots.get("panda")
    for link in (5, 6, 9):  # link5, link6 and a finger
        assert lone(panda, link).min() > 0.985


def test_nothing_that_a_ray_meets_first_is_left_out() -> None:
    rng = np.random.default_rng(5)
    for visual in robots.get("panda").visuals[3:]:
        surface = simplified(read(visual.mesh, textures=False), 0.0003)
        seen = seen_faces(surface.points, surface.faces)
        met = first_faces(surface.points[surface.faces], 3000, rng)
        assert len(met) > 0.4 * len(seen)
        assert seen[met].all()


def first_faces(corners: Array, rays: int, rng: np.random.Generator) -> Array:
    """Faces whose fronts are the first that random rays from outside meet (Moeller, Trumbore)."""
    targets = corners[rng.integers(len(corners), size=rays)].mean(axis=1)
    direction = rng.normal(size=(rays, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    start = targets - direction
    a, u, v = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal, met = np.cross(u, v), []
    for o, d in zip(start, direction, strict=True):
        facing = -(normal @ d)
        front = facing > 1e-12
        moment = np.cross(o - a, d)
        s, t = (v * moment).sum(1)[front], -(u * moment).sum(1)[front]
        hit = (s >= 0) & (t >= 0) & (s + t <= facing[front])
        distance = ((o - a) * normal).sum(1)[front][hit] / facing[front][hit]
        if hit.any():
            met.append(np.flatnonzero(front)[hit][np.argmin(distance)])
    return np.unique(met)


def test_srgb_codes_invert_the_transfer_function() -> None:
    levels = np.arange(256)
    codes = np.round(np.sqrt(to_linear(levels / 255)) * (CODES - 1)).astype(int)
    assert np.array_equal(srgb_codes()[codes], levels)
