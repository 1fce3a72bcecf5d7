"""Looks: well exposed, named colors kept, and the shipped configurations."""

import colorsys
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from arranged import FRONT, reach, table_scene

from robokiln import frames
from robokiln.assets import COLORS
from robokiln.geometry import project
from robokiln.serial import canonical_json, from_json
from robokiln.types import Look

CONFIGS = Path(__file__).parents[2] / "configs"


def shipped(name: str) -> frames.LookConfig:
    text = (CONFIGS / "look" / f"{name}.yaml").read_text()
    return from_json(frames.LookConfig, yaml.safe_load(text))


def hue_distance(a: float, b: float) -> float:
    return abs((a - b + 0.5) % 1 - 0.5)


def test_fifty_random_looks_are_well_exposed() -> None:
    spec, poses = table_scene(), reach(50)
    for seed in range(50):
        look = frames.sample_look(spec, np.random.default_rng(seed), shipped("random"))
        for name, picture in frames.render(spec, poses[seed : seed + 1], look).items():
            luminance = picture.rgb[0] @ [0.2126, 0.7152, 0.0722]
            assert 55 < luminance.mean() < 215, (seed, name)
            assert (luminance > 250).mean() < 0.05, (seed, name)
            assert (luminance < 12).mean() < 0.15, (seed, name)
            assert luminance.std() > 12, (seed, name)


def test_named_hue_is_kept_in_the_picture() -> None:
    """In every look, most of an object's pixels are nearer its own color's hue than another's."""
    spec, poses = table_scene(), reach(20)
    hues = {name: colorsys.rgb_to_hsv(*color)[0] for name, color in COLORS.items()}
    for seed in range(20):
        look = frames.sample_look(spec, np.random.default_rng(seed), shipped("random"))
        picture = frames.render(spec, poses[seed : seed + 1], look)["front"]
        for i, body in enumerate(spec.bodies[2:], start=2):
            pixels = picture.rgb[picture.segmentation == 2 + i] / 255
            if len(pixels) < 8:
                continue
            seen = colorsys.rgb_to_hsv(*np.median(pixels, axis=0))
            nearest = min(hues, key=lambda name: hue_distance(hues[name], seen[0]))
            assert nearest == body.color, (seed, body.name, seen)


def test_look_is_a_function_of_its_seed() -> None:
    spec, config = table_scene(), frames.LookConfig()
    a, b, c = (frames.sample_look(spec, np.random.default_rng(s), config) for s in (1, 1, 2))
    assert canonical_json(a) == canonical_json(b) != canonical_json(c)
    assert from_json(Look, json.loads(canonical_json(a))) == a


def test_plain_is_one_look_and_random_is_the_default() -> None:
    spec = table_scene()
    a, b = (frames.sample_look(spec, np.random.default_rng(s), shipped("plain")) for s in (1, 2))
    assert a == b
    assert shipped("random") == frames.LookConfig()


def test_shipped_cameras_see_the_work_area() -> None:
    corners = np.array(
        [[x, y, z] for x in (0.30, 0.66) for y in (-0.24, 0.24) for z in (0.0, 0.35)]
    )
    pixels = project(FRONT, np.array(FRONT.pose), corners)[:, :2]
    assert pixels.min() >= 0
    assert pixels.max() <= 96


@pytest.mark.parametrize("name", ["plain", "random"])
def test_looks_are_json(name: str) -> None:
    look = frames.sample_look(table_scene(), np.random.default_rng(0), shipped(name))
    assert len(canonical_json(look)) < 5000
