"""What policies learn from 200 demonstrations a task, in held-out scenes; every run is resumable.

    python benchmarks/policies.py --out out/policies --json docs/results.json --docs docs/results.md
    python benchmarks/policies.py --run lift stack_two_d1 --seeds 1

Each run generates 200 demonstrations (every drawn seed an attempt), renders each of them in as many
looks as it says, trains `policy=small` on them for a number of steps written down here before it
was run, takes the last checkpoint, and tries it in 200 held-out scenes. CPU minutes are those of
the training process and its threads, summed over interruptions. What is finished is written after
each run; the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies_page import rewrite
from robokiln.files import write_json
from robokiln.report.statistics import mcnemar, wilson
from robokiln.serial import parse_json

DEMONSTRATIONS, ROLLOUTS, CONTROLS = 200, 200, 50
DATA_SEED = 11
EIGHT = ("lift", "pick_place", "stack_two", "stack_three", "insert_peg", "open_drawer",
         "put_in_drawer", "pour")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One policy: what it learns from, how long, for how many seeds, and its target."""

    tasks: tuple[str, ...]
    steps: int
    target: float
    ranges: str = "D0"
    seeds: int = 1
    looks: int = 4
    image_size: int = 96
    extra: tuple[str, ...] = ()


RUNS: dict[str, Run] = {
    "lift": Run(("lift",), 2000, 0.97),
    "pick_place": Run(("pick_place",), 5000, 0.90, seeds=3),
    "stack_two": Run(("stack_two",), 3000, 0.95, seeds=3),
    "stack_two_d1": Run(("stack_two",), 4000, 0.90, "D1"),
    "stack_three": Run(("stack_three",), 5000, 0.77),
    "insert_peg": Run(("insert_peg",), 4000, 0.80, looks=2, image_size=192),
    "open_drawer": Run(("open_drawer",), 3000, 0.95),
    "eight_tasks": Run(EIGHT, 12000, 0.75, looks=1),
} | {
    f"{task}_{name}": Run(
        (task,), steps, 0.0, looks=1, image_size=size, extra=(f"policy.two_step={two_step}",)
    )
    for task, steps, size in (("stack_two", 1000, 96), ("insert_peg", 2500, 192))
    for name, two_step in (("steps", "false"), ("two_step", "true"))
}
"""Targets are those of success; 0 in the ablation of the head, whose runs are short on purpose."""


def robokiln(*arguments: str) -> None:
    """One verb; its output goes through."""
    subprocess.run([sys.executable, "-m", "robokiln.cli", *arguments], check=True)


