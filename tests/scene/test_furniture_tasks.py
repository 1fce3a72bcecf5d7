"""Drawers and doors: scenes, what counts as done, and experts that take over from anywhere."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from robokiln.assets import COLORS, compartment
from robokiln.episode import EpisodeConfig, Expert, draw_scene, run
from robokiln.geometry import compose, inverse, pose, pose_tuple
from robokiln.physics.bullet import BulletWorld
from robokiln.report.baselines import RandomMotion
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.furniture import grip, opened
from robokiln.scene.joints import moved, position
from robokiln.scene.language import understood
from robokiln.scene.refused import SceneRefused
from robokiln.scene.tasks.close_drawer import SHUT
from robokiln.scene.tasks.put_in_drawer import inside
from robokiln.seeds import Domain, Stream, generator
from robokiln.types import Episode, Observation, SceneSpec, State

NAMES = ("open_drawer", "close_drawer", "open_door", "put_in_drawer")
PANDA = robots.get("panda")
CONFIG = EpisodeConfig()


@pytest.fixture(scope="module")
def world() -> Iterator[BulletWorld]:
    made = BulletWorld(CONFIG.control_hz, CONFIG.physics_hz)
    yield made
    made.close()


def drawn(task: str, seed: int, config: SceneConfig | None = None) -> SceneSpec:
    """A scene with its instruction, not settled."""
    config, found = config or SceneConfig(), tasks.get(task)
    spec = found.sample(np.random.default_rng(seed), PANDA, config)
    return replace(spec, instruction=found.instruction(spec, np.random.default_rng(seed), config))


def settled(world: BulletWorld, task: str, slot: int) -> SceneSpec:
    return draw_scene(
        world, tasks.get(task), PANDA, (), SceneConfig(), Domain.ROBUSTNESS, 3, slot, 0
    )


def role_of(spec: SceneSpec) -> str:
    """The drawer or door that is to be moved."""
    return spec.goal["goal" if spec.task == "put_in_drawer" else "target"]


def at(spec: SceneSpec, name: str, share: float) -> SceneSpec:
    """The scene with a drawer or a door open by this share of its range."""
    body = spec.bodies[spec.index(name)]
    assert body.joint is not None
    parent = np.array(spec.bodies[spec.index(body.joint.parent)].pose)
    return put(spec, name, moved(body.joint, parent, share * body.joint.upper))


def put(spec: SceneSpec, name: str, where: np.ndarray) -> SceneSpec:
    """The scene with a body at this pose."""
    bodies = list(spec.bodies)
    bodies[spec.index(name)] = replace(bodies[spec.index(name)], pose=pose_tuple(where))
    return replace(spec, bodies=tuple(bodies))


def in_drawer(spec: SceneSpec, depth: float = 0.0) -> SceneSpec:
    """The target in the middle of the goal, above its floor."""
    drawer = spec.bodies[spec.index(spec.goal["goal"])]
    return put(spec, spec.goal["target"], compose(drawer.pose, (0.0, 0.0, depth, 0, 0, 0, 1)))


def done(world: BulletWorld, spec: SceneSpec, seconds: float = 0.3) -> bool:
    """Whether the scene counts as a success once it has come to rest."""
    world.load(spec)
    world.settle(seconds)
    return tasks.get(spec.task).satisfied(spec, world.state())


def solve(world: BulletWorld, spec: SceneSpec, noise: bool = False) -> Episode:
    task = tasks.get(spec.task)
    rng = generator(Domain.ROBUSTNESS, 3, 0, 0, Stream.NOISE) if noise else None
    return run(world, task, spec, Expert(task, spec, CONFIG), CONFIG, rng)


@pytest.mark.parametrize("ranges", ["D0", "D1"])
@pytest.mark.parametrize("name", NAMES)
def test_scenes_fill_their_ranges_and_are_named_without_doubt(name: str, ranges: str) -> None:
    config = SceneConfig(ranges=ranges, objects="unseen", phrasings="held_out")
    task, stood = tasks.get(name), []
    for seed in range(60):
        try:
            spec = drawn(name, seed, config)
        except SceneRefused:
            continue
        assert understood(spec.instruction, task.phrasings, spec) == {
            k: (v,) for k, v in spec.goal.items() if f"{{{k}}}" in task.phrasings.seen[0]
        }
        swapped = task.swapped(spec, np.random.default_rng(seed), config)
        meant = understood(swapped.instruction, task.phrasings, spec)
        assert all(spec.goal[k] not in names for k, names in meant.items())
        stood.append(spec.bodies[spec.index("cabinet")].pose[:2])
        for role, area in task.ranges(PANDA, ranges).items():
            x, y = spec.bodies[spec.index(spec.goal[role])].pose[:2]
            assert area.x[0] - 1e-9 <= x <= area.x[1] + 1e-9
            assert area.y[0] - 1e-9 <= y <= area.y[1] + 1e-9
    assert len(stood) >= 50
    # The cabinet's area is the same in all tasks but for a shift.
    span = tasks.get("open_drawer").ranges(PANDA, ranges)["goal"]
    assert np.ptp(stood, axis=0)[0] > 0.8 * np.ptp(span.x)
    assert np.ptp(stood, axis=0)[1] > 0.8 * np.ptp(span.y)


@pytest.mark.parametrize("name", NAMES)
def test_unseen_objects_and_colors_are_drawn(name: str) -> None:
    spec = drawn(name, 0, SceneConfig("D1", "unseen"))
    colors = {b.color for b in spec.bodies if b.color}
    assert colors
    assert not colors & set(COLORS)


@pytest.mark.parametrize("name", ["open_drawer", "close_drawer", "put_in_drawer"])
def test_a_drawer_fits_its_compartment_and_slides_straight_out(name: str) -> None:
    for seed in range(10):
        spec = at(at(drawn(name, seed), "drawer_0", 0.0), "drawer_1", 0.0)
        cabinet = spec.bodies[spec.index("cabinet")]
        rows = int(cabinet.shape.size["rows"])
        for i in range(2):
            body = spec.bodies[spec.index(f"drawer_{i}")]
            size, offset = body.shape.size, compose(inverse(cabinet.pose), body.pose)
            low, high = compartment(cabinet.shape, rows - 2 + i)
            assert low < offset[2] - size["z"] / 2 < offset[2] + size["z"] / 2 < high
            assert size["y"] < cabinet.shape.size["y"] - 2 * cabinet.shape.size["wall"]
            assert offset[0] - size["x"] / 2 == pytest.approx(-cabinet.shape.size["x"] / 2)
            out = compose(inverse(cabinet.pose), at(spec, body.name, 1.0).bodies[-1].pose)
            assert offset[0] + size["x"] / 2 < cabinet.shape.size["x"] / 2
            assert np.isfinite(out).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_robot_of_five_joints_is_refused(name: str) -> None:
    few = replace(PANDA, arm_joints=PANDA.arm_joints[:5])
    assert "needs 6 joints" in tasks.get(name).suits(few)
    assert tasks.get(name).suits(PANDA) == ""


def test_an_open_drawer_is_one_that_is_wide_open_and_the_right_one(world: BulletWorld) -> None:
    spec = drawn("open_drawer", 1)
    target = spec.goal["target"]
    wrong = "drawer_0" if target == "drawer_1" else "drawer_1"
    shut = at(at(spec, target, 0.0), wrong, 0.0)
    assert done(world, at(shut, target, 0.9))
    assert not done(world, at(shut, target, 0.75))
    assert not done(world, at(shut, wrong, 1.0))


def test_a_shut_drawer_is_shut_to_5_mm(world: BulletWorld) -> None:
    spec = drawn("close_drawer", 1)
    assert done(world, at(spec, spec.goal["target"], 0.0))
    assert not done(world, at(spec, spec.goal["target"], 0.05))
    assert not done(world, spec)


def test_a_door_must_be_open_and_the_right_one(world: BulletWorld) -> None:
    spec = drawn("open_door", 2)
    target = spec.goal["target"]
    wrong = "door_0" if target == "door_1" else "door_1"
    shut = at(spec, target, 0.0)
    assert done(world, at(shut, target, 0.95 / 1.9))
    assert not done(world, at(shut, target, 0.85 / 1.9))
    assert not done(world, at(shut, wrong, 1.0))


def test_an_object_must_lie_in_the_shut_drawer_that_is_named(world: BulletWorld) -> None:
    spec = drawn("put_in_drawer", 2)
    drawer, target = spec.goal["goal"], spec.goal["target"]
    shut = at(spec, drawer, 0.0)
    assert done(world, in_drawer(shut))
    assert not done(world, shut)
    assert not done(world, in_drawer(at(spec, drawer, 0.2)))
    cabinet = spec.bodies[spec.index("cabinet")]
    top = np.array(cabinet.pose)
    top[2] += cabinet.shape.size["z"] / 2 + 0.03
    assert not done(world, put(shut, target, top))
    wrong = "drawer_0" if drawer == "drawer_1" else "drawer_1"
    other = replace(at(shut, wrong, 0.0), goal={**spec.goal, "goal": wrong})
    assert not done(world, replace(in_drawer(other), goal=spec.goal))


class Clinging:
    """The expert, who never lets go."""

    def __init__(self, spec: SceneSpec) -> None:
        self._expert = Expert(tasks.get(spec.task), spec, CONFIG)
        self.open = False

    def act(self, observation: Observation) -> np.ndarray:
        action = self._expert.act(observation)
        phase = tasks.get(self._expert._spec.task).next_skill(self._expert._spec, observation.state)
        self.open |= phase.phase == "retreat"
        if self.open:
            action[9] = 0.0
            action[:3] = observation.state.ee_pose[:3]
        return action


@pytest.mark.parametrize("name", ["open_drawer", "open_door"])
def test_what_is_held_open_is_not_done(world: BulletWorld, name: str) -> None:
    spec = settled(world, name, 0)
    actor = Clinging(spec)
    episode = run(world, tasks.get(name), spec, actor, replace(CONFIG, max_steps=100))
    assert actor.open
    assert not episode.outcome.success
    state = world.state()
    target = spec.index(spec.goal["target"])
    assert opened(spec, state, target) > 0.45
    assert any(target in fingers for fingers in state.touching)


@pytest.mark.parametrize("slot", [1, 19])
def test_a_drawer_that_a_random_arm_bumps_shut_is_not_done(world: BulletWorld, slot: int) -> None:
    """The one goes on moving; the other gets jammed on the chest, where it stands still."""
    where, task = (Domain.EVALUATION, 1, slot, 0), tasks.get("close_drawer")
    spec = draw_scene(world, task, PANDA, (), SceneConfig(), *where)
    blind = RandomMotion(spec, generator(*where, Stream.BASELINE))
    episode = run(world, task, spec, blind, CONFIG)
    assert position(spec, world.state(), spec.goal["target"]) <= SHUT
    assert episode.outcome.reason == "step limit"


def elsewhere(world: BulletWorld, spec: SceneSpec, share: float) -> SceneSpec:
    """The scene, half done, with the arm at the other side of the handle, low."""
    half = at(spec, role_of(spec), share)
    world.load(half)
    state: State = world.state()
    tool = grip(half, state, half.index(role_of(half)))
    tool[:3] += [-0.12, 0.12, 0.1]
    joints = world.solve_ik(tool)
    return half if joints is None else replace(half, robot_joints=tuple(map(float, joints)))


@pytest.mark.parametrize("share", [0.25, 0.45])
@pytest.mark.parametrize("name", NAMES)
def test_an_expert_takes_over_where_another_left_off(
    world: BulletWorld, name: str, share: float
) -> None:
    spec = elsewhere(world, settled(world, name, 1), share)
    assert solve(world, spec).outcome.reason == "success"


def test_an_object_that_is_in_already_is_only_shut_in(world: BulletWorld) -> None:
    spec = settled(world, "put_in_drawer", 2)
    spec = in_drawer(at(spec, spec.goal["goal"], 0.9))
    world.load(spec)
    target, drawer = (spec.index(spec.goal[k]) for k in ("target", "goal"))
    assert inside(spec, world.state(), target, drawer)
    episode = solve(world, spec)
    assert episode.outcome.reason == "success"
    names = {tasks.get("put_in_drawer").phases[i] for i in episode.phase}
    assert "push" in names
    assert not names & {"pull", "lift", "move", "place"}


@pytest.mark.parametrize("name", NAMES)
def test_a_noisy_demonstration_succeeds_without_deep_contact(world: BulletWorld, name: str) -> None:
    episode = solve(world, settled(world, name, 4), noise=True)
    assert episode.outcome.reason == "success"
    assert episode.penetration.max() < 0.01
    start, end = episode.link_poses[0], episode.link_poses[-1]
    names = [b.name for b in episode.spec.bodies]
    handle = len(start) - len(names) + names.index(role_of(episode.spec))
    moved_by = np.linalg.norm(end[handle, :3] - start[handle, :3])
    assert (moved_by > 0.04) == (name != "put_in_drawer")
    assert np.allclose(pose(end[handle, :3], end[handle, 3:])[2], start[handle, 2], atol=0.002)
