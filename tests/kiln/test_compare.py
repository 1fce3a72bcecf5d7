"""Episodes beside each other: repeated starts, and how much of the area they use."""

from dataclasses import replace

import numpy as np
import pytest

from robokiln.cli.compose import load_choice
from robokiln.geometry import pose_tuple, quat_from_yaw, quat_multiply
from robokiln.kiln.compare import CompareConfig, Start, compare, start_of
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.seeds import Domain, Stream, generator
from robokiln.serial import from_json
from robokiln.types import RobokilnError, SceneSpec

TASK = tasks.get("pick_place")
RANGES = TASK.ranges(robots.get("panda"), "D0")
CONFIG = from_json(CompareConfig, load_choice("compare", "default"))


def drawn(slot: int) -> SceneSpec:
    rng = generator(Domain.ROBUSTNESS, 0, slot, 0, Stream.SCENE)
    return TASK.sample(rng, robots.get("panda"), SceneConfig())


SPECS = [drawn(slot) for slot in range(300)]


def moved(spec: SceneSpec, role: str, shift: float, turn: float = 0.0) -> SceneSpec:
    """The scene with a role's body further along x, and turned about the vertical."""
    bodies = list(spec.bodies)
    index = spec.index(spec.goal[role])
    x, y, z, *quat = bodies[index].pose
    turned = quat_multiply(quat_from_yaw(turn), np.array(quat))
    bodies[index] = replace(
        bodies[index], pose=pose_tuple(np.array([x + shift, y, z, *turned.tolist()]))
    )
    return replace(spec, bodies=tuple(bodies))


def duplicates(specs: list[SceneSpec]) -> tuple[tuple[int, int], ...]:
    starts = [start_of(slot, spec, RANGES) for slot, spec in enumerate(specs)]
    return compare(starts, RANGES, CONFIG).duplicates


def test_drawn_scenes_do_not_repeat() -> None:
    assert duplicates(SPECS) == ()
    assert CompareConfig() == CONFIG


@pytest.mark.parametrize("role", ["target", "goal"])
def test_the_later_of_two_like_starts_repeats_the_earlier(role: str) -> None:
    near, far = moved(SPECS[3], role, 0.0015, 0.015), moved(SPECS[3], role, 0.0025)
    turned = moved(SPECS[3], role, 0.0, 0.03)
    assert duplicates([*SPECS[:5], near, far, turned]) == ((5, 3),)


def test_another_arm_or_another_color_is_another_start() -> None:
    joints = np.array(SPECS[0].robot_joints)
    other_arm = replace(SPECS[0], robot_joints=tuple((joints + 0.03).tolist()))
    target = SPECS[0].index(SPECS[0].goal["target"])
    bodies = list(SPECS[0].bodies)
    bodies[target] = replace(bodies[target], color="pink")
    other_color = replace(SPECS[0], bodies=tuple(bodies))
    assert duplicates([SPECS[0], other_arm, other_color]) == ()


def test_a_repetition_does_not_repeat_on_its_own_account() -> None:
    """The third is near the second alone: once that is left out, nothing is like it."""
    chain = [moved(SPECS[0], "target", 0.0015 * step) for step in range(3)]
    assert duplicates(chain) == ((1, 0),)


def test_the_order_is_that_of_the_slots_whatever_order_they_come_in() -> None:
    starts = [
        start_of(slot, spec, RANGES) for slot, spec in enumerate([SPECS[0], SPECS[1], SPECS[0]])
    ]
    found = compare(reversed(starts), RANGES, CONFIG)
    assert found == compare(starts, RANGES, CONFIG)
    assert found.duplicates == ((2, 0),)
    assert found.dropped(CONFIG) == frozenset()
    assert found.dropped(replace(CONFIG, drop_duplicates=True)) == {2}


def test_coverage_counts_the_bins_of_the_task_s_area() -> None:
    starts = [start_of(slot, spec, RANGES) for slot, spec in enumerate(SPECS)]
    whole = compare(starts, RANGES, CONFIG).coverage
    for role in ("target", "goal"):
        assert np.sum(whole[role].counts) == len(SPECS)
        assert whole[role].outside == 0
        assert whole[role].share == 1.0
    corner = Start(0, np.array([[0.36, -0.2, 0.0], [0.63, 0.5, 0.0]]), np.zeros(7), ("", ""))
    few = compare([corner], RANGES, replace(CONFIG, bins=2)).coverage
    assert few["target"].counts == ((1, 0), (0, 0))
    assert few["target"].share == 0.25
    assert few["goal"].outside == 1
    assert few["goal"].share == 0.0


def test_no_episodes_are_no_coverage() -> None:
    nothing = compare([], RANGES, CONFIG)
    assert nothing.duplicates == ()
    assert nothing.coverage["target"].share == 0.0


@pytest.mark.parametrize("name", ["duplicate_distance_m", "duplicate_angle_rad", "bins"])
def test_a_threshold_that_can_not_be_is_refused(name: str) -> None:
    with pytest.raises(RobokilnError, match=rf"compare\.{name}: expected"):
        CompareConfig(**{name: -1})
