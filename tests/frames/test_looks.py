"""Looks: well exposed, named colors kept, and the shipped configurations."""

import colorsys
import dataclasses
import json
from collections.abc import Iterator

import numpy as np
import pytest
from arranged import FRONT, OBJECTS, reach, table_scene

from robokiln import frames
from robokiln.assets import COLORS
from robokiln.cli.compose import choices, compose
from robokiln.frames.looks import BACKDROPS, LIGHTS, TEXTURES, build_texture
from robokiln.geometry import project
from robokiln.serial import canonical_json, from_json
from robokiln.types import Array, Look, Material, RobokilnError, SceneSpec

LOOKS = choices("look")


def shipped(name: str) -> frames.LookConfig:
    return from_json(frames.LookConfig, compose("generate", [f"look={name}"])["look"])


def sample(name: str, seed: int, spec: SceneSpec | None = None, **changes: object) -> Look:
    config = dataclasses.replace(shipped(name), **changes)  # type: ignore[arg-type]
    return frames.sample_look(spec or table_scene(), np.random.default_rng(seed), config)


def hue_distance(a: float, b: float) -> float:
    return abs((a - b + 0.5) % 1 - 0.5)


def nearest_name(color: Array) -> str:
    """The named color whose hue is nearest."""
    hues = {name: colorsys.rgb_to_hsv(*c)[0] for name, c in COLORS.items()}
    seen = colorsys.rgb_to_hsv(*color)
    return min(hues, key=lambda name: hue_distance(hues[name], seen[0]))


@pytest.mark.parametrize("name", LOOKS)
def test_looks_are_well_exposed(name: str) -> None:
    spec, poses = table_scene(), reach(25)
    for seed in range(25):
        look = sample(name, seed)
        for camera, picture in frames.render(spec, poses[seed : seed + 1], look).items():
            luminance = picture.rgb[0] @ [0.2126, 0.7152, 0.0722]
            assert 50 < luminance.mean() < 215, (seed, camera)
            assert (luminance > 250).mean() < 0.08, (seed, camera)
            assert (luminance < 12).mean() < 0.15, (seed, camera)
            assert luminance.std() > 12, (seed, camera)


@pytest.mark.parametrize("name", LOOKS)
def test_named_hue_is_kept_in_the_picture(name: str) -> None:
    """In every look, most of an object's pixels are nearer its own color's hue than another's."""
    spec, poses = table_scene(), reach(20)
    for seed in range(20):
        look = sample(name, seed)
        picture = frames.render(spec, poses[seed : seed + 1], look)["front"]
        for i, body in enumerate(spec.bodies[2:], start=2):
            pixels = picture.rgb[picture.segmentation == 2 + i] / 255
            if len(pixels) < 8:
                continue
            seen = np.median(pixels, axis=0)
            assert nearest_name(seen) == body.color, (seed, body.name, seen)


@pytest.mark.parametrize("name", LOOKS)
def test_named_hue_is_kept_in_the_material(name: str) -> None:
    """Where a body is textured, its name holds for the tile's mean and for every shade in it."""
    spec = table_scene()
    for seed in range(40):
        for body, material in zip(spec.bodies[2:], sample(name, seed).materials[2:], strict=True):
            for color in colors_of(material):
                assert nearest_name(color) == body.color, (seed, body.name, material)


def colors_of(material: Material) -> Iterator[Array]:
    base = np.array(material.color)
    if material.texture is None:
        yield base
        return
    yield base * build_texture(material.texture, 64).mean(axis=(0, 1)) / 255
    yield from (base * shade for shade in np.array(material.texture.colors))


def test_look_is_a_function_of_its_seed() -> None:
    for name in LOOKS:
        a, b, c = (sample(name, seed) for seed in (1, 1, 2))
        assert canonical_json(a) == canonical_json(b)
        assert (canonical_json(a) != canonical_json(c)) == (name != "plain")
        assert from_json(Look, json.loads(canonical_json(a))) == a


def test_plain_is_one_look_and_random_is_the_default() -> None:
    assert sample("plain", 1) == sample("plain", 2)
    assert shipped("random") == frames.LookConfig()


def test_a_held_out_look_shares_no_family_with_the_rich_one() -> None:
    rich, held_out = shipped("rich"), shipped("held_out")
    assert not set(rich.light_families) & set(held_out.light_families)
    assert not set(rich.backdrop_families) & set(held_out.backdrop_families)
    seen, kept = (
        {family for families in vars(c.textures).values() for family in families}
        for c in (rich, held_out)
    )
    assert not seen & kept
    assert seen | kept == set(TEXTURES)
    assert {*rich.light_families, *held_out.light_families} == set(LIGHTS)
    assert {*rich.backdrop_families, *held_out.backdrop_families} == set(BACKDROPS)


def test_drawn_textures_are_of_the_configured_families() -> None:
    for name in ("rich", "held_out"):
        families = shipped(name).textures
        drawn: dict[str, set[str]] = {"floor": set(), "table": set(), "object": set()}
        for seed in range(60):
            for i, material in enumerate(sample(name, seed).materials):
                if material.texture:
                    where = ("floor", "table", "object")[min(i, 2)]
                    drawn[where].add(material.texture.family)
        assert drawn == {where: set(getattr(families, where)) for where in drawn}


def test_what_cannot_be_drawn_is_refused_by_name() -> None:
    config = {"textures": {"table": ["wod"]}}
    with pytest.raises(RobokilnError, match=r"textures\.table: texture 'wod' not found; available"):
        from_json(frames.LookConfig, config)
    with pytest.raises(RobokilnError, match="family 'moon' not found; available: evening"):
        frames.LookConfig(light_families=("moon",))
    with pytest.raises(RobokilnError, match="backdrop_families: expected at least one family"):
        frames.LookConfig(backdrop_families=())
    with pytest.raises(RobokilnError, match="table_value: expected"):
        frames.LookConfig(table_value=(0.9, 0.1))
    with pytest.raises(RobokilnError, match="distractors: expected nothing below 0"):
        frames.LookConfig(distractors=(-1, 2))
    with pytest.raises(RobokilnError, match=r"textured: expected 0 to 1, got 1\.5"):
        frames.LookConfig(textured=1.5)


def test_shipped_cameras_see_the_work_area() -> None:
    corners = np.array(
        [[x, y, z] for x in (0.30, 0.66) for y in (-0.24, 0.24) for z in (0.0, 0.35)]
    )
    pixels = project(FRONT, np.array(FRONT.pose), corners)[:, :2]
    assert pixels.min() >= 0
    assert pixels.max() <= 96


@pytest.mark.parametrize("name", LOOKS)
def test_looks_are_small_json(name: str) -> None:
    assert len(canonical_json(sample(name, 0))) < 200 * (20 + len(OBJECTS))
