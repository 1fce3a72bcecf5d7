"""The dataset's card as a datasheet: from the dataset's own files, what its making took, and what a
policy made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robokiln import dataset
from robokiln.dataset import CardFacts
from robokiln.files import write_json
from robokiln.kiln.compared import COMPARISON, COVERAGE
from robokiln.kiln.labels import BOXES, SEGMENTATION
from robokiln.kiln.plan import FOLDER, Plan
from robokiln.kiln.provenance import commands, origins
from robokiln.serial import from_json, parse_json
from robokiln.types import Feature

GAPS = (
    "Simulation only: not validated on a real robot.",
    "One physics engine (Bullet); contacts and friction are approximations of it.",
    "Demonstrations come from a scripted expert, so they show one style of motion.",
    "Everything is opaque; nothing mirrors its neighbours or lights them.",
)
SHOWN_INSTRUCTIONS = 12
WATTS_PER_CORE, DOLLARS_PER_CORE_HOUR = 10.0, 0.04
"""Assumptions for where nothing was measured: a busy core of a server with its share of the
machine, and a core-hour of a rented one."""
MEASURED, BASELINE = "measured.json", "baseline.json"
"""In the run directory, so that a card that is written again says the same."""


@dataclass(frozen=True)
class Measured:
    """What making a dataset took. Seconds of workers' wall time by stage, and of CPU in all;
    `joules` by the machine's energy counters, None where there are none."""

    units: int
    cpu_seconds: float
    seconds: Mapping[str, float]
    joules: float | None = None


