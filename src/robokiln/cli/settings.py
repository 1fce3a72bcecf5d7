"""Composed configurations become the frozen dataclasses that stages take."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robokiln.serial import from_json
from robokiln.types import Camera, RobokilnError

if TYPE_CHECKING:
    from robokiln.kiln import Plan
    from robokiln.report.rollouts import EvaluateConfig

Configuration = Mapping[str, Any]


def worker_count(configuration: Configuration) -> int:
    """As many as asked for, else one for each core that this process may use."""
    asked = configuration["workers"]
    return cores() if asked is None else int(asked)


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cameras(configuration: Configuration) -> tuple[Camera, ...]:
    """The cameras of configs/cameras, all of them square where `image_size` says so."""
    from robokiln.frames import CameraConfig

    entries = configuration["cameras"]["cameras"]
    built = [from_json(CameraConfig, e, f"cameras.{i}").build() for i, e in enumerate(entries)]
    return resized(built, configuration["image_size"])


def resized(built: Sequence[Camera], size: int | None) -> tuple[Camera, ...]:
    """The cameras, all of them square where `size` says so; an error where video can't have it."""
    if size is not None:
        built = [replace(camera, width=size, height=size) for camera in built]
    for camera in built:
        if camera.width % 2 or camera.height % 2:
            raise RobokilnError(
                f"camera '{camera.name}': {camera.width} x {camera.height}: "
                "video needs an even width and height"
            )
    return tuple(built)


def generation_plan(configuration: Configuration) -> Plan:
    """The plan that `generate` follows."""
    from robokiln.episode import EpisodeConfig
    from robokiln.frames import LookConfig
    from robokiln.kiln import Plan

    if configuration["plan"] is not None:
        return recorded_plan(Path(configuration["plan"]))
    return Plan(
        task=configuration["task"]["name"],
        robot=configuration["robot"]["name"],
        cameras=cameras(configuration),
        episodes=configuration["episodes"],
        seed=configuration["seed"],
        look=from_json(LookConfig, configuration["look"], "look"),
        looks_per_episode=configuration["looks_per_episode"],
        antialias=configuration["antialias"],
        episode=from_json(EpisodeConfig, configuration["episode"], "episode"),
        max_attempts=configuration["max_attempts"],
        codec=configuration["codec"],
        record=tuple(configuration["record"]),
    )


def recorded_plan(path: Path) -> Plan:
    """The plan in a plan.json."""
    from robokiln.kiln import Plan

    try:
        recorded = json.loads(path.read_text())["configuration"]
    except OSError as error:
        raise RobokilnError(f"plan: {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise RobokilnError(f"plan: {path}: not a plan.json of robokiln") from None
    return from_json(Plan, recorded, str(path))


def evaluation(configuration: Configuration, policies: Mapping[str, Path]) -> EvaluateConfig:
    """The evaluation of those rows whose policy is there."""
    from robokiln.episode import EpisodeConfig
    from robokiln.frames import LookConfig
    from robokiln.report.rollouts import EvaluateConfig
    from robokiln.report.rows import ROWS

    scenes = {
        name: count
        for name, count in configuration["scenes"].items()
        if not ROWS[name].policy or ROWS[name].policy in policies
    }
    return EvaluateConfig(
        task=configuration["task"]["name"],
        robot=configuration["robot"]["name"],
        cameras=cameras(configuration),
        scenes=scenes,
        seed=configuration["seed"],
        look=from_json(LookConfig, configuration["look"], "look"),
        antialias=configuration["antialias"],
        episode=from_json(EpisodeConfig, configuration["episode"], "episode"),
    )
