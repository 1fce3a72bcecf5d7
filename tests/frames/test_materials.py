"""Textures, lamps and soft shadows against what the formulas say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from arranged import FRONT, TABLE, gray_look, link_poses, lone_body, table_scene
from scipy.ndimage import maximum_filter, minimum_filter

from robokiln import frames
from robokiln.frames.color import to_linear
from robokiln.frames.looks import build_texture
from robokiln.geometry import look_at
from robokiln.types import Array, Camera, Light, Look, Material, SceneSpec, Texture

CHECKER = Texture("checker", 3, ((0.9, 0.9, 0.9), (0.1, 0.2, 0.6)), 0.32)
BRIGHT = (1.0, 1.0, 1.0)


def flat_look(spec: SceneSpec, material: Material) -> Look:
    """Ambient light only, white from everywhere: a matte surface shows its base color."""
    dark = dict.fromkeys(("background_top", "background_bottom"), (0.0, 0.0, 0.0))
    bright = dict.fromkeys(("ambient_sky", "ambient_ground"), BRIGHT)
    look = dataclasses.replace(gray_look(spec), lights=(), **dark, **bright)
    return dataclasses.replace(look, materials=(material,) * len(spec.bodies))


def linear(picture: Array) -> Array:
    return to_linear(picture / 255)


def table_picture(
    camera: Camera, material: Material, antialias: bool = False
) -> tuple[Array, Array]:
    """Linear color of a table's top [H, W, 3] and its points in the world, NaN elsewhere."""
    spec = lone_body(TABLE, camera)
    look = flat_look(spec, material)
    found = frames.render(spec, link_poses(spec), look, antialias=antialias)[camera.name]
    points = frames.point_cloud(found.depth[0], camera, np.array(camera.pose))
    points[np.abs(points[..., 2]) > 1e-3] = np.nan
    return linear(found.rgb[0]), points


def test_a_texture_lies_on_the_table_in_perspective() -> None:
    """Each pixel shows the texel at its place: the top is mapped by x and y in metres."""
    camera = dataclasses.replace(FRONT, width=640, height=480)
    shown, points = table_picture(camera, Material(BRIGHT, 1.0, texture=CHECKER))
    size = 256
    texture = linear(build_texture(CHECKER, size))
    place = (points[..., :2] - TABLE.pose[:2]) / CHECKER.scale * size
    around = {"size": (7, 7, 1), "mode": "wrap"}
    even = np.ptp([maximum_filter(texture, **around), minimum_filter(texture, **around)], axis=0)
    top = np.isfinite(place[..., 0])
    column, row = (np.floor(place[top]).astype(int) % size).T
    inside = even.max(axis=-1)[row, column] < 0.05  # away from the edges of squares
    off = np.linalg.norm(texture[row, column] - shown[top], axis=-1)[inside]
    assert inside.sum() > 100_000
    assert np.ptp(texture, axis=(0, 1)).max() > 0.5
    assert np.quantile(off, 0.999) < 0.1  # of it what the surface mirrors


def test_far_textures_show_their_mean_without_shimmer() -> None:
    """Squares much smaller than a pixel: every pixel is the mean, in linear light."""
    eye = (0.5, 0.0, 60.0)
    camera = Camera("far", 64, 64, 1.2, look_at(eye, (0.5, 0.001, 0.0)))
    fine = dataclasses.replace(CHECKER, scale=0.02)
    shown, points = table_picture(camera, Material(BRIGHT, 1.0, texture=fine))
    mean = linear(build_texture(fine, 256)).mean(axis=(0, 1))
    top = np.isfinite(points[..., 0])
    assert top.sum() > 300
    assert np.abs(shown[top] - mean * 0.96 - 0.04).max() < 0.06
    assert shown[top].std(axis=0).max() < 0.01


