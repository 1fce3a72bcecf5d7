"""Joint positions are stored as the arm's own driver counts them; nothing else of an episode is."""

from pathlib import Path

import numpy as np
import pytest

from robokiln import dataset
from robokiln.dataset import JOINT_POSITION, JOINT_TARGET, JOINT_VELOCITY, EpisodeRecord, assemble
from robokiln.episode import EpisodeConfig, Expert, run
from robokiln.kiln.columns import columns, features
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import tasks
from robokiln.scene.layout import furniture, standing
from robokiln.scene.robots import ROBOTS, get
from robokiln.types import Body, Episode, SceneSpec, Shape

TASK, CONFIG = tasks.get("pick_place"), EpisodeConfig()
pytestmark = pytest.mark.skipif(
    not ROBOTS["so101"].installed, reason="robokiln[so101] is not installed"
)
LEROBOT = (
    "shoulder_pan.pos",
    "shoulder_lift.pos",
    "elbow_flex.pos",
    "wrist_flex.pos",
    "wrist_roll.pos",
    "gripper.pos",
)
"""What LeRobot's so101_follower calls an observation and an action, in its order."""


@pytest.fixture(scope="module")
def episode() -> Episode:
    """A box of 34 mm is put into a bowl."""
    box, bowl = (
        Shape("box", dict.fromkeys("xyz", 0.034)),
        Shape("bowl", {"radius": 0.07, "height": 0.045}),
    )
    bodies = (
        Body("target_0", box, standing(np.array([0.2, -0.07]), 0.034, 0.4), 0.05, 0.8, "red"),
        Body("goal_1", bowl, standing(np.array([0.2, 0.09]), 0.045, 0.0), 0.3, 0.8, "blue"),
    )
    roles = {"target": "target_0", "goal": "goal_1"}
    home = get("so101").home
    spec = SceneSpec(TASK.name, "so101", home, (*furniture(), *bodies), (), "", roles)
    found = run(BulletWorld(), TASK, spec, Expert(TASK, spec, CONFIG), CONFIG)
    assert found.outcome.success
    return found


def test_the_driver_counts_degrees_and_percent(episode: Episode) -> None:
    found, driver = columns(episode), get("so101").driver
    assert driver is not None
    position, target = found[JOINT_POSITION], found[JOINT_TARGET]
    assert position.shape == target.shape == (len(episode), 6)
    np.testing.assert_allclose(position[:, :5], np.degrees(episode.joint_position), atol=1e-4)
    np.testing.assert_allclose(target[:, :5], np.degrees(episode.joint_target), atol=1e-4)
    # Of the jaw's way, from -10 to 100 degrees, the opening is the first 53.
    assert target[:, 5].min() == 0
    assert target[:, 5].max() == pytest.approx(100 * (np.degrees(0.75) + 10) / 110, abs=0.01)
    np.testing.assert_allclose(found[JOINT_VELOCITY], episode.joint_velocity, atol=1e-5)


def test_what_is_stored_leads_back_to_the_episode(episode: Episode) -> None:
    found, driver = columns(episode), get("so101").driver
    assert driver is not None
    joints, opening = driver.read(found[JOINT_POSITION])
    np.testing.assert_allclose(joints, episode.joint_position, atol=1e-5)
    np.testing.assert_allclose(opening, episode.gripper, atol=1e-5)
    joints, opening = driver.read(found[JOINT_TARGET])
    np.testing.assert_allclose(joints, episode.joint_target, atol=1e-5)
    np.testing.assert_allclose(opening, episode.executed_action[:, 9], atol=1e-5)


def test_a_dataset_names_the_joints_as_lerobot_does(episode: Episode, tmp_path: Path) -> None:
    found = columns(episode)
    declared = features(get("so101"), ())
    record = EpisodeRecord(found, "put the red box into the blue bowl", {}, {}, {"slot": 0})
    assemble(
        tmp_path / "data", [record], declared, 20, "so101", TASK.phases, CONFIG.limit(TASK.horizon)
    )
    data = dataset.open(tmp_path / "data")
    named = {feature.name: feature for feature in data.info.features}
    for column in (JOINT_POSITION, JOINT_TARGET):
        assert named[column].names == LEROBOT
        np.testing.assert_array_equal(data.rows(0)[column], found[column])


def test_the_panda_keeps_its_radians() -> None:
    named = {feature.name: feature for feature in features(get("panda"), ())}
    for column in (JOINT_POSITION, JOINT_TARGET):
        assert named[column].names == tuple(f"joint_{i}" for i in range(1, 8))
        assert named[column].unit == "rad"
