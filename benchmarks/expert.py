"""How often the expert succeeds: every drawn seed is an attempt, refusals are counted by reason.

    python benchmarks/expert.py --attempts 500 --json out/expert.json

Prints and writes acceptance with its Wilson interval, refusals by reason, the demonstrations'
median length beside the horizon, and the CPU seconds an attempt costs (simulation, expert and
inverse kinematics; no rendering), on as many processes as there are cores.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from robokiln.episode import EpisodeConfig, Expert, draw_scene, run
from robokiln.physics.bullet import BulletWorld
from robokiln.report.statistics import wilson
from robokiln.scene import robots, tasks
from robokiln.scene.tasks import SceneRefused
from robokiln.seeds import Domain, Stream, generator
from robokiln.workers import Failure, map_unordered


@dataclass(frozen=True)
class Attempt:
    task: str
    robot: str
    seed: int
    slot: int


def attempt(job: Attempt) -> tuple[str, int, float]:
    """Reason, steps and CPU seconds of one attempt."""
    start = time.process_time()
    task, config = tasks.get(job.task), EpisodeConfig()
    key = (Domain.TRAINING, job.seed, job.slot, 0)
    world = BulletWorld(config.control_hz, config.physics_hz)
    try:
        spec = draw_scene(world, task, robots.get(job.robot), (), *key)
        noise = generator(*key, Stream.NOISE)
        episode = run(world, task, spec, Expert(task, spec, config), config, noise)
    except SceneRefused as refused:
        return str(refused), 0, time.process_time() - start
    finally:
        world.close()
    return episode.outcome.reason, len(episode), time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--attempts", type=int, default=500)
    parser.add_argument("--task", default="pick_place")
    parser.add_argument("--robot", default="panda")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    jobs = [Attempt(options.task, options.robot, options.seed, i) for i in range(options.attempts)]
    reasons: Counter[str] = Counter()
    steps, cpu = [], []
    for _, result in map_unordered(attempt, jobs, options.workers, 120):
        if isinstance(result, Failure):
            raise SystemExit(f"an attempt failed outside the simulation: {result}")
        reason, length, seconds = result
        reasons[reason] += 1
        cpu.append(seconds)
        if reason == "success":
            steps.append(length)
    accepted = reasons["success"]
    interval = wilson(accepted, options.attempts)
    facts = {
        "attempts": options.attempts,
        "accepted": accepted,
        "interval": list(interval),
        "reasons": dict(reasons.most_common()),
        "median_steps": float(np.median(steps)),
        "horizon": EpisodeConfig().max_steps,
        "cpu_seconds_median": float(np.median(cpu)),
        "config": asdict(EpisodeConfig()),
    }
    print(json.dumps(facts, indent=2))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
