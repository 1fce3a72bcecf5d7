"""One trajectory in several looks: pictures differ, labels don't, and nothing runs through
distractors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from robokiln.assets import footprint, height
from robokiln.cli.compose import compose
from robokiln.cli.settings import cameras
from robokiln.frames import LookConfig, Renderer, sample_look
from robokiln.frames.meshes import robot_meshes
from robokiln.geometry import quat_to_matrix
from robokiln.kiln.plan import Plan
from robokiln.kiln.rundir import make_folders
from robokiln.kiln.unit import Job, load_look, make_unit, simulate, unit_name
from robokiln.scene import robots
from robokiln.seeds import Domain, Stream, generator
from robokiln.serial import canonical_json, from_json
from robokiln.types import Array, Episode, Prop

RICH = from_json(LookConfig, compose("generate", ["look=rich"])["look"])
STILL = dataclasses.replace(RICH, camera_shift=0.0, mount_shift=0.0, camera_turn=0.0, camera_zoom=0)
SMALL = cameras(compose("generate", ["image_size=32"]))
PLAN = Plan(
    "pick_place", "panda", SMALL, episodes=1, antialias=False, look=RICH, looks_per_episode=3
)


@pytest.fixture(scope="module")
def episodes() -> list[Episode]:
    found = [simulate(PLAN, slot, 0) for slot in range(4)]
    return [episode for episode in found if episode.outcome.success]


def test_looks_of_a_trajectory_share_its_labels(tmp_path: Path, episodes: list[Episode]) -> None:
    """Three looks are rendered from one stored motion; what a plan with one look stores is the
    same but for the pictures."""
    once = dataclasses.replace(PLAN, looks_per_episode=1)
    for name, plan in (("once", once), ("thrice", PLAN)):
        make_folders(tmp_path / name)
        assert make_unit(Job(plan, tmp_path / name, 0)).accepted is not None
    one, three = (tmp_path / name / "units" / unit_name(0) for name in ("once", "thrice"))
    for file in ("motion.npz", "scene.json", "look-0.json", "look-0.front.mp4"):
        assert (one / file).read_bytes() == (three / file).read_bytes(), file
    looks = [load_look(three, index) for index in range(3)]
    assert len({canonical_json(look) for look in looks}) == 3
    assert len({(three / f"look-{i}.wrist.mp4").read_bytes() for i in range(3)}) == 3
    assert json.loads((three / "scene.json").read_text())["spec"]["cameras"][0]["name"] == "front"


def test_segmentation_and_depth_of_bodies_are_those_of_any_look(episodes: list[Episode]) -> None:
    """With the cameras where they were, only distractors may cover anything."""
    episode = episodes[0]
    poses, bodies = episode.link_poses[::20], len(episode.spec.bodies)
    plain = sample_look(episode.spec, np.random.default_rng(0), LookConfig())
    reference = Renderer(episode.spec, plain).render(poses)
    for seed in range(6):
        look = sample_look(episode.spec, np.random.default_rng(seed), STILL)
        for name, frames in Renderer(episode.spec, look).render(poses).items():
            physical = frames.segmentation < 2 + bodies
            assert physical.mean() > 0.5
            before = reference[name]
            same = frames.segmentation[physical] == before.segmentation[physical]
            nothing = before.segmentation[physical] == 0
            assert (same | nothing).all()
            near = np.abs(frames.depth - before.depth)[physical & (frames.segmentation > 0)]
            assert near.max() < 1e-6


def test_neither_arm_nor_target_passes_through_a_distractor(episodes: list[Episode]) -> None:
    config = LookConfig(distractors=(4, 4))
    seen = 0
    for slot, episode in enumerate(episodes):
        passing = np.concatenate([arm_points(episode), target_points(episode)])
        for index in range(10):
            rng = generator(Domain.ROBUSTNESS, 0, slot, 0, Stream.LOOK, index)
            for prop in sample_look(episode.spec, rng, config).props:
                assert clearance(prop, passing) > 0, (slot, index, prop)
                seen += 1
    assert seen > 60


def clearance(prop: Prop, points: Array) -> float:
    """Metres between the prop's top and the lowest point that is ever above its footprint."""
    offset = points[:, :2] - prop.pose[:2]
    above = points[(offset * offset).sum(axis=1) < footprint(prop.shape) ** 2, 2]
    return float(above.min(initial=1.0)) - height(prop.shape)


def arm_points(episode: Episode) -> Array:
    """Where every vertex of the hand and its fingers is at every step, in the world [N, 3]."""
    robot = robots.get(episode.spec.robot)
    links = [v.link for v in robot.visuals]
    moved = []
    for i, mesh in enumerate(robot_meshes(robot)):
        if "hand" in links[i] or "finger" in links[i]:
            moved.append(placed(np.asarray(mesh.vertices), episode.link_poses[:, i]))
    return np.concatenate(moved)


def target_points(episode: Episode) -> Array:
    """The lowest that the carried target can reach, once it is off the table."""
    spec = episode.spec
    shape = spec.bodies[spec.index(spec.goal["target"])].shape
    row = len(episode.link_poses[0]) - len(spec.bodies) + spec.index(spec.goal["target"])
    path = episode.link_poses[:, row, :3].astype(float)
    reach = max(footprint(shape), height(shape) / 2)
    ring = reach * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    points = [path + np.array([x, y, -reach]) for x, y in ring]
    return np.concatenate([p[path[:, 2] > path[0, 2] + 0.02] for p in points])


def placed(vertices: Array, poses: Array) -> Array:
    turned = np.einsum("tij,vj->tvi", quat_to_matrix(poses[:, 3:]), vertices)
    return (turned + poses[:, None, :3]).reshape(-1, 3)
