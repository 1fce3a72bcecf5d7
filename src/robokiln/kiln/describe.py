"""What a run directory or a dataset holds, in a few lines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from robokiln import dataset
from robokiln.dataset import CHECKSUMS
from robokiln.files import file_hash
from robokiln.kiln.place import Place, locate
from robokiln.kiln.plan import FOLDER
from robokiln.kiln.rundir import read_plan
from robokiln.serial import parse_json


def describe(where: Path) -> list[tuple[str, str]]:
    """Rows of names and values; RobokilnError if it is neither a run nor a dataset."""
    place = locate(where)
    rows = _run_rows(place.run) if place.run else []
    if place.published:
        rows += _dataset_rows(place)
    elif place.run:
        rows.append(("dataset", "not yet published"))
    return rows


def _run_rows(run: Path) -> list[tuple[str, str]]:
    plan = read_plan(run / "plan.json")
    configuration = plan["configuration"]
    units = len(list((run / "units").iterdir()))
    of = f" of {configuration['episodes']}" if "episodes" in configuration else ""
    given_up = sorted((run / "quarantine").glob("*.json"))
    rows = [("run", str(run)), ("units", f"{units}{of} committed")]
    rows += [("given up", f"{p.stem}: {_json(p).get('reason', '')}") for p in given_up]
    if plan.get("overrides"):
        rows.append(("made by", f"{1 + len(plan['overrides'])} versions of code or packages"))
    log = _json(run / "run.json") if (run / "run.json").exists() else {}
    ends = Counter(session["ended"] for session in log.get("sessions", []))
    rows.append(("sessions", ", ".join(f"{n} {what}" for what, n in ends.items()) or "none ended"))
    cost = log.get("units", {})
    if cost.get("count"):
        rows.append(("CPU seconds a unit", f"{cost['cpu_seconds'] / cost['count']:.2f}"))
    return rows


def _dataset_rows(place: Place) -> list[tuple[str, str]]:
    root, info = place.dataset, dataset.check(place.dataset)
    size = sum(p.stat().st_size for p in root.rglob("*") if p.is_file())
    cameras = [f"{f.name} {f.shape[1]} x {f.shape[0]}" for f in info.features if f.dtype == "video"]
    rows = [
        ("dataset", str(root)),
        ("robot", info.robot_type),
        ("episodes, frames", f"{info.episodes}, {info.frames} at {info.fps} Hz"),
        ("minutes", f"{info.frames / info.fps / 60:.1f}"),
        ("instructions", f"{len(info.tasks)}, for instance: {info.tasks[0]}"),
        ("videos", ", ".join(cameras) or "none"),
        ("columns", ", ".join(f.name for f in info.features if f.dtype != "video")),
        ("size", f"{size / 1e6:.1f} MB, {size / info.episodes / 1e3:.1f} kB an episode"),
    ]
    if (root / FOLDER / "generation.json").exists():
        made = _json(root / FOLDER / "generation.json")
        rows.append(("attempts", f"{made['attempts']}, accepted {made['accepted']}"))
        rows += [(f"  refused: {reason}", str(n)) for reason, n in made["refused"].items()]
    if (root / FOLDER / "merge.json").exists():
        runs = _json(root / FOLDER / "merge.json")["runs"]
        rows.append(("merged from", f"{len(runs)} runs"))
    if (root / CHECKSUMS).is_file():
        rows.append(("SHA-256 of SHA256SUMS", file_hash(root / CHECKSUMS)))
    return rows


def _json(path: Path) -> Any:
    return parse_json(path.read_text())
