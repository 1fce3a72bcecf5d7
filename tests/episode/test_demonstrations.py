"""The expert succeeds, again in the same bytes, from its record too; sabotage does not."""

from dataclasses import replace

import numpy as np
import pytest

from robokiln.episode import EpisodeConfig, Expert, draw_scene, run
from robokiln.episode.settle import settled
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.refused import SceneRefused
from robokiln.seeds import Domain, Stream, generator
from robokiln.serial import canonical_json
from robokiln.types import Array, Episode, Observation, SceneSpec

TASK = tasks.get("pick_place")
CONFIG = EpisodeConfig()
CLEAN = EpisodeConfig(noise_position=0, noise_rotation=0, kicks_per_second=0)


def scene(world: BulletWorld, slot: int) -> SceneSpec:
    return draw_scene(
        world, TASK, robots.get("panda"), (), SceneConfig(), Domain.TRAINING, 0, slot, 0
    )


def demonstrate(world: BulletWorld, slot: int) -> Episode:
    spec = scene(world, slot)
    noise = generator(Domain.TRAINING, 0, slot, 0, Stream.NOISE)
    return run(world, TASK, spec, Expert(TASK, spec, CONFIG), CONFIG, noise)


@pytest.fixture(scope="module")
def episodes(world: BulletWorld) -> list[Episode]:
    return [demonstrate(world, slot) for slot in range(7)]


def test_the_expert_succeeds(episodes: list[Episode]) -> None:
    assert [e.outcome.reason for e in episodes] == ["success"] * 7


def test_the_horizon_is_at_most_twice_the_median(episodes: list[Episode]) -> None:
    assert CONFIG.limit(TASK.horizon) <= 2 * np.median([len(e) for e in episodes])


def test_the_target_ends_at_rest_in_its_goal(world: BulletWorld, episodes: list[Episode]) -> None:
    for episode in episodes:
        target, goal = episode.target_goal_pose[-1].reshape(2, 7)
        assert np.hypot(*(target - goal)[:2]) < 0.07
        still = episode.target_goal_pose[-8:, :3]
        assert np.ptp(still, axis=0).max() < 0.005
        assert (episode.contacts[-8:] == -1).all()


def test_the_same_seed_gives_the_same_bytes(world: BulletWorld, episodes: list[Episode]) -> None:
    again = demonstrate(BulletWorld(), 3)
    assert canonical_json(again.spec) == canonical_json(episodes[3].spec)
    for name in ("action", "executed_action", "link_poses", "joint_position", "phase"):
        assert getattr(again, name).tobytes() == getattr(episodes[3], name).tobytes()


class Replay:
    """Plays stored actions."""

    def __init__(self, actions: Array) -> None:
        self._left = list(actions)

    def act(self, observation: Observation) -> Array:
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


def test_executed_actions_replay_to_success(world: BulletWorld, episodes: list[Episode]) -> None:
    for episode in episodes:
        actor = Replay(episode.executed_action)
        assert run(world, TASK, episode.spec, actor, CONFIG).outcome.success


ROUGH = replace(CONFIG, pushes_per_second=0.4, slips_per_second=0.4, max_steps=400)


@pytest.fixture(scope="module")
def rough(world: BulletWorld) -> list[Episode]:
    """Demonstrations with pushed bodies and slips."""
    found = []
    for slot in range(10):
        spec, noise = scene(world, slot), generator(Domain.TRAINING, 0, slot, 0, Stream.NOISE)
        found.append(run(world, TASK, spec, Expert(TASK, spec, ROUGH), ROUGH, noise))
    return found


def test_the_expert_recovers_from_pushes_and_slips(rough: list[Episode]) -> None:
    assert sum(e.outcome.success for e in rough) >= 9
    pushed = np.concatenate([e.push for e in rough])
    assert (pushed[:, 0] >= 0).sum() >= 10
    assert (np.linalg.norm(pushed[pushed[:, 0] < 0, 1:], axis=1) == 0).all()
    slips = [(e.executed_action[:, 9] != e.action[:, 9]).sum() for e in rough]
    assert sum(slips) >= 9


