"""Steps per CPU second of our environments, beside our own loop and Gymnasium-Robotics' Fetch.

    pip install gymnasium-robotics==1.4.2 mujoco==3.3.7
    MUJOCO_GL=egl python benchmarks/env.py --json out/env.json

CPU time, as other work on a machine stretches the clock; all rows take turns, and the fastest round
of each is told. Episodes are one scene's with the expert acting (ours) or random actions (theirs);
`reset` is apart. The two simulations are not alike: see docs/env.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium

from robokiln.env import IDS
from robokiln.episode import EpisodeConfig, Expert, held_out_scene, run
from robokiln.frames import warm_up
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig

TASK = "pick_place"
FETCH = "FetchPickAndPlace-v4"
STATE = {"obs_type": "environment_state_agent_pos"}
Round = Callable[[int], Iterator[tuple[float, int]]]
"""A scene -> (CPU seconds of the reset, 0), then (CPU seconds of the steps, how many)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warm_up()
    table = measure(rows(), options.rounds)
    for name, found in table.items():
        print(f"{name:34} {found['steps_per_second']:8.1f} steps/CPU s {found['reset_ms']:8.1f} ms")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(table, indent=2) + "\n")


def rows() -> dict[str, Round]:
    """What is compared, by name; Gymnasium-Robotics only where it is installed."""
    found: dict[str, Round] = {
        "loop, no pictures": loop,
        "env, no pictures": ours(**STATE),
        "env, 2 pictures of 96": ours(),
        "env, 2 of 96, no antialias": ours(antialias=False),
        "env, 2 of 224": ours(image_size=224),
    }
    if importlib.util.find_spec("gymnasium_robotics") is not None:
        found["Fetch, no pictures"] = fetch(None)
        found["Fetch, 1 picture of 96"] = fetch(96)
    return found


def measure(rounds: dict[str, Round], count: int) -> dict[str, dict[str, float]]:
    """The fastest reset and the fastest steps of each row."""
    found: dict[str, dict[str, float]] = {
        name: {"steps_per_second": 0.0, "reset_ms": float("inf")} for name in rounds
    }
    for scene in [0] * (count + 1):  # the same scene: other scenes are other work
        for name, take in rounds.items():
            (reset, _), (spent, steps) = take(scene)
            best = found[name]
            best["reset_ms"] = min(best["reset_ms"], 1e3 * reset)
            best["steps_per_second"] = max(best["steps_per_second"], steps / spent)
    return found


def loop(scene: int) -> Iterator[tuple[float, int]]:
    """`episode.run`, which also records and asks the expert."""
    world, task, config = BulletWorld(), tasks.get(TASK), EpisodeConfig()
    start = time.process_time()
    spec, _ = held_out_scene(world, task, robots.get("panda"), (), SceneConfig(), 0, scene)
    yield time.process_time() - start, 0
    start = time.process_time()
    episode = run(world, task, spec, Expert(task, spec, config), config)
    yield time.process_time() - start, len(episode)
    world.close()


def ours(**options: Any) -> Round:
    """The expert's episode through the environment; its own time counts as in the loop."""
    env = gymnasium.make(IDS[TASK], disable_env_checker=True, **options)

    def take(scene: int) -> Iterator[tuple[float, int]]:
        start = time.process_time()
        env.reset(seed=scene)
        yield time.process_time() - start, 0
        start, steps, over = time.process_time(), 0, False
        while not over:
            _, _, terminated, truncated, _ = env.step(env.unwrapped.expert_action())
            steps, over = steps + 1, terminated or truncated
        yield time.process_time() - start, steps

    return take


def fetch(size: int | None) -> Round:
    """Random actions in Gymnasium-Robotics; with a `size` a picture of it is rendered each step."""
    import gymnasium_robotics

    gymnasium.register_envs(gymnasium_robotics)
    look = {} if size is None else {"render_mode": "rgb_array", "width": size, "height": size}
    env = gymnasium.make(FETCH, disable_env_checker=True, **look)

    def take(scene: int) -> Iterator[tuple[float, int]]:
        start = time.process_time()
        env.reset(seed=scene)
        yield time.process_time() - start, 0
        actions = [env.action_space.sample() for _ in range(50)]
        start = time.process_time()
        for action in actions:
            env.step(action)
            if size is not None:
                env.render()
        yield time.process_time() - start, len(actions)

    return take


if __name__ == "__main__":
    main()
