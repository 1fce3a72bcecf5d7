"""meta/robokiln: the plans, scenes, looks and units of a dataset, and how making it went."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from robokiln.files import file_hash, write_json, write_json_lines
from robokiln.kiln.commit import MANIFEST, read_manifest
from robokiln.kiln.plan import FOLDER, UNITS, Plan
from robokiln.kiln.stored import LINEAGE, ancestors
from robokiln.kiln.unit import load_look
from robokiln.scene import robots
from robokiln.serial import parse_json

RUNS = "runs"
"""Of a merged dataset: the provenance of each of its runs by number."""


@dataclass(frozen=True)
class Run:
    """Committed units of one plan in slot order. `identity` is the contents of its plan.json,
    `source` the dataset that the plan renders again."""

    plan: Plan
    identity: Mapping[str, Any]
    units: tuple[Path, ...]
    source: Path | None = None


def committed(out: Path) -> tuple[Path, ...]:
    """The units of a run directory in slot order."""
    return tuple(sorted((out / "units").iterdir()))


def refused_attempts(units: tuple[Path, ...]) -> Iterator[dict[str, Any]]:
    """Every refused attempt of the slots that were filled in the end, one at a time."""
    for unit in units:
        slot = read_manifest(unit)["slot"]
        for attempt, reason in enumerate(parse_json((unit / "refusals.json").read_text())):
            yield {"slot": slot, "attempt": attempt, "reason": reason}


def write_provenance(root: Path, runs: Sequence[Run]) -> None:
    """Everything but the comparison of episodes. Where there are several runs, each row names its
    own by number, and the runs' plans lie in folders of their own."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if len(runs) > 1:
        merged = [{"configuration_sha256": r.identity["configuration_sha256"]} for r in runs]
        write_json(folder / "merge.json", {"format": "robokiln-merge-1", "runs": merged})
    for number, run in enumerate(runs):
        place = folder if len(runs) == 1 else folder / RUNS / f"{number:02d}"
        place.mkdir(parents=True, exist_ok=True)
        write_json(place / "plan.json", run.identity)
        if run.source is not None:
            _write_lineage(place / LINEAGE, run.source)
    write_json(folder / "licenses.json", licenses(runs))
    reasons: Counter[str] = Counter()
    write_json_lines(folder / "refusals.jsonl", _tallied(_refusals(runs), reasons))
    accepted = sum(len(run.units) for run in runs)
    write_json(folder / "generation.json", counts(accepted, reasons.elements()))
    scenes = (
        {**which, "attempt": attempt, **parse_json((unit / "scene.json").read_text())}
        for which, attempt, unit in _numbered(runs)
    )
    write_json_lines(folder / "scenes.jsonl", scenes)
    looks = (
        {**which, "appearance": load_look(unit, which["look"])}
        for which, _, unit in _numbered(runs)
    )
    write_json_lines(folder / "looks.jsonl", looks)
    write_json_lines(root / UNITS, _unit_index(runs))


def _unit_index(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """What any repair has to come out with again."""
    for number, run in enumerate(runs):
        for unit in run.units:
            slot = read_manifest(unit)["slot"]
            yield {**_of(runs, number), "slot": slot, "sha256": file_hash(unit / MANIFEST)}


def _refusals(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    for number, run in enumerate(runs):
        for refusal in refused_attempts(run.units):
            yield {**_of(runs, number), **refusal}


def _of(runs: Sequence[Run], number: int) -> dict[str, int]:
    """How a row names its run: not at all where there is one."""
    return {"run": number} if len(runs) > 1 else {}


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
        if not i and parse_json(plan.read_text())["configuration"].get("relabel"):
            lines.append("robokiln improve ...   (it makes this with a policy of its own)")
            continue
        lines.append(f"robokiln {verb} plan={plan.relative_to(root).as_posix()} out={out}")
    return lines


def _tallied(refused: Iterable[dict[str, Any]], reasons: Counter[str]) -> Iterator[dict[str, Any]]:
    """The same attempts, each counted by its reason as it passes."""
    for attempt in refused:
        reasons[attempt["reason"]] += 1
        yield attempt


def _numbered(runs: Sequence[Run]) -> Iterator[tuple[dict[str, int], int, Path]]:
    """Which episode, the attempt that gave it, and its unit, in the dataset's order."""
    episodes = count()
    for number, run in enumerate(runs):
        for unit in run.units:
            manifest = read_manifest(unit)
            for look in range(manifest["looks"]):
                which = {"episode_index": next(episodes), "slot": manifest["slot"], "look": look}
                yield {**_of(runs, number), **which}, manifest["attempt"], unit


def counts(accepted: int, reasons: Iterable[str]) -> dict[str, Any]:
    """How generation went: attempts, accepted, and refused by reason."""
    refused = Counter(reasons)
    attempts = accepted + refused.total()
    return {"attempts": attempts, "accepted": accepted, "refused": dict(sorted(refused.items()))}


def licenses(runs: Sequence[Run]) -> list[dict[str, str]]:
    """Every asset that the pictures show, and what it may be used for."""
    used = [robots.get(name) for name in sorted({run.plan.robot for run in runs})]
    ours = "procedural, by robokiln"
    return [
        *({"asset": f"robot: {r.name}", "license": r.license, "source": r.source} for r in used),
        {"asset": "objects, containers, table, floor", "license": "Apache-2.0", "source": ours},
        {"asset": "materials, lights, background", "license": "Apache-2.0", "source": ours},
    ]


def origins(root: Path) -> list[str]:
    """The SHA-256 of the SHA256SUMS of each ancestor, the oldest first."""
    found = [parse_json(p.read_text())["configuration"]["origin"] for p in ancestors(root)]
    return [origin["sha256sums"] for origin in found if origin is not None]
