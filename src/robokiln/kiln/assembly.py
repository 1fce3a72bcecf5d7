"""Committed units, in the order of their slots, become the published dataset."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robokiln import dataset
from robokiln.dataset import CardFacts, EpisodeLabels, EpisodeRecord, standard_features
from robokiln.files import sync_directory, write_json, write_json_lines
from robokiln.kiln.columns import recorded_camera
from robokiln.kiln.commit import read_manifest
from robokiln.kiln.labels import BOXES, DEPTH, SEGMENTATION, unpack
from robokiln.kiln.motion import load_arrays, load_motion
from robokiln.kiln.plan import FOLDER, Plan
from robokiln.kiln.stored import LINEAGE, ancestors
from robokiln.kiln.unit import load_look
from robokiln.scene import robots, tasks
from robokiln.types import Feature

GAPS = (
    "Simulation only: not validated on a real robot.",
    "One physics engine (Bullet); contacts and friction are approximations of it.",
    "Demonstrations come from a scripted expert, so they show one style of motion.",
    "Everything is opaque; nothing mirrors its neighbours or lights them.",
)
SHOWN_INSTRUCTIONS = 12


@dataclass(frozen=True)
class Units:
    """The committed units of a run as dataset episodes, loaded one at a time.

    A unit's looks follow each other; episodes are numbered in this order.
    """

    directories: tuple[Path, ...]

    def __iter__(self) -> Iterator[EpisodeRecord]:
        for directory in self.directories:
            yield from _records(directory)


def committed(out: Path) -> tuple[Path, ...]:
    """The units of a run in slot order."""
    return tuple(sorted((out / "units").iterdir()))


def refused_attempts(units: tuple[Path, ...]) -> list[dict[str, Any]]:
    """Every refused attempt of the slots that were filled in the end."""
    return [
        {"slot": read_manifest(unit)["slot"], "attempt": attempt, "reason": reason}
        for unit in units
        for attempt, reason in enumerate(json.loads((unit / "refusals.json").read_text()))
    ]


def publish(
    out: Path,
    plan: Plan,
    identity: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
    source: Path | None = None,
) -> Path:
    """Build `out`/dataset from the units, checksums last, and rename it into place.

    `source` is the dataset that the plan renders again.
    """
    building, target, units = out / "dataset.building", out / "dataset", committed(out)
    robot = robots.get(plan.robot)
    dataset.assemble(
        building,
        Units(units),
        features=_features(plan),
        fps=plan.episode.control_hz,
        robot_type=plan.robot,
        subtasks=tasks.get(plan.task).phases,
        max_episode_steps=plan.episode.max_steps,
        codec=plan.codec,
        progress=progress,
    )
    dataset.write_cameras(
        building, [recorded_camera(c, robot, plan.sensors.get(c.name)) for c in plan.cameras]
    )
    _write_provenance(building / FOLDER, plan, identity, units)
    if source is not None:
        _write_lineage(building / FOLDER / LINEAGE, source)
    dataset.write_card(building, _card(building, plan, units))
    dataset.write_checksums(building)
    building.rename(target)
    sync_directory(out)
    return target


def _features(plan: Plan) -> tuple[Feature, ...]:
    joints = len(robots.get(plan.robot).arm_joints)
    return standard_features(plan.cameras, joints, depth=DEPTH in plan.record)


def _records(directory: Path) -> Iterator[EpisodeRecord]:
    manifest, motion = read_manifest(directory), load_motion(directory)
    histograms = load_arrays(directory / "histograms.npz")
    cameras = [c.name for c in motion.spec.cameras]
    for look in range(manifest["looks"]):
        prefix = f"{look}."
        videos = {k.removeprefix(prefix): k for k in histograms if k.startswith(prefix)}
        labels = load_arrays(directory / f"look-{look}.labels.npz")
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
            },
            labels=EpisodeLabels(
                motion.link_poses, motion.contacts, {c: unpack(labels, c) for c in cameras}
            ),
        )


def _video_feature(name: str) -> str:
    """ "front" and "front.depth" by the dataset's names."""
    camera = name.removesuffix(".depth")
    return dataset.IMAGES + camera + (dataset.DEPTH if name != camera else "")


def _write_lineage(folder: Path, source: Path) -> None:
    """The plans that led here, the oldest first."""
    folder.mkdir(parents=True)
    for i, plan in enumerate(ancestors(source)):
        shutil.copyfile(plan, folder / f"{i:02d}-plan.json")


