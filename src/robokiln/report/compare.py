"""Two policies on the same scenes, from finished evaluations; several training seeds of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from robokiln.files import make_directory, write_json
from robokiln.report import journal
from robokiln.report.evaluate import read
from robokiln.report.failures import FAILURES
from robokiln.report.rollouts import Rollout
from robokiln.report.statistics import (
    Difference,
    Paired,
    Rate,
    mcnemar,
    quartiles,
    rate,
    scene_difference,
    scene_rate,
    sign_test,
)
from robokiln.types import RobokilnError, lookup

RESULT = "compare.json"
MAY_DIFFER = ("scenes", "filmed", "cameras", "antialias")
"""Of the configuration: how many scenes and what is kept; and a policy's own cameras."""


@dataclass(frozen=True)
class Side:
    """One policy: its evaluations, the rate of each training seed, and all of them together, with
    the interval of `scene_rate`; the median of its seconds to success."""

    directories: tuple[str, ...]
    seeds: tuple[Rate, ...]
    pooled: Rate
    seconds: float | None
    failures: dict[str, int]


@dataclass(frozen=True)
class SceneDiffers:
    """A scene in which one did better: successes of so many seeds."""

    scene: int
    instruction: str
    a: int
    b: int


@dataclass(frozen=True)
class Comparison:
    """`tests` are McNemar's of the i-th seeds; `pooled` counts all their pairs of rollouts;
    `better` is the rate of the first less the second, with the interval of `scene_difference`.

    `p` is the sign test over scenes, in which a scene counts once whatever the number of seeds;
    with one seed each it is McNemar's exact test. `pooled.p` takes every pair as a scene of its
    own, so it is too small where there are several seeds.
    """

    task: str
    row: str
    scenes: int
    a: Side
    b: Side
    tests: tuple[Paired, ...]
    pooled: Paired
    better: Difference
    p: float
    differing: tuple[SceneDiffers, ...]


def compare(a: Sequence[Path], b: Sequence[Path], row: str) -> Comparison:
    """Compare a row of evaluations of one scene configuration, or say what differs."""
    if len(a) != len(b) or not a:
        raise RobokilnError(f"expected as many training seeds of a as of b, got {len(a)}, {len(b)}")
    together = [*a, *b]
    for one, other in combinations(together, 2):
        if one.resolve() == other.resolve():
            raise RobokilnError(f"{one}: given twice")
    configurations = [journal.read_configuration(path) for path in together]
    for path, configuration in zip(together[1:], configurations[1:], strict=True):
        _check_same(together[0], configurations[0], path, configuration)
    found = [_rollouts(path, row) for path in together]
    shared = sorted(set.intersection(*({*f} for f in found)))
    _check_scenes(together, found, shared)
    return _summed(str(configurations[0].get("task")), row, together, found, shared)


def write(found: Comparison, out: Path) -> Path:
    """compare.json in a directory; its path."""
    make_directory(out)
    write_json(out / RESULT, found, sort_keys=False)
    return out / RESULT


def _check_same(first: Path, before: Any, path: Path, here: Any) -> None:
    """Refuse other scenes by the name of what makes them others."""
    wrong = [
        f"{key} ({_short(before, here, key)})"
        for key in sorted({*before, *here})
        if key not in MAY_DIFFER and before.get(key) != here.get(key)
    ]
    if wrong:
        raise RobokilnError(
            f"{path}: not the scenes of {first}: another {', '.join(wrong)}; "
            "compare evaluations of one configuration and seed"
        )


def _short(before: Mapping[str, Any], here: Mapping[str, Any], key: str) -> str:
    """What differs within a key."""
    old, new = before.get(key), here.get(key)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        inner = [k for k in sorted({*old, *new}) if old.get(k) != new.get(k)]
        return ", ".join(f"{k}: {old.get(k)} and {new.get(k)}" for k in inner)
    return f"{old} and {new}"


def _rollouts(path: Path, row: str) -> dict[int, Rollout]:
    evaluation = read(path)
    lookup(f"{path}: row", row, evaluation.rows)
    return {r.scene: r for r in evaluation.rollouts if r.row == row}


def _check_scenes(
    paths: Sequence[Path], found: Sequence[Mapping[int, Rollout]], shared: Sequence[int]
) -> None:
    """One configuration gives the same scenes, unless other code made them."""
    for path, rollouts in zip(paths, found, strict=True):
        for scene in shared:
            first, here = found[0][scene], rollouts[scene]
            if (first.attempt, first.instruction) != (here.attempt, here.instruction):
                raise RobokilnError(
                    f"{path}: scene {scene} is another one than in {paths[0]}: "
                    f"'{here.instruction}' and '{first.instruction}'; other code made it"
                )


def _summed(
    task: str,
    row: str,
    paths: Sequence[Path],
    found: Sequence[Mapping[int, Rollout]],
    shared: Sequence[int],
) -> Comparison:
    count = len(paths) // 2
    outcomes = [[f[scene].success for scene in shared] for f in found]
    first, second = outcomes[:count], outcomes[count:]
    tests = tuple(mcnemar(x, y) for x, y in zip(first, second, strict=True))
    pooled = mcnemar([s for x in first for s in x], [s for y in second for s in y])
    a, b = ([sum(s) for s in zip(*side, strict=True)] for side in (first, second))
    differing = tuple(
        SceneDiffers(scene, found[0][scene].instruction, x, y)
        for scene, x, y in zip(shared, a, b, strict=True)
        if x != y
    )
    return Comparison(
        task=task,
        row=row,
        scenes=len(shared),
        a=_side(paths[:count], found[:count], shared),
        b=_side(paths[count:], found[count:], shared),
        tests=tests,
        pooled=pooled,
        better=scene_difference(pooled, a, b),
        p=sign_test(a, b),
        differing=differing,
    )


def _side(
    paths: Sequence[Path], found: Sequence[Mapping[int, Rollout]], shared: Sequence[int]
) -> Side:
    per_seed = [[f[scene] for scene in shared] for f in found]
    every = [r for rollouts in per_seed for r in rollouts]
    counts = [sum(r.success for r in tries) for tries in zip(*per_seed, strict=True)]
    times = quartiles([r.seconds for r in every if r.success])
    failures = Counter(r.failure for r in every)
    return Side(
        directories=tuple(str(path) for path in paths),
        seeds=tuple(rate(r.success for r in rollouts) for rollouts in per_seed),
        pooled=scene_rate(counts, len(found)),
        seconds=times.median if times else None,
        failures={name: failures[name] for name in FAILURES if failures[name]},
    )
