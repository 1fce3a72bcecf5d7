"""What an environment is made of, from the plain values that `gymnasium.make` takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robokiln.env.choices import read_choice
from robokiln.episode import EpisodeConfig
from robokiln.frames import LookConfig, SensorConfig
from robokiln.frames.rig import read_rig
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.robots import Robot
from robokiln.scene.tasks import Task
from robokiln.serial import from_json
from robokiln.types import Camera


@dataclass(frozen=True)
class Setup:
    """Everything that an environment's scenes, motions and pictures depend on, but their seed."""

    task: Task
    robot: Robot
    cameras: tuple[Camera, ...]
    sensors: Mapping[str, SensorConfig]
    look: LookConfig
    episode: EpisodeConfig
    scene: SceneConfig


def setup(
    task: str,
    robot: str,
    cameras: str,
    image_size: int | None,
    look: str | Mapping[str, Any],
    sensor: str,
    sensors: Mapping[str, str],
    episode: Mapping[str, Any] | None,
    scene: Mapping[str, Any] | None,
) -> Setup:
    """Names are those of files in configs/; mappings hold fields of the configurations."""
    arm = robots.get(robot)
    found = tasks.get(task, arm)
    rig = read_rig(read_choice("cameras", cameras)["cameras"], arm, found.from_side)
    own = {camera: _sensor(name) for camera, name in sensors.items()}
    views, used = rig.with_sensors(_sensor(sensor), own).equipped(image_size)
    looks = read_choice("look", look) if isinstance(look, str) else look
    return Setup(
        task=found,
        robot=arm,
        cameras=views,
        sensors=used,
        look=from_json(LookConfig, looks, "look"),
        episode=from_json(EpisodeConfig, episode or {}, "episode"),
        scene=from_json(SceneConfig, scene or {}, "scene"),
    )


def _sensor(name: str) -> SensorConfig:
    return from_json(SensorConfig, read_choice("sensor", name), f"sensor {name}")
