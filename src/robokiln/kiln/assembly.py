"""Committed units, in the order of their slots, become the published dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from robokiln import dataset
from robokiln.dataset import SUBTASK, EpisodeLabels, EpisodeRecord
from robokiln.faults import reach
from robokiln.files import file_hash, read_arrays, sync_directory, write_json
from robokiln.kiln.columns import features, recorded_camera
from robokiln.kiln.commit import Nondeterminism, read_manifest
from robokiln.kiln.compared import keep, write_comparison
from robokiln.kiln.datasheet import (
    BASELINE,
    Measured,
    read_baseline,
    read_measured,
    write_datasheet,
)
from robokiln.kiln.labels import DEPTH, unpack
from robokiln.kiln.motion import load_motion
from robokiln.kiln.plan import Plan
from robokiln.kiln.provenance import Run, write_provenance
from robokiln.kiln.rundir import PUBLISHED, published_hash
from robokiln.scene import robots, tasks
from robokiln.types import Array, Feature, RobokilnError


@dataclass(frozen=True)
class Units:
    """The committed units of runs as dataset episodes, loaded one at a time.

    Runs follow each other, a run's units its slots, and a unit's looks each other; episodes are
    numbered in this order. `phases` are the names that the dataset's subtasks count.
    """

    runs: Sequence[Run]
    phases: tuple[str, ...]

    def __iter__(self) -> Iterator[EpisodeRecord]:
        for number, run in enumerate(self.runs):
            own = [self.phases.index(phase) for phase in tasks.get(run.plan.task).phases]
            for directory in run.units:
                for record in _records(directory):
                    yield self._as_one(record, np.array(own), number)

    def _as_one(self, record: EpisodeRecord, phases: Array, number: int) -> EpisodeRecord:
        """The record among those of other runs, whose tasks may have other phases."""
        if len(self.runs) == 1:
            return record
        columns = {**record.columns, SUBTASK: phases[record.columns[SUBTASK]]}
        return replace(record, columns=columns, extra={"run": number, **record.extra})


def publish(
    out: Path,
    runs: Sequence[Run],
    progress: Callable[[int, int], None] | None = None,
    measured: Measured | None = None,
) -> Path:
    """Build `out`/dataset from the units, checksums last, and rename it into place."""
    building, target = out / "dataset.building", out / "dataset"
    reach("publish.begun")
    kept, comparison = keep(runs)
    first = runs[0].plan
    phases = tuple(dict.fromkeys(p for run in runs for p in tasks.get(run.plan.task).phases))
    dataset.assemble(
        building,
        Units(kept, phases),
        features=features_of(first),
        fps=first.episode.control_hz,
        robot_type=first.robot,
        subtasks=phases,
        max_episode_steps=max(r.plan.episode.limit(tasks.get(r.plan.task).horizon) for r in runs),
        codec=first.codec,
        progress=progress,
    )
    reach("publish.assembled")
    dataset.write_cameras(building, recorded_cameras(first))
    write_provenance(building, kept)
    write_comparison(building, comparison, runs)
    plans = [run.plan for run in runs]
    write_datasheet(building, plans, features_of(first), measured, read_baseline(out))
    reach("publish.described")
    dataset.write_checksums(building)
    reach("publish.sealed")
    _record_hash(out, file_hash(building / dataset.CHECKSUMS))
    building.rename(target)
    reach("publish.renamed")
    sync_directory(out)
    reach("publish.durable")
    return target


def enter_baseline(out: Path, plan: Plan, baseline: Mapping[str, str]) -> None:
    """Write into the card of a published run what policies made of it: rate and interval by row.
    Only the card is written again; the data and their checksums stay."""
    write_json(out / BASELINE, baseline)
    measured = read_measured(out)
    write_datasheet(out / "dataset", [plan], features_of(plan), measured, baseline)


def recorded_cameras(plan: Plan) -> list[dataset.RecordedCamera]:
    """The plan's cameras as the dataset describes them."""
    robot = robots.get(plan.robot)
    return [recorded_camera(c, robot, plan.sensors.get(c.name)) for c in plan.cameras]


def refuse_mixture(plans: Mapping[str, Plan]) -> None:
    """RobokilnError where the datasets of the plans, by their names, can't be one."""
    (first, one), *others = plans.items()
    for name, plan in others:
        facts = {
            "robot": (one.robot, plan.robot),
            "control_hz": (one.episode.control_hz, plan.episode.control_hz),
            "codec": (one.codec, plan.codec),
            "record": (one.record, plan.record),
            "cameras": (recorded_cameras(one), recorded_cameras(plan)),
        }
        for what, (a, b) in facts.items():
            if a != b:
                raise RobokilnError(
                    f"{name} can't be merged with {first}: {what} differ: {_brief(b)}, not "
                    f"{_brief(a)}"
                )


def _brief(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(f"{c.name} {c.width} x {c.height}" for c in value)
    return str(value)


def _record_hash(out: Path, sha256sums: str) -> None:
    """Before the dataset is in place, so that whatever takes its place later must be the same."""
    before = published_hash(out)
    if before not in (None, sha256sums):
        raise Nondeterminism(
            f"{out}: the dataset came out with other bytes than the one that was published: "
            f"SHA256SUMS hashes to {sha256sums}, {PUBLISHED} says {before}"
        )
    write_json(out / PUBLISHED, {"sha256sums": sha256sums})
    sync_directory(out)


def features_of(plan: Plan) -> tuple[Feature, ...]:
    """The columns of the plan's dataset."""
    return features(robots.get(plan.robot), plan.cameras, depth=DEPTH in plan.record)


def _records(directory: Path) -> Iterator[EpisodeRecord]:
    manifest, motion = read_manifest(directory), load_motion(directory)
    histograms = read_arrays(directory / "histograms.npz")
    cameras = [c.name for c in motion.spec.cameras]
    for look in range(manifest["looks"]):
        prefix = f"{look}."
        videos = {k.removeprefix(prefix): k for k in histograms if k.startswith(prefix)}
        labels = read_arrays(directory / f"look-{look}.labels.npz")
        yield EpisodeRecord(
            columns=motion.columns,
            instruction=motion.spec.instruction,
            videos={_video_feature(v): directory / f"look-{k}.mp4" for v, k in videos.items()},
            histograms={_video_feature(v): histograms[k] for v, k in videos.items()},
            extra={
                "slot": manifest["slot"],
                "attempt": manifest["attempt"],
                "look": look,
                "success": motion.outcome.success,
                "task_family": motion.spec.task,
            },
            labels=EpisodeLabels(
                motion.link_poses, motion.contacts, {c: unpack(labels, c) for c in cameras}
            ),
        )


def _video_feature(name: str) -> str:
    """ "front" and "front.depth" by the dataset's names."""
    camera = name.removesuffix(".depth")
    return dataset.IMAGES + camera + (dataset.DEPTH if name != camera else "")