@pytest.mark.parametrize("antialias", [False, True])
def test_slanted_textures_are_as_blurred_as_their_pixels(antialias: bool) -> None:
    """Against the mean of 8 x 8 pixels: with antialiasing, too, a texel is about a pixel wide."""
    pose = look_at((1.6, 0.3, 0.25), (0.5, 0.0, 0.0))
    camera = Camera("slant", 96, 96, 30.0, pose)
    fine = Material(BRIGHT, 1.0, texture=dataclasses.replace(CHECKER, scale=0.1))
    shown, points = table_picture(camera, fine, antialias)
    large, _ = table_picture(dataclasses.replace(camera, width=768, height=768), fine)
    expected = large.reshape(96, 8, 96, 8, 3).mean(axis=(1, 3))
    inside = minimum_filter(np.isfinite(points[..., 0]), 3)
    off = np.sqrt(((shown - expected)[inside] ** 2).mean())
    assert inside.sum() > 1000
    assert off < 0.13


def test_the_base_color_tints_a_texture() -> None:
    red = Material((1.0, 0.0, 0.0), 1.0, texture=CHECKER)
    shown, points = table_picture(FRONT, red)
    top = np.isfinite(points[..., 0])
    assert shown[top][:, 0].mean() > 0.2
    assert shown[top][:, 1:].max() < 0.06


def lamp_scene(softness: float = 0.0, shadows: bool = True) -> tuple[SceneSpec, Look]:
    """A lamp a metre over the middle of a matte table, with one box below it."""
    spec = table_scene(1)
    look = flat_look(spec, Material((0.5, 0.5, 0.5), 1.0))
    black = (0.0, 0.0, 0.0)
    lamp = Light((0.0, 0.0, 1.0), BRIGHT, 0.9, shadows, (0.5, 0.1, 1.0), softness)
    return spec, dataclasses.replace(look, lights=(lamp,), ambient_sky=black, ambient_ground=black)


def test_a_lamp_fades_with_the_square_of_the_distance() -> None:
    spec, look = lamp_scene(shadows=False)
    found = frames.render(spec, link_poses(spec), look)["front"]
    points = frames.point_cloud(found.depth[0], FRONT, np.array(FRONT.pose))
    top = (found.segmentation[0] == 3) & (np.abs(points[..., 2]) < 1e-3)
    offset = np.array([0.5, 0.1, 1.0]) - points[top]
    squared = (offset**2).sum(axis=-1)
    diffuse = to_linear(np.array(0.5)) * 0.9 * offset[:, 2] / squared**1.5
    shown = linear(found.rgb[0][top])[:, 0]
    assert np.abs(shown / diffuse - 1.06).max() < 0.10  # rough highlights add a little
    assert diffuse.max() / diffuse.min() > 1.3


def shadow_area(softness: float) -> tuple[float, float]:
    """Pixels of the table in full shadow of the box, and in its half shadow."""
    spec, look = lamp_scene(softness)
    _, lit = lamp_scene(softness, shadows=False)
    camera = dataclasses.replace(FRONT, width=320, height=320)
    poses = link_poses(spec)
    poses[0, -1, 2] += 0.25  # the box hangs in the air
    dark, bright = (
        linear(frames.render(spec, poses, x, (camera,))["front"].rgb[0])[..., 0]
        for x in (look, lit)
    )
    share = np.where(bright > 0.02, dark / np.maximum(bright, 1e-6), 1.0)
    return float((share < 0.05).sum()), float(((share > 0.1) & (share < 0.9)).sum())


def test_a_lamp_casts_the_shadow_that_geometry_says() -> None:
    """The box's shadow on the table spreads away from the lamp; soft edges are wider."""
    full, half = shadow_area(0.0)
    assert full > 30
    softer_full, softer_half = shadow_area(0.03)
    assert softer_half > 1.7 * half
    assert softer_full < full


def test_metal_mirrors_its_own_color() -> None:
    """Without diffuse reflection, gold under a white sky stays golden and never black."""
    gold = Material((1.0, 0.75, 0.3), 0.3, metallic=1.0)
    shown, points = table_picture(FRONT, gold)
    top = np.isfinite(points[..., 0])
    expected = to_linear(np.array(gold.color))
    assert np.abs(shown[top].mean(axis=0) - expected).max() < 0.12
