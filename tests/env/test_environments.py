"""Every task as a Gymnasium environment: its rules, its scenes, and the loop's own steps."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

from robokiln.cli.compose import choices, compose
from robokiln.cli.settings import evaluation
from robokiln.env import IDS
from robokiln.env.environment import Environment
from robokiln.episode import Expert, run
from robokiln.frames import Observer, sample_look
from robokiln.physics.bullet import BulletWorld
from robokiln.report.rollouts import held_out
from robokiln.scene import tasks
from robokiln.seeds import Domain, Stream, generator, sensor_draws
from robokiln.types import Array, Observation, RobokilnError, SceneSpec

STATE: dict[str, Any] = {"obs_type": "environment_state_agent_pos"}
SMALL: dict[str, Any] = {"image_size": 32}


def make(task: str, **options: Any) -> Environment:
    env = gymnasium.make(IDS[task], disable_env_checker=True, **options)
    assert isinstance(env, Environment)  # bare: LeRobot reads attributes of what make returns
    return env


def solve(env: Environment, seed: int) -> tuple[list[dict[str, Any]], list[Any]]:
    """Observations, and what each step gave beside them, while the expert acts."""
    observation, _ = env.reset(seed=seed)
    seen, steps, over = [observation], [], False
    while not over:
        observation, *rest = env.step(env.expert_action())
        seen.append(observation)
        steps.append(rest)
        over = rest[1] or rest[2]
    return seen, steps


@pytest.fixture(scope="module")
def lift() -> Iterator[Environment]:
    env = make("lift", **SMALL)
    yield env
    env.close()


@pytest.mark.parametrize("task", choices("task"))
def test_a_task_is_an_environment_that_its_expert_solves(task: str) -> None:
    env = make(task, **STATE)
    for seed in range(3):
        seen, steps = solve(env, seed)
        assert all(o in env.observation_space for o in seen)
        assert [info["is_success"] for *_, info in steps[:-1]] == [False] * (len(steps) - 1)
        assert env.task == task
        assert env.task_description
        if steps[-1][3]["is_success"]:
            break
    assert steps[-1][3]["is_success"]
    env.close()


@pytest.mark.parametrize("options", [SMALL, STATE], ids=["pixels", "state"])
def test_the_checker_of_gymnasium_is_content(options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        # Targets are metres, and true poses have no bounds.
        warnings.filterwarnings("ignore", ".*(symmetric and normalized|infinity)")
        check_env(gymnasium.make(IDS["lift"], render_mode="rgb_array", **options).unwrapped)


class Watching(Expert):
    """An expert that keeps what it sees."""

    seen: list[dict[str, Any]]

    def act(self, observation: Observation) -> Array:
        shown = {"agent_pos": observation.proprioception, "pixels": observation.images()}
        self.seen.append(shown)
        return super().act(observation)


def evaluated(task: str, scene: int) -> tuple[SceneSpec, list[dict[str, Any]], int, str]:
    """What an expert sees that `robokiln evaluate` lets act, how long it takes, and how it ends."""
    config = evaluation(compose("evaluate", [f"task={task}", "image_size=32"]), {})
    world, found = BulletWorld(), tasks.get(task)
    spec, attempt = held_out(world, config, scene)
    where = (Domain.EVALUATION, config.seed, scene, attempt)
    look = sample_look(spec, generator(*where, Stream.LOOK), config.look)
    observe = Observer(spec, look, config.sensors, sensor_draws(*where), config.antialias)
    expert = Watching(found, spec, config.episode)
    expert.seen = []
    episode = run(world, found, spec, expert, config.episode, observe=observe)
    world.close()
    return spec, expert.seen, len(episode), episode.outcome.reason


def test_an_episode_is_the_one_that_evaluation_would_run(lift: Environment) -> None:
    spec, expected, length, reason = evaluated("lift", 4)
    seen, steps = solve(lift, 4)
    assert lift.task_description == spec.instruction
    assert (len(steps), steps[-1][3]["ended"]) == (length, reason) == (length, "success")
    assert all(data_equivalence(a, b, exact=True) for a, b in zip(seen, expected, strict=False))
    assert len(seen) == len(expected) + 1


def test_reward_comes_once_success_has_lasted(lift: Environment) -> None:
    _, steps = solve(lift, 4)
    rewards, terminated, truncated, infos = zip(*steps, strict=True)
    assert rewards == (0.0,) * (len(steps) - 1) + (1.0,)
    assert terminated == (False,) * (len(steps) - 1) + (True,)
    assert not any(truncated)
    assert infos[-1] == {"is_success": True, "ended": "success", "scene": 4}
    with pytest.raises(ResetNeeded, match="success"):
        lift.step(lift.expert_action())


def test_success_is_half_a_second_of_being_satisfied(lift: Environment) -> None:
    lift.reset(seed=4)
    assert lift._stepper is not None
    satisfied, over = [], False
    while not over:
        _, _, over, _, _ = lift.step(lift.expert_action())
        satisfied.append(tasks.get("lift").satisfied(lift._stepper.spec, lift._stepper.state))
    assert satisfied[-12:] == [False] + [True] * 11  # the states at both ends of ten steps


def test_the_limit_truncates_and_is_no_end_of_the_task() -> None:
    env = make("lift", episode={"max_steps": 3}, **STATE)
    assert env._max_episode_steps == 3
    with pytest.raises(ResetNeeded, match="no scene"):
        env.render() or env.step(np.zeros(10, np.float32))
    still = env.reset(seed=0)[0]["agent_pos"]
    ends = [env.step(still)[1:] for _ in range(3)]
    assert [end[:3] for end in ends] == [(0.0, False, False)] * 2 + [(0.0, False, True)]
    assert not any(info["is_success"] for *_, info in ends)
    env.close()


def test_what_falls_off_the_table_ends_the_episode_without_success() -> None:
    env = make("push_to_zone", episode={"max_steps": 200}, **STATE)
    observation, _ = env.reset(seed=0)
    x, y = observation["environment_state"][:2]
    down = [*observation["agent_pos"][3:9], 0.0]
    rewards = []
    for target in ((x, y - 0.12, 0.15), (x, y - 0.12, 0.03), (x, 0.8, 0.03)):
        ended = ""
        while not ended and np.linalg.norm(observation["agent_pos"][:3] - target) > 0.01:
            action = np.array([*target, *down], np.float32)
            observation, reward, terminated, truncated, info = env.step(action)
            rewards.append(reward)
            ended = info["ended"]
    assert (terminated, truncated) == (True, False)
    assert info == {"is_success": False, "ended": "knocked off the table", "scene": 0}
    assert not any(rewards)
    env.close()


def test_a_seed_is_a_scene_and_its_pictures(lift: Environment) -> None:
    first, told = lift.reset(seed=7)
    words = lift.task_description
    other, _ = lift.reset(seed=8)
    again, _ = lift.reset(seed=7)
    assert data_equivalence(first, again, exact=True)
    assert (told["scene"], lift.task_description) == (7, words)
    assert not np.array_equal(first["pixels"]["front"], other["pixels"]["front"])


def test_without_a_seed_scenes_go_on_from_the_last_one(lift: Environment) -> None:
    def following(seed: int) -> list[int]:
        lift.reset(seed=seed)
        return [lift.reset()[1]["scene"] for _ in range(3)]

    assert following(1) == following(1)
    assert not set(following(1)) & set(following(2))
    assert len(set(following(1))) == 3
    fresh = [make("lift", **STATE) for _ in range(2)]
    assert fresh[0].reset()[1]["scene"] != fresh[1].reset()[1]["scene"]


def test_rendering_is_larger_and_changes_nothing() -> None:
    envs = [make("lift", sensor="webcam", render_mode=m, **SMALL) for m in ("rgb_array", None)]
    stills = [env.reset(seed=0)[0]["agent_pos"] for env in envs]
    for _ in range(3):
        found = [env.step(still)[0] for env, still in zip(envs, stills, strict=True)]
        assert data_equivalence(*found, exact=True)
        picture, nothing = (env.render() for env in envs)
        assert nothing is None
        assert picture is not None
        assert picture.shape == (256, 256, 3)
    assert envs[0].metadata["render_fps"] == 20


def test_vectors_show_what_single_ones_do() -> None:
    """Each of Async's processes is a new interpreter."""
    builders = [lambda: make("lift", **SMALL)] * 2
    still, results = None, []
    for kind in (SyncVectorEnv, lambda b: AsyncVectorEnv(b, context="spawn")):
        envs = kind(builders)
        observation, _ = envs.reset(seed=3)
        still = observation["agent_pos"]
        stepped = [envs.step(still)[0] for _ in range(2)]
        words = envs.call("task_description")
        results.append((observation, stepped, words))
        envs.close()
    assert data_equivalence(results[0], results[1], exact=True)
    single = make("lift", **SMALL)
    for i, seed in enumerate((3, 4)):
        alone = single.reset(seed=seed)[0]["pixels"]["front"]
        assert np.array_equal(results[0][0]["pixels"]["front"][i], alone)
        assert single.task_description == results[0][2][i]


