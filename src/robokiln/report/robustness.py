"""What is lost when one thing is other than in training: an evaluation for each such axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from robokiln.files import write_json
from robokiln.report.evaluate import Evaluation, Progress, RowResult, evaluate
from robokiln.report.rollouts import EvaluateConfig, Rollout
from robokiln.report.rows import IMAGE_POLICY
from robokiln.report.statistics import (
    Difference,
    Paired,
    difference,
    mcnemar,
    paired_difference,
    rate,
)
from robokiln.serial import from_json, parse_json
from robokiln.types import RobokilnError
from robokiln.workers import Execution

NOMINAL = "nominal"
RESULT = "robustness.json"
UNFELT = ("look", "sensors", "scenes")
"""Fields that change nothing for who sees no pictures."""
LAYOUT = ("ranges", "shapes")
"""What decides about where things stand: axes that leave it have the nominal's scenes."""


@dataclass(frozen=True)
class Axis:
    """A name, what is other there, and the whole configuration."""

    name: str
    note: str
    config: EvaluateConfig


@dataclass(frozen=True)
class Drop:
    """What a row loses from the nominal rate; `test` is McNemar's of nominal and axis in the scenes
    that they share, which the loss is of, too. None where the axis has scenes of its own."""

    lost: Difference
    test: Paired | None


@dataclass(frozen=True)
class AxisResult:
    """Its rows; `drops` has those that the nominal evaluation has, too."""

    note: str
    rows: dict[str, RowResult]
    drops: dict[str, Drop]


@dataclass(frozen=True)
class Robustness:
    """What `measure` found, the nominal axis first; the contents of robustness.json."""

    task: str
    seed: int
    axes: dict[str, AxisResult]


def measure(
    axes: Sequence[Axis],
    policies: Mapping[str, Path],
    out: Path,
    execution: Execution,
    progress: Callable[[str], AbstractContextManager[Progress]],
) -> Robustness:
    """Evaluate the axes, the first of which is the nominal one, each in its folder of `out`.

    Interrupted, it goes on where it was; further axes are added to what is there.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / NOMINAL).exists())):
        raise RobokilnError(
            f"{out}: exists and holds no robustness suite; choose another directory"
        )
    found = {}
    for axis in filter(None, (seen_by(a, axes[0]) for a in axes)):
        with progress(axis.name) as show:
            found[axis.name] = evaluate(axis.config, policies, out / axis.name, execution, show)
    result = summarize(axes, found)
    write_json(out / RESULT, result, sort_keys=False)
    return result


def read(out: Path) -> Robustness:
    """The finished suite of a directory."""
    try:
        found = parse_json((out / RESULT).read_text())
    except (OSError, ValueError):
        raise RobokilnError(f"{out}: no finished suite; {RESULT} is missing or damaged") from None
    return from_json(Robustness, found, str(out / RESULT))


def seen_by(axis: Axis, nominal: Axis) -> Axis | None:
    """The axis without the rows for which nothing changes, as only the image policy sees pictures;
    None where no row is left."""
    before, here = vars(nominal.config), vars(axis.config)
    if axis is nominal or any(before[n] != here[n] for n in before if n not in UNFELT):
        return axis
    kept = {name: n for name, n in axis.config.scenes.items() if name == IMAGE_POLICY}
    return replace(axis, config=replace(axis.config, scenes=kept)) if kept else None


def summarize(axes: Sequence[Axis], found: Mapping[str, Evaluation]) -> Robustness:
    """Rates of all axes, and what each loses from the nominal one."""
    nominal, config = found[NOMINAL], axes[0].config
    results = {}
    for axis in axes:
        if axis.name not in found:
            continue
        here = found[axis.name]
        shared = [row for row in here.rows if row in nominal.rows and axis.name != NOMINAL]
        same = all(getattr(axis.config.scene, n) == getattr(config.scene, n) for n in LAYOUT)
        drops = {row: _drop(_of(nominal, row), _of(here, row), same) for row in shared}
        results[axis.name] = AxisResult(axis.note, here.rows, drops)
    return Robustness(config.task, config.seed, results)


def _of(found: Evaluation, row: str) -> list[Rollout]:
    return [r for r in found.rollouts if r.row == row]


def _drop(nominal: list[Rollout], here: list[Rollout], same_layout: bool) -> Drop:
    """Paired over the scenes that settled at the same attempt: what is refused differs at times."""
    before = {r.scene: r for r in nominal}
    pairs = [(before[r.scene], r) for r in here if r.scene in before]
    same = [(a, b) for a, b in pairs if a.attempt == b.attempt]
    if same_layout and same:
        test = mcnemar([a.success for a, _ in same], [b.success for _, b in same])
        return Drop(paired_difference(test), test)
    return Drop(difference(rate(r.success for r in nominal), rate(r.success for r in here)), None)
