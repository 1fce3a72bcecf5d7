"""How good each task's demonstrations are: every drawn seed is an attempt, none is left out.

    python benchmarks/tasks.py --json docs/tasks.json --docs docs/tasks.md --sheets out/sheets

An attempt is what one of `robokiln generate` is: scene, noisy expert and the gates of a motion.
False positives are accepted final states that an independent look at the bodies' places, a
simulated second later, finds wrong, and episodes that count as a success though their actor does
nothing, moves at random, never lets go, or lets go beside the goal. Stored actions are replayed
from the stored scene, and seeds simulated again, each in a fresh process. CPU seconds are those of
scene, expert, inverse kinematics and physics; nothing is rendered.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from independent import CHECKS
from maniskill import lines, maniskill
from robokiln.cli.compose import choices, compose
from robokiln.cli.settings import generation_plan
from robokiln.kiln.plan import Plan
from robokiln.report.statistics import wilson
from robokiln.serial import canonical_json, parse_json
from robokiln.types import RobokilnError
from robokiln.workers import Execution, Failure, map_unordered
from tasks_facts import COLUMNS, Facts, facts_of, rewrite, rows
from tasks_measure import SUCCESS, Attempt, Failing, Job, Replay, attempt, fail, replay
from tasks_saboteurs import ACTORS, applies
from tasks_sheets import sheets

In, Out = TypeVar("In"), TypeVar("Out")


def each(
    function: Callable[[In], Out], jobs: Iterable[In], execution: Execution
) -> Iterator[tuple[In, Out]]:
    """Results as they come; a worker that fails ends the benchmark."""
    for job, result in map_unordered(function, jobs, execution):
        if isinstance(result, Failure):
            raise SystemExit(f"{function.__name__} {job!r}: {result.reason}"[:2000])
        yield job, result


def measured(plan: Plan, count: int, options: argparse.Namespace) -> tuple[Facts, list[int]]:
    """The figures of one task in one range, and the accepted slots."""
    execution = Execution(options.workers, 300)
    jobs = [Job(plan, slot) for slot in range(count)]
    attempts = {job.slot: result for job, result in each(attempt, jobs, execution)}
    facts = facts_of(plan, attempts)
    accepted = [slot for slot in sorted(attempts) if attempts[slot].reason == SUCCESS]
    facts |= replayed(plan, [(s, attempts[s]) for s in accepted[: options.replays]], options)
    if options.sabotage and accepted and plan.scene.ranges == "D0":
        facts["must_fail"] = failing(plan, attempts[accepted[0]], options)
    tried = facts.get("must_fail", {}).values()
    facts["false_positives"] = sum(facts["states_wrong"].values()) + sum(
        row["successes"] for row in tried
    )
    return facts, accepted


def replayed(
    plan: Plan, kept: list[tuple[int, Attempt]], options: argparse.Namespace
) -> dict[str, Any]:
    """Shares of stored episodes that replay to success, and of seeds that give the same bytes."""
    jobs = [
        Replay(plan, slot, canonical_json(a.spec), a.actions, a.digest)
        for slot, a in kept
        if a.spec is not None and a.actions is not None
    ]
    fresh = Execution(options.workers, 300, recycle_after=1)
    results = [result for _, result in each(replay, jobs, fresh)]
    n = len(results)
    shares = [sum(flags) / n for flags in zip(*results, strict=True)] if n else [0.0, 0.0]
    return {"replays": n, "replayed": shares[0], "regenerated": shares[1]}


def failing(plan: Plan, example: Attempt, options: argparse.Namespace) -> dict[str, Any]:
    """What became of the actors that must fail, where their fault is one in this task."""
    assert example.spec is not None
    assert example.actions is not None
    ends_open = bool(example.actions[-1, 9] > 0.5)
    names = [name for name in ACTORS if applies(name, example.spec, ends_open)]
    jobs = [Failing(plan, slot, name) for name in names for slot in range(options.sabotage)]
    ends: dict[str, Counter[str]] = {name: Counter() for name in names}
    for job, (reason, meant_it) in each(fail, jobs, Execution(options.workers, 300)):
        if meant_it:
            ends[job.actor][reason] += 1
    return {
        name: {
            "n": sum(found.values()),
            "successes": found[SUCCESS],
            "interval": list(wilson(found[SUCCESS], sum(found.values()))),
        }
        for name, found in ends.items()
    }


def plan_of(task: str, ranges: str, options: argparse.Namespace) -> Plan:
    """As the command line makes it."""
    given = [f"task={task}", f"robot={options.robot}", f"scene.ranges={ranges}"]
    return generation_plan(compose("generate", [*given, f"seed={options.seed}"]))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", nargs="+", default=choices("task"), help="default: every one")
    parser.add_argument("--robot", default="panda")
    parser.add_argument("--attempts", type=int, default=500, help="a task in D0")
    parser.add_argument("--attempts-d1", type=int, default=200, help="a task in D1")
    parser.add_argument("--replays", type=int, default=50, help="a task and range")
    parser.add_argument("--sabotage", type=int, default=200, help="scenes an actor, in D0")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--maniskill", metavar="PYTHON", help="of an environment with mani_skill")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--docs", type=Path, help="rewrite the table in this page")
    parser.add_argument("--sheets", type=Path, help="folder for pictures and films")
    options = parser.parse_args()
    unknown = [t for t in options.task if t not in choices("task") or t not in CHECKS]
    if unknown:
        raise SystemExit(f"no task or no independent check: {', '.join(unknown)}")
    return options


def main() -> None:
    options = arguments()
    facts: Facts = {"robot": options.robot, "machine": platform.machine(), "tasks": {}}
    if options.json and options.json.exists():  # other tasks of an earlier run stay as they are
        before = parse_json(options.json.read_text())
        if all(before.get(key) == facts[key] for key in ("robot", "machine")):
            facts["tasks"] = before["tasks"]
    print(" | ".join(COLUMNS), flush=True)
    for name in options.task:
        facts["tasks"].setdefault(name, {})
        for ranges, count in (("D0", options.attempts), ("D1", options.attempts_d1)):
            if not count:
                continue
            plan = plan_of(name, ranges, options)
            figures, accepted = measured(plan, count, options)
            facts["tasks"][name][ranges] = figures
            row = rows({**facts, "tasks": {name: {ranges: figures}}})[0]
            print(" | ".join(row), flush=True)
            for file in (
                sheets(
                    options.sheets, f"{name}_{ranges}", plan, accepted, Execution(options.workers)
                )
                if options.sheets
                else ()
            ):
                print(file, flush=True)
            if options.json:  # as far as it has come
                options.json.parent.mkdir(parents=True, exist_ok=True)
                options.json.write_text(json.dumps(facts, indent=2) + "\n")
    if options.maniskill:
        facts["maniskill"] = maniskill(options.maniskill, 50)
        print("\n".join(lines(facts["maniskill"])))
    if options.json:
        options.json.write_text(json.dumps(facts, indent=2) + "\n")
    if options.docs:
        rewrite(options.docs, facts)


if __name__ == "__main__":
    try:
        main()
    except RobokilnError as error:
        raise SystemExit(str(error)) from None
