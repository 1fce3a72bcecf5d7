"""Refusals of looks that cannot be drawn."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

from robokiln.types import Camera, Light, Look, Material, RobokilnError


def check_look(look: Look, bodies: int) -> None:
    """A RobokilnError names the first value of the look that has no picture."""
    if len(look.materials) != bodies:
        raise RobokilnError(
            f"look: expected {bodies} materials (one a body), got {len(look.materials)}"
        )
    for where, number in _numbers("look", dataclasses.asdict(look)):
        _expect(where, number, math.isfinite(number), "a finite number")
    for name in ("ambient_sky", "ambient_ground", "background_top", "background_bottom"):
        _check_color(f"look.{name}", getattr(look, name))
    for i, light in enumerate(look.lights):
        _check_light(f"look.lights[{i}]", light)
    for i, material in enumerate(look.materials):
        _check_material(f"look.materials[{i}]", material)
    for prop in look.props:
        _check_material(f"look: prop '{prop.name}'", prop.material)
    _check_material("look.robot", look.robot)


def check_names(cameras: Sequence[Camera]) -> None:
    """Frames are found by their camera's name, so no two may share one."""
    names = [camera.name for camera in cameras]
    for name in names:
        if names.count(name) > 1:
            raise RobokilnError(f"camera '{name}': {names.count(name)} cameras have this name")


def _check_light(where: str, light: Light) -> None:
    _check_color(f"{where}.color", light.color)
    _expect(f"{where}.intensity", light.intensity, 0 <= light.intensity <= 1e6, "0 to 1e6")


def _check_material(where: str, material: Material) -> None:
    _check_color(f"{where}.color", material.color)
    for name in ("roughness", "metallic"):
        value = getattr(material, name)
        _expect(f"{where}.{name}", value, 0 <= value <= 1, "0 to 1")
    if material.texture is not None:
        scale = material.texture.scale
        _expect(f"{where}.texture.scale", scale, scale > 0, "more than 0 m")


def _check_color(where: str, color: tuple[float, ...]) -> None:
    for value in color:
        _expect(where, value, -1e-9 <= value <= 1 + 1e-9, "sRGB in 0 to 1")


def _expect(where: str, value: float, fine: bool, expected: str) -> None:
    if not fine:
        raise RobokilnError(f"{where}: expected {expected}, got {value}")


def _numbers(where: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(f"{where}.{key}", inner)
    elif isinstance(value, (tuple, list)):
        for i, inner in enumerate(value):
            yield from _numbers(f"{where}[{i}]", inner)
    elif isinstance(value, (int, float)):
        yield where, float(value)
