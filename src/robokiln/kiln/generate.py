"""The run: every slot becomes a committed unit, then all of them become the dataset."""

from __future__ import annotations

import json
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from robokiln import dataset
from robokiln.files import DiskFull, write_json
from robokiln.frames import warm_up
from robokiln.kiln.assembly import publish
from robokiln.kiln.columns import recorded_camera
from robokiln.kiln.commit import read_manifest
from robokiln.kiln.compared import COMPARISON
from robokiln.kiln.datasheet import save_measured
from robokiln.kiln.labels import BOXES, DEPTH, SEGMENTATION
from robokiln.kiln.plan import FOLDER, Plan, differences, identity
from robokiln.kiln.provenance import Run, committed, counts, refused_attempts
from robokiln.kiln.relabel import PolicyFactory
from robokiln.kiln.rundir import clear_staging, open_run
from robokiln.kiln.runlog import RunLog
from robokiln.kiln.stored import open_source, origin_of
from robokiln.kiln.unit import FATAL, Job, Receipt, make_unit, unit_name
from robokiln.scene import robots, tasks
from robokiln.types import RobokilnError
from robokiln.workers import Execution, Failure, held_interrupts, map_unordered

INFRASTRUCTURE_TRIES = 3
"""Of the same attempt, where a worker died, hung or raised: no attempt is charged for that."""


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
    execution: Execution,
    progress: Callable[[Progress], None] = lambda _: None,
    command: str = "",
    source: Path | None = None,
    accept_environment: bool = False,
    policy: PolicyFactory | None = None,
) -> GenerateResult:
    """Fill every slot of the plan and publish `out`/dataset; continues what is there.

    `command` is what the user typed, for run.json; `source` is the dataset whose motions a plan
    with an origin renders again; `accept_environment` continues what other code or packages began;
    `policy` is the one whose rollouts a plan with `relabel` has corrected.
    Raises RobokilnError for a directory that can't be used, DiskFull when space runs out.
    """
    _check_source(plan, out, source)
    _check_policy(plan, policy)
    for camera in plan.cameras:
        recorded_camera(camera, robots.get(plan.robot))
    with open_run(out, identity(plan), accept_environment) as who:
        if (out / "dataset").exists():
            return _already_complete(out, plan)
        _check_space(plan, out)
        with RunLog(out / "run.json", command, execution) as log:
            with log.stage("warm_up"), held_interrupts():
                warm_up()
            with log.stage(_stage(plan)):
                jobs = partial(Job, plan, out.resolve(), source=source, policy=policy)
                quarantined = _fill_slots(plan, out, jobs, execution, progress, log)
            if not quarantined:
                with log.stage("assemble"):
                    report = _assembling(progress)
                    run = Run(plan, who, committed(out), source)
                    publish(out, [run], report, save_measured(out, log.measured()))
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


def _check_policy(plan: Plan, policy: PolicyFactory | None) -> None:
    if plan.relabel is not None and plan.origin is None and policy is None:
        raise RobokilnError(
            "plan: corrects the rollouts of the policy whose weights hash to "
            f"{plan.relabel.weights_sha256}; the `robokiln improve` that made it does so again"
        )


def _stage(plan: Plan) -> str:
    """What the run's longest part is called, in its log and on the progress line."""
    return "generate" if plan.origin is None else "rerender"


def _fill_slots(
    plan: Plan,
    out: Path,
    job_of: Callable[[int], Job],
    execution: Execution,
    progress: Callable[[Progress], None],
    log: RunLog,
) -> dict[str, str]:
    """Make the missing units; the slots that could not be filled, with the reason."""
    units = committed(out)
    done = {read_manifest(unit)["slot"] for unit in units}
    attempts = len(units) + sum(1 for _ in refused_attempts(units))
    now = Progress(_stage(plan), len(done), plan.episodes, attempts, len(done))
    progress(now)
    missing = (slot for slot in range(plan.episodes) if slot not in done)
    queue = _Queue(job_of(slot) for slot in missing)
    failures: Counter[int] = Counter()
    quarantined: dict[str, str] = {}
    with _working(out, queue, execution) as results:
        for job, result in results:
            if isinstance(result, Failure):
                failures[job.slot] += 1
                if failures[job.slot] < INFRASTRUCTURE_TRIES:
                    queue.retry(job)
                    continue
                _quarantine(out, quarantined, job.slot, result.reason, [])
            elif result.fatal is not None:
                kind, what = result.fatal
                raise FATAL[kind](what)
            else:
                log.add(result)
                now = _advance(now, result)
                if result.accepted is None:
                    reason = _all_refused(plan, result.refusals)
                    _quarantine(out, quarantined, job.slot, reason, list(result.refusals))
            now = replace(now, quarantined=len(quarantined))
            progress(now)
    return dict(sorted(quarantined.items()))


@contextmanager
def _working(
    out: Path, jobs: Iterable[Job], execution: Execution
) -> Iterator[Iterator[tuple[Job, Receipt | Failure]]]:
    """Results as they come; however this is left, no worker runs then and nothing is half made."""
    try:
        with closing(map_unordered(make_unit, jobs, execution)) as results:
            yield results
    finally:
        clear_staging(out)


def _advance(now: Progress, receipt: Receipt) -> Progress:
    accepted = int(receipt.accepted is not None)
    return replace(
        now,
        done=now.done + accepted,
        attempts=now.attempts + accepted + len(receipt.refusals),
        accepted=now.accepted + accepted,
    )


def _all_refused(plan: Plan, refusals: Sequence[str]) -> str:
    """Why a slot is empty; a stored motion has no next attempt, so its refusal is the reason."""
    if plan.origin is not None:
        return f"its motion was refused: {refusals[-1]}"
    return f"all {plan.max_attempts} attempts refused"


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
    dropped = sum(len(row["dropped"]) for row in json.loads((root / COMPARISON).read_text()))
    expected = (plan.episodes - dropped) * plan.looks_per_episode
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
    steps = plan.episode.limit(tasks.get(plan.task).horizon)
    return int(episodes * (30_000 * plan.looks_per_episode + steps * step))


def _check_space(plan: Plan, out: Path) -> None:
    missing = plan.episodes - len(committed(out))
    need, free = estimated_bytes(plan, missing), shutil.disk_usage(out).free
    if free < need:
        raise DiskFull(
            f"about {need / 1e9:.2f} GB needed for {missing} episodes, {free / 1e9:.2f} free"
        )


def _assembling(progress: Callable[[Progress], None]) -> Callable[[int, int], None]:
    return lambda done, total: progress(Progress("assemble", done, total))
