"""Composed configurations become the frozen dataclasses that stages take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robokiln.cli.compose import load_choice
from robokiln.cli.suggest import unknown
from robokiln.machine import cores
from robokiln.serial import from_json
from robokiln.types import Camera, RobokilnError
from robokiln.workers import EXECUTORS, Execution

if TYPE_CHECKING:
    from robokiln.frames import SensorConfig
    from robokiln.frames.rig import Rig
    from robokiln.kiln import Plan
    from robokiln.report.rollouts import EvaluateConfig

Configuration = Mapping[str, Any]

EXECUTION_KEYS = ("workers", "executor", "ray_address", "deadline_s", "memory_mb")
"""Keys that say how jobs are run, and so never change a result."""


def execution(configuration: Configuration) -> Execution:
    """How the configuration wants jobs to be run; without a number, a worker for each core."""
    asked, executor = configuration["workers"], configuration["executor"]
    if executor not in EXECUTORS:
        raise RobokilnError(unknown("executor", executor, EXECUTORS))
    return Execution(
        workers=cores() if asked is None else int(asked),
        deadline_s=configuration["deadline_s"],
        executor=executor,
        memory_mb=configuration["memory_mb"],
        address=configuration["ray_address"],
    )


def optional_path(value: str | None) -> Path | None:
    """The path that a key gives, if it gives one."""
    return None if value is None else Path(value)


def cameras(configuration: Configuration) -> tuple[Camera, ...]:
    """The cameras of configs/cameras, all of them square where `image_size` says so."""
    return cameras_and_sensors(configuration)[0]


def cameras_and_sensors(
    configuration: Configuration, robot: str | None = None, task: str | None = None
) -> tuple[tuple[Camera, ...], dict[str, SensorConfig]]:
    """The cameras with their sensors' or their own calibrations; those sensors that do anything.

    They see the configuration's robot and task, or those that are named.
    """
    from robokiln.frames.rig import read_rig
    from robokiln.scene import robots, tasks

    arm = robots.get(configuration["robot"]["name"] if robot is None else robot)
    side = tasks.get(configuration["task"]["name"] if task is None else task).from_side
    return equipped(configuration, read_rig(configuration["cameras"]["cameras"], arm, side))


def equipped(
    configuration: Configuration, rig: Rig
) -> tuple[tuple[Camera, ...], dict[str, SensorConfig]]:
    """The rig in the configured size, with the sensors that the configuration gives."""
    from robokiln.frames import SensorConfig

    every = None
    if "sensor" in configuration:
        every = from_json(SensorConfig, configuration["sensor"], "sensor")
    own, names = {}, [camera.name for camera in rig.cameras]
    for name, choice in configuration.get("sensors", {}).items():
        if name not in names:
            raise RobokilnError(f"sensors: {unknown('camera', name, names)}")
        found = load_choice("sensor", str(choice))
        own[name] = from_json(SensorConfig, found, f"sensor {choice}")
    return rig.with_sensors(every, own).equipped(configuration["image_size"])


def generation_plan(configuration: Configuration) -> Plan:
    """The plan that `generate` follows."""
    from robokiln.episode import EpisodeConfig, ForceNoise
    from robokiln.frames import LookConfig
    from robokiln.kiln import Plan
    from robokiln.kiln.compare import CompareConfig
    from robokiln.kiln.gates import GateConfig
    from robokiln.scene.config import SceneConfig

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
        compare=from_json(CompareConfig, configuration["compare"], "compare"),
        gates=from_json(GateConfig, configuration["gates"], "gates"),
        scene=from_json(SceneConfig, configuration["scene"], "scene"),
    )


def recorded_plan(path: Path) -> Plan:
    """The plan in a plan.json."""
    from robokiln.kiln.plan import read_plan

    return read_plan(path)


def evaluation(
    configuration: Configuration, policies: Mapping[str, Path], films: bool = True
) -> EvaluateConfig:
    """The evaluation of those rows whose policy is there. With `films` the motions of one row
    are kept: the image policy's, or else the state policy's or the expert's."""
    from robokiln.episode import EpisodeConfig
    from robokiln.frames import LookConfig
    from robokiln.report.rollouts import EvaluateConfig
    from robokiln.report.rows import ROWS
    from robokiln.scene.config import SceneConfig

    scenes = {
        name: count
        for name, count in configuration["scenes"].items()
        if not ROWS[name].policy or ROWS[name].policy in policies
    }
    filmed = [name for name in ("image_policy", "state_policy", "expert") if name in scenes]
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
        filmed=filmed[0] if films and filmed else "",
        scene=from_json(SceneConfig, configuration["scene"], "scene"),
    )
