"""What `tasks.py` does in its worker processes: attempts, replays, and actors that must fail."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, fields

import numpy as np

from independent import wrong
from robokiln.dataset import standard_features
from robokiln.episode import draw_scene, run
from robokiln.kiln.gates import check_motion
from robokiln.kiln.motion import motion_of
from robokiln.kiln.plan import Plan
from robokiln.kiln.unit import process_world, simulate
from robokiln.scene import robots, tasks
from robokiln.scene.refused import SceneRefused
from robokiln.seeds import Domain, Stream, generator
from robokiln.serial import canonical_json, from_json
from robokiln.types import Array, Episode, Observation, SceneSpec
from tasks_saboteurs import ACTORS

SUCCESS = "success"
AFTER = 1.0
"""Simulated seconds after which a final state is judged once more."""


@dataclass(frozen=True)
class Job:
    plan: Plan
    slot: int


@dataclass(frozen=True)
class Attempt:
    """`reason` is "success" or why the attempt was refused; `seconds` are the process's CPU time
    for scene, motion and gates. Of an accepted one: what an independent check finds `wrong` a
    second later, the scene, and what a replay needs."""

    reason: str
    steps: int
    seconds: float
    wrong: str = ""
    spec: SceneSpec | None = None
    actions: Array | None = None
    digest: str = ""


def attempt(job: Job) -> Attempt:
    """As `kiln.unit.attempted`, with the clock, and a look at what became of the success."""
    plan, began = job.plan, time.process_time()
    try:
        episode = simulate(plan, job.slot, 0)
    except SceneRefused as refused:
        return Attempt(str(refused), 0, time.process_time() - began)
    reason = episode.outcome.reason
    motion = motion_of(episode)
    if episode.outcome.success:
        features = standard_features(plan.cameras, len(robots.get(plan.robot).arm_joints))
        reason = check_motion(episode, motion, features, plan.episode.control_hz, plan.gates)
    seconds = time.process_time() - began
    if reason not in ("", SUCCESS):
        return Attempt(reason, len(episode), seconds)
    world = process_world(plan.episode.control_hz, plan.episode.physics_hz)
    world.settle(AFTER)
    amiss = wrong(episode.spec, world.state().body_pose)
    actions = motion.columns["action.executed"]
    return Attempt(SUCCESS, len(episode), seconds, amiss, episode.spec, actions, digest(episode))


def digest(episode: Episode) -> str:
    """SHA-256 of the scene and of every array's bytes."""
    found = hashlib.sha256(canonical_json(episode.spec).encode())
    for field in fields(episode):
        value = getattr(episode, field.name)
        if isinstance(value, np.ndarray):
            found.update(field.name.encode() + value.tobytes())
    return found.hexdigest()


@dataclass(frozen=True)
class Replay:
    """What the dataset stores of an episode: its scene as JSON, its executed actions in float32."""

    plan: Plan
    slot: int
    spec: str
    actions: Array
    digest: str


class _Stored:
    """Plays stored actions, then holds the last."""

    def __init__(self, actions: Array) -> None:
        self._actions, self._next = actions, 0

    def act(self, observation: Observation) -> Array:
        self._next += 1
        return np.asarray(self._actions[min(self._next, len(self._actions)) - 1], float)


def replay(job: Replay) -> tuple[bool, bool]:
    """Whether the stored actions reach success, and whether the seed gives the same bytes."""
    plan, task = job.plan, tasks.get(job.plan.task)
    spec = from_json(SceneSpec, json.loads(job.spec))
    world = process_world(plan.episode.control_hz, plan.episode.physics_hz)
    again = run(world, task, spec, _Stored(job.actions), plan.episode)
    same = digest(simulate(plan, job.slot, 0)) == job.digest
    return again.outcome.success, same


@dataclass(frozen=True)
class Failing:
    """An actor that must not succeed, by its name in ACTORS, in the scene of a slot."""

    plan: Plan
    slot: int
    actor: str


def fail(job: Failing) -> tuple[str, bool]:
    """The reason for the episode's end, and whether the actor did what it is named after."""
    plan, task = job.plan, tasks.get(job.plan.task)
    world = process_world(plan.episode.control_hz, plan.episode.physics_hz)
    where = (Domain.EVALUATION, plan.seed, job.slot, 0)
    try:
        spec = draw_scene(world, task, robots.get(plan.robot), plan.cameras, plan.scene, *where)
    except SceneRefused as refused:
        return str(refused), False
    actor = ACTORS[job.actor](spec, plan.episode, generator(*where, Stream.BASELINE))
    episode = run(world, task, spec, actor, plan.episode)
    return episode.outcome.reason, actor.meant_it
