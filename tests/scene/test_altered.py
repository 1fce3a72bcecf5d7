"""Start, mass and friction of a scene, and colors apart from shapes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from robokiln.assets import COLORS, UNSEEN_COLORS
from robokiln.scene import robots, tasks
from robokiln.scene.altered import altered
from robokiln.scene.config import START, SceneConfig
from robokiln.types import RobokilnError, SceneSpec

PANDA = robots.get("panda")


def drawn(task: str, config: SceneConfig) -> SceneSpec:
    spec = tasks.get(task).sample(np.random.default_rng(3), PANDA, config)
    return altered(spec, PANDA, config, np.random.default_rng(4))


def test_nothing_changes_unasked() -> None:
    spec = tasks.get("lift").sample(np.random.default_rng(3), PANDA, SceneConfig())
    assert altered(spec, PANDA, SceneConfig(), np.random.default_rng(0)) == spec


def test_the_start_is_farther_in_the_same_direction() -> None:
    home = np.array(PANDA.home)
    near = np.array(drawn("lift", SceneConfig()).robot_joints) - home
    far = np.array(drawn("lift", SceneConfig(start=3 * START)).robot_joints) - home
    assert np.allclose(far, 3 * near)
    assert np.array_equal(drawn("lift", SceneConfig(start=0.0)).robot_joints, home)


def test_bodies_and_joints_get_factors_within_their_limits() -> None:
    before = drawn("open_drawer", SceneConfig())
    here = drawn("open_drawer", SceneConfig(mass=(0.5, 2.0), friction=(0.6, 1.4)))
    for a, b in zip(before.bodies, here.bodies, strict=True):
        assert a.pose == b.pose
        assert 0.6 * a.friction - 1e-3 <= b.friction <= 1.4 * a.friction + 1e-3
        assert (b.mass == 0) == (a.mass == 0)
        assert 0.5 * a.mass - 1e-4 <= b.mass <= 2 * a.mass + 1e-4
        if a.joint is not None and b.joint is not None:
            rougher = b.friction / a.friction
            assert b.joint.friction == pytest.approx(a.joint.friction * rougher, abs=2e-3)
            assert b.joint.damping == pytest.approx(a.joint.damping * rougher, abs=5e-3)
    assert (
        len(
            {
                round(b.friction / a.friction, 3)
                for a, b in zip(before.bodies, here.bodies, strict=True)
            }
        )
        > 2
    )


@pytest.mark.parametrize("task", sorted(tasks.TASKS))
def test_other_colors_leave_all_else_as_it_was(task: str) -> None:
    before, here = (drawn(task, SceneConfig(objects=o)) for o in ("seen", "unseen_colors"))
    plain = [dataclasses.replace(b, color="") for b in here.bodies]
    assert plain == [dataclasses.replace(b, color="") for b in before.bodies]
    assert {b.color for b in here.bodies} - {""} <= set(UNSEEN_COLORS)
    named = [b.color for b in here.bodies if b.color]
    was = [b.color for b in before.bodies if b.color]
    assert len(set(named)) == len(set(was))


def test_other_shapes_keep_the_colors_of_training() -> None:
    here = drawn("pick_place", SceneConfig(objects="unseen_shapes"))
    assert {b.color for b in here.bodies} - {""} <= set(COLORS)
    assert not {b.shape.kind for b in here.bodies} & {"cylinder", "sphere", "capsule"}


def test_what_can_not_be_is_refused() -> None:
    with pytest.raises(RobokilnError, match=r"scene\.objects: expected seen or unseen or"):
        SceneConfig(objects="strange")
    with pytest.raises(RobokilnError, match=r"scene.start: expected 0 to 1 rad, got 2"):
        SceneConfig(start=2.0)
    with pytest.raises(RobokilnError, match=r"scene.mass: expected \[low, high\] above 0"):
        SceneConfig(mass=(0.0, 1.0))
