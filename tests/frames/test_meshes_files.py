"""Mesh files of all kinds: colors, textures, refusals, and the cache."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh
from surfaces import open_edges, volume, write_stl, write_textured_square

from robokiln.frames.meshes import prepare
from robokiln.frames.meshes.palette import PALETTE, limited
from robokiln.frames.meshes.reading import read
from robokiln.types import RobokilnError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache directory."""
    monkeypatch.setenv("ROBOKILN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "meshes"


def ball(subdivisions: int = 4) -> trimesh.Trimesh:
    return trimesh.creation.icosphere(subdivisions=subdivisions, radius=0.05)


def test_an_stl_is_welded_simplified_and_closed(tmp_path: Path) -> None:
    mesh = prepare(write_stl(tmp_path / "ball.stl", ball()))
    assert 100 < len(mesh.faces) < 1500
    assert open_edges(mesh.faces) == 0, "a smooth surface needs no doubled vertex"
    assert volume(mesh.vertices, mesh.faces) == pytest.approx(ball().volume, rel=0.02)
    assert (np.linalg.norm(mesh.normals * 0.05 - mesh.vertices, axis=1) < 0.002).all()
    assert [a.dtype for a in vars(mesh).values()] == [np.float32, np.float32, np.int32, np.uint8]


def test_a_glb_keeps_the_places_of_its_parts(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    paint = trimesh.visual.material.PBRMaterial(baseColorFactor=[255, 55, 0, 255])
    for x in (0.0, 0.3):
        part = trimesh.creation.box((0.1, 0.1, 0.1))
        part.visual = trimesh.visual.TextureVisuals(material=paint)
        scene.add_geometry(part, transform=trimesh.transformations.translation_matrix((x, 0, 0)))
    (tmp_path / "two.glb").write_bytes(scene.export(file_type="glb"))
    mesh = prepare(tmp_path / "two.glb")
    assert len(mesh.faces) == 24
    assert np.allclose(mesh.vertices.min(axis=0), -0.05, atol=1e-6)
    assert np.allclose(mesh.vertices.max(axis=0), [0.35, 0.05, 0.05], atol=1e-6)
    srgb = [[255, 128, 0]]  # 55 of 255 in linear light
    assert np.array_equal(np.unique(mesh.colors, axis=0), srgb)


def test_a_face_has_the_mean_color_of_its_image(tmp_path: Path) -> None:
    file = write_textured_square(tmp_path)
    found = read(file)
    below, above = found.colors[np.argsort(found.points[found.faces].mean(axis=1)[:, 1])].astype(
        int
    )
    assert np.abs(below - [0, 0, 100]).max() <= 12
    assert np.abs(above - [200, 0, 0]).max() <= 12
    assert np.array_equal(read(file, textures=False).colors, [[255] * 3] * 2)
    dark = read(write_textured_square(tmp_path, "0.5 0.5 0.5")).colors
    assert np.abs(dark.max() - 100) <= 6, "the material's color multiplies the image's"


def test_an_edited_image_is_prepared_anew(tmp_path: Path, cache: Path) -> None:
    prepare(write_textured_square(tmp_path))
    prepare(write_textured_square(tmp_path))
    assert len(list(cache.iterdir())) == 1
    (tmp_path / "square.png").write_bytes((tmp_path / "square.png").read_bytes() + b"\0")
    prepare(tmp_path / "square.obj")
    assert len(list(cache.iterdir())) == 2


def test_a_palette_is_short_and_close() -> None:
    colors = np.random.default_rng(0).integers(0, 256, (5000, 3)).astype(np.uint8)
    found = limited(colors, np.ones(len(colors)))
    assert len(np.unique(found, axis=0)) <= PALETTE
    two = np.array([[10, 20, 30], [200, 100, 0]] * 50, np.uint8)
    assert np.array_equal(limited(two, np.ones(100)), two)


def test_broken_files_are_refused_by_name(tmp_path: Path) -> None:
    bad = ball(1)
    bad.vertices[3, 1] = np.nan
    cases = {
        "not finite": write_stl(tmp_path / "nan.stl", bad),
        "expected one of": tmp_path / "arm.blend",
        "cannot be read": tmp_path / "absent.obj",
        "no triangle": tmp_path / "empty.obj",
        "image cannot be read": write_textured_square(tmp_path),
    }
    image = tmp_path / "square.png"
    image.write_bytes(image.read_bytes()[:60])
    (tmp_path / "empty.obj").write_text("v 0 0 0\nv 0 0 0\nv 0 0 1\nf 1 2 3\n")
    for message, file in cases.items():
        with pytest.raises(RobokilnError, match=message) as refused:
            prepare(file)
        assert file.name in str(refused.value)


def test_a_hit_has_the_same_bytes_and_a_damaged_file_is_made_again(
    tmp_path: Path, cache: Path
) -> None:
    file = write_stl(tmp_path / "ball.stl", ball())
    made = prepare(file)
    (stored,) = cache.iterdir()
    whole = stored.read_bytes()
    for damaged in (whole, whole[:1000], b"", b"not an archive" * 100):
        stored.write_bytes(damaged)
        again = prepare(file)
        for a, b in zip(vars(made).values(), vars(again).values(), strict=True):
            assert a.tobytes() == b.tobytes()
        assert stored.read_bytes() == whole
    assert [f.name for f in cache.iterdir()] == [stored.name]


def test_two_processes_at_once_prepare_the_same(tmp_path: Path, cache: Path) -> None:
    file = write_stl(tmp_path / "ball.stl", ball(5))
    code = (
        "import hashlib, pathlib, sys; from robokiln.frames.meshes import prepare\n"
        "m = prepare(pathlib.Path(sys.argv[1]))\n"
        "print(hashlib.sha256(b''.join(a.tobytes() for a in vars(m).values())).hexdigest())"
    )
    command = [sys.executable, "-c", code, str(file)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    hashes = [process.communicate(timeout=120)[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    assert hashes[0] == hashes[1] != ""
    assert len(list(cache.iterdir())) == 1
