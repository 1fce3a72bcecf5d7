"""Scenes of the table-top tasks for their tests."""

from __future__ import annotations

import numpy as np

from robokiln.episode import EpisodeConfig, draw_scene
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.refused import SceneRefused
from robokiln.seeds import Domain
from robokiln.types import Array, SceneSpec, State

CONFIG = EpisodeConfig()
PANDA = robots.get("panda")
NEW = ("push_to_zone", "insert_peg", "sort_by_colour")
CONFIGS = (SceneConfig(), SceneConfig("D1", "unseen", "held_out", "rich"))


def sample(task: str, config: SceneConfig, count: int) -> list[SceneSpec]:
    """So many scenes as they are drawn."""
    found: list[SceneSpec] = []
    for seed in range(2 * count):
        try:
            found.append(tasks.get(task).sample(np.random.default_rng(seed), PANDA, config))
        except SceneRefused:
            continue
    assert len(found) >= count, f"{task}: {len(found)} of {2 * count} scenes are drawn"
    return found[:count]


def settled(world: BulletWorld, task: str, slot: int = 0) -> SceneSpec:
    """The first scene of a slot that isn't refused."""
    for attempt in range(20):
        try:
            where = (Domain.ROBUSTNESS, 0, slot, attempt)
            return draw_scene(world, tasks.get(task), PANDA, (), SceneConfig(), *where)
        except SceneRefused:
            continue
    raise AssertionError(f"{task}: 20 scenes refused")


def resting(world: BulletWorld, spec: SceneSpec, **moved: Array) -> State:
    """The scene's start with some bodies, named by role, at other poses [7]; nothing is touched."""
    world.load(spec)
    state = world.state()
    for role, where in moved.items():
        state.body_pose[spec.index(spec.goal.get(role, role))] = where
    return state
