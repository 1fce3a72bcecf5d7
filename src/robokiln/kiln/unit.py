"""One slot's work, start to commit, inside one worker process."""

from __future__ import annotations

import dataclasses
import json
import resource
import shutil
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from robokiln.episode import Expert, draw_scene, run
from robokiln.faults import reach
from robokiln.files import DiskFull, StorageFailed, is_disk_full, is_storage_failure, write_json
from robokiln.frames import Observer, sample_look
from robokiln.kiln.clock import Clock
from robokiln.kiln.columns import features
from robokiln.kiln.commit import Nondeterminism, commit
from robokiln.kiln.gates import check_motion, unstable
from robokiln.kiln.motion import Motion, load_motion, motion_of, save_motion
from robokiln.kiln.pictures import Appearance, write_looks
from robokiln.kiln.plan import Plan
from robokiln.kiln.relabel import Correction, PolicyFactory, Refused
from robokiln.kiln.stored import Source, open_source
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.refused import SceneRefused
from robokiln.seeds import Domain, Stream, generator, sensor_draws
from robokiln.serial import from_json, to_json
from robokiln.types import Episode, Look, Outcome, RobokilnError, SceneSpec


@dataclass(frozen=True)
class Job:
    """Fill `slot` of the plan in the run directory `out`; `source` is the dataset whose motions are
    rendered again, None where they are simulated; `policy` is the one that a plan with `relabel`
    rolls out."""

    plan: Plan
    out: Path
    slot: int
    source: Path | None = None
    policy: PolicyFactory | None = None


@dataclass(frozen=True)
class Receipt:
    """What became of a job. `accepted` is the attempt that was kept, None if all were refused.

    `fatal` is a key of FATAL with what happened, where no other unit could do better. `seconds`
    holds wall time by stage, `cpu_seconds` the process's over all of them, `peak_bytes` the
    worker's largest resident set so far, `host` the machine.
    """

    slot: int
    accepted: int | None
    refusals: tuple[str, ...] = ()
    fatal: tuple[str, str] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    host: str = ""


FATAL: Mapping[str, Callable[[str], Exception]] = {
    "disk full": DiskFull,
    "storage": StorageFailed,
    "nondeterminism": Nondeterminism,
}
"""What ends the whole run, by the name under which it travels from worker to coordinator."""


def unit_name(slot: int) -> str:
    """The name of a slot's directory; sorted names are sorted slots."""
    return f"slot-{slot:08d}"


def make_unit(job: Job) -> Receipt:
    """Commit the unit of the slot's first attempt that neither expert nor gates refuse."""
    clock, began = Clock(), time.process_time()
    reach("unit.start", job.slot)
    staging = job.out / "staging" / f"{unit_name(job.slot)}.{uuid.uuid4().hex}"
    try:
        motion, refusals = _first_accepted(job, staging, clock)
        if motion is None:
            return _receipt(job, None, refusals, clock, began)
        with clock.stage("commit"):
            _read_back(staging, motion)
            reach("unit.read_back", job.slot)
            receipt = _receipt(job, len(refusals), refusals, clock, began)
            write_json(receipt_path(job.out, job.slot), receipt)
            reach("commit.receipt", job.slot)
            facts = {
                "slot": job.slot,
                "attempt": len(refusals),
                "looks": job.plan.looks_per_episode,
                "frames": len(motion),
            }
            commit(staging, job.out / "units" / unit_name(job.slot), facts)
    except Exception as error:
        shutil.rmtree(staging, ignore_errors=True)
        fatal = _fatal(error)
        if fatal is None:
            raise
        # An OSError's text would repeat its number, which the receiver puts there again.
        what = getattr(error, "strerror", None) or str(error)
        return Receipt(job.slot, None, fatal=(fatal, what))
    return receipt


def receipt_path(out: Path, slot: int) -> Path:
    """What a committed unit took, for the run's log. It is written before the unit is committed, so
    that no unit lacks one; it differs from run to run, so it is no part of the unit."""
    return out / "receipts" / f"{unit_name(slot)}.json"


def _receipt(
    job: Job, accepted: int | None, refusals: list[str], clock: Clock, began: float
) -> Receipt:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024  # the unit differs by system
    return Receipt(
        slot=job.slot,
        accepted=accepted,
        refusals=tuple(refusals),
        seconds=dict(clock.seconds),
        cpu_seconds=time.process_time() - began,
        peak_bytes=peak,
        host=socket.gethostname(),
    )


def _fatal(error: Exception) -> str | None:
    """The key of FATAL that an exception belongs to."""
    if is_disk_full(error):
        return "disk full"
    if is_storage_failure(error):
        return "storage"
    return "nondeterminism" if isinstance(error, Nondeterminism) else None


@cache
def _source(root: Path) -> Source:
    """Opened once a process."""
    return open_source(root)


def _first_accepted(job: Job, staging: Path, clock: Clock) -> tuple[Motion | None, list[str]]:
    """The first attempt that passes, its files in `staging`, with the refusals before it."""
    refusals: list[str] = []
    for found in _attempts(job, clock):
        if isinstance(found, str):
            refusals.append(found)
            continue
        reach("unit.simulated", job.slot)
        reason = _write(job, staging, found, refusals, clock)
        if not reason:
            return found, refusals
        # Nothing of a refused attempt may get into the next one's unit.
        shutil.rmtree(staging)
        refusals.append(reason)
    return None, refusals


