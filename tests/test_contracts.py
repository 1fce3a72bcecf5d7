"""Every choice that configs/ names keeps its contract; a new file there is tested unasked."""

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from robokiln.assets import COLORS, UNSEEN_COLORS
from robokiln.cli.compose import choices, compose, load_choice
from robokiln.cli.settings import cameras, cameras_and_sensors, generation_plan
from robokiln.episode import EpisodeConfig, Expert, draw_scene, run
from robokiln.frames import Capture, LookConfig, Renderer, SensorConfig, sample_look
from robokiln.kiln.compare import CompareConfig
from robokiln.kiln.unit import simulate
from robokiln.physics.bullet import BulletWorld
from robokiln.policy import MODELS, TrainConfig
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.refused import SceneRefused
from robokiln.scene.robots import Robot, visual_links
from robokiln.seeds import Domain, Stream, generator, sensor_draws
from robokiln.serial import from_json, to_json
from robokiln.types import ACTION_DIM, Episode, RobokilnError, SceneSpec

CONFIG = EpisodeConfig()


def installed(robot: str) -> Robot:
    """The robot, or a skipped test where its extra isn't installed."""
    if not robots.ROBOTS[robot].installed:
        pytest.skip(f"robokiln[{robots.ROBOTS[robot].extra}] is not installed")
    return robots.get(robot)


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
            return draw_scene(world, tasks.get(task), arm, views, SceneConfig(), *where)
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
    unsuited = tasks.get(task).suits(installed(robot))
    if unsuited:
        with pytest.raises(RobokilnError, match=re.escape(unsuited)):
            tasks.get(task, robots.get(robot))
        return
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


SETTINGS = [
    SceneConfig(),
    SceneConfig(ranges="D1", references="rich"),
    SceneConfig(objects="unseen", phrasings="held_out"),
    SceneConfig("D1", "unseen", "held_out", "rich"),
]


@pytest.mark.parametrize(
    "config", SETTINGS, ids=lambda c: f"{c.ranges}-{c.objects}-{c.phrasings}-{c.references}"
)
@pytest.mark.parametrize("task", choices("task"))
def test_an_instruction_names_the_roles_and_nothing_else(task: str, config: SceneConfig) -> None:
    found, said, colors = tasks.get(task), set(), set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        try:
            spec = found.sample(rng, robots.get("panda"), config)
            words = found.instruction(spec, rng, config)
        except SceneRefused:
            continue
        spec = dataclasses.replace(spec, instruction=words)
        for role, bodies in found.named(spec).items():
            assert bodies == (spec.goal[role],), words
        said.add(words)
        colors |= {body.color for body in spec.bodies if body.color}
    assert len(said) >= 6
    split = COLORS if config.objects == "seen" else UNSEEN_COLORS
    assert colors <= set(split)


@pytest.mark.parametrize("task", choices("task"))
def test_held_out_words_are_never_those_of_training(task: str) -> None:
    found, said = tasks.get(task), {}
    for phrasings in ("seen", "held_out"):
        config = SceneConfig(phrasings=phrasings)
        spec = found.sample(np.random.default_rng(0), robots.get("panda"), config)
        rngs = [np.random.default_rng(seed) for seed in range(60)]
        said[phrasings] = {found.instruction(spec, rng, config) for rng in rngs}
    assert len(said["seen"]) >= 5
    assert len(said["held_out"]) >= 3
    assert not said["seen"] & said["held_out"]


@pytest.mark.parametrize("task", choices("task"))
def test_a_swapped_instruction_names_something_else(world: BulletWorld, task: str) -> None:
    for slot in range(5):
        spec = settled(world, task, "panda", slot)
        swapped = tasks.get(task).swapped(spec, np.random.default_rng(slot), SceneConfig())
        assert swapped.instruction != spec.instruction
        assert dataclasses.replace(swapped, instruction=spec.instruction) == spec
        assert tasks.get(task).told(spec) == spec
        told = tasks.get(task).told(swapped)
        assert told.goal != spec.goal
        assert dataclasses.replace(told, goal=spec.goal) == swapped


@pytest.mark.parametrize("task", choices("task"))
def test_a_task_says_what_is_to_be_moved_and_where_to(world: BulletWorld, task: str) -> None:
    spec, found = settled(world, task, "panda", 0), tasks.get(task)
    world.load(spec)
    parts = found.parts(spec, world.state())
    assert not any(parts.values())
    assert {spec.bodies[spec.index(name)].mass > 0 for name in parts} == {True}
    assert all(found.destination(spec, name) in {b.name for b in spec.bodies} for name in parts)
    assert found.criterion


@pytest.mark.parametrize("robot", choices("robot"))
def test_a_robot_says_where_it_comes_from(robot: str) -> None:
    found = installed(configured("robot", robot)["name"])
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
    assert config.model in MODELS


@pytest.mark.parametrize("recipe", choices("recipe"))
def test_a_recipe_composes(recipe: str) -> None:
    composed = compose("run", [f"recipe={recipe}"])
    assert composed["name"] == recipe
    assert composed["out"] == f"out/{recipe}"
    assert generation_plan(composed).episodes == composed["episodes"]
    for name in ("image", "state"):
        assert from_json(TrainConfig, composed[f"policy_{name}"]).model == name


@pytest.mark.parametrize("gates", choices("gates"))
def test_gates_let_the_expert_pass(gates: str) -> None:
    plan = generation_plan(compose("generate", [f"gates={gates}"]))
    assert simulate(plan, 0, 0).outcome.success


@pytest.mark.parametrize("name", choices("compare"))
def test_a_comparison_is_one_that_the_kiln_knows(name: str) -> None:
    from_json(CompareConfig, load_choice("compare", name))


@pytest.mark.parametrize("task", choices("task"))
def test_a_task_places_target_and_goal_where_it_says(world: BulletWorld, task: str) -> None:
    for slot in range(5):
        spec = settled(world, task, "panda", slot)
        for role, area in tasks.get(task).ranges(robots.get("panda"), "D0").items():
            x, y = spec.bodies[spec.index(spec.goal[role])].pose[:2]
            assert area.x[0] - 0.01 <= x <= area.x[1] + 0.01  # bodies settle
            assert area.y[0] - 0.01 <= y <= area.y[1] + 0.01
