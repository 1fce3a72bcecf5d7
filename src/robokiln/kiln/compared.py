"""A run's episodes compared at assembly: which are kept, and what the dataset says of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from robokiln.files import write_file, write_json
from robokiln.kiln.commit import read_manifest
from robokiln.kiln.compare import Comparison, Start, compare, start_of
from robokiln.kiln.figures import heatmaps
from robokiln.kiln.plan import FOLDER
from robokiln.kiln.provenance import Run
from robokiln.scene import robots, tasks
from robokiln.scene.layout import Area
from robokiln.serial import from_json, parse_json
from robokiln.types import SceneSpec

COMPARISON, COVERAGE = FOLDER / "comparison.json", FOLDER / "coverage.svg"


def keep(runs: Sequence[Run]) -> tuple[list[Run], list[Comparison]]:
    """The runs with the units that stay, and each run's comparison. Runs aren't compared with each
    other: their plans are to have other seeds."""
    kept, found = [], []
    for run in runs:
        ranges, config = _ranges(run), run.plan.compare
        comparison = compare(_starts(run, ranges), ranges, config)
        dropped = comparison.dropped(config)
        units = tuple(u for u in run.units if not dropped or _slot(u) not in dropped)
        kept.append(replace(run, units=units))
        found.append(comparison)
    return kept, found


def write_comparison(root: Path, found: Sequence[Comparison], runs: Sequence[Run]) -> None:
    """comparison.json, a row a run, and the coverage of all of them as a picture."""
    rows = [
        {
            "duplicates": [{"slot": slot, "of": of} for slot, of in comparison.duplicates],
            "dropped": sorted(comparison.dropped(run.plan.compare)),
            "coverage": comparison.coverage,
            "ranges": _ranges(run),
        }
        for comparison, run in zip(found, runs, strict=True)
    ]
    write_json(root / COMPARISON, rows)
    pictures = [
        (f"{run.plan.task}: {role} (m)", coverage.counts, _ranges(run)[role])
        for comparison, run in zip(found, runs, strict=True)
        for role, coverage in comparison.coverage.items()
    ]
    write_file(root / COVERAGE, heatmaps(pictures).encode())


def _ranges(run: Run) -> Mapping[str, Area]:
    plan = run.plan
    return tasks.get(plan.task).ranges(robots.get(plan.robot), plan.scene.ranges)


def _starts(run: Run, roles: Iterable[str]) -> Iterator[Start]:
    for unit in run.units:
        scene = parse_json((unit / "scene.json").read_text())
        yield start_of(_slot(unit), from_json(SceneSpec, scene["spec"]), roles)


def _slot(unit: Path) -> int:
    return int(read_manifest(unit)["slot"])
