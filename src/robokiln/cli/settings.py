"""Composed configurations become the frozen dataclasses that stages take."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robokiln.cli.compose import load_choice
from robokiln.cli.suggest import unknown
from robokiln.geometry import resized
from robokiln.serial import from_json
from robokiln.types import Camera, RobokilnError

if TYPE_CHECKING:
    from robokiln.frames import Calibration, SensorConfig
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
    return cameras_and_sensors(configuration)[0]


def cameras_and_sensors(
    configuration: Configuration,
) -> tuple[tuple[Camera, ...], dict[str, SensorConfig]]:
    """The cameras with their sensors' or their own calibrations; those sensors that do anything."""
    from robokiln.frames import CameraConfig
    from robokiln.frames.cameras import with_calibration

    built, calibrations = [], {}
    for i, written in enumerate(configuration["cameras"]["cameras"]):
        entry, calibration = with_calibration(written)
        camera = from_json(CameraConfig, entry, f"cameras.{i}").build()
        if calibration is not None:
            camera = replace(camera, calibration=calibration.intrinsics)
            calibrations[camera.name] = calibration
        built.append(camera)
    return equipped(configuration, built, calibrations, {})


def equipped(
    configuration: Configuration,
    built: Sequence[Camera],
    calibrations: Mapping[str, Calibration],
    known: Mapping[str, SensorConfig],
) -> tuple[tuple[Camera, ...], dict[str, SensorConfig]]:
    """The cameras in the configured size, with their sensors; `known` are those that stay where the
    configuration gives none."""
    size = configuration["image_size"]
    sized = built if size is None else [resized(camera, size, size) for camera in built]
    sensors = _sensors(configuration, [camera.name for camera in sized], calibrations, known)
    fitted = [sensors[camera.name].fitted(camera) for camera in sized]
    _check_even(fitted)
    _check_lenses(fitted, sensors)
    return tuple(fitted), {name: sensor for name, sensor in sensors.items() if not sensor.ideal}


def _sensors(
    configuration: Configuration,
    names: list[str],
    calibrations: Mapping[str, Calibration],
    known: Mapping[str, SensorConfig],
) -> dict[str, SensorConfig]:
    """Each camera's sensor: its own of `sensors`, else `sensor`; a calibration brings its lens."""
    from robokiln.frames import SensorConfig
    from robokiln.frames.sensors import Lens

    found = {name: known.get(name, SensorConfig()) for name in names}
    if "sensor" in configuration:
        found = dict.fromkeys(names, from_json(SensorConfig, configuration["sensor"], "sensor"))
    for name, choice in configuration.get("sensors", {}).items():
        if name not in names:
            raise RobokilnError(f"sensors: {unknown('camera', name, names)}")
        found[name] = from_json(
            SensorConfig, load_choice("sensor", str(choice)), f"sensor {choice}"
        )
    for name, calibration in calibrations.items():
        lens = Lens(*calibration.distortion) if any(calibration.distortion) else None
        found[name] = replace(found[name], lens=lens)
    return found


def _check_lenses(built: list[Camera], sensors: Mapping[str, SensorConfig]) -> None:
    """A lens that can't show the whole picture is refused here, not in every worker."""
    from robokiln.frames.sensors import LensMap

    for camera in built:
        lens = sensors[camera.name].lens
        if lens is not None:
            LensMap(camera, lens)


def _check_even(built: list[Camera]) -> None:
    for camera in built:
        if camera.width % 2 or camera.height % 2:
            raise RobokilnError(
                f"camera '{camera.name}': {camera.width} x {camera.height}: "
                "video needs an even width and height"
            )


def generation_plan(configuration: Configuration) -> Plan:
    """The plan that `generate` follows."""
    from robokiln.episode import EpisodeConfig, ForceNoise
    from robokiln.frames import LookConfig
    from robokiln.kiln import Plan

    if configuration["plan"] is not None:
        return recorded_plan(Path(configuration["plan"]))
    views, sensors = cameras_and_sensors(configuration)
    return Plan(
        task=configuration["task"]["name"],
        robot=configuration["robot"]["name"],
        cameras=views,
        episodes=configuration["episodes"],
        seed=configuration["seed"],
        look=from_json(LookConfig, configuration["look"], "look"),
        looks_per_episode=configuration["looks_per_episode"],
        antialias=configuration["antialias"],
        episode=from_json(EpisodeConfig, configuration["episode"], "episode"),
        max_attempts=configuration["max_attempts"],
        codec=configuration["codec"],
        sensors=sensors,
        force_noise=from_json(ForceNoise, configuration["force_noise"], "force_noise"),
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
    views, sensors = cameras_and_sensors(configuration)
    return EvaluateConfig(
        task=configuration["task"]["name"],
        robot=configuration["robot"]["name"],
        cameras=views,
        scenes=scenes,
        seed=configuration["seed"],
        look=from_json(LookConfig, configuration["look"], "look"),
        antialias=configuration["antialias"],
        episode=from_json(EpisodeConfig, configuration["episode"], "episode"),
        sensors=sensors,
    )