def test_a_pushed_body_moves(rough: list[Episode]) -> None:
    moved = []
    for episode in rough:
        bodies = episode.link_poses[:, -len(episode.spec.bodies) :, :3]
        for step in np.flatnonzero(episode.push[:-2, 0] >= 0):
            body, impulse = int(episode.push[step, 0]), episode.push[step, 1:]
            shift = bodies[step + 2, body] - bodies[step, body]
            moved.append(float(shift @ impulse / np.linalg.norm(impulse)))
    assert np.quantile(moved, 0.75) > 0.004  # some are held, or roll on the spot


def test_a_disturbed_demonstration_replays(world: BulletWorld, rough: list[Episode]) -> None:
    for episode in rough[:5]:
        left = [*episode.push, np.array([-1.0, 0, 0, 0])]
        actor = Replay(episode.executed_action)
        again = run(world, TASK, episode.spec, actor, ROUGH, pushes=lambda left=left: left.pop(0))
        assert again.outcome == episode.outcome
        assert np.array_equal(again.link_poses, episode.link_poses)


def test_demonstrations_differ_in_pace(world: BulletWorld) -> None:
    spec, lengths = scene(world, 0), set()
    for seed in range(6):
        expert = Expert(TASK, spec, CLEAN, np.random.default_rng(seed))
        lengths.add(len(run(world, TASK, spec, expert, CLEAN)))
    plain = len(run(world, TASK, spec, Expert(TASK, spec, CLEAN), CLEAN))
    assert len(lengths) >= 4
    assert min(lengths) < plain < max(lengths)


def test_noise_is_executed_and_the_clean_action_recorded(episodes: list[Episode]) -> None:
    apart = np.concatenate([e.executed_action - e.action for e in episodes])
    assert 0.0005 < apart[:, :3].std() < 0.005
    assert (apart[:, 9] == 0).all()


class Spoiled(Expert):
    """An expert with a fault: never opens, or drops the object to one side."""

    def __init__(self, spec: SceneSpec, fault: str) -> None:
        super().__init__(TASK, spec, CLEAN)
        self._fault, self._target = fault, spec.index(spec.goal["target"])

    def act(self, observation: Observation) -> Array:
        action = super().act(observation)
        held = all(self._target in t for t in observation.state.touching)
        if self._fault == "never releases" and held:
            action[9] = 0.0
        if self._fault == "drops aside" and held and observation.state.ee_pose[2] > 0.1:
            action[9] = 1.0
        return action


@pytest.mark.parametrize("fault", ["never releases", "drops aside"])
def test_sabotage_does_not_succeed(world: BulletWorld, fault: str) -> None:
    for slot in range(2):
        spec = scene(world, slot)
        assert not run(world, TASK, spec, Spoiled(spec, fault), CLEAN).outcome.success


class Slippery(Expert):
    """Lets go of the object once, on the way."""

    def __init__(self, spec: SceneSpec) -> None:
        super().__init__(TASK, spec, CLEAN)
        self._open = 0

    def act(self, observation: Observation) -> Array:
        action = super().act(observation)
        lifted = observation.target_goal_pose[2] > 0.06
        self._open += lifted or self._open > 0
        if 0 < self._open < 6:
            action[9] = 1.0
        return action


def test_the_expert_grasps_again_after_a_drop(world: BulletWorld) -> None:
    patient = EpisodeConfig(max_steps=300, noise_position=0, noise_rotation=0, kicks_per_second=0)
    outcomes = []
    for slot in range(3):
        spec = scene(world, slot)
        episode = run(world, TASK, spec, Slippery(spec), patient)
        grasps = np.flatnonzero(
            np.diff((episode.phase == TASK.phases.index("grasp")).astype(int)) > 0
        )
        outcomes.append(episode.outcome.success and len(grasps) > 1)
    assert sum(outcomes) >= 2


def test_targets_keep_to_the_speed_limit(episodes: list[Episode]) -> None:
    for episode in episodes:
        step = np.linalg.norm(episode.action[:, :3] - episode.ee_pose[:, :3], axis=1)
        assert step.max() <= CONFIG.speed / CONFIG.control_hz + 1e-9


def test_a_scene_that_will_not_settle_is_refused(world: BulletWorld) -> None:
    spec = TASK.sample(np.random.default_rng(0), robots.get("panda"), SceneConfig())
    high = list(spec.bodies)
    pose = (*high[2].pose[:2], 0.2, *high[2].pose[3:])
    high[2] = replace(high[2], pose=pose)
    with pytest.raises(SceneRefused, match="unsettled"):
        settled(world, replace(spec, bodies=tuple(high)))
