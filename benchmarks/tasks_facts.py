"""From attempts to the figures of a task, a table of them, and the table in the docs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robokiln.kiln.compare import coverage, start_of
from robokiln.kiln.plan import Plan
from robokiln.report.statistics import wilson
from robokiln.scene import robots, tasks
from robokiln.scene.layout import Area
from robokiln.types import RobokilnError
from tasks_measure import SUCCESS, Attempt

BINS, YAW_BINS = 5, 8
BEGIN, END = "<!-- benchmarks/tasks.py -->", "<!-- end of benchmarks/tasks.py -->"
Facts = dict[str, Any]


def facts_of(plan: Plan, attempts: Mapping[int, Attempt]) -> Facts:
    """Of attempts by slot."""
    done = [a for _, a in sorted(attempts.items())]
    accepted = [a for a in done if a.reason == SUCCESS]
    seconds, hz = sum(a.seconds for a in done), plan.episode.control_hz
    task = tasks.get(plan.task)
    covered = covered_by(plan, accepted)
    shares = [share for role in covered.values() for share in role.values()]
    return {
        "attempts": len(done),
        "accepted": len(accepted),
        "interval": [round(x, 4) for x in wilson(len(accepted), len(done))],
        "refusals": dict(Counter(a.reason for a in done if a.reason != SUCCESS).most_common()),
        "coverage": round(min(shares), 4) if shares and accepted else 0.0,
        "coverage_by_role": covered,
        "coverage_of_uniform_draws": round(expected(BINS * BINS, len(accepted)), 4),
        "median_steps": median([a.steps for a in accepted]),
        "longest": max((a.steps for a in accepted), default=0),
        "horizon": plan.episode.limit(task.horizon),
        "realtime": median([a.steps / hz / a.seconds for a in accepted]),
        "demos_per_minute_per_core": round(len(accepted) * 60 / max(seconds, 1e-9), 2),
        "cpu_seconds": round(seconds, 2),
        "states_checked": len(accepted),
        "states_wrong": dict(Counter(a.wrong for a in accepted if a.wrong).most_common()),
    }


def covered_by(plan: Plan, accepted: Sequence[Attempt]) -> dict[str, dict[str, float]]:
    """Of each role, the share of bins of place, and of yaw where any is drawn, that were seen."""
    ranges = tasks.get(plan.task).ranges(robots.get(plan.robot), plan.scene.ranges)
    starts = [start_of(i, a.spec, ranges) for i, a in enumerate(accepted) if a.spec is not None]
    found: dict[str, dict[str, float]] = {}
    for i, (role, area) in enumerate(ranges.items()):
        points = [start.places[i, :2] for start in starts]
        found[role] = {"place": round(coverage(points, area, BINS).share, 4)}
        if area.yaw[1] - area.yaw[0] > 2 * np.pi - 1e-6:
            yaws = [start.places[i, 2] for start in starts]
            counts, _ = np.histogram(yaws, YAW_BINS, (-np.pi, np.pi))
            found[role]["yaw"] = round(float((counts > 0).mean()), 4)
    return found


def expected(bins: int, draws: int) -> float:
    """The share of so many equally likely bins that independent draws fill on average."""
    return float(1 - (1 - 1 / bins) ** draws)


def median(values: Sequence[float]) -> float:
    return round(float(np.median(values)), 2) if len(values) else 0.0


COLUMNS = ("task", "ranges", "accepted", "95 %", "steps", "of", "coverage", "false positives",
           "replayed", "same bytes", "x real time", "demos/min/core", "refused")  # fmt: skip


def rows(facts: Facts) -> list[tuple[str, ...]]:
    """The table's cells, a row for each task and range."""
    found = []
    for name, ranges in facts["tasks"].items():
        for which, f in ranges.items():
            low, high = f["interval"]
            tried = f["states_checked"] + sum(r["n"] for r in f.get("must_fail", {}).values())
            cells = [name, which, f"{f['accepted']} of {f['attempts']}"]
            cells += [f"{low:.1%}-{high:.1%}".replace("%", "", 1), f"{f['median_steps']:.0f}"]
            cells += [str(f["horizon"]), f"{f['coverage']:.2f}"]
            cells += [f"{f['false_positives']} of {tried}", _of(f, "replayed")]
            cells += [_of(f, "regenerated"), f"{f['realtime']:.1f}"]
            refused = "; ".join(f"{n} {reason}" for reason, n in f["refusals"].items())
            found.append((*cells, f"{f['demos_per_minute_per_core']:.0f}", refused or "-"))
    return found


def _of(facts: Facts, key: str) -> str:
    n = facts["replays"]
    return f"{round(facts[key] * n)} of {n}" if n else "-"


def markdown(facts: Facts) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows(facts)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def area_table(robot: str, names: Iterable[str]) -> str:
    """Where the bodies of each task's roles start, as the tasks say it."""
    lines = ["| task | role | D0, x by y (m) | D1, x by y (m) | yaw |", "|---|---|---|---|---|"]
    for name in names:
        task, arm = tasks.get(name), robots.get(robot)
        wide = task.ranges(arm, "D1")
        for role, area in task.ranges(arm, "D0").items():
            turn = f"within {np.degrees(area.yaw[1] - area.yaw[0]):.0f}°"
            lines.append(f"| {name} | {role} | {_extent(area)} | {_extent(wide[role])} | {turn} |")
    return "\n".join(lines)


def _extent(area: Area) -> str:
    return f"{np.ptp(area.x):.2f} x {np.ptp(area.y):.2f}"


def rewrite(page: Path, facts: Facts) -> None:
    """The page with these tables between its two markers."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise RobokilnError(f"{page}: expected the lines '{BEGIN}' and '{END}'")
    tables = f"{area_table(facts['robot'], facts['tasks'])}\n\n{markdown(facts)}"
    page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}")
