"""What is damaged goes to quarantine, is made again, and must come out with the recorded bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from robokiln import dataset
from robokiln.dataset import CHECKSUMS, DatasetError
from robokiln.files import file_hash, sync_directory, write_file, write_json
from robokiln.kiln.commit import MANIFEST, Nondeterminism
from robokiln.kiln.generate import GenerateResult, Progress, generate
from robokiln.kiln.place import Place, locate
from robokiln.kiln.plan import FOLDER
from robokiln.kiln.rundir import PUBLISHED, open_run, published_hash, read_plan
from robokiln.kiln.unit import unit_name
from robokiln.kiln.verify import (
    dataset_problems,
    plan_of,
    refuse_other_environment,
    unit_problems,
    unit_rows,
)
from robokiln.types import RobokilnError
from robokiln.workers import Execution

QUARANTINE = "quarantine"


@dataclass(frozen=True)
class Repaired:
    """What was damaged, where the damaged things lie now, and the dataset after it."""

    problems: tuple[str, ...]
    kept: tuple[Path, ...]
    result: GenerateResult | None


def repair(
    where: Path,
    execution: Execution,
    progress: Callable[[Progress], None] = lambda _: None,
    command: str = "",
    source: Path | None = None,
) -> Repaired:
    """Restore a run directory or a dataset to the bytes that it recorded of itself.

    Needs the code and versions that made it. Raises RobokilnError where that can't be, and
    Nondeterminism where other bytes come out; nothing intact is touched before.
    """
    place = locate(where)
    if place.run is None:
        return _alone(place, execution, progress, command, source)
    _restore_plan(place, place.run / "plan.json")
    plan, recorded = plan_of(place)
    refuse_other_environment(recorded)
    with open_run(place.run, recorded):
        published = place.published
        broken = dataset_problems(place.dataset, "full")[1] if published else []
        units = _damaged_units(place, place.run, trusted=not broken)
        kept = [_move(unit, place.run / QUARANTINE) for unit in units if unit.exists()]
        problems = [*broken, *(line for lines in units.values() for line in lines)]
        # Dataset and units agree byte by byte: what they don't agree with is what was damaged.
        if published and not problems:
            return _record_again(place, place.run)
        # The dataset is made again from all units: its recorded hash is the proof of the new ones.
        aside = _move(place.dataset, place.run / QUARANTINE) if published else None
    result = generate(plan, place.run, execution, progress, command, source)
    if aside is not None and result.dataset is not None and not broken:
        shutil.rmtree(aside)  # it was intact, and stands in its place again
    elif aside is not None:
        kept.append(aside)
    return Repaired(tuple(problems), tuple(kept), result)


def _record_again(place: Place, run: Path) -> Repaired:
    """Nothing, or a published.json that says what an intact dataset hashes to."""
    path, now = run / PUBLISHED, file_hash(place.dataset / CHECKSUMS)
    try:
        if published_hash(run) == now:
            return Repaired((), (), None)
    except RobokilnError:
        pass
    write_json(path, {"sha256sums": now})
    return Repaired((f"{path}: was changed or is missing",), (), None)


def _damaged_units(place: Place, run: Path, trusted: bool) -> dict[Path, list[str]]:
    """What is wrong with each unit, also by the dataset's index where that can be trusted."""
    found = {unit: unit_problems(unit, "full") for unit in sorted((run / "units").iterdir())}
    for row in unit_rows(place.dataset) if trusted else ():
        unit = run / "units" / unit_name(row["slot"])
        if unit not in found:
            found[unit] = [f"{unit}: is missing"]
        elif not found[unit] and file_hash(unit / MANIFEST) != row["sha256"]:
            found[unit] = [f"{unit / MANIFEST}: was changed"]
    return {unit: problems for unit, problems in found.items() if problems}


def _restore_plan(place: Place, plan_file: Path) -> None:
    """A damaged plan.json is taken from the dataset, if that is intact."""
    try:
        read_plan(plan_file)
        return
    except (RobokilnError, OSError):
        pass
    copy = place.dataset / FOLDER / "plan.json"
    if not place.published or dataset.damages(place.dataset):
        raise RobokilnError(
            f"{plan_file}: can't be read, and there is no intact dataset to take it from; type the "
            "command that began the run"
        )
    write_file(plan_file, copy.read_bytes())


def _move(what: Path, folder: Path) -> Path:
    """Into the quarantine under a name that is free."""
    folder.mkdir(exist_ok=True)
    taken = len(list(folder.glob(f"{what.name}.damaged-*")))
    target = folder / f"{what.name}.damaged-{taken}"
    what.rename(target)
    sync_directory(what.parent)
    sync_directory(folder)
    return target


def _alone(
    place: Place,
    execution: Execution,
    progress: Callable[[Progress], None],
    command: str,
    source: Path | None,
) -> Repaired:
    """A dataset without its units: all of it is made again beside it, and takes its place."""
    root = place.dataset
    _, problems = dataset_problems(root, "full")
    if not problems:
        return Repaired((), (), None)
    plan, _ = plan_of(place)
    beside = root.resolve().with_name(f"{root.resolve().name}.repair")
    result = generate(plan, beside, execution, progress, command, source)
    if result.dataset is None:
        return Repaired(tuple(problems), (), result)
    _must_match(root, result.dataset)
    kept = _move(root.resolve(), beside / QUARANTINE)
    result.dataset.rename(root.resolve())
    sync_directory(root.resolve().parent)
    return Repaired(tuple(problems), (kept,), result)


def _must_match(root: Path, again: Path) -> None:
    """The recorded sums are those of the new dataset, or they alone were what was damaged."""
    fresh = dataset.read_checksums(again)
    try:
        if dataset.read_checksums(root) == fresh:
            return
    except DatasetError:
        pass
    if all((root / n).is_file() and file_hash(root / n) == digest for n, digest in fresh.items()):
        return
    raise Nondeterminism(f"{root}: came out with other bytes than recorded: see {again}")
