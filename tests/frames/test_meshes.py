"""The robot's prepared meshes and their cache."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from robokiln.frames.color import CODES, srgb_codes, to_linear
from robokiln.frames.meshes import robot_meshes
from robokiln.scene import robots


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
    (file,) = (cache / "meshes").iterdir()
    robot_meshes.cache_clear()
    start = time.perf_counter()
    loaded = robot_meshes(panda)
    assert time.perf_counter() - start < 0.2
    for a, b in zip(made, loaded, strict=True):
        assert all(
            np.array_equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
        )
    file.write_bytes(file.read_bytes()[:1000])
    robot_meshes.cache_clear()
    again = robot_meshes(panda)
    assert np.array_equal(again[3].vertices, made[3].vertices), "a damaged file is made again"


def test_meshes_are_whole() -> None:
    panda = robots.get("panda")
    meshes = robot_meshes(panda)
    assert len(meshes) == len(panda.visuals)
    assert 8_000 < sum(len(m.faces) for m in meshes) < 14_000
    for mesh in meshes:
        assert len(mesh.colors) == len(mesh.faces)
        assert mesh.faces.max() == len(mesh.vertices) - 1
        assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-4)
        corners = mesh.vertices[mesh.faces]
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outward = (flat[:, None] * mesh.normals[mesh.faces]).sum(-1)
        assert (outward > 0).mean() > 0.97, "normals and winding agree"


def test_srgb_codes_invert_the_transfer_function() -> None:
    levels = np.arange(256)
    codes = np.round(np.sqrt(to_linear(levels / 255)) * (CODES - 1)).astype(int)
    assert np.array_equal(srgb_codes()[codes], levels)