def write_datasheet(
    root: Path,
    plans: Sequence[Plan],
    features: Sequence[Feature],
    measured: Measured | None = None,
    baseline: Mapping[str, str] | None = None,
) -> None:
    """Write README.md; `baseline` holds success rates with their intervals by row."""
    first, info = plans[0], dataset.check(root)
    generation = _json(root / FOLDER / "generation.json")
    step = max(1, len(info.tasks) // SHOWN_INSTRUCTIONS)
    names = list(dict.fromkeys(plan.task for plan in plans))
    licenses = _json(root / FOLDER / "licenses.json")
    single = len(plans) == 1
    facts = CardFacts(
        title=f"{', '.join(names)} with the robot {first.robot}, simulated",
        task=", ".join(names),
        robot=first.robot,
        instructions=info.tasks[::step][:SHOWN_INSTRUCTIONS],
        episodes=info.episodes,
        frames=info.frames,
        fps=info.fps,
        looks=first.looks_per_episode,
        attempts=generation["attempts"],
        refusals=generation["refused"],
        features=features,
        labels=_labels(first),
        assets={a["asset"]: f"{a['license']}; {a['source']}" for a in licenses},
        commands=commands(root) if single else _merging(plans),
        origins=origins(root) if single else (),
        gaps=GAPS,
        figures={"Coverage of start states": COVERAGE.as_posix()},
        tables={
            "Cameras": _cameras(plans),
            "Start states": _coverage(_json(root / COMPARISON)),
            "Looks": _looks(plans),
            "Energy and cost": _cost(measured),
            "Baseline": _baseline(baseline),
            **({"Corrected policies": _corrected(plans)} if any(p.relabel for p in plans) else {}),
        },
    )
    dataset.write_card(root, facts)


def save_measured(out: Path, measured: Measured) -> Measured:
    """What a run's first publication measured stays what its card says."""
    before = read_measured(out)
    if before is None:
        write_json(out / MEASURED, measured)
    return before or measured


def read_measured(out: Path) -> Measured | None:
    """What the run measured, if it has been published."""
    path = out / MEASURED
    return from_json(Measured, _json(path), str(path)) if path.exists() else None


def read_baseline(out: Path) -> Mapping[str, str] | None:
    """What was entered by `assembly.enter_baseline`."""
    return dict(_json(out / BASELINE)) if (out / BASELINE).exists() else None


def _json(path: Path) -> Any:
    return parse_json(path.read_text())


def _merging(plans: Sequence[Plan]) -> list[str]:
    made = [
        f"robokiln generate plan={FOLDER.as_posix()}/runs/{i:02d}/plan.json out=run-{i}"
        if plan.relabel is None
        else f"robokiln improve ...   (it makes run-{i} with a policy of its own)"
        for i, plan in enumerate(plans)
    ]
    return [*made, f"robokiln merge {' '.join(f'run-{i}' for i in range(len(plans)))} out=again"]


def _corrected(plans: Sequence[Plan]) -> list[list[str]]:
    return [["plan", "round", "SHA-256 of the weights of the policy that was taken over"]] + [
        [str(i), str(plan.relabel.round), plan.relabel.weights_sha256]
        for i, plan in enumerate(plans)
        if plan.relabel is not None
    ]


def _cameras(plans: Sequence[Plan]) -> list[list[str]]:
    plan = plans[0]
    rows = [
        [c.name, f"{c.width} x {c.height}", c.mount or "fixed in the world", _sensor(plan, c.name)]
        for c in plan.cameras
    ]
    return [["camera", "pixels", "mounted on", "sensor"], *rows]


def _sensor(plan: Plan, camera: str) -> str:
    return plan.sensors[camera].name if camera in plan.sensors else "ideal"


def _coverage(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    table = [["what", "range (m)", "bins used", "outside"]]
    for row in rows:
        areas = {
            role: ", ".join(f"{axis} {area[axis][0]:g} to {area[axis][1]:g}" for axis in "xy")
            for role, area in row["ranges"].items()
        }
        table += [
            [role, areas[role], f"{found['share']:.0%}", str(found["outside"])]
            for role, found in row["coverage"].items()
        ]
        repeated, dropped = len(row["duplicates"]), len(row["dropped"])
        table.append(["near-duplicate starts", "", f"{repeated} found", f"{dropped} left out"])
    return table


def _looks(plans: Sequence[Plan]) -> list[list[str]]:
    return [["plan", "seed", "looks of each demonstration", "antialiased"]] + [
        [str(i), str(p.seed), str(p.looks_per_episode), "yes" if p.antialias else "no"]
        for i, p in enumerate(plans)
    ]


def _cost(measured: Measured | None) -> list[list[str]]:
    table = [["per accepted episode", "value", "how it is known"]]
    if measured is None or not measured.units:
        return [*table, ["energy and cost", "not known", "the runs tell it of themselves"]]
    per = measured.cpu_seconds / measured.units
    joules, how = per * WATTS_PER_CORE, f"estimated: {WATTS_PER_CORE:g} W a busy core"
    if measured.joules is not None:
        joules = measured.joules / measured.units
        how = "measured by the processor's energy counters, whole packages, other work included"
    dollars = per / 3600 * DOLLARS_PER_CORE_HOUR
    table += [
        ["CPU seconds", f"{per:.2f}", "measured, all attempts, on the machine that made it"],
        ["energy", f"{joules:.1f} J", how],
        ["cost", f"{dollars:.2g} USD", f"estimated: {DOLLARS_PER_CORE_HOUR:g} USD a core-hour"],
    ]
    stages = ", ".join(f"{k} {s / measured.units:.2f}" for k, s in measured.seconds.items())
    return [*table, ["wall seconds by stage", stages, "measured, in one worker"]]


def _baseline(baseline: Mapping[str, str] | None) -> list[list[str]]:
    table = [["policy, held-out scenes", "success (95 % interval)"]]
    if not baseline:
        return [*table, ["none yet", "`robokiln run` trains and evaluates one, and enters it here"]]
    return [*table, *([name, rate] for name, rate in baseline.items())]


def _labels(plan: Plan) -> dict[str, str]:
    """What labels/ holds, by table."""
    always = {
        "motion": "link_poses float32 [L, 7]: world poses of the robot's visual links, then of the "
        "scene's bodies; contacts int16 [2]: the body each finger touches, or -1",
        "cameras": "pose float32 [7] (world; x right, y down, z forward) and intrinsics float32 "
        "[4] (fx, fy, cx, cy in pixels) of each camera; pixels int32 [1 + bodies]: how many show "
        "the robot and each body",
    }
    recorded = {
        SEGMENTATION: "run lengths of each picture, row by row; ids: 0 nothing, 1 the robot, 2 + i "
        "the body i of meta/robokiln/scenes.jsonl, then the look's props",
        BOXES: "box: x0, y0, x1, y1 round the visible pixels, and their number, by the same ids; "
        "amodal_box and amodal_pixels: with nothing in front",
    }
    return always | {name: text for name, text in recorded.items() if name in plan.record}
