"""The run: every slot becomes a committed unit, then all of them become the dataset."""

from __future__ import annotations

import json
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from robokiln import dataset
from robokiln.files import DiskFull, write_json
from robokiln.frames import warm_up
from robokiln.kiln.assembly import committed, counts, publish, refused_attempts
from robokiln.kiln.columns import recorded_camera
from robokiln.kiln.commit import read_manifest
from robokiln.kiln.labels import BOXES, DEPTH, SEGMENTATION
from robokiln.kiln.plan import FOLDER, Plan, differences, identity
from robokiln.kiln.rundir import open_run
from robokiln.kiln.runlog import RunLog
from robokiln.kiln.stored import open_source, origin_of
from robokiln.kiln.unit import Job, Receipt, make_unit, unit_name
from robokiln.scene import robots
from robokiln.types import RobokilnError
from robokiln.workers import Failure, held_interrupts, map_unordered

DEADLINE_S = 600.0
"""For one unit, all its attempts and looks together; far above what a slow machine needs."""
INFRASTRUCTURE_TRIES = 3
RECYCLE_AFTER = 200
"""Units that a worker process makes before a fresh one takes its place."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands; `done` and `quarantined` of `total` slots or, assembling, episodes."""

    stage: str
    done: int
    total: int
    attempts: int = 0
    accepted: int = 0
    quarantined: int = 0


@dataclass(frozen=True)
class GenerateResult:
    """What a run made. `dataset` is None while a slot is quarantined (slot -> reason)."""

    dataset: Path | None
    attempts: int
    accepted: int
    refused: dict[str, int]
    quarantined: dict[str, str]
    already_complete: bool = False


def generate(
    plan: Plan,
    out: Path,
    workers: int = 1,
    progress: Callable[[Progress], None] = lambda _: None,
    command: str = "",
    source: Path | None = None,
) -> GenerateResult:
    """Fill every slot of the plan and publish `out`/dataset; continues what is there.

    `command` is what the user typed, for run.json; `source` is the dataset whose motions a plan
    with an origin renders again. Raises RobokilnError for a directory that
    can't be used, DiskFull when space runs out.
    """
    if workers < 1:
        raise RobokilnError(f"workers: expected at least 1, got {workers}")
    _check_source(plan, out, source)
    for camera in plan.cameras:
        recorded_camera(camera, robots.get(plan.robot))
    who = identity(plan)
    with open_run(out, who):
        if (out / "dataset").exists():
            return _already_complete(out, plan)
        _check_space(plan, out)
        with RunLog(out / "run.json", command, workers) as log:
            with log.stage("warm_up"), held_interrupts():
                warm_up()
            with log.stage(_stage(plan)):
                quarantined = _fill_slots(plan, out, source, workers, progress, log)
            if not quarantined:
                with log.stage("assemble"):
                    report = _assembling(progress)
                    publish(out, plan, who, report, source)
        return _result(out, quarantined)


def _check_source(plan: Plan, out: Path, source: Path | None) -> None:
    if plan.origin is None:
        return
    if source is None:
        raise RobokilnError(
            "plan: renders another dataset: robokiln rerender dataset=DIR plan=FILE"
        )
    if out.resolve().is_relative_to(source.resolve()):
        raise RobokilnError(f"out: {out} lies inside the dataset {source}; choose another out=DIR")
    found = origin_of(source)
    if found != plan.origin:
        raise RobokilnError(
            f"{source}: not the dataset of this plan: expected one whose SHA256SUMS hashes to "
            f"{plan.origin.sha256sums}, got {found.sha256sums}"
        )
    open_source(source)


def _stage(plan: Plan) -> str:
    """What the run's longest part is called, in its log and on the progress line."""
    return "generate" if plan.origin is None else "rerender"


