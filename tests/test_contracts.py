"""Every choice that configs/ names keeps its contract; a new file there is tested unasked."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from robokiln.cli.compose import choices, compose
from robokiln.cli.settings import cameras, cameras_and_sensors, generation_plan
from robokiln.episode import EpisodeConfig, Expert, draw_scene, run
from robokiln.frames import Capture, LookConfig, Renderer, SensorConfig, sample_look
from robokiln.physics.bullet import BulletWorld
from robokiln.policy import MODELS, TrainConfig
from robokiln.scene import robots, tasks
from robokiln.scene.robots import visual_links
from robokiln.scene.tasks import SceneRefused
from robokiln.seeds import Domain, Stream, generator, sensor_draws
from robokiln.serial import from_json, to_json
from robokiln.types import ACTION_DIM, Episode, SceneSpec

CONFIG = EpisodeConfig()


def configured(group: str, name: str) -> dict[str, Any]:
    """What the group's file says."""
    composed: dict[str, Any] = compose("generate", [f"{group}={name}"])[group]
    return composed


def settled(world: BulletWorld, task: str, robot: str, slot: int) -> SceneSpec:
    """The first scene of a slot that isn't refused."""
    for attempt in range(20):
        try:
            where = (Domain.ROBUSTNESS, 0, slot, attempt)
            arm, views = robots.get(robot), cameras(compose("generate", []))
            return draw_scene(world, tasks.get(task), arm, views, *where)
        except SceneRefused:
            continue
    raise AssertionError(f"{task}: 20 scenes refused")


@pytest.fixture(scope="module")
def world() -> BulletWorld:
    return BulletWorld(CONFIG.control_hz, CONFIG.physics_hz)


def demonstrate(world: BulletWorld, task: str, robot: str, slot: int) -> Episode:
    """One noise-free demonstration."""
    spec = settled(world, task, robot, slot)
    expert = Expert(tasks.get(task), spec, CONFIG)
    return run(world, tasks.get(task), spec, expert, CONFIG)


@pytest.mark.parametrize("robot", choices("robot"))
@pytest.mark.parametrize("task", choices("task"))
def test_a_task_is_solved_by_its_expert_from_its_own_words(
    world: BulletWorld, task: str, robot: str
) -> None:
    assert configured("task", task)["name"] == task
    episodes = [demonstrate(world, task, robot, slot) for slot in range(3)]
    assert sum(e.outcome.success for e in episodes) >= 2
    for episode in episodes:
        spec, steps = episode.spec, len(episode)
        assert from_json(SceneSpec, to_json(spec)) == spec
        assert spec.instruction
        assert {"target", "goal"} <= spec.goal.keys()
        assert [b.name for b in spec.bodies[:2]] == ["floor", "table"]
        assert episode.action.shape == (steps, ACTION_DIM)
        assert episode.link_poses.shape == (steps, len(visual_links(spec)), 7)
        assert np.isfinite(episode.link_poses).all()
        assert set(episode.phase) <= set(range(len(tasks.get(task).phases)))
        lower, upper, _ = robots.get(robot).limits
        assert (episode.joint_position >= lower - 0.02).all()
        assert (episode.joint_position <= upper + 0.02).all()


@pytest.mark.parametrize("task", choices("task"))
def test_a_swapped_instruction_names_something_else(world: BulletWorld, task: str) -> None:
    for slot in range(5):
        spec = settled(world, task, "panda", slot)
        swapped = tasks.get(task).swapped(spec, np.random.default_rng(slot))
        assert swapped.instruction != spec.instruction
        assert dataclasses.replace(swapped, instruction=spec.instruction) == spec


@pytest.mark.parametrize("robot", choices("robot"))
def test_a_robot_says_where_it_comes_from(robot: str) -> None:
    found = robots.get(configured("robot", robot)["name"])
    assert found.license
    assert found.source
    assert len(found.home) == len(found.arm_joints)
    assert all(visual.mesh.exists() for visual in found.visuals)


@pytest.mark.parametrize("look", choices("look"))
@pytest.mark.parametrize("rig", choices("cameras"))
def test_cameras_and_looks_show_the_scene(world: BulletWorld, rig: str, look: str) -> None:
    views = cameras(compose("generate", [f"cameras={rig}", "image_size=32"]))
    assert len({c.name for c in views}) == len(views)
    spec = dataclasses.replace(settled(world, "pick_place", "panda", 0), cameras=views)
    world.load(spec)
    config = from_json(LookConfig, configured("look", look))
    drawn = sample_look(spec, generator(Domain.ROBUSTNESS, 0, 0, 0, Stream.LOOK), config)
    frames = Renderer(spec, drawn).render(world.visual_poses()[None])
    for camera in views:
        found = frames[camera.name]
        assert found.rgb.shape == (1, 32, 32, 3)
        assert 20 < found.rgb.mean() < 235
        assert len(np.unique(found.segmentation)) > 2
        assert found.depth.max() < 10


@pytest.mark.parametrize("sensor", choices("sensor"))
def test_a_sensor_records_the_scene_again_in_the_same_bytes(
    world: BulletWorld, sensor: str
) -> None:
    composed = compose("generate", [f"sensor={sensor}", "image_size=64"])
    views, sensors = cameras_and_sensors(composed)
    assert from_json(SensorConfig, composed["sensor"]).name == sensor
    assert set(sensors) == ({c.name for c in views} if sensor != "none" else set())
    spec = dataclasses.replace(settled(world, "pick_place", "panda", 0), cameras=views)
    world.load(spec)
    poses = np.repeat(world.visual_poses()[None], 2, axis=0)
    look = sample_look(spec, np.random.default_rng(0), LookConfig())
    draws = sensor_draws(Domain.ROBUSTNESS, 0, 0, 0)
    found, again = (Capture(spec, look, sensors, draws).frames(poses) for _ in range(2))
    for camera in views:
        pictures, same = found[camera.name], again[camera.name]
        assert pictures.rgb.shape == (2, 64, 64, 3)
        assert pictures.rgb.tobytes() == same.rgb.tobytes()
        assert pictures.depth.tobytes() == same.depth.tobytes()
        assert (pictures.depth >= 0).all()
        assert 20 < pictures.rgb.mean() < 235
        moved = (pictures.rgb[0] != pictures.rgb[1]).mean()
        assert moved == 0 if sensor == "none" else moved > 0.2


@pytest.mark.parametrize("policy", choices("policy"))
def test_a_policy_is_one_that_training_knows(policy: str) -> None:
    config = from_json(TrainConfig, compose("train", [f"policy={policy}"])["policy"])
    assert config.policy in MODELS


@pytest.mark.parametrize("recipe", choices("recipe"))
def test_a_recipe_composes(recipe: str) -> None:
    composed = compose("run", [f"recipe={recipe}"])
    assert composed["name"] == recipe
    assert composed["out"] == f"out/{recipe}"
    assert generation_plan(composed).episodes == composed["episodes"]
    for name in ("image", "state"):
        assert from_json(TrainConfig, composed[f"policy_{name}"]).policy == name
