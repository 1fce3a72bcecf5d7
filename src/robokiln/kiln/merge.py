"""Several runs become one dataset: their units, one after the other, never encoded again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robokiln import dataset
from robokiln.files import file_hash
from robokiln.kiln.assembly import publish, refuse_mixture
from robokiln.kiln.commit import MANIFEST
from robokiln.kiln.place import locate
from robokiln.kiln.plan import FORMAT, Plan
from robokiln.kiln.provenance import Run, committed
from robokiln.kiln.rundir import open_run, read_plan
from robokiln.kiln.verify import unit_problems
from robokiln.serial import canonical_json, from_json
from robokiln.types import RobokilnError

Say = Callable[[str, int, int], None]
"""(stage, done, of)."""


@dataclass(frozen=True)
class Merged:
    """The dataset, and the units that each run gave."""

    dataset: Path
    units: Mapping[str, int]
    already_complete: bool = False


def merge(sources: Sequence[Path], out: Path, say: Say = lambda *_: None) -> Merged:
    """Publish `out`/dataset from the units of complete runs, in the order given.

    Raises RobokilnError where a run is incomplete or damaged, where runs have the same units, or
    where their pictures and columns don't fit together. The runs are only read.
    """
    if len(sources) < 2:
        raise RobokilnError(f"merge: expected at least two runs, got {len(sources)}")
    runs = {str(where): _run(where, say) for where in sources}
    if len(runs) < len(sources):
        raise RobokilnError("merge: a run is named twice")
    refuse_mixture({name: run.plan for name, run in runs.items()})
    hashes = _unit_hashes(runs)
    for where in sources:
        if out.resolve().is_relative_to(where.resolve()):
            raise RobokilnError(f"out: {out} lies inside the run {where}; choose another out=DIR")
    counted = {name: len(run.units) for name, run in runs.items()}
    with open_run(out, _identity(runs, hashes)):
        if (out / "dataset").exists():
            dataset.check(out / "dataset")
            return Merged(out / "dataset", counted, already_complete=True)
        made = publish(out, list(runs.values()), lambda done, of: say("assemble", done, of))
    return Merged(made, counted)


def _run(where: Path, say: Say) -> Run:
    """A complete run with every byte of its units checked."""
    place = locate(where)
    if place.run is None:
        raise RobokilnError(
            f"{where}: a dataset without its units can't be merged; "
            "`robokiln generate plan=DATASET/meta/robokiln/plan.json out=DIR` makes the run again"
        )
    identity = read_plan(place.run / "plan.json")
    plan = from_json(Plan, identity["configuration"], str(place.run / "plan.json"))
    units = committed(place.run)
    if len(units) != plan.episodes:
        raise RobokilnError(
            f"{where}: incomplete, {len(units)} of {plan.episodes} units; the command that began "
            "it continues it"
        )
    for i, unit in enumerate(units):
        problems = unit_problems(unit, "full")
        if problems:
            raise RobokilnError(f"{problems[0]}: robokiln repair {where}")
        say(f"check {where}", i + 1, len(units))
    return Run(plan, identity, units)


def _unit_hashes(runs: Mapping[str, Run]) -> list[str]:
    """Of every unit, in order; an error where two runs hold the same one."""
    owner: dict[str, str] = {}
    for name, run in runs.items():
        for unit in run.units:
            digest = file_hash(unit / MANIFEST)
            if digest in owner:
                raise RobokilnError(
                    f"{unit}: {owner[digest]} has the same unit; runs of other seeds differ"
                )
            owner[digest] = name
    return list(owner)


def _identity(runs: Mapping[str, Run], hashes: Sequence[str]) -> dict[str, Any]:
    """A plan.json by which a merge that was cut short goes on, and another is refused."""
    units = hashlib.sha256("".join(hashes).encode()).hexdigest()
    plans = [run.identity["configuration_sha256"] for run in runs.values()]
    configuration = {"merged_plans": plans, "units_sha256": units}
    first = next(iter(runs.values())).identity
    return {
        "format": FORMAT,
        "configuration": configuration,
        "configuration_sha256": hashlib.sha256(canonical_json(configuration).encode()).hexdigest(),
        **{key: first[key] for key in ("code_sha256", "environment")},
    }