def cpu_minutes() -> float:
    """Of all children that ended so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) / 60


def dataset_of(task: str, run: Run, out: Path) -> tuple[Path, dict[str, Any]]:
    """The demonstrations, made if they are not there, and how many attempts they took."""
    ranges = run.ranges
    pixels = "" if run.image_size == 96 else f"_{run.image_size}"
    where = out / "data" / f"{task}_{ranges}{pixels}"
    given = [f"task={task}", f"scene.ranges={ranges}", f"episodes={DEMONSTRATIONS}"]
    given += [f"image_size={run.image_size}"]
    if not (where / "dataset").exists():  # later code may finish what earlier code began to train
        robokiln("generate", *given, f"seed={DATA_SEED}", f"out={where}")
    facts = read(where / "dataset" / "meta" / "robokiln" / "generation.json")
    looks = where if run.looks == 1 else where.with_name(f"{where.name}_{run.looks}_looks")
    if not (looks / "dataset").exists():
        given = [f"looks_per_episode={run.looks}", f"out={looks}"]
        robokiln("rerender", str(where / "dataset"), *given)
    return looks / "dataset", {"attempts": facts["attempts"], "accepted": facts["accepted"]}


def trained(name: str, run: Run, seed: int, roots: Sequence[Path], out: Path) -> tuple[Path, float]:
    """The policy, and the CPU minutes that training took in all sittings."""
    where = out / "policies" / f"{name}_{seed}"
    spent = out / "policies" / f"{name}_{seed}.minutes.json"
    given = [*map(str, roots), f"policy.steps={run.steps}", f"policy.seed={seed}", *run.extra]
    finished = (where / "policy.json").exists()
    before = cpu_minutes()
    try:
        robokiln("train", *given, f"out={where}")
    finally:
        minutes = read(spent)["cpu_minutes"] if spent.exists() else 0.0
        minutes += 0.0 if finished else cpu_minutes() - before
        spent.parent.mkdir(parents=True, exist_ok=True)
        write_json(spent, {"cpu_minutes": round(minutes, 2)})
    return where, minutes


def evaluated(name: str, run: Run, seed: int, task: str, policy: Path, out: Path) -> dict[str, Any]:
    """The rows of one evaluation."""
    where = out / "evaluations" / f"{name}_{seed}_{task}"
    controls = ("blank_images", "blank_instruction", "swapped_instruction", "expert")
    rows = {"image_policy": ROLLOUTS, "random": 20, "noop": 20} | dict.fromkeys(controls, CONTROLS)
    scenes = [f"scenes.{row}={n}" for row, n in rows.items()]
    given = [f"task={task}", f"scene.ranges={run.ranges}", f"image_policy={policy}"]
    given += [f"image_size={run.image_size}"]
    robokiln("evaluate", *given, *scenes, f"out={where}")
    return read(where / "evaluation.json")


def read(path: Path) -> Any:
    return parse_json(path.read_text())


def measured(name: str, run: Run, seeds: int, out: Path) -> dict[str, Any]:
    """Everything of one run."""
    made = {task: dataset_of(task, run, out) for task in run.tasks}
    facts: dict[str, Any] = {
        "tasks": list(run.tasks), "ranges": run.ranges, "target": run.target,
        "demonstrations": DEMONSTRATIONS * len(run.tasks), "steps": run.steps,
        "looks": run.looks, "image_size": run.image_size, "extra": list(run.extra),
        "data": {task: found for task, (_, found) in made.items()},
        "seeds": [],
    }  # fmt: skip
    for seed in range(seeds):
        policy, minutes = trained(name, run, seed, [root for root, _ in made.values()], out)
        found = {task: evaluated(name, run, seed, task, policy, out) for task in run.tasks}
        facts["seeds"].append(
            {
                "seed": seed,
                "cpu_minutes": round(minutes, 1),
                "parameters": read(policy / "policy.json")["parameters"],
                "rows": {task: result["rows"] for task, result in found.items()},
            }
        )
    counted = [seed["rows"][t]["image_policy"] for seed in facts["seeds"] for t in run.tasks]
    successes, n = (sum(row[key] for row in counted) for key in ("successes", "n"))
    facts |= {"successes": successes, "n": n, "interval": list(wilson(successes, n))}
    return facts


def head_ablation(out: Path) -> dict[str, Any]:
    """One step against two, on the same scenes."""
    found = {}
    for task in ("stack_two", "insert_peg"):
        outcomes = []
        for name in (f"{task}_steps", f"{task}_two_step"):
            path = out / "evaluations" / f"{name}_0_{task}" / "evaluation.json"
            if not path.exists():
                break
            rollouts = [r for r in read(path)["rollouts"] if r["row"] == "image_policy"]
            outcomes.append([r["success"] for r in sorted(rollouts, key=lambda r: r["scene"])])
        if len(outcomes) == 2:
            test = mcnemar(*outcomes)
            found[task] = {"one_step": sum(outcomes[0]), "two_step": sum(outcomes[1]),
                           "n": len(outcomes[0]), "p": test.p}  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", nargs="+", choices=sorted(RUNS), default=list(RUNS))
    parser.add_argument("--seeds", type=int, help="at most so many training seeds")
    parser.add_argument("--out", type=Path, default=Path("out/policies"))
    parser.add_argument("--json", type=Path, default=Path("out/policies/results.json"))
    parser.add_argument("--docs", type=Path, help="rewrite the tables in this page")
    options = parser.parse_args()
    facts = read(options.json) if options.json.exists() else {"runs": {}}
    for name in options.run:
        run = RUNS[name]
        facts["runs"][name] = measured(
            name, run, min(run.seeds, options.seeds or run.seeds), options.out
        )
        facts["head"] = head_ablation(options.out) or facts.get("head", {})
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(facts, indent=1) + "\n")
        if options.docs:
            rewrite(options.docs, facts)


if __name__ == "__main__":
    main()