def _attempts(job: Job, clock: Clock) -> Iterator[Motion | str]:
    """The slot's attempts in order: a motion to render, or why there is none. A dataset that is
    rendered again has no attempt after the one that it kept."""
    if job.source is not None:
        with clock.stage("read"):
            source = _source(job.source)
            motion, refused = source.motion(job.slot), source.refusals(job.slot)
            spec = dataclasses.replace(motion.spec, cameras=job.plan.cameras)
        yield from refused
        yield dataclasses.replace(motion, spec=spec)
        return
    for attempt in range(job.plan.max_attempts):
        with clock.stage("simulate"):
            found = attempted(job.plan, job.slot, attempt, job.policy)
        yield found


def attempted(
    plan: Plan, slot: int, attempt: int, policy: PolicyFactory | None = None
) -> Motion | str:
    """A motion that succeeds and passes its gates, or the reason why there is none."""
    try:
        episode = simulate(plan, slot, attempt, policy)
    except (SceneRefused, Refused) as refused:
        return str(refused)
    if not episode.outcome.success:
        return episode.outcome.reason
    motion = motion_of(episode)
    declared = features(robots.get(plan.robot), plan.cameras)
    reason = check_motion(episode, motion, declared, plan.episode.control_hz, plan.gates)
    return reason or motion


def _write(job: Job, staging: Path, motion: Motion, refusals: list[str], clock: Clock) -> str:
    """Everything that the unit holds; the reason if a gate refuses one of its looks."""
    staging.mkdir()
    reach("unit.staged", job.slot)
    save_motion(staging, motion)
    write_json(staging / "refusals.json", refusals)
    attempt, seed = len(refusals), job.plan.seed
    appearance = Appearance(
        look=lambda index: _look(job, motion.spec, attempt, index),
        draws=lambda index: sensor_draws(Domain.TRAINING, seed, job.slot, attempt, index),
    )
    reason = write_looks(staging, job.plan, motion, appearance, clock)
    if not reason:
        reach("unit.written", job.slot)
    return reason


def _look(job: Job, spec: SceneSpec, attempt: int, index: int) -> Look:
    """The plan's index-th look. Where the source was drawn from the same ranges and seed, it is the
    recorded one, whatever has changed in how looks are drawn since."""
    rng = generator(Domain.TRAINING, job.plan.seed, job.slot, attempt, Stream.LOOK, index)
    drawn = sample_look(spec, rng, job.plan.look)
    if job.source is None:
        return drawn
    source = _source(job.source)
    same = (source.plan.look, source.plan.seed) == (job.plan.look, job.plan.seed)
    recorded = source.look(job.slot, index) if same else None
    if recorded is None or source.plan.cameras == spec.cameras:
        return recorded or drawn
    return dataclasses.replace(recorded, cameras=drawn.cameras)


@cache
def process_world(control_hz: int, physics_hz: int) -> BulletWorld:
    """One a process: creating a Bullet client is not free."""
    return BulletWorld(control_hz, physics_hz)


def simulate(plan: Plan, slot: int, attempt: int, policy: PolicyFactory | None = None) -> Episode:
    """The attempt's episode, successful or not; SceneRefused if its scene can't be set up, Refused
    if there is nothing to correct in what the plan's `policy` does.

    A success that does not last is none: only here is the world still as the episode left it.
    """
    task, robot = tasks.get(plan.task), robots.get(plan.robot)
    identity = (Domain.TRAINING, plan.seed, slot, attempt)
    world = process_world(plan.episode.control_hz, plan.episode.physics_hz)
    spec = draw_scene(world, task, robot, plan.cameras, plan.scene, *identity)
    noise = generator(*identity, Stream.NOISE)
    expert = Expert(task, spec, plan.episode, generator(*identity, Stream.EXPERT))
    if plan.relabel is None:
        episode = run(world, task, spec, expert, plan.episode, noise=noise)
    else:
        correct = _correction(plan, slot, attempt, spec, policy)
        episode = correct(world, task, spec, expert, plan.episode, noise)
    reason = unstable(world, episode, plan.gates)
    if reason:
        episode = dataclasses.replace(episode, outcome=Outcome(False, reason))
    return plan.force_noise(episode, sensor_draws(*identity))


def _correction(
    plan: Plan, slot: int, attempt: int, spec: SceneSpec, policy: PolicyFactory | None
) -> Correction:
    assert plan.relabel is not None
    assert policy is not None, "a plan with `relabel` comes with its policy"
    identity = (Domain.TRAINING, plan.seed, slot, attempt)
    look = sample_look(spec, generator(*identity, Stream.LOOK), plan.look)
    return Correction(
        policy,
        Observer(spec, look, plan.sensors, sensor_draws(*identity), plan.antialias),
        generator(*identity, Stream.TAKEOVER),
        hard=attempt < plan.relabel.hard_attempts,
    )


def load_look(directory: Path, index: int) -> Look:
    """The index-th look of a unit."""
    return from_json(Look, json.loads((directory / f"look-{index}.json").read_text()))


def _read_back(staging: Path, motion: Motion) -> None:
    """What was written gives the same motion again."""
    again = load_motion(staging)
    before, after = ({**m.columns, "": m.link_poses} for m in (motion, again))
    same = all(np.array_equal(before[name], after[name]) for name in before)
    if not same or to_json(again.spec) != to_json(motion.spec):
        raise RobokilnError(f"{staging.name}: the unit does not read back as it was written")