def _fill_slots(
    plan: Plan,
    out: Path,
    source: Path | None,
    workers: int,
    progress: Callable[[Progress], None],
    log: RunLog,
) -> dict[str, str]:
    """Make the missing units; the slots that could not be filled, with the reason."""
    units = committed(out)
    done = {read_manifest(unit)["slot"] for unit in units}
    attempts = len(units) + len(refused_attempts(units))
    now = Progress(_stage(plan), len(done), plan.episodes, attempts, len(done))
    progress(now)
    missing = (slot for slot in range(plan.episodes) if slot not in done)
    queue = _Queue(Job(plan, out, slot, source) for slot in missing)
    failures: Counter[int] = Counter()
    quarantined: dict[str, str] = {}
    for job, result in map_unordered(make_unit, queue, workers, DEADLINE_S, RECYCLE_AFTER):
        if isinstance(result, Failure):
            failures[job.slot] += 1
            if failures[job.slot] < INFRASTRUCTURE_TRIES:
                queue.retry(job)
                continue
            _quarantine(out, quarantined, job.slot, result.reason, [])
        elif result.disk_full:
            raise DiskFull(result.disk_full)
        else:
            log.add(result)
            now = _advance(now, result)
            if result.accepted is None:
                reason = f"all {plan.max_attempts} attempts refused"
                _quarantine(out, quarantined, job.slot, reason, list(result.refusals))
        now = replace(now, quarantined=len(quarantined))
        progress(now)
    return dict(sorted(quarantined.items()))


def _advance(now: Progress, receipt: Receipt) -> Progress:
    accepted = int(receipt.accepted is not None)
    return replace(
        now,
        done=now.done + accepted,
        attempts=now.attempts + accepted + len(receipt.refusals),
        accepted=now.accepted + accepted,
    )


def _quarantine(
    out: Path, quarantined: dict[str, str], slot: int, reason: str, refusals: list[str]
) -> None:
    name = unit_name(slot)
    quarantined[name] = reason
    facts = {"slot": slot, "reason": reason, "refusals": refusals}
    write_json(out / "quarantine" / f"{name}.json", facts)


class _Queue:
    """Jobs in order, and those that are to be tried again at the end."""

    def __init__(self, jobs: Iterator[Job]) -> None:
        self._jobs = deque(jobs)

    def __iter__(self) -> _Queue:
        return self

    def __next__(self) -> Job:
        if not self._jobs:
            raise StopIteration
        return self._jobs.popleft()

    def retry(self, job: Job) -> None:
        """Give the job to a worker once more, after the others."""
        self._jobs.append(job)


def _result(out: Path, quarantined: dict[str, str]) -> GenerateResult:
    units = committed(out)
    reasons = [r["reason"] for r in refused_attempts(units)]
    for name in quarantined:
        reasons += json.loads((out / "quarantine" / f"{name}.json").read_text())["refusals"]
    made = None if quarantined else out / "dataset"
    return GenerateResult(made, **counts(len(units), reasons), quarantined=quarantined)


def _already_complete(out: Path, plan: Plan) -> GenerateResult:
    """A published dataset is checked, never edited."""
    root = out / "dataset"
    info = dataset.check(root)
    expected = plan.episodes * plan.looks_per_episode
    if info.episodes != expected:
        raise RobokilnError(f"{root}: {info.episodes} episodes instead of {expected}")
    published = json.loads((root / FOLDER / "plan.json").read_text())
    keys = {"configuration": identity(plan)["configuration"]}
    if differences({"configuration": published["configuration"]}, keys):
        raise RobokilnError(f"{root}: its {FOLDER}/plan.json is not {out}/plan.json")
    facts = json.loads((root / FOLDER / "generation.json").read_text())
    return GenerateResult(root, **facts, quarantined={}, already_complete=True)


def estimated_bytes(plan: Plan, episodes: int) -> int:
    """What so many slots take on disk, units and dataset together, if every episode were longest.

    Factors are those of pick_place at 96 x 96, rounded up: per step 480 bytes of motion, per look
    and step 660 of table rows, poses and cameras, and 0.33 bits a pixel of H.264, 1.65 of depth,
    twice; segments and boxes grow with the outlines, and are smaller at any size.
    """
    pixels = sum(c.width * c.height for c in plan.cameras)
    bits = 0.4 + (1.8 if DEPTH in plan.record else 0.0)
    outlines = 300 + 0.006 * pixels if {SEGMENTATION, BOXES} & set(plan.record) else 0.0
    look = 660 + 2 * (pixels * bits / 8 + outlines)
    step = 500 + plan.looks_per_episode * look
    return int(episodes * (30_000 * plan.looks_per_episode + plan.episode.max_steps * step))


def _check_space(plan: Plan, out: Path) -> None:
    missing = plan.episodes - len(committed(out))
    need, free = estimated_bytes(plan, missing), shutil.disk_usage(out).free
    if free < need:
        raise DiskFull(
            f"about {need / 1e9:.2f} GB needed for {missing} episodes, {free / 1e9:.2f} free"
        )


def _assembling(progress: Callable[[Progress], None]) -> Callable[[int, int], None]:
    return lambda done, total: progress(Progress("assemble", done, total))