def commands(root: Path) -> list[str]:
    """What makes the dataset again from nothing: of its plans alone, so that the card is too,
    whoever made it and by whatever command line."""
    lines = []
    plans = ancestors(root)
    for i, plan in enumerate(plans):
        out = "again" if plan is plans[-1] else f"step-{i}"
        verb = f"rerender dataset=step-{i - 1}/dataset" if i else "generate"
        lines.append(f"robokiln {verb} plan={plan.relative_to(root).as_posix()} out={out}")
    return lines


def _write_provenance(
    folder: Path, plan: Plan, identity: Mapping[str, Any], units: tuple[Path, ...]
) -> None:
    write_json(folder / "plan.json", identity)
    write_json(folder / "licenses.json", licenses(plan))
    refusals = refused_attempts(units)
    write_json_lines(folder / "refusals.jsonl", refusals)
    write_json(folder / "generation.json", counts(len(units), [r["reason"] for r in refusals]))
    scenes: list[dict[str, Any]] = []
    looks: list[dict[str, Any]] = []
    for unit in units:
        manifest, scene = read_manifest(unit), json.loads((unit / "scene.json").read_text())
        for look in range(manifest["looks"]):
            which = {"episode_index": len(scenes), "slot": manifest["slot"], "look": look}
            scenes.append({**which, "attempt": manifest["attempt"], **scene})
            looks.append({**which, "appearance": load_look(unit, look)})
    write_json_lines(folder / "scenes.jsonl", scenes)
    write_json_lines(folder / "looks.jsonl", looks)


def counts(accepted: int, reasons: list[str]) -> dict[str, Any]:
    """How generation went: attempts, accepted, and refused by reason."""
    refused = dict(sorted(Counter(reasons).items()))
    return {"attempts": accepted + len(reasons), "accepted": accepted, "refused": refused}


def licenses(plan: Plan) -> list[dict[str, str]]:
    """Every asset that the pictures show, and what it may be used for."""
    robot = robots.get(plan.robot)
    ours = "procedural, by robokiln"
    return [
        {"asset": f"robot: {robot.name}", "license": robot.license, "source": robot.source},
        {"asset": "objects, containers, table, floor", "license": "Apache-2.0", "source": ours},
        {"asset": "materials, lights, background", "license": "Apache-2.0", "source": ours},
    ]


def origins(root: Path) -> list[str]:
    """The SHA-256 of the SHA256SUMS of each ancestor, the oldest first."""
    found = [json.loads(p.read_text())["configuration"]["origin"] for p in ancestors(root)]
    return [origin["sha256sums"] for origin in found if origin is not None]


def _labels(plan: Plan) -> dict[str, str]:
    """What labels/ holds, by table."""
    always = {
        "motion": "link_poses float32 [L, 7]: world poses of the robot's visual links, then of the "
        "scene's bodies; contacts int16 [2]: the body each finger touches, or -1",
        "cameras": "pose float32 [7] (world; x right, y down, z forward) and intrinsics float32 "
        "[4] (fx, fy, cx, cy in pixels) of each camera",
    }
    recorded = {
        SEGMENTATION: "run lengths of each picture, row by row; ids: 0 nothing, 1 the robot, 2 + i "
        "the body i of meta/robokiln/scenes.jsonl, then the look's props",
        BOXES: "box: x0, y0, x1, y1 round the visible pixels, and their number, by the same ids; "
        "amodal_box and amodal_pixels: with nothing in front",
    }
    return always | {name: text for name, text in recorded.items() if name in plan.record}


def _card(root: Path, plan: Plan, units: tuple[Path, ...]) -> CardFacts:
    info = dataset.check(root)
    generation = counts(len(units), [r["reason"] for r in refused_attempts(units)])
    step = max(1, len(info.tasks) // SHOWN_INSTRUCTIONS)
    return CardFacts(
        title=f"{plan.task} with the robot {plan.robot}, simulated",
        task=plan.task,
        robot=plan.robot,
        instructions=info.tasks[::step][:SHOWN_INSTRUCTIONS],
        episodes=info.episodes,
        frames=info.frames,
        fps=info.fps,
        looks=plan.looks_per_episode,
        attempts=generation["attempts"],
        refusals=generation["refused"],
        features=_features(plan),
        labels=_labels(plan),
        assets={a["asset"]: f"{a['license']}; {a['source']}" for a in licenses(plan)},
        commands=commands(root),
        origins=origins(root),
        gaps=GAPS,
    )
