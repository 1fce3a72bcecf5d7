"""Committed units, in the order of their slots, become the published dataset."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robokiln import dataset
from robokiln.dataset import CardFacts, EpisodeRecord, standard_features
from robokiln.files import sync_directory, write_json, write_json_lines
from robokiln.kiln.columns import columns, recorded_camera
from robokiln.kiln.commit import read_manifest
from robokiln.kiln.plan import Plan
from robokiln.kiln.unit import load_arrays, load_episode, load_look
from robokiln.scene import robots, tasks

PROVENANCE = Path("meta") / "robokiln"
# Of the plan alone, so that the card is too: whoever made it, by whatever command line.
AGAIN = f"robokiln generate plan={PROVENANCE.as_posix()}/plan.json out=again"
GAPS = (
    "Simulation only: not validated on a real robot.",
    "One physics engine (Bullet); contacts and friction are approximations of it.",
    "Demonstrations come from a scripted expert, so they show one style of motion.",
    "Materials are plain: no textures, no transparency, no reflections.",
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
) -> Path:
    """Build `out`/dataset from the units, checksums last, and rename it into place."""
    building, target, units = out / "dataset.building", out / "dataset", committed(out)
    robot = robots.get(plan.robot)
    dataset.assemble(
        building,
        Units(units),
        features=standard_features(plan.cameras, len(robot.arm_joints)),
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
    _write_provenance(building / PROVENANCE, plan, identity, units)
    dataset.write_card(building, _card(building, plan, units))
    dataset.write_checksums(building)
    building.rename(target)
    sync_directory(out)
    return target


def _records(directory: Path) -> Iterator[EpisodeRecord]:
    manifest, episode = read_manifest(directory), load_episode(directory)
    histograms = load_arrays(directory / "histograms.npz")
    values, cameras = columns(episode), [c.name for c in episode.spec.cameras]
    for look in range(manifest["looks"]):
        yield EpisodeRecord(
            columns=values,
            instruction=episode.spec.instruction,
            videos={dataset.IMAGES + c: directory / f"look-{look}.{c}.mp4" for c in cameras},
            histograms={dataset.IMAGES + c: histograms[f"{look}.{c}"] for c in cameras},
            extra={
                "slot": manifest["slot"],
                "attempt": manifest["attempt"],
                "look": look,
                "success": episode.outcome.success,
            },
        )


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
            scenes.append({**which, "attempt": manifest["attempt"], "spec": scene["spec"]})
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
        features=standard_features(plan.cameras, len(robots.get(plan.robot).arm_joints)),
        assets={a["asset"]: f"{a['license']}; {a['source']}" for a in licenses(plan)},
        command=AGAIN,
        gaps=GAPS,
    )