@pytest.mark.parametrize("group", ["look", "sensor", "cameras", "robot"])
def test_names_mean_what_they_mean_on_the_command_line(group: str) -> None:
    for name in choices(group):
        try:
            expected = evaluation(compose("evaluate", ["task=lift", f"{group}={name}"]), {})
        except RobokilnError:
            continue  # its model is not installed
        made = Environment("lift", **{group: name})._setup
        for part in ("cameras", "sensors", "look", "episode", "scene"):
            assert getattr(made, part) == getattr(expected, part)
        assert made.robot.name == expected.robot


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"robot": "pandda"}, "robot 'pandda' not found"),
        ({"robot": "so101", "task": "pour"}, "so101"),
        ({"look": "rihc"}, "look 'rihc' not found; available: held_out, plain, random, rich"),
        ({"look": {"lightz": 3}}, "look: key 'lightz' not found"),
        ({"sensor": "d400"}, "sensor 'd400' not found"),
        ({"sensors": {"hand": "d405"}}, "camera 'hand' not found; available: front, wrist"),
        ({"cameras": "none"}, "cameras 'none' not found"),
        ({"image_size": 33}, "even width"),
        ({"obs_type": "pixels"}, "obs_type 'pixels' not found"),
        ({"render_mode": "human"}, "render_mode 'human' not found; available: rgb_array"),
        ({"episode": {"max_steps": 0}}, "episode.max_steps"),
        ({"scene": {"ranges": "D2"}}, "scene.ranges"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RobokilnError, match=words):
        Environment(**{"task": "lift", **options})


def test_the_documented_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "env.md").read_text()
    example = page.split("```python\n")[1].split("```")[0]
    exec(example, {})
    expected = re.findall(r"print\(.*\)  # (.*)", example)
    assert capsys.readouterr().out.splitlines() == [text.strip('"') for text in expected]


def test_what_is_no_target_is_refused() -> None:
    env = make("lift", **STATE)
    env.reset(seed=0)
    for bad in (np.zeros(7), np.full(10, np.nan)):
        with pytest.raises(RobokilnError, match="expected 10 finite numbers"):
            env.step(bad)
    with pytest.raises(RobokilnError, match="option 'scene' not found"):
        env.reset(options={"scene": 3})
    env.close()
