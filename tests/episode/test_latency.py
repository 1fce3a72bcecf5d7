"""Actions that arrive late."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from robokiln.episode import EpisodeConfig, Expert, draw_scene, run
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.seeds import Domain
from robokiln.types import RobokilnError


def test_what_is_executed_was_chosen_so_many_steps_before() -> None:
    task, config = tasks.get("lift"), EpisodeConfig(max_steps=30, latency=2)
    world = BulletWorld()
    where = (Domain.EVALUATION, 0, 0, 0)
    spec = draw_scene(world, task, robots.get("panda"), (), SceneConfig(), *where)
    late = run(world, task, spec, Expert(task, spec, config), config)
    chosen = late.action.astype(np.float32)
    assert np.array_equal(late.executed_action[2:], chosen[:-2])
    assert np.array_equal(late.executed_action[0], late.executed_action[1])
    assert np.linalg.norm(late.ee_pose[2, :3] - late.ee_pose[0, :3]) < 1e-3
    prompt = replace(config, latency=0)
    once = run(world, task, spec, Expert(task, spec, prompt), prompt)
    assert np.array_equal(once.executed_action, once.action.astype(np.float32))
    world.close()


def test_a_negative_one_is_refused() -> None:
    with pytest.raises(RobokilnError, match=r"episode\.latency: expected 0 or more"):
        EpisodeConfig(latency=-1)
