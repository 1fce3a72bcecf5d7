"""Closed-loop evaluation: every row in the same held-out scenes, over processes, resumable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from robokiln.files import write_json
from robokiln.report import journal
from robokiln.report.failures import FAILURES
from robokiln.report.rollouts import EvaluateConfig, Job, Rollout, roll_out
from robokiln.report.rows import ROWS
from robokiln.report.statistics import Paired, Quartiles, Rate, mcnemar, quartiles, rate
from robokiln.serial import from_json, parse_json
from robokiln.types import RobokilnError
from robokiln.workers import Execution, Failure, map_unordered

RESULT = "evaluation.json"
FILMS = "films"
COMPARED = (
    ("image_policy", "state_policy"),
    ("image_policy", "expert"),
    ("image_policy", "blank_images"),
    ("image_policy", "blank_instruction"),
    ("image_policy", "swapped_instruction"),
    ("image_policy", "random"),
)

Progress = Callable[[int, int, Mapping[str, Rate]], None]
"""(rollouts done, of, the rate of each row so far)."""


@dataclass(frozen=True)
class RowResult:
    """One row: its rate, simulated seconds to success, failures by class, mean progress and the
    farthest phases of failures, and how often what the instruction says was done.

    `obeyed` is of the scenes in which it was not so from the start; it differs from the rate only
    where the instruction is swapped.
    """

    successes: int
    n: int
    low: float
    high: float
    seconds: Quartiles | None
    failures: dict[str, int]
    progress: float
    phases: dict[str, int]
    obeyed: Rate


@dataclass(frozen=True)
class Comparison:
    """Two rows on the scenes that both were tried in."""

    first: str
    second: str
    test: Paired


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found, in the order of `rows.ROWS`; the contents of evaluation.json."""

    task: str
    seed: int
    rows: dict[str, RowResult]
    comparisons: tuple[Comparison, ...]
    rollouts: tuple[Rollout, ...]


def evaluate(
    config: EvaluateConfig,
    policies: Mapping[str, Path],
    out: Path,
    execution: Execution,
    progress: Progress | None = None,
) -> Evaluation:
    """Run what is missing of `config`'s rollouts into `out`, and sum them up in evaluation.json.

    `policies` maps "image_policy" and "state_policy" to trained directories, as far as the rows
    need them. The result does not depend on `execution` or on interruptions.
    """
    used = _needed(config, policies)
    jobs = _jobs(config, used, out)
    with journal.opened(out, journal.identity(config, used)) as log:
        _run(jobs, log, execution, progress)
        found = summarize(config, [log.done[job.row, job.scene] for job in jobs])
    write_json(out / RESULT, found, sort_keys=False)
    return found


def summarize(config: EvaluateConfig, rollouts: list[Rollout]) -> Evaluation:
    """Rates, times, failures and comparisons of finished rollouts."""
    order = {name: i for i, name in enumerate(ROWS)}
    ordered = sorted(rollouts, key=lambda r: (order[r.row], r.scene))
    by_row = {n: [r for r in ordered if r.row == n] for n in ROWS if n in config.scenes}
    compared = [(a, b) for a, b in COMPARED if a in by_row and b in by_row]
    return Evaluation(
        task=config.task,
        seed=config.seed,
        rows={name: _row(found) for name, found in by_row.items()},
        comparisons=tuple(_compare(a, b, by_row[a], by_row[b]) for a, b in compared),
        rollouts=tuple(ordered),
    )


def read(out: Path) -> Evaluation:
    """The finished evaluation of a directory."""
    try:
        found = parse_json((out / RESULT).read_text())
    except (OSError, ValueError):
        raise RobokilnError(
            f"{out}: no finished evaluation; {RESULT} is missing or damaged"
        ) from None
    return from_json(Evaluation, found, str(out / RESULT))


def film_path(out: Path, row: str, scene: int) -> Path:
    """Where the motion of a filmed row's rollout is kept."""
    return out / FILMS / f"{row}-{scene:05d}.npz"


def _needed(config: EvaluateConfig, policies: Mapping[str, Path]) -> dict[str, Path]:
    needed = {ROWS[name].policy: name for name in config.scenes if ROWS[name].policy}
    for policy, row in needed.items():
        if policy not in policies:
            given = ", ".join(sorted(policies)) or "none"
            raise RobokilnError(f"row '{row}' needs a trained '{policy}'; given: {given}")
    return {policy: policies[policy].resolve() for policy in sorted(needed)}


def _jobs(config: EvaluateConfig, policies: Mapping[str, Path], out: Path) -> list[Job]:
    """Scene by scene, so that every row's running rate means something early on."""
    return [
        Job(
            config,
            name,
            scene,
            policies.get(ROWS[name].policy),
            film_path(out.resolve(), name, scene) if name == config.filmed else None,
        )
        for scene in range(max(config.scenes.values()))
        for name in ROWS
        if scene < config.scenes.get(name, 0)
    ]


def _run(
    jobs: list[Job], log: journal.Journal, execution: Execution, progress: Progress | None
) -> None:
    """Twice, as a crash or a hang may be the machine's; an error of ours is one at once."""
    failed: dict[tuple[str, int], str] = {}
    for _ in range(2):
        missing = [job for job in jobs if (job.row, job.scene) not in log.done]
        failed.clear()
        for job, result in map_unordered(roll_out, missing, execution):
            if isinstance(result, Failure) and not result.transient:
                raise RobokilnError(f"{job.row}, scene {job.scene}: {result.reason}")
            if isinstance(result, Failure):
                failed[job.row, job.scene] = result.reason
                continue
            log.add(result)
            if progress is not None:
                progress(len(log.done), len(jobs), running(log.done.values()))
        if not failed:
            return
    (row, scene), reason = next(iter(failed.items()))
    raise RobokilnError(f"{len(failed)} rollouts have no result; {row}, scene {scene}: {reason}")


def running(rollouts: Iterable[Rollout]) -> dict[str, Rate]:
    """The rate of each row so far."""
    outcomes: dict[str, list[bool]] = {}
    for rollout in rollouts:
        outcomes.setdefault(rollout.row, []).append(rollout.success)
    return {name: rate(outcomes[name]) for name in ROWS if name in outcomes}


def _row(rollouts: list[Rollout]) -> RowResult:
    found = rate(r.success for r in rollouts)
    failed = sorted((r for r in rollouts if not r.success), key=lambda r: r.progress)
    failures = Counter(r.failure for r in failed)
    phases = Counter(r.phase for r in failed)
    return RowResult(
        successes=found.successes,
        n=found.n,
        low=found.low,
        high=found.high,
        seconds=quartiles([r.seconds for r in rollouts if r.success]),
        failures={name: failures[name] for name in FAILURES if failures[name]},
        progress=round(fmean(r.progress for r in rollouts), 4),
        phases=dict(phases),
        obeyed=rate(r.obeyed for r in rollouts if r.obeyed is not None),
    )


def _compare(first: str, second: str, a: list[Rollout], b: list[Rollout]) -> Comparison:
    """Rows start at scene 0, so the shorter one's scenes are the shared ones."""
    shared = list(zip(a, b, strict=False))
    assert all(x.scene == y.scene for x, y in shared)
    return Comparison(
        first, second, mcnemar([x.success for x, _ in shared], [y.success for _, y in shared])
    )
