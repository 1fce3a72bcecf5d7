"""Whether a run and its dataset are whole: structure, checksums, and the same bytes again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robokiln import dataset
from robokiln.dataset import CARD, CHECKSUMS, DatasetError
from robokiln.files import file_hash, read_json_lines
from robokiln.frames import warm_up
from robokiln.kiln.commit import MANIFEST, read_manifest
from robokiln.kiln.place import Place, locate
from robokiln.kiln.plan import FOLDER, UNITS, Plan, differences, identity
from robokiln.kiln.rundir import PUBLISHED, make_folders, published_hash, read_plan
from robokiln.kiln.unit import Job, make_unit, unit_name
from robokiln.serial import from_json
from robokiln.types import RobokilnError
from robokiln.workers import Execution, Failure, held_interrupts, map_unordered

LEVELS = {
    "quick": "structure, counts, sizes, frames of each video",
    "full": "that, and every byte by its SHA-256",
}

Say = Callable[[str, int, int], None]
"""(what is being done, done, of)."""


@dataclass(frozen=True)
class Verified:
    """What was looked at, and one line for each thing that is wrong."""

    place: Place
    units: int
    episodes: int
    replayed: int
    problems: tuple[str, ...]


def verify(
    where: Path,
    level: str = "full",
    replay: int = 0,
    execution: Execution | None = None,
    source: Path | None = None,
    say: Say = lambda *_: None,
) -> Verified:
    """Check a run directory or a dataset; nothing in it is changed.

    `replay` episodes are made again and compared byte by byte, which needs the code and versions
    that made them, else RobokilnError; `source` is the dataset that a re-rendered one came from.
    """
    place = locate(where)
    units = sorted((place.run / "units").iterdir()) if place.run else []
    problems, count = list[str](), 0
    if place.published:
        count, found = dataset_problems(place.dataset, level)
        problems += found
    if place.run is not None:
        problems += list(_run_problems(place))
        for i, unit in enumerate(units):
            problems += unit_problems(unit, level)
            say("units", i + 1, len(units))
    if replay and not problems:
        problems += _replayed(place, replay, execution or Execution(), source, say)
    return Verified(place, len(units), count, replay, tuple(problems))


def dataset_problems(root: Path, level: str) -> tuple[int, list[str]]:
    """Episodes that the dataset says it holds, and what is wrong with it."""
    problems, episodes = [], 0
    try:
        episodes = dataset.check(root).episodes
    except DatasetError as error:
        problems.append(str(error))
    if level == "full":
        try:
            problems += [f"{root}: {what}" for what in dataset.damages(root)]
        except DatasetError as error:
            problems.append(str(error))
    elif not (root / CHECKSUMS).is_file():
        problems.append(f"{root / CHECKSUMS}: is missing")
    if not dataset.card_is_intact(root):
        problems.append(f"{root / CARD}: was changed or is missing; no data is concerned")
    return episodes, problems


def unit_problems(unit: Path, level: str) -> list[str]:
    """What is wrong with a committed unit by its own manifest."""
    try:
        manifest = read_manifest(unit)
    except RobokilnError as error:
        return [str(error)]
    extra = {p.name for p in unit.iterdir()} - {*manifest["files"], MANIFEST}
    problems = [f"{unit / name}: isn't listed" for name in sorted(extra)]
    for name, file in manifest["files"].items() if level == "full" else ():
        if file_hash(unit / name) != file["sha256"]:
            problems.append(f"{unit / name}: was changed")
    return problems


def _run_problems(place: Place) -> Iterator[str]:
    """Whether run, units and dataset belong together."""
    assert place.run is not None
    try:
        read_plan(place.run / "plan.json")
    except (RobokilnError, OSError) as error:
        yield str(error)
    if not place.published:
        return
    sums = place.dataset / CHECKSUMS
    try:
        recorded = published_hash(place.run)
        if recorded is not None and sums.is_file() and file_hash(sums) != recorded:
            yield f"{sums}: is not what {place.run / PUBLISHED} says"
    except RobokilnError as error:
        yield str(error)
    for row in unit_rows(place.dataset):
        manifest = place.run / "units" / unit_name(row["slot"]) / MANIFEST
        if not manifest.is_file():
            yield f"{manifest.parent}: is missing"
        elif file_hash(manifest) != row["sha256"]:
            yield f"{manifest}: was changed"


def unit_rows(root: Path) -> list[dict[str, Any]]:
    """Slot and manifest hash of each unit as the dataset recorded them; none where it can't say, or
    where the units are those of other runs that were merged."""
    try:
        return [row for row in read_json_lines(root / UNITS) if "run" not in row]
    except (OSError, ValueError):
        return []


def recorded_hashes(place: Place) -> dict[int, str]:
    """By slot, the hash of the manifest that a unit must have."""
    if place.published:
        return {row["slot"]: row["sha256"] for row in unit_rows(place.dataset)}
    assert place.run is not None
    units = sorted((place.run / "units").iterdir())
    return {read_manifest(unit)["slot"]: file_hash(unit / MANIFEST) for unit in units}


def plan_of(place: Place) -> tuple[Plan, dict[str, Any]]:
    """The plan of a run or of a dataset alone, and the identity it was made under; RobokilnError
    where more than a plan is needed to make it again."""
    inside = place.dataset / FOLDER / "plan.json"
    path = inside if place.run is None else place.run / "plan.json"
    if not path.is_file():
        raise RobokilnError(
            f"{place.dataset}: has no {FOLDER / 'plan.json'}: merged, or not made by "
            "`robokiln generate`; look at the runs that it came from"
        )
    recorded = read_plan(path)
    if "merged_plans" in recorded["configuration"]:
        raise RobokilnError(
            f"{place.run}: merged from other runs; verify or repair those, delete "
            f"{place.dataset}, and the same `robokiln merge` makes it again, to the same bytes"
        )
    plan = from_json(Plan, recorded["configuration"], str(path))
    if plan.relabel is not None and plan.origin is None:
        raise RobokilnError(
            f"{path.parent}: a policy takes part in it; delete it, and the `robokiln improve` that "
            "made it makes it again, to the same bytes"
        )
    return plan, recorded


def _replayed(
    place: Place, count: int, execution: Execution, source: Path | None, say: Say
) -> list[str]:
    """Make evenly spread slots again in a directory of their own, and compare."""
    plan, recorded = plan_of(place)
    refuse_other_environment(recorded)
    if plan.origin is not None and source is None:
        raise RobokilnError("replay: this dataset was rendered from another: give source=DIR")
    hashes = recorded_hashes(place)
    slots = sorted(hashes)
    spread = np.linspace(0, len(slots) - 1, count).round().astype(int)
    chosen = [slots[i] for i in np.unique(spread)]
    problems = []
    with held_interrupts():
        warm_up()
    with tempfile.TemporaryDirectory(prefix="robokiln-replay-") as folder:
        make_folders(Path(folder))
        jobs = [Job(plan, Path(folder), slot, source) for slot in chosen]
        ended = map_unordered(make_unit, jobs, execution)
        for done, (job, result) in enumerate(ended, 1):
            say("replay", done, len(jobs))
            again = Path(folder) / "units" / unit_name(job.slot) / MANIFEST
            if isinstance(result, Failure) or not again.is_file():
                why = result.reason if isinstance(result, Failure) else "no attempt was accepted"
                problems.append(f"{unit_name(job.slot)}: could not be made again: {why}")
            elif file_hash(again) != hashes[job.slot]:
                problems.append(f"{unit_name(job.slot)}: came out with other bytes")
    return problems


def refuse_other_environment(recorded: dict[str, Any]) -> None:
    """RobokilnError where what is made here need not have the recorded bytes."""
    keys = ("code_sha256", "environment")
    now = identity(from_json(Plan, recorded["configuration"]))
    lines = differences({k: recorded[k] for k in keys}, {k: now[k] for k in keys})
    if lines:
        raise RobokilnError(
            "can't be made again here, code or environment differ:\n" + "\n".join(lines)
        )
